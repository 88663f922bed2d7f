"""From an image on the engine to a verdict: a bounded container on its own loopback port, waited for and checked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.check import healthcheck
from imgcompare.check.asked import Asking, RouteCheck
from imgcompare.check.bodies import Bodies
from imgcompare.check.hardening import harden
from imgcompare.check.ports import Listens, Unseen, likeliest_first
from imgcompare.check.route import Checked, Exited, Silent, ask_again, check_route, wait_until_ready
from imgcompare.config.model import Config
from imgcompare.diagnosis import gather, observed
from imgcompare.diagnosis.evidence import Case, Evidence
from imgcompare.diagnosis.named_port import named_port
from imgcompare.engine.interface import (
    LOOPBACK,
    RUN_LABEL,
    VARIANT_LABEL,
    Container,
    ContainerSpec,
    EngineImage,
    Published,
)
from imgcompare.errors import EngineError, PortTakenError
from imgcompare.model import Check, Expectation, Failure, Hardened, Run, Stage
from imgcompare.run.build import BuiltVariant
from imgcompare.run.container_log import log_of, settled_log
from imgcompare.run.find_port import MOST_PORTS, effective, ended, find_ports, options_of, raise_fault, tcp_ports
from imgcompare.run.ledger import CONTAINER
from imgcompare.run.plan import Plan, PlannedVariant
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import printable
from imgcompare.text.units import format_seconds

_SERVER_ERROR = 500
_CANDIDATE_WAIT_S = 5.0
_CANDIDATE_WAIT_FACTOR = 3.0
_HARDENED_WAIT_S = 15.0
_HARDENED_WAIT_FACTOR = 10.0


class Tried(Struct, frozen=True, kw_only=True):
    """What running a variant showed; no failure means that it works.

    ``evidence`` is what the failure was observed by, where there is more to it than the failure says itself.
    ``bodies`` are what others are held against where nobody said what a good body is.
    ``ready_at`` is when its route replied (monotonic seconds). ``log`` holds the last log lines of one that works,
    ``not_measured`` what was asked for and could not be had, and why.
    """

    run: Run | None = None
    check: Check | None = None
    failure: Failure | None = None
    evidence: Evidence | None = None
    bodies: Bodies | None = None
    ready_at: float = 0.0
    log: tuple[str, ...] = ()
    hardened: Hardened | None = None
    not_measured: tuple[str, ...] = ()
    more_checks: tuple[Check, ...] = ()


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
        return Tried(failure=observed.nothing_to_run())
    exposed = tcp_ports(built.image.exposed_ports)
    if plan.config.container_port is not None:
        return _run_at(plan, variant, built, plan.config.container_port, bench)
    if len(exposed) == 1:
        return _run_at(plan, variant, built, exposed[0], bench)
    match find_ports(plan, variant, built.image, exposed, bench):
        case Listens() as found:
            return _run_at_one_of(plan, variant, built, found, bench)
        case Unseen():
            return Tried(failure=observed.no_port(built.image.exposed_ports, named_port(built.image)))
        case evidence:
            return _broken(evidence)


def _run_at_one_of(plan: Plan, variant: PlannedVariant, built: BuiltVariant, found: Listens, bench: Workbench) -> Tried:
    """Ask at each port until one works; where none does, what the likeliest showed.

    Where others are left to ask, what is known to listen soon is not waited for as long as may be. What began to listen
    only after the first look is asked, too.
    """
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


def _run(
    plan: Plan, variant: PlannedVariant, image: EngineImage, spec: ContainerSpec, port: int, bench: Workbench
) -> Tried:
    """Run it as it is; one that works is looked at closer, and left up where that was asked for."""
    bench.progress.stage(variant.name, Stage.RUN, "creating the container")
    with bench.container(spec) as container:
        tried = try_container(plan.config, variant.name, container, port, image, bench)
        if tried.evidence:
            raise_fault(tried.evidence, container)
        if tried.run and tried.failure is None:
            since_s = time.monotonic() - tried.ready_at
            looked = look_closer(plan.config, variant.name, container, image, tried.run, since_s, bench)
            tried = replace(
                tried,
                run=looked.run,
                failure=looked.failure,
                log=looked.log,
                not_measured=looked.not_measured,
            )
        if plan.config.keep and tried.failure is None:
            bench.ledger.record(CONTAINER, spec.name, kept=True)
            container.keep()
    return tried


def _ask_more(config: Config, at: Published) -> tuple[tuple[Check, ...], Checked | None]:
    """The replies of the other routes, and the first of them that is not as it has to be, where anything was said."""
    asked = [
        (route, check_route(at, route.path, _expected(config, route), asking=_looking(config)))
        for route in config.more_routes
    ]
    wrong = next((checked for route, checked in asked if route.held and checked.problem), None)
    return tuple(checked.check for _, checked in asked), wrong


def _expected(config: Config, route: RouteCheck) -> Expectation:
    return Expectation(status=route.status or config.expect.status, location=route.location)


def _looking(config: Config) -> Asking:
    """How routes beside the first are asked: with its headers."""
    return replace(config.asking.only_looking(), method="GET", body=b"")


def _harden(
    plan: Plan, name: str, spec: ContainerSpec, image: EngineImage, port: int, run: Run | None, bench: Workbench
) -> Hardened:
    """Run it again with restrictions; what took a moment without them is not waited for as long as may be."""
    ready_after_s = run.ready_after_s if run and run.ready_after_s else plan.config.timeout_s
    patience_s = min(plan.config.timeout_s, max(_HARDENED_WAIT_S, _HARDENED_WAIT_FACTOR * ready_after_s))
    config, number = replace(plan.config, timeout_s=patience_s), count(1)

    def try_with(changes: Mapping[str, Any]) -> Failure | None:
        bench.progress.stage(name, Stage.RUN, "hardened")
        container_name = f"imgcompare-hardened-{next(number)}-{plan.run_id}-{name}"
        with bench.container(replace(spec, name=container_name, host_port=None, **changes)) as container:
            return try_container(config, name, container, port, image, bench).failure

    return harden(try_with)


def try_container(
    config: Config, name: str, container: Container, port: int, image: EngineImage, bench: Workbench
) -> Tried:
    """Start a container, wait for its route, check the reply, measure its memory."""
    try:
        container.start()
    except PortTakenError as exc:
        return Tried(failure=observed.port_taken(exc))
    at = container.published()
    if at is None:
        return _not_up(container, port, image, config)
    run = Run(container_port=port, host_port=at.port)
    bench.progress.stage(name, Stage.CHECK, f"waiting for {config.route} on port {at.port}")
    waited = wait_until_ready(
        container, at, config.route, config.expect, config.timeout_s, bench.cancelled.is_set, config.asking
    )
    match waited:
        case Exited():
            return _broken(ended(waited, container, image, config), run)
        case Silent():
            log, given = log_of(container), config.container_port is not None
            seen = observed.silent(waited, port, log.lines)
            return _broken(gather.of_silence(seen, port, log, container, image, config.env, port_given=given), run)
    ready_at = time.monotonic()
    bench.progress.stage(name, Stage.CHECK, f"ready after {format_seconds(waited.after_s)}")
    checked = check_route(at, config.route, config.expect, waited.reply.duration_s, config.asking)
    run = Run(
        container_port=port,
        host_port=at.port,
        ready_after_s=waited.after_s,
        memory_bytes=container.memory_bytes(),
    )
    more_checks, wrong = ((), checked) if checked.problem else _ask_more(config, at)
    if wrong:
        status = wrong.check.status_code
        log = settled_log(container) if (status or 0) >= _SERVER_ERROR else log_of(container)
        asked = healthcheck.asked_route(image.healthcheck)
        seen = observed.wrong_reply(wrong.check, wrong.problem, log.lines, wrong.leads_to, asked)
        broken = _broken(gather.of_reply(seen, status, log, image, config.env), run)
        return replace(broken, check=checked.check, more_checks=more_checks)
    bodies = None
    if config.expect.body is None and config.expect.body_pattern is None:
        bodies = ask_again(at, config.route, waited.reply, checked.body, container.own_names(), config.asking)
    return Tried(run=run, check=checked.check, ready_at=ready_at, bodies=bodies, more_checks=more_checks)


def _broken(evidence: Evidence, run: Run | None = None) -> Tried:
    """A variant that does not work, with what can be said of it at once; its files are looked at later."""
    return Tried(run=run, failure=observed.diagnose(Case(evidence=evidence)), evidence=evidence)


def _not_up(container: Container, port: int, image: EngineImage, config: Config) -> Tried:
    """Tell a container that did not start, or is gone again, from an engine that published no port of it."""
    state = container.state()
    if state.running:
        raise EngineError(f"the engine published no host port for container port {port}")
    return _broken(ended(Exited(state, 0.0), container, image, config))


GRACE_S = 10
"""How long ``docker stop`` and most orchestrators wait before they kill, in seconds."""


DEFAULT_STOP_SIGNAL = "SIGTERM"


_LOG_LINES = 100


class Looked(Struct, frozen=True, kw_only=True):
    """What a closer look added to a Run; the failure is that of its HEALTHCHECK."""

    run: Run
    failure: Failure | None = None
    log: tuple[str, ...] = ()
    not_measured: tuple[str, ...] = ()


def look_closer(
    config: Config,
    name: str,
    container: Container,
    image: EngineImage,
    run: Run,
    since_ready_s: float,
    bench: Workbench,
) -> Looked:
    """Look closer at a container that has replied ``since_ready_s`` ago; stopping it comes last."""
    failure: Failure | None = None
    notes: list[str] = []
    log = container.log(_LOG_LINES).lines
    if config.health and image.healthcheck and image.healthcheck.command:
        with bench.noting("its HEALTHCHECK", notes):
            run, failure = _examined(config, name, container, image, run, since_ready_s, bench)
    if config.stop and failure is None:
        with bench.noting("stopping it", notes):
            run = _stopped(name, container, image.stop_signal or DEFAULT_STOP_SIGNAL, run, bench)
    return Looked(run=run, failure=failure, log=log, not_measured=tuple(notes))


def _examined(
    config: Config,
    name: str,
    container: Container,
    image: EngineImage,
    run: Run,
    since_ready_s: float,
    bench: Workbench,
) -> tuple[Run, Failure | None]:
    check = image.healthcheck
    assert check is not None  # noqa: S101 - asked only where there is one
    bench.progress.stage(name, Stage.CHECK, "waiting for its HEALTHCHECK")
    up_s = (run.ready_after_s or 0.0) + since_ready_s
    found = healthcheck.examine(container, check, up_s, config.timeout_s, bench.cancelled.is_set)
    passed = found.verdict == healthcheck.HEALTHY
    run = replace(run, health=found.verdict, healthy_after_s=up_s + found.after_s if passed else None)
    if found.verdict != healthcheck.UNHEALTHY:
        return run, None
    mendable = healthcheck.missing_program(check, found.last) and healthcheck.has_python(container)
    fix = [healthcheck.healthcheck_line(run.container_port, config.route)] if mendable else []
    return run, healthcheck.unhealthy(check, found, fix)


def _stopped(name: str, container: Container, signal: str, run: Run, bench: Workbench) -> Run:
    bench.progress.stage(name, Stage.RUN, f"stopping it with {printable(signal, limit=20)}")
    stopped = container.stop(GRACE_S)
    outcome = "killed" if stopped.killed else "stopped"
    bench.progress.stage(name, Stage.RUN, f"{outcome} after {format_seconds(stopped.after_s)}")
    return replace(run, stop_signal=printable(signal, limit=20), stopped_after_s=stopped.after_s, killed=stopped.killed)
