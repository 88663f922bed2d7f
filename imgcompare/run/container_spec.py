"""Pure: what the container of a variant is made from."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from imgcompare.engine.interface import LOOPBACK, RUN_LABEL, VARIANT_LABEL, ContainerSpec, EngineImage
from imgcompare.engine.options import RunOptions
from imgcompare.run.plan import Plan, PlannedVariant


def container_spec(plan: Plan, variant: PlannedVariant, image: EngineImage, port: int) -> ContainerSpec:
    """What the variant is run as."""
    return ContainerSpec(
        name=variant.container_name,
        image=image.image,
        container_port=port,
        host_port=variant.host_port,
        publish_address=plan.config.publish_address or LOOPBACK,
        env=plan.config.env,
        labels={RUN_LABEL: plan.run_id, VARIANT_LABEL: variant.name},
        options=options_of(plan, variant),
    )


def options_of(plan: Plan, variant: PlannedVariant) -> RunOptions:
    """What a variant's container is given beside its image; with companions, their network."""
    options = plan.config.options
    return replace(options, network=variant.group) if variant.group else options


def effective(image: EngineImage, options: RunOptions) -> EngineImage:
    """The image as its container has it: with what was given in the place of its command and settings.

    As the engine merges them, an empty command is none, and an empty entrypoint takes the image's away and not its CMD.
    """
    entrypoint = image.entrypoint if options.entrypoint is None else options.entrypoint
    cmd = options.command or (() if options.entrypoint else image.cmd)
    return replace(
        image,
        entrypoint=entrypoint,
        cmd=cmd,
        user=options.user or image.user,
        working_dir=options.working_dir or image.working_dir,
        stop_signal=options.stop_signal or image.stop_signal,
        healthcheck=options.healthcheck or image.healthcheck,
    )


def tcp_ports(exposed: Sequence[str]) -> tuple[int, ...]:
    """The TCP ports of EXPOSE (``5000/tcp``)."""
    return tuple(int(port.partition("/")[0]) for port in exposed if port.partition("/")[2] in {"", "tcp"})
