"""Several comparisons on one engine, as many side by side as their variants leave room for, saved together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.comparison.baseline import absent
from imgcompare.comparison.compare import counted
from imgcompare.config.model import Config
from imgcompare.console.progress import OneOfSeveral, Progress
from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.engine.interface import Engine
from imgcompare.errors import ImgcompareError
from imgcompare.model import Collection, Document, Report, Shard
from imgcompare.reports import history
from imgcompare.reports.collection import collect
from imgcompare.reports.run_id import new_run_id
from imgcompare.run.opening import Connection, rfc3339, working_engine
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Halt
from imgcompare.run.session import Errand, saver
from imgcompare.run.sparing import Sparing


class CollectionOutcome(Struct, frozen=True):
    """Several comparisons' reports, and what ended them early, if anything did."""

    collection: Collection
    error: ImgcompareError | None = None


def perform_all(
    configs: Sequence[Config],
    connection: Connection,
    progress: Progress,
    reports: Path | None,
    shard: Shard | None = None,
) -> CollectionOutcome:
    """Run comparisons on one engine, saved together in their order; what ends one early ends them all.

    Raises UsageError for what any of them lacks before the first is built. An empty share needs no engine.
    """
    errands = [Errand.of(config) for config in configs]
    now = datetime.now(UTC)
    table = _Table(rfc3339(now), shard, saver(reports, new_run_id(now), progress))
    if shard and not errands:
        count = len(shard.comparisons)
        progress.note(f"Shard {shard.index}/{shard.count} has nothing to run: there are {count} comparisons.")
        return CollectionOutcome(table.save())
    with working_engine(connection, progress) as engine:
        error = _Several(errands, engine, progress, table).run()
    if error:
        return CollectionOutcome(table.save(), error)
    stored = {config.stored.source: config.stored for config in configs if config.stored}
    notes = tuple(note for each in stored.values() for note in absent(each, table.collection()))
    collection = table.save(notes)
    if reports is not None:
        history.prune(reports)
    return CollectionOutcome(collection)


def side_by_side(plans: Sequence[Plan]) -> int:
    """How many comparisons go on at a time: as many as keep the variants under way to what one of them may have.

    Some want to be alone (``_alone``).
    """
    if any(_alone(plan.config) for plan in plans):
        return 1
    jobs = min((plan.config.jobs or 1 for plan in plans), default=1)
    return max(1, jobs // max((plan.jobs for plan in plans), default=1))


def _alone(config: Config) -> bool:
    """Whether another one beside it would take its ports or its cache's folder, or count in what it measures often."""
    in_a_folder = any(entry.type == "local" for entry in config.build.cache_to)
    return config.host_port is not None or config.keep or config.runs > 1 or config.build_runs > 0 or in_a_folder


class _Table:
    """The reports so far, which workers put down and any of them saves."""

    def __init__(self, created: str, shard: Shard | None, save: Callable[[Document], None]) -> None:
        self._created = created
        self._shard = shard
        self._save = save
        self._reports: dict[int, Report] = {}
        self._lock = Lock()
        self.sparing = Sparing(self.save)

    def put(self, number: int, report: Report) -> None:
        """Put down what is known of a comparison."""
        with self._lock:
            self._reports[number] = report

    def put_and_save_some(self, number: int, report: Report) -> None:
        """Save sparingly: of a hundred comparisons all are written each time."""
        self.put(number, report)
        self.sparing.save_if_due()

    def collection(self, notes: tuple[str, ...] = ()) -> Collection:
        """All of them, in the order of their numbers."""
        in_order = [report for _, report in sorted(self._reports.items())]
        return replace(collect(in_order, created=self._created, shard=self._shard), notes=notes)

    def save(self, notes: tuple[str, ...] = ()) -> Collection:
        """Save and return them; one thread at a time."""
        with self._lock:
            collection = self.collection(notes)
            self._save(collection)
            return collection


class _Several(Struct):
    """Comparisons under way."""

    errands: Sequence[Errand]
    engine: Engine
    progress: Progress
    table: _Table
    halt: Halt = field(default_factory=Halt)
    begin_no_more: Event = field(default_factory=Event)

    def run(self) -> ImgcompareError | None:
        """Run them all; returns what ended them early, after all that were begun have tidied up."""
        at_once = side_by_side([errand.plan for errand in self.errands])
        pool = ThreadPoolExecutor(at_once, "imgcompare-comparison", leave_signals_to_the_main_thread)
        futures: list[Future[ImgcompareError | None]] = []
        try:
            futures += [pool.submit(self._one, number, at_once) for number in range(len(self.errands))]
            self.table.sparing.each(futures, lambda future: future.result())
        except ImgcompareError as exc:  # a signal, or what one of them could not even begin with
            self.halt.because(exc)
            self.engine.cancel()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        ended = [future.result() for future in futures if not future.cancelled() and not future.exception()]
        return self.halt.reason or next(filter(None, ended), None)

    def _one(self, number: int, at_once: int) -> ImgcompareError | None:
        """Run one, unless something went wrong in another; returns what did in this one.

        Where the engine could not do its part for one variant, those that were begun go on, and no other begins.
        """
        if self.halt.is_set() or self.begin_no_more.is_set():
            return None
        errand = self.errands[number]
        name, place = errand.plan.config.scenario, f"{number + 1} of {len(self.errands)}"
        view = OneOfSeveral(self.progress, name) if at_once > 1 else self.progress
        view.comparison(name, place)
        outcome = errand.now().run(
            self.engine, view, lambda report: self.table.put_and_save_some(number, report), self.halt
        )
        self.table.put(number, outcome.report)
        view.compared(counted(outcome.report.variants), ok=outcome.report.passed)
        if outcome.error:
            self.begin_no_more.set()
        return outcome.error
