"""What is looked at once a container works: its log, its HEALTHCHECK and how it stops, the last two on request."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from imgcompare import health
from imgcompare.config import Config
from imgcompare.engine import Container, EngineImage
from imgcompare.model import Failure, Run, Stage
from imgcompare.safetext import printable
from imgcompare.units import format_seconds
from imgcompare.workbench import Workbench

GRACE_S = 10
"""How long ``docker stop`` and most orchestrators wait before they kill, in seconds."""

DEFAULT_STOP_SIGNAL = "SIGTERM"
_LOG_LINES = 100


@dataclass(frozen=True, kw_only=True)
class Looked:
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
    log = tuple(container.log_tail(_LOG_LINES))
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
    found = health.examine(container, check, up_s, config.timeout_s, bench.cancelled.is_set)
    passed = found.verdict == health.HEALTHY
    run = replace(run, health=found.verdict, healthy_after_s=up_s + found.after_s if passed else None)
    if found.verdict != health.UNHEALTHY:
        return run, None
    mendable = health.missing_program(check, found.last) and health.has_python(container)
    fix = [health.healthcheck_line(run.container_port, config.route)] if mendable else []
    return run, health.unhealthy(check, found, fix)


def _stopped(name: str, container: Container, signal: str, run: Run, bench: Workbench) -> Run:
    bench.progress.stage(name, Stage.RUN, f"stopping it with {printable(signal, limit=20)}")
    stopped = container.stop(GRACE_S)
    outcome = "killed" if stopped.killed else "stopped"
    bench.progress.stage(name, Stage.RUN, f"{outcome} after {format_seconds(stopped.after_s)}")
    return replace(run, stop_signal=printable(signal, limit=20), stopped_after_s=stopped.after_s, killed=stopped.killed)
