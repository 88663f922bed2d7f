"""From an image on the engine to what it shows: a bounded container on its own loopback port, gone afterwards.

All that is asked of a container is imported only once it was started: until then the engine need not wait for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.engine.interface import Container, ContainerSpec, EngineImage
from imgcompare.errors import PortTakenError
from imgcompare.model import Failure, Hardened, Run, Stage
from imgcompare.run.build import BuiltVariant
from imgcompare.run.container_spec import container_spec, effective, tcp_ports
from imgcompare.run.ledger import CONTAINER
from imgcompare.run.plan import Plan, PlannedVariant
from imgcompare.run.resources import Workbench
from imgcompare.run.tried import Tried, broken

if TYPE_CHECKING:
    from imgcompare.check.ports import Listens

_CANDIDATE_WAIT_S = 5.0
_CANDIDATE_WAIT_FACTOR = 3.0
_HARDENED_WAIT_S = 15.0
_HARDENED_WAIT_FACTOR = 10.0


def run_variant(plan: Plan, variant: PlannedVariant, built: BuiltVariant, bench: Workbench) -> Tried:
    """Run the image, wait for its route, check the reply, measure its memory; the container is gone afterwards."""
    tried, config = _run_variant(plan, variant, built, bench), plan.config
    if tried.evidence is None:
        return tried
    beside = tuple(config.compose.needs) if config.compose else tuple(name for name, _, _ in config.companions)
    return replace(tried, evidence=replace(tried.evidence, beside=beside, services=config.offered))


def _run_variant(plan: Plan, variant: PlannedVariant, built: BuiltVariant, bench: Workbench) -> Tried:
    built = replace(built, image=effective(built.image, plan.config.options))
    if not (built.image.entrypoint or built.image.cmd):
        from imgcompare.diagnosis import observed  # noqa: PLC0415 - only where something is wrong

        return Tried(failure=observed.nothing_to_run())
    exposed = tcp_ports(built.image.exposed_ports)
    if plan.config.container_port is not None:
        return _run_at(plan, variant, built, plan.config.container_port, bench)
    if len(exposed) == 1:
        return _run_at(plan, variant, built, exposed[0], bench)
    return _run_where_it_listens(plan, variant, built, exposed, bench)


def _run_where_it_listens(
    plan: Plan, variant: PlannedVariant, built: BuiltVariant, exposed: tuple[int, ...], bench: Workbench
) -> Tried:
    """Look for the port to ask, and ask there."""
    from imgcompare.check.ports import Listens, Unseen  # noqa: PLC0415 - only where nobody said which port
    from imgcompare.diagnosis import observed  # noqa: PLC0415
    from imgcompare.diagnosis.named_port import named_port  # noqa: PLC0415
    from imgcompare.run.find_port import find_ports  # noqa: PLC0415

    match find_ports(plan, variant, built.image, exposed, bench):
        case Listens() as found:
            return _run_at_one_of(plan, variant, built, found, bench)
        case Unseen():
            return Tried(failure=observed.no_port(built.image.exposed_ports, named_port(built.image)))
        case evidence:
            return broken(evidence)


def _run_at_one_of(plan: Plan, variant: PlannedVariant, built: BuiltVariant, found: Listens, bench: Workbench) -> Tried:
    """Ask at each port until one works; where none does, what the likeliest showed.

    Where others are left to ask, what is known to listen soon is not waited for as long as may be. What began to listen
    only after the first look is asked, too.
    """
    from imgcompare.check.ports import likeliest_first  # noqa: PLC0415 - as above
    from imgcompare.run.find_port import MOST_PORTS  # noqa: PLC0415

    patience_s = min(plan.config.timeout_s, max(_CANDIDATE_WAIT_S, _CANDIDATE_WAIT_FACTOR * found.after_s))
    hurried = replace(plan, config=replace(plan.config, timeout_s=patience_s))
    tried: list[Tried] = []
    ports = list(found.ports)
    for port in ports:
        tried.append(_run_at(plan if port == ports[-1] else hurried, variant, built, port, bench))
        if tried[-1].failure is None:
            return tried[-1]
        later = likeliest_first((tried[-1].evidence and tried[-1].evidence.listeners) or ())
        ports += [other for other in later if other not in ports][: MOST_PORTS - len(ports)]
    return tried[0]


def _run_at(plan: Plan, variant: PlannedVariant, built: BuiltVariant, port: int, bench: Workbench) -> Tried:
    """Run it and ask it at that port of the container."""
    spec = container_spec(plan, variant, built.image, port)
    tried = _run(plan, variant, built.image, spec, port, bench)
    if tried.failure is None and (plan.config.hardened or variant.spec.hardened):
        notes = list(tried.not_measured)
        with bench.noting("running it hardened", notes):
            tried = replace(tried, hardened=_harden(plan, variant.name, spec, built.image, port, tried.run, bench))
        tried = replace(tried, not_measured=tuple(notes))
    return tried


def _run(
    plan: Plan, variant: PlannedVariant, image: EngineImage, spec: ContainerSpec, port: int, bench: Workbench
) -> Tried:
    """Run it as it is; one that works is looked at closer, and left up where that was asked for."""
    bench.progress.stage(variant.name, Stage.RUN, "creating the container")
    with bench.container(spec) as container:
        tried = try_container(plan.config, variant.name, container, port, image, bench)
        if tried.run or tried.evidence:
            from imgcompare.run.trial import look_closer  # noqa: PLC0415 - as in try_container

            tried = look_closer(plan.config, variant.name, container, image, tried, bench)
        if plan.config.keep and tried.failure is None:
            bench.ledger.record(CONTAINER, spec.name, kept=True)
            container.keep()
    return tried


def try_container(
    config: Config, name: str, container: Container, port: int, image: EngineImage, bench: Workbench
) -> Tried:
    """Start a container, wait for its route, check the reply, measure its memory."""
    try:
        container.start()
    except PortTakenError as exc:
        from imgcompare.diagnosis import observed  # noqa: PLC0415 - only where something is wrong

        return Tried(failure=observed.port_taken(exc))
    from imgcompare.run.trial import ask  # noqa: PLC0415 - what is asked is imported while it starts: preload.py

    return ask(config, name, container, port, image, bench)


def _harden(
    plan: Plan, name: str, spec: ContainerSpec, image: EngineImage, port: int, run: Run | None, bench: Workbench
) -> Hardened:
    """Run it again with restrictions; what took a moment without them is not waited for as long as may be."""
    from imgcompare.check.hardening import harden  # noqa: PLC0415 - only where it was asked for

    ready_after_s = run.ready_after_s if run and run.ready_after_s else plan.config.timeout_s
    patience_s = min(plan.config.timeout_s, max(_HARDENED_WAIT_S, _HARDENED_WAIT_FACTOR * ready_after_s))
    config, number = replace(plan.config, timeout_s=patience_s), count(1)

    def try_with(changes: Mapping[str, Any]) -> Failure | None:
        bench.progress.stage(name, Stage.RUN, "hardened")
        container_name = f"imgcompare-hardened-{next(number)}-{plan.run_id}-{name}"
        with bench.container(replace(spec, name=container_name, host_port=None, **changes)) as container:
            return try_container(config, name, container, port, image, bench).failure

    return harden(try_with)
