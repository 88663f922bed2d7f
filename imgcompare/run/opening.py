"""What surrounds every use of an engine: found and opened, signals caught, dead runs reaped, a ledger kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from platformdirs import user_state_path

from imgcompare.console.progress import DiscreetProgress, Progress
from imgcompare.console.signals import interruptible
from imgcompare.engine.endpoint.find import find_engine
from imgcompare.engine.interface import Engine
from imgcompare.errors import EngineRefusedError, ImgcompareError
from imgcompare.image.cache import default_cache
from imgcompare.model import Report
from imgcompare.run.cleanup import reap_dead_runs, sweep
from imgcompare.run.ledger import Ledger
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Halt, Workbench
from imgcompare.text.redact import redact

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Connection(Struct, frozen=True, kw_only=True):
    """Which engine was asked for: a URL, a docker context, or neither."""

    host: str | None = None
    context: str | None = None


def ledgers_folder() -> Path:
    """Where the ledgers of this user's runs are."""
    return user_state_path("imgcompare") / "runs"


def rfc3339(now: datetime) -> str:
    """Return a time as reports have it."""
    return f"{now:{_TIME}}"


@contextmanager
def connected(connection: Connection, say: Callable[[str], None]) -> Iterator[Engine]:
    """Find the engine and open it; imgcompare's own is started when no other answers."""
    from imgcompare.engine.client.engine import SdkEngine  # noqa: PLC0415 - the Docker SDK takes a while to import

    engine = SdkEngine(find_engine(connection.host, connection.context, start_own=True, say=say))
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def working_engine(connection: Connection, progress: Progress) -> Iterator[Engine]:
    """Open the engine for work that a signal may cut short: one raises InterruptedRunError in the main thread."""
    with interruptible(progress.stopping), connected(connection, progress.note) as engine:
        yield engine


@contextmanager
def opened(
    plan: Plan,
    engine: Engine,
    progress: Progress,
    *,
    save: Callable[[Report], None] = lambda _report: None,
    began: datetime | None = None,
    halt: Halt | None = None,
) -> Iterator[Workbench]:
    """What a plan's stages work with, its ledger open; nothing that must not stay is left on any way out.

    No secret that was given to the plan is told, whatever a builder or an app repeats.
    """
    secrets = plan.config.secrets
    progress = DiscreetProgress(progress, secrets)
    ledger = Ledger(ledgers_folder(), plan.run_id, engine=engine.identity(), endpoint=engine.endpoint.url)
    bench = Workbench(
        engine=engine,
        progress=progress,
        ledger=ledger,
        cache=default_cache(),
        save=save,
        created=rfc3339(began or datetime.now(UTC)),
        cancelled=halt or Halt(),
    )
    try:
        _reap(engine, ledger, progress)
        yield bench
    except ImgcompareError as exc:
        exc.message = redact(exc.message, secrets)
        raise
    finally:
        ledger.close(left=_leave(engine, ledger, progress))


def _reap(engine: Engine, ledger: Ledger, progress: Progress) -> None:
    """Clean up after killed runs; what the engine will not let go of is no reason not to run."""
    try:
        count = reap_dead_runs(ledgers_folder(), engine, ledger)
    except EngineRefusedError as exc:
        progress.warn(f"Something that a killed run left is still there: {exc.message}")
    else:
        if count:
            progress.note(f"Removed {count} container(s) that a killed run had left.")


def _leave(engine: Engine, ledger: Ledger, progress: Progress) -> bool:
    """Remove what must not stay, and say whether anything of this run does."""
    left = sweep(engine, ledger)
    if left:
        progress.warn(f"Could not remove {', '.join(left)}: `imgcompare clean` will, once the engine answers.")
    return bool(left) or any(entry.kept for entry in ledger.made())
