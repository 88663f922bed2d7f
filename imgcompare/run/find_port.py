"""Which port of a container to ask, where nobody said: it is started once, and what listens inside is looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec.structs import replace

from imgcompare.check.ports import Deaf, Listens, Unseen, wait_for_ports
from imgcompare.check.route import Exited
from imgcompare.config.model import Config
from imgcompare.diagnosis import gather, observed
from imgcompare.diagnosis.evidence import Evidence
from imgcompare.engine.interface import RUN_LABEL, VARIANT_LABEL, Container, ContainerSpec, ContainerState, EngineImage
from imgcompare.engine.transport.faults import engine_fault, full_disk
from imgcompare.errors import EngineRefusedError
from imgcompare.model import Stage
from imgcompare.run.container_log import log_of
from imgcompare.run.container_spec import options_of
from imgcompare.run.plan import Plan, PlannedVariant
from imgcompare.run.resources import Workbench

MOST_PORTS = 3
"""How many ports are asked of an image that listens on several."""
_ROOM_BYTES = 4 << 20
_KILLED = 128 + 9
_LOOKS, _LOOK_S = 10, 0.05


def find_ports(
    plan: Plan, variant: PlannedVariant, image: EngineImage, exposed: Sequence[int], bench: Workbench
) -> Listens | Unseen | Evidence:
    """The ports to ask, the likeliest first, or that nobody can look; evidence where there is nothing to ask."""
    bench.progress.stage(variant.name, Stage.RUN, "looking for the port it listens on")
    spec = ContainerSpec(
        name=f"imgcompare-ports-{plan.run_id}-{variant.name}",
        image=image.image,
        container_port=None,
        env=plan.config.env,
        labels={RUN_LABEL: plan.run_id, VARIANT_LABEL: variant.name},
        options=options_of(plan, variant),
    )
    config = plan.config
    with bench.container(spec) as container:
        container.start()
        match wait_for_ports(container, exposed, config.timeout_s, bench.cancelled.is_set):
            case Listens(ports, after_s):
                return Listens(ports[:MOST_PORTS], after_s)
            case Unseen() as unseen:
                return unseen
            case Exited() as exited:
                evidence = ended(exited, container, image, config)
                raise_fault(evidence, container)
                return evidence
            case Deaf(waited_s):
                log = log_of(container)
                seen = observed.nowhere(waited_s, log.lines)
                return gather.of_silence(seen, None, log, container, image, config.env, port_given=False)


def ended(exited: Exited, container: Container, image: EngineImage, config: Config) -> Evidence:
    """The evidence of a container that could not be started, or has ended before it was to.

    Raises EngineFailedError where it is the engine that could not start it.
    """
    state = _settled(exited.state, container)
    exited = replace(exited, state=state)
    if fault := engine_fault(state.error):
        raise fault
    log = log_of(container)
    failed = observed.start_failed(state) if state.error else observed.exited(exited, log.lines)
    return gather.of_start(failed, state, log, container, image, config.env)


def _settled(state: ContainerState, container: Container) -> ContainerState:
    """The state with what the kernel's kill is told by: an event of its own, which may come after that of the end."""
    for _ in range(_LOOKS):
        if state.exit_code != _KILLED or state.oom_killed:
            break
        time.sleep(_LOOK_S)
        state = container.state()
    return state


def raise_fault(evidence: Evidence, container: Container) -> None:
    """Raise EngineFailedError where a container ended because the engine's disk is full: that is no verdict on it."""
    if fault := full_disk(evidence.log):
        raise fault
    if evidence.exit_code and not evidence.log:  # on a full disk no log is written either
        try:
            container.fill(_ROOM_BYTES)
        except EngineRefusedError as exc:
            if fault := engine_fault(exc.text):
                raise fault from exc
