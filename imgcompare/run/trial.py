"""What a container that was started shows: its route waited for and asked, its memory, its HEALTHCHECK, its end."""

from __future__ import annotations

import time

from msgspec.structs import replace

from imgcompare.check import healthcheck
from imgcompare.check.asked import Asking, RouteCheck
from imgcompare.check.route import Checked, Exited, Silent, ask_again, check_route, wait_until_ready
from imgcompare.config.model import Config
from imgcompare.diagnosis import gather, observed
from imgcompare.engine.interface import Container, EngineImage, Published
from imgcompare.errors import EngineError
from imgcompare.model import Check, Expectation, Failure, Run, Stage
from imgcompare.run.container_log import log_of, settled_log
from imgcompare.run.find_port import ended, raise_fault
from imgcompare.run.resources import Workbench
from imgcompare.run.tried import Tried, broken
from imgcompare.text.printable import printable
from imgcompare.text.units import format_seconds

_SERVER_ERROR = 500
_LOG_LINES = 100
# How long ``docker stop`` and most orchestrators wait before they kill, in seconds.
_GRACE_S = 10
_STOP_SIGNAL = "SIGTERM"


def ask(config: Config, name: str, container: Container, port: int, image: EngineImage, bench: Workbench) -> Tried:
    """Wait for the route of a container that was started, check the reply, measure its memory."""
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
            return broken(ended(waited, container, image, config), run)
        case Silent():
            log, given = log_of(container), config.container_port is not None
            seen = observed.silent(waited, port, log.lines)
            return broken(gather.of_silence(seen, port, log, container, image, config.env, port_given=given), run)
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
        wrongly = broken(gather.of_reply(seen, status, log, image, config.env), run)
        return replace(wrongly, check=checked.check, more_checks=more_checks)
    bodies = None
    if config.expect.body is None and config.expect.body_pattern is None:
        bodies = ask_again(at, config.route, waited.reply, checked.body, container.own_names(), config.asking)
    return Tried(run=run, check=checked.check, ready_at=ready_at, bodies=bodies, more_checks=more_checks)


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


def _not_up(container: Container, port: int, image: EngineImage, config: Config) -> Tried:
    """Tell a container that did not start, or is gone again, from an engine that published no port of it."""
    state = container.state()
    if state.running:
        raise EngineError(f"the engine published no host port for container port {port}")
    return broken(ended(Exited(state, 0.0), container, image, config))


def look_closer(
    config: Config, name: str, container: Container, image: EngineImage, tried: Tried, bench: Workbench
) -> Tried:
    """Look closer at a container that works; stopping it comes last. The failure may be that of its HEALTHCHECK.

    Raises EngineFailedError where it is the engine that could not run it.
    """
    if tried.evidence:
        raise_fault(tried.evidence, container)
    if tried.run is None or tried.failure:
        return tried
    run, failure, since_ready_s = tried.run, None, time.monotonic() - tried.ready_at
    notes: list[str] = []
    log = container.log(_LOG_LINES).lines
    if config.health and image.healthcheck and image.healthcheck.command:
        with bench.noting("its HEALTHCHECK", notes):
            run, failure = _examined(config, name, container, image, run, since_ready_s, bench)
    if config.stop and failure is None:
        with bench.noting("stopping it", notes):
            run = _stopped(name, container, image.stop_signal or _STOP_SIGNAL, run, bench)
    return replace(tried, run=run, failure=failure, log=log, not_measured=tuple(notes))


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
    stopped = container.stop(_GRACE_S)
    outcome = "killed" if stopped.killed else "stopped"
    bench.progress.stage(name, Stage.RUN, f"{outcome} after {format_seconds(stopped.after_s)}")
    return replace(run, stop_signal=printable(signal, limit=20), stopped_after_s=stopped.after_s, killed=stopped.killed)
