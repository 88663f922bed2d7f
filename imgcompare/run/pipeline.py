"""The story of a run: for each variant, in parallel, build → run → check; export all → diagnose → compare → report.

A variant that fails is data and the others go on. What ends the whole run (a signal, a lost engine) is the Outcome's
``error``, beside the report of everything that was finished by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.diagnosis import observed
from imgcompare.errors import EngineError, EngineLostError, ImageFormatError, ImgcompareError, InterruptedRunError
from imgcompare.model import EngineInfo, Failure, Image, Report, Stage, Variant, Verdict
from imgcompare.run.after_change import Rebuilt, rebuild
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import Base, BuiltVariant, build_variant, provide_bases
from imgcompare.run.container import run_variant
from imgcompare.run.diagnose import find_causes
from imgcompare.run.measure import measure_images, pull_sizes
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.run.results import Board

T = TypeVar("T")
A_CHANGE = "a change of the app"


@dataclass(frozen=True)
class Outcome:
    """The report, and what ended the run early, if anything did."""

    report: Report
    error: ImgcompareError | None = None


def run_comparison(plan: Plan, blueprints: tuple[Blueprint, ...], bench: Workbench) -> Outcome:
    """Run the whole comparison; whatever happens, the report says what was finished."""
    board = Board(plan, _engine_used(plan, bench.engine.info()), bench.created, blueprints)
    pool = ThreadPoolExecutor(plan.jobs, "imgcompare", leave_signals_to_the_main_thread)
    # Of its own: it waits for builds, and must not take the place of a variant.
    reader = ThreadPoolExecutor(1, "imgcompare-reader", leave_signals_to_the_main_thread)
    workers: list[Future[Variant]] = []
    images: list[Future[Mapping[str, Image]]] = []
    error: ImgcompareError | None = None
    try:
        bases = provide_bases(plan, blueprints, bench, pool)
        workers += (pool.submit(_finish_variant, plan, drawn, bases, board, bench) for drawn in blueprints)
        images.append(reader.submit(measure_images, plan, board.each_built(), bench))
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
        for each in (pool, reader):
            each.shutdown(wait=True, cancel_futures=True)
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
    plan: Plan, blueprint: Blueprint, bases: Mapping[str, Base], board: Board, bench: Workbench
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
        variant = replace(variant, verdict=Verdict.BROKEN, failure=observed.engine_refused(stage, exc))
    finally:
        board.not_built(variant.name)
    return _told(variant, bench)


def _changed(
    plan: Plan, blueprint: Blueprint, variant: Variant, built: BuiltVariant, board: Board, bench: Workbench
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
    reason = " ".join(unavailable.evidence) or unavailable.message
    return replace(variant, skipped=f"{reason.rstrip('.')}. {unavailable.hint}".strip())
