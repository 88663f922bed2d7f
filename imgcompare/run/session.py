"""Comparisons from their Configs to their saved reports: one, or several on one engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from imgcompare.comparison.baseline import absent
from imgcompare.comparison.compare import counted
from imgcompare.config.model import Config
from imgcompare.console.progress import Progress
from imgcompare.engine.interface import Endpoint, Engine, is_elsewhere
from imgcompare.errors import ImgcompareError, NoEngineError, UsageError
from imgcompare.model import Collection, Document, Report, Shard
from imgcompare.reports import history, store
from imgcompare.reports.collection import collect
from imgcompare.reports.run_id import after_all, new_run_id
from imgcompare.run.blueprints import Blueprint, draw_blueprints
from imgcompare.run.opening import Connection, opened, rfc3339, working_engine
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import Plan, make_plan

_SAVING_FACTOR = 20


@dataclass(frozen=True)
class CollectionOutcome:
    """Several comparisons' reports, and what ended them early, if anything did."""

    collection: Collection
    error: ImgcompareError | None = None


def perform(config: Config, connection: Connection, progress: Progress, reports: Path | None) -> Outcome:
    """Run a comparison and save its report in ``reports`` as each variant finishes; None saves nothing."""
    errand = _Errand.of(config)
    with working_engine(connection, progress) as engine:
        outcome = errand.run(engine, progress, saver(reports, errand.plan.run_id, progress))
    if reports is not None:
        history.prune(reports)
    return outcome


def run_on(engine: Engine, config: Config, progress: Progress) -> Outcome:
    """Run a comparison on an engine that is open, as one of several pieces of work; no report is saved."""
    return _Errand.of(config).run(engine, progress, lambda _report: None)


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
    created = rfc3339(now)
    save = saver(reports, new_run_id(now), progress)
    done: list[Report] = []
    if shard and not errands:
        count = len(shard.comparisons)
        progress.note(f"Shard {shard.index}/{shard.count} has nothing to run: there are {count} comparisons.")
        empty = collect((), created=created, shard=shard)
        save(empty)
        return CollectionOutcome(empty)
    with working_engine(connection, progress) as engine:
        for count, errand in enumerate(errands, 1):
            progress.comparison(errand.plan.config.scenario, f"{count} of {len(errands)}")
            outcome = errand.now().run(
                engine, progress, _sparing(lambda report: save(collect([*done, report], created=created, shard=shard)))
            )
            done.append(outcome.report)
            save(collect(done, created=created, shard=shard))
            progress.compared(counted(outcome.report.variants), ok=outcome.report.passed)
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
        plan = make_plan(config, new_run_id(began))
        return cls(plan, draw_blueprints(plan), began)

    def now(self) -> _Errand:
        """The same, begun now."""
        return replace(self, began=datetime.now(UTC))

    def run(self, engine: Engine, progress: Progress, save: Callable[[Report], None]) -> Outcome:
        """Run it with a ledger of its own; nothing that must not stay is left."""
        refuse_remote(engine.endpoint, self.plan.config)
        for remark in self.plan.config.remarks:
            progress.note(remark)
        with opened(self.plan, engine, progress, save=save, began=self.began) as bench:
            return run_comparison(self.plan, self.blueprints, bench)


def saver(folder: Path | None, run_id: str, progress: Progress) -> Callable[[Document], None]:
    """Save what is known so far; a disk that is full is told once, and the run goes on to print its report.

    What is written last is the newest, whatever the clock said of the saved runs before it.
    """
    told: set[str] = set()
    name = after_all(run_id, (path.stem for path in store.runs_in(folder))) if folder else run_id

    def save(document: Document) -> None:
        try:
            if folder is not None:
                store.save(document, folder, name)
        except UsageError as exc:
            if exc.message not in told:
                told.add(exc.message)
                progress.note(f"The report is not saved: {exc.message}. {exc.hint}")

    return save


def _sparing(save: Callable[[Report], None]) -> Callable[[Report], None]:
    """Save only so often that it takes a twentieth of the time: of a hundred comparisons all are written each time.

    What it leaves out is in what is saved next, at the latest when the comparison ends.
    """
    free_at = 0.0

    def save_some(report: Report) -> None:
        nonlocal free_at
        began = time.monotonic()
        if began >= free_at:
            save(report)
            free_at = time.monotonic() + _SAVING_FACTOR * (time.monotonic() - began)

    return save_some


def refuse_remote(endpoint: Endpoint, config: Config) -> None:
    """Raise NoEngineError where the ports that an engine publishes cannot be reached."""
    if is_elsewhere(endpoint) and config.publish_address is None:
        raise NoEngineError(
            f"{endpoint.url} (from {endpoint.source}) is another machine's engine: "
            "the ports it publishes on its loopback cannot be reached from here",
            hint="Go by ssh, --host ssh://HOST; or, where nobody else can reach that machine, let it publish them to "
            "its network: --publish-address 0.0.0.0",
        )
