"""A comparison from its Config to its saved report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.console.progress import Progress
from imgcompare.engine.interface import Endpoint, Engine, is_elsewhere
from imgcompare.errors import NoEngineError, UsageError
from imgcompare.model import Document, Report
from imgcompare.reports import history, store
from imgcompare.reports.run_id import after_all, new_run_id
from imgcompare.run.blueprints import Blueprint, draw_blueprints
from imgcompare.run.opening import Connection, opened, working_engine
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.preload import preload_to_build
from imgcompare.run.resources import Halt


def perform(config: Config, connection: Connection, progress: Progress, reports: Path | None) -> Outcome:
    """Run a comparison and save its report in ``reports`` as each variant finishes; None saves nothing."""
    errand = Errand.of(config)
    with working_engine(connection, progress) as engine:
        outcome = errand.run(engine, progress, saver(reports, errand.plan.run_id, progress))
    if reports is not None:
        history.prune(reports)
    return outcome


def run_on(engine: Engine, config: Config, progress: Progress) -> Outcome:
    """Run a comparison on an engine that is open, as one of several pieces of work; no report is saved."""
    return Errand.of(config).run(engine, progress, lambda _report: None)


class Errand(Struct, frozen=True):
    """A comparison that is planned, its Dockerfiles and contexts read."""

    plan: Plan
    blueprints: tuple[Blueprint, ...]
    began: datetime

    @classmethod
    def of(cls, config: Config) -> Errand:
        """Plan a comparison. Raises UsageError."""
        began = datetime.now(UTC)
        plan = make_plan(config, new_run_id(began))
        return cls(plan, draw_blueprints(plan), began)

    def now(self) -> Errand:
        """The same, begun now."""
        return replace(self, began=datetime.now(UTC))

    def run(
        self, engine: Engine, progress: Progress, save: Callable[[Report], None], halt: Halt | None = None
    ) -> Outcome:
        """Run it with a ledger of its own; nothing that must not stay is left. ``halt`` ends it before its time."""
        refuse_remote(engine.endpoint, self.plan.config)
        preload_to_build()
        for remark in self.plan.config.remarks:
            progress.note(remark)
        with opened(self.plan, engine, progress, save=save, began=self.began, halt=halt) as bench:
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
                progress.warn(f"The report is not saved: {exc.message}. {exc.hint}")

    return save


def refuse_remote(endpoint: Endpoint, config: Config) -> None:
    """Raise NoEngineError where the ports that an engine publishes cannot be reached."""
    if is_elsewhere(endpoint) and config.publish_address is None:
        raise NoEngineError(
            f"{endpoint.url} (from {endpoint.source}) is another machine's engine: "
            "the ports it publishes on its loopback cannot be reached from here",
            hint="Go by ssh, --host ssh://HOST; or, where nobody else can reach that machine, let it publish them to "
            "its network: --publish-address 0.0.0.0",
        )
