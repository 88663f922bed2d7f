"""The story of a run: for each variant, in parallel, build → run → check; export all → diagnose → compare → report.

A variant that fails is data and the others go on. What ends the whole run (a signal, a lost engine) is the Outcome's
``error``, beside the report of everything that was finished by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from imgcompare import __version__, baseline, cautions, compare, diagnose, gates
from imgcompare.building import Base, Blueprint, BuiltVariant, build_variant, provide_bases
from imgcompare.diagnosing import find_causes
from imgcompare.diagnosis.evidence import Evidence
from imgcompare.engine import EngineImage
from imgcompare.errors import EngineError, EngineLostError, ImageFormatError, ImgcompareError, InterruptedRunError
from imgcompare.interrupt import leave_signals_to_the_main_thread
from imgcompare.measuring import measure_images, pull_sizes
from imgcompare.model import SCHEMA_VERSION, Caution, EngineInfo, Failure, Image, Report, Stage, Tool, Variant, Verdict
from imgcompare.plan import Plan
from imgcompare.rebuilding import Rebuilt, rebuild
from imgcompare.redact import redact_report, secret_values
from imgcompare.running import run_variant
from imgcompare.workbench import Workbench

T = TypeVar("T")
A_CHANGE = "a change of the app"


@dataclass(frozen=True)
class Outcome:
    """The report, and what ended the run early, if anything did."""

    report: Report
    error: ImgcompareError | None = None


def run_comparison(plan: Plan, blueprints: tuple[Blueprint, ...], bench: Workbench) -> Outcome:
    """Run the whole comparison; whatever happens, the report says what was finished."""
    board = _Board(plan, _engine_used(plan, bench.engine.info()), bench.created, blueprints)
    pool = ThreadPoolExecutor(plan.jobs + 1, "imgcompare", leave_signals_to_the_main_thread)
    workers: list[Future[Variant]] = []
    images: list[Future[Mapping[str, Image]]] = []
    error: ImgcompareError | None = None
    try:
        bases = provide_bases(plan, blueprints, bench, pool)
        workers += (pool.submit(_finish_variant, plan, drawn, bases, board, bench) for drawn in blueprints)
        images.append(pool.submit(lambda: measure_images(plan, board.all_built(), bench)))
        for worker in as_completed(workers):
            board.put(worker.result())
            bench.save(board.report())
        board.add_images(images[0].result())
        if changes := board.changes():
            board.add_pull_sizes(pool.submit(pull_sizes, changes, plan, bench).result())
        if board.evidence:
            seen = board.variants, board.evidence, board.all_built()
            board.explain(pool.submit(find_causes, plan, blueprints, *seen, bench).result())
    except (InterruptedRunError, EngineError, ImageFormatError) as exc:
        error = exc
        bench.cancel()
        board.stop_waiting()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if error:
        board.salvage(_finished(workers), _finished(images), error)
    report = board.report()
    bench.save(report)
    return Outcome(report, error)


def _finished(futures: Iterable[Future[T]]) -> list[T]:
    """The results of those that came to a good end."""
    return [done.result() for done in futures if done.done() and not done.cancelled() and done.exception() is None]


def _engine_used(plan: Plan, info: EngineInfo) -> EngineInfo:
    """The engine with the builder that this run uses, which need not be the best it has."""
    return replace(info, builder="classic") if plan.config.builder == "classic" else info


def _finish_variant(
    plan: Plan, blueprint: Blueprint, bases: Mapping[str, Base], board: _Board, bench: Workbench
) -> Variant:
    """Build, run and check one variant; whatever goes wrong with it alone becomes its Failure."""
    variant, stage = board.blank(blueprint), Stage.BUILD
    try:
        built, build = build_variant(plan, blueprint, bases, bench)
        variant = replace(variant, build=build)
        if isinstance(built, Failure):
            if plan.config.skip_unavailable and built.stage is Stage.PULL:
                return _skipped(variant, built, bench)
            return _told(replace(variant, verdict=Verdict.BROKEN, failure=built), bench)
        board.built(variant.name, built)
        stage = Stage.RUN
        tried = run_variant(plan, blueprint.variant, built, bench)
        board.logged(variant.name, tried.log)
        board.seen(variant.name, tried.evidence)
        verdict = Verdict.BROKEN if tried.failure else Verdict.WORKS
        variant = replace(
            variant,
            run=tried.run,
            check=tried.check,
            failure=tried.failure,
            verdict=verdict,
            hardened=tried.hardened,
            not_measured=tried.not_measured,
        )
        if plan.config.after_change and tried.failure is None:
            variant = _changed(plan, blueprint, variant, built, board, bench)
    except EngineLostError:
        raise
    except ImgcompareError as exc:
        if bench.cancelled.is_set():
            raise
        variant = replace(variant, verdict=Verdict.BROKEN, failure=diagnose.engine_refused(stage, exc))
    finally:
        board.not_built(variant.name)
    return _told(variant, bench)


def _changed(
    plan: Plan, blueprint: Blueprint, variant: Variant, built: BuiltVariant, board: _Board, bench: Workbench
) -> Variant:
    """Add what a change of the app costs, or why that cannot be said."""
    notes: list[str] = []
    with bench.noting(A_CHANGE, notes):
        match rebuild(plan, blueprint, bench):
            case Rebuilt(image, after):
                board.changed(variant.name, built.image, image)
                variant = replace(variant, after_change=after)
            case reason:
                notes.append(f"{A_CHANGE}: {reason}")
    return replace(variant, not_measured=(*variant.not_measured, *notes))


def _told(variant: Variant, bench: Workbench) -> Variant:
    # Not yet "works": whether the body is that of the others is known once all have answered.
    # Nor "as expected" of what is declared to break: its cause may show only when all images are looked into.
    outcome = variant.failure.code if variant.failure else "answers"
    declared = variant.expected_failure is not None
    outcome = f"breaks: {outcome}" if declared and variant.failure else outcome
    bench.progress.finished(variant.name, outcome, ok=declared == (variant.failure is not None))
    return variant


def _skipped(variant: Variant, unavailable: Failure, bench: Workbench) -> Variant:
    bench.progress.finished(variant.name, "skipped", ok=True)
    return replace(variant, skipped=" ".join(unavailable.evidence) or unavailable.message)


@dataclass
class _Board:
    """What is known so far. Workers post what they built; everything else is the main thread's."""

    plan: Plan
    engine: EngineInfo
    created: str
    blueprints: tuple[Blueprint, ...]
    evidence: dict[str, Evidence] = field(default_factory=dict)
    _results: dict[str, Variant] = field(default_factory=dict)
    _builds: dict[str, Future[BuiltVariant | None]] = field(default_factory=dict)
    _logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _changes: dict[str, tuple[EngineImage, EngineImage]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._results = {blueprint.variant.name: self.blank(blueprint) for blueprint in self.blueprints}
        self._builds = {name: Future() for name in self._results}

    @staticmethod
    def blank(blueprint: Blueprint) -> Variant:
        spec = blueprint.variant.spec
        return Variant(
            name=spec.name,
            source=blueprint.source,
            verdict=Verdict.NOT_CHECKED,
            expected_failure=spec.expected_failure,
        )

    def built(self, name: str, built: BuiltVariant) -> None:
        with suppress(InvalidStateError):
            self._builds[name].set_result(built)

    def not_built(self, name: str) -> None:
        """Let the export go on without this variant, unless it was built."""
        with suppress(InvalidStateError):
            self._builds[name].set_result(None)

    def all_built(self) -> dict[str, BuiltVariant]:
        """Wait until every variant is built or has failed to."""
        return {name: built for name, future in self._builds.items() if (built := future.result()) is not None}

    def put(self, variant: Variant) -> None:
        self._results[variant.name] = variant

    def logged(self, name: str, log: tuple[str, ...]) -> None:
        """Keep the last log lines of a variant that works, for what they say against it."""
        self._logs[name] = log

    def changed(self, name: str, before: EngineImage, after: EngineImage) -> None:
        """Keep a variant's images from before and after a change."""
        self._changes[name] = before, after

    def changes(self) -> dict[str, tuple[EngineImage, EngineImage]]:
        """The images from before and after a change, of the variants that have both."""
        return dict(self._changes)

    def add_pull_sizes(self, sizes: Mapping[str, int]) -> None:
        """Add what a change makes a server pull."""
        for name, size in sizes.items():
            variant = self._results[name]
            if variant.after_change:
                self._results[name] = replace(variant, after_change=replace(variant.after_change, pull_size=size))

    def add_images(self, images: Mapping[str, Image]) -> None:
        """Add what was measured; with it everything is known that may be said against a variant that works."""
        built = self.all_built()
        for name, image in images.items():
            variant = replace(self._results[name], image=image)
            if variant.verdict is Verdict.WORKS:
                variant = replace(variant, warnings=self._warnings(variant, image, built[name]))
            self._results[name] = variant

    def _warnings(self, variant: Variant, image: Image, built: BuiltVariant) -> tuple[Caution, ...]:
        evidence = cautions.Evidence(
            image=image,
            settings=built.image,
            run=variant.run,
            route=self.plan.config.route,
            log=self._logs.get(variant.name, ()),
            stages=built.stages,
            build_args=variant.source.build_args,
        )
        return cautions.find(evidence)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What is known of each variant, in order."""
        return tuple(self._results.values())

    def seen(self, name: str, evidence: Evidence | None) -> None:
        """Keep what a failure was observed by."""
        if evidence is not None:
            self.evidence[name] = evidence

    def explain(self, failures: Mapping[str, Failure]) -> None:
        """Put the causes that were found in the place of what was observed."""
        for name, failure in failures.items():
            self._results[name] = replace(self._results[name], failure=failure)

    def stop_waiting(self) -> None:
        """Wake whoever waits for a build that will not come."""
        for name in self._builds:
            self.not_built(name)

    def salvage(
        self, variants: Iterable[Variant], images: Iterable[Mapping[str, Image]], error: ImgcompareError
    ) -> None:
        """Keep what was finished, and mark what was not."""
        for variant in variants:
            self.put(variant)
        for measured in images:
            self.add_images(measured)
        built = self.all_built()
        for name, variant in self._results.items():
            if variant.verdict is Verdict.NOT_CHECKED and not variant.skipped:
                stage = Stage.RUN if name in built else Stage.BUILD
                self._results[name] = replace(variant, failure=diagnose.cut_short(stage, error))

    def report(self) -> Report:
        variants = compare.share(compare.settle(tuple(self._results.values()), self.plan.baseline))
        config = self.plan.config
        report = Report(
            schema_version=SCHEMA_VERSION,
            tool=Tool(name="imgcompare", version=__version__),
            created=self.created,
            engine=self.engine,
            scenario=config.scenario,
            baseline=self.plan.baseline,
            variants=variants,
            comparison=compare.compare(variants, self.plan.baseline),
            gates=(),
            passed=compare.passed(variants),
            description=config.description,
            notes=config.notes,
        )
        held = baseline.hold(report, config.stored) if config.stored else report
        return redact_report(gates.judge(held, config.limits), secret_values(config.build_args, config.env))
