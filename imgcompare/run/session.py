"""Runs with everything around them: engine found, ledger opened, signals caught, dead runs reaped, images let go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs
from platformdirs import user_state_path

from imgcompare.comparison.baseline import absent
from imgcompare.config.model import Config
from imgcompare.console.progress import Progress
from imgcompare.console.signals import interruptible
from imgcompare.engine.endpoint.find import find_engine
from imgcompare.engine.interface import Endpoint, Engine, is_elsewhere
from imgcompare.errors import EngineRefusedError, ImgcompareError, NoEngineError, UsageError
from imgcompare.image.cache import default_cache
from imgcompare.model import Collection, Document, Report, Shard
from imgcompare.reports import history, store
from imgcompare.reports.collection import collect
from imgcompare.run.blueprints import Blueprint, draw_blueprints
from imgcompare.run.cleanup import reap_dead_runs, sweep
from imgcompare.run.ledger import Ledger
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.resources import Workbench

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class CollectionOutcome:
    """Several comparisons' reports, and what ended them early, if anything did."""

    collection: Collection
    error: ImgcompareError | None = None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which engine was asked for: a URL, a docker context, or neither."""

    host: str | None = None
    context: str | None = None


def ledgers_folder() -> Path:
    """Where the ledgers of this user's runs are."""
    return user_state_path("imgcompare") / "runs"


@contextmanager
def connected(connection: Connection, say: Callable[[str], None]) -> Iterator[Engine]:
    """Find the engine and open it; imgcompare's own is started when no other answers."""
    from imgcompare.engine.client.engine import SdkEngine  # noqa: PLC0415 - the Docker SDK takes a while to import

    engine = SdkEngine(find_engine(connection.host, connection.context, start_private=True, say=say))
    try:
        yield engine
    finally:
        engine.close()


def perform(config: Config, connection: Connection, progress: Progress, reports: Path | None) -> Outcome:
    """Run a comparison and save its report in ``reports`` as each variant finishes; None saves nothing."""
    errand = _Errand.of(config)
    with interruptible(progress.stopping), connected(connection, progress.note) as engine:
        outcome = errand.run(engine, progress, _saver(reports, errand.plan.run_id, progress))
    if reports is not None:
        history.prune(reports)
    return outcome


def perform_all(
    configs: Sequence[Config],
    connection: Connection,
    progress: Progress,
    reports: Path | None,
    shard: Shard | None = None,
) -> CollectionOutcome:
    """Run comparisons one after another on one engine, saved together; what ends one early ends them all.

    Raises UsageError for what any of them lacks before the first is built. An empty share needs no engine.
    """
    errands = [_Errand.of(config) for config in configs]
    now = datetime.now(UTC)
    created = f"{now:{_TIME}}"
    save = _saver(reports, _run_id(now), progress)
    done: list[Report] = []
    if shard and not errands:
        count = len(shard.comparisons)
        progress.note(f"Shard {shard.index}/{shard.count} has nothing to run: there are {count} comparisons.")
        empty = collect((), created=created, shard=shard)
        save(empty)
        return CollectionOutcome(empty)
    with interruptible(progress.stopping), connected(connection, progress.note) as engine:
        for count, errand in enumerate(errands, 1):
            progress.note(f"{errand.plan.config.scenario} ({count} of {len(errands)})")
            outcome = errand.now().run(
                engine, progress, lambda report: save(collect([*done, report], created=created, shard=shard))
            )
            done.append(outcome.report)
            if outcome.error:
                return CollectionOutcome(collect(done, created=created, shard=shard), outcome.error)
    collection = collect(done, created=created, shard=shard)
    stored = {config.stored.source: config.stored for config in configs if config.stored}
    notes = tuple(note for each in stored.values() for note in absent(each, collection))
    collection = structs.replace(collection, notes=notes)
    save(collection)
    if reports is not None:
        history.prune(reports)
    return CollectionOutcome(collection)


@dataclass(frozen=True)
class _Errand:
    """A comparison that is planned, its Dockerfiles and contexts read."""

    plan: Plan
    blueprints: tuple[Blueprint, ...]
    began: datetime

    @classmethod
    def of(cls, config: Config) -> _Errand:
        """Plan a comparison. Raises UsageError."""
        began = datetime.now(UTC)
        plan = make_plan(config, _run_id(began))
        return cls(plan, draw_blueprints(plan), began)

    def now(self) -> _Errand:
        """The same, begun now."""
        return replace(self, began=datetime.now(UTC))

    def run(self, engine: Engine, progress: Progress, save: Callable[[Report], None]) -> Outcome:
        """Run it with a ledger of its own; nothing that must not stay is left."""
        run_id = self.plan.run_id
        ledger = Ledger(ledgers_folder(), run_id, engine=engine.identity(), endpoint=engine.endpoint.url)
        bench = Workbench(
            engine=engine,
            progress=progress,
            ledger=ledger,
            cache=default_cache(),
            save=save,
            created=f"{self.began:{_TIME}}",
        )
        try:
            _refuse_remote(engine.endpoint, self.plan.config)
            _reap(engine, ledger, progress)
            return run_comparison(self.plan, self.blueprints, bench)
        finally:
            ledger.close(left=_leave(self.plan, engine, ledger, progress))


def _run_id(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{os.urandom(3).hex()}"


def _reap(engine: Engine, ledger: Ledger, progress: Progress) -> None:
    """Clean up after killed runs; what the engine will not let go of is no reason not to run."""
    try:
        count = reap_dead_runs(ledgers_folder(), engine, ledger)
    except EngineRefusedError as exc:
        progress.note(f"Something that a killed run left is still there: {exc.message}")
    else:
        if count:
            progress.note(f"Removed {count} container(s) that a killed run had left.")


def _leave(plan: Plan, engine: Engine, ledger: Ledger, progress: Progress) -> bool:
    """Remove what must not stay, and say whether anything of this run does."""
    tags = [variant.tag for variant in plan.variants if variant.tag] if plan.config.rm_images else []
    tags += [variant.changed_tag for variant in plan.variants if variant.changed_tag]
    left = sweep(engine, ledger, tags)
    if left:
        progress.note(f"Could not remove {', '.join(left)}: `imgcompare clean` will, once the engine answers.")
    return bool(left) or any(entry.kept for entry in ledger.made())


def _saver(folder: Path | None, run_id: str, progress: Progress) -> Callable[[Document], None]:
    """Save what is known so far; a disk that is full is told once, and the run goes on to print its report."""
    told: set[str] = set()

    def save(document: Document) -> None:
        try:
            if folder is not None:
                store.save(document, folder, run_id)
        except UsageError as exc:
            if exc.message not in told:
                told.add(exc.message)
                progress.note(f"The report is not saved: {exc.message}. {exc.hint}")

    return save


def _refuse_remote(endpoint: Endpoint, config: Config) -> None:
    if is_elsewhere(endpoint) and config.publish_address is None:
        raise NoEngineError(
            f"{endpoint.url} (from {endpoint.source}) is another machine's engine: "
            "the ports it publishes on its loopback cannot be reached from here",
            hint="Go by ssh, --host ssh://HOST; or, where nobody else can reach that machine, let it publish them to "
            "its network: --publish-address 0.0.0.0",
        )
