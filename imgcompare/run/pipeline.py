"""The story of a run: for each variant, in parallel, build → run → check; export all → diagnose → compare → report.

A variant that fails is data and the others go on; so do they where the engine could not do its part for one: of that
one there is no verdict. That, and what ends the whole run (a signal, a lost engine), is the Outcome's ``error``, beside
the report of everything that was finished by then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError, ImgcompareError, InternalError
from imgcompare.model import EngineInfo, Failure, Report, Stage, Variant, Verdict
from imgcompare.regex import regex
from imgcompare.run.beside import Beside, beside
from imgcompare.run.blueprints import Blueprint, context_digests, for_engine
from imgcompare.run.build import Base, BuiltVariant, NotBuilt, build_variant, provide_bases
from imgcompare.run.container import run_variant
from imgcompare.run.crew import Builds, Crew
from imgcompare.run.plan import Plan
from imgcompare.run.preload import preload_once_built
from imgcompare.run.resources import Workbench
from imgcompare.run.results import Finished, Results, blank
from imgcompare.run.sparing import Sparing
from imgcompare.run.tried import Tried

if TYPE_CHECKING:
    from imgcompare.run.measure import Images

T = TypeVar("T")
A_CHANGE = "a change of the app"
# What Podman, which answers 500 to everything, says of an image whose config it cannot run.
_OF_THE_IMAGE = regex(r"no command|entrypoint|invalid|unable to find user|working directory", re.IGNORECASE)


class Outcome(Struct, frozen=True):
    """The report, what ended the run early, if anything did, and the images by variant."""

    report: Report
    error: ImgcompareError | None = None
    built: Mapping[str, BuiltVariant] = {}


def run_comparison(
    plan: Plan, blueprints: tuple[Blueprint, ...], bench: Workbench, built: Mapping[str, BuiltVariant] | None = None
) -> Outcome:
    """Run the whole comparison; whatever happens, the report says what was finished.

    Of variants that are ``built`` these very images are run, and not built again.
    """
    began = time.monotonic()
    info = bench.engine.info()
    blueprints = for_engine(plan, blueprints, info)
    results = Results(plan, _engine_used(plan, info), bench.created, blueprints)
    crew = Crew(plan.jobs)
    observed_first: tuple[Variant, ...] = ()
    error: ImgcompareError | None = None
    try:
        observed_first = _work(plan, blueprints, results, crew, bench, built or {})
    except ImgcompareError as exc:
        error = bench.cancelled.reason or exc  # what another one's end has cut off says why
    except Exception as exc:  # noqa: BLE001 - a fault of ours ends the run, but loses nothing that was finished
        error = InternalError(exc)
    finally:
        if error:
            bench.cancel(error)
        crew.dismiss()
    if error:
        crew.salvage(results)
        results.cut_short(error, crew.builds.names)
    report = results.report()
    if not error:
        report = replace(report, duration_s=round(time.monotonic() - began, 3))
    _tell_final(observed_first, report.variants, bench)
    bench.save(report)
    return Outcome(report, error or results.error, results.built)


def _work(
    plan: Plan,
    blueprints: tuple[Blueprint, ...],
    results: Results,
    crew: Crew,
    bench: Workbench,
    built: Mapping[str, BuiltVariant],
) -> tuple[Variant, ...]:
    """Take every variant from its Dockerfile to all that can be said of it; what is known is saved as it comes.

    Returns the variants as they were before the causes of what broke were looked for.
    """
    bases = results.bases = provide_bases(plan, blueprints, bench, crew.pool)
    for drawn in blueprints:
        there = built.get(drawn.variant.name)
        crew.variants.append(crew.pool.submit(_finish_variant, plan, drawn, bases, crew.builds, bench, there))
    digests = crew.digester.submit(context_digests, blueprints, bench)
    crew.images.append(crew.reader.submit(_measure, plan, crew.builds, bench))
    known = Sparing(lambda: bench.save(results.report()))
    known.each(crew.variants, lambda worker: results.put(worker.result()))
    crew.builds.end()
    results.add_images(crew.images[0].result())
    results.add_digests(digests.result())
    if changes := results.changes:
        from imgcompare.run.read_images import pull_sizes  # noqa: PLC0415 - only where it was asked for

        results.add_pull_sizes(crew.pool.submit(pull_sizes, changes, plan, bench).result())
    if plan.config.runs > 1 or plan.config.build_runs:
        from imgcompare.run.repeat import measure_again  # noqa: PLC0415 - only where it was asked for

        again = crew.pool.submit(measure_again, plan, blueprints, results.finished, bench)
        for finished in again.result():
            results.put(finished)
    observed_first = results.variants
    if evidence := results.evidence:
        from imgcompare.run.diagnose import find_causes  # noqa: PLC0415 - only where something broke

        seen = results.variants, evidence, results.built
        results.explain(crew.pool.submit(find_causes, plan, blueprints, *seen, bench).result())
    return observed_first


def _measure(plan: Plan, builds: Builds, bench: Workbench) -> Images:
    """Measure images as they are built.

    All that is needed once there is one is imported meanwhile, while the engine makes the first container of it.
    """
    each = builds.each()
    first = next(each, None)
    preload_once_built()
    from imgcompare.run.measure import measure_images  # noqa: PLC0415 - not before there is something to measure

    return measure_images(plan, chain((first,) if first else (), each), bench)


def _engine_used(plan: Plan, info: EngineInfo) -> EngineInfo:
    """The engine with the builder that this run uses, which need not be the best it has."""
    return replace(info, builder="classic") if plan.config.builder == "classic" else info


def _finish_variant(
    plan: Plan,
    blueprint: Blueprint,
    bases: Mapping[str, Base],
    builds: Builds,
    bench: Workbench,
    there: BuiltVariant | None,
) -> Finished:
    """Build, run and check one variant; whatever goes wrong with it alone becomes its Failure."""
    finished, stage = Finished(variant=blank(blueprint)), Stage.BUILD
    try:
        with beside(plan, blueprint.variant, bench) as group:
            built, build = (there, there.build) if there else build_variant(plan, blueprint, bases, bench)
            variant = replace(finished.variant, build=build)
            if isinstance(built, NotBuilt):
                return _not_built(plan, variant, built, bench)
            finished, stage = Finished(variant=variant, built=built), Stage.RUN
            builds.put(variant.name, built)
            finished = _run_beside(plan, blueprint, finished, built, group, bench)
        if plan.config.after_change and finished.variant.failure is None:
            finished = _changed(plan, blueprint, finished, bench)
    except EngineLostError:
        raise
    except ImgcompareError as exc:
        if bench.cancelled.is_set():
            raise
        finished = _refused(finished, stage, exc)
    return replace(finished, variant=_told(finished.variant, bench))


def _not_built(plan: Plan, variant: Variant, built: NotBuilt, bench: Workbench) -> Finished:
    if plan.config.skip_unavailable and built.failure.stage is Stage.PULL:
        return Finished(variant=_skipped(variant, built.failure, bench))
    variant = replace(variant, verdict=built.verdict, failure=built.failure)
    return Finished(variant=_told(variant, bench), evidence=built.evidence)


def _run_beside(
    plan: Plan, blueprint: Blueprint, finished: Finished, built: BuiltVariant, group: Beside, bench: Workbench
) -> Finished:
    """Run a variant once its companions serve; where one does not, nothing is said of the variant."""
    companions, fallen = group.ready()
    if fallen is None:
        finished = _tried(finished, run_variant(plan, blueprint.variant, built, bench))
        fallen = group.fallen() if finished.variant.failure else None
    if fallen is not None:
        variant = replace(finished.variant, verdict=Verdict.NOT_CHECKED, failure=fallen)
        finished = replace(finished, variant=variant, evidence=None)
    elif plan.config.keep and finished.variant.failure is None:
        group.keep()
    return replace(finished, variant=replace(finished.variant, companions=companions))


def _refused(finished: Finished, stage: Stage, error: ImgcompareError) -> Finished:
    """Tell what the engine did not take of a variant from what it could not do, which is no verdict on any."""
    from imgcompare.diagnosis import observed  # noqa: PLC0415 - only where something went wrong
    from imgcompare.engine.transport.faults import engine_fault  # noqa: PLC0415

    fault = engine_fault(error.message) if isinstance(error, EngineRefusedError) else None
    of_the_image = isinstance(error, EngineRefusedError) and (
        error.status == HTTPStatus.BAD_REQUEST or _OF_THE_IMAGE.search(error.text) is not None
    )
    if of_the_image and not fault:
        failure = observed.engine_refused(stage, error)
        return replace(finished, variant=replace(finished.variant, verdict=Verdict.BROKEN, failure=failure))
    error = fault or error
    failed = observed.engine_failed if isinstance(error, EngineError) else observed.cut_short
    failure = failed(stage, error)
    variant = replace(finished.variant, verdict=Verdict.NOT_CHECKED, failure=failure)
    return replace(finished, variant=variant, error=error)


def _verdict(failure: Failure | None) -> Verdict:
    """What running it says of the variant: nothing, where the port to ask is not known, or is somebody else's."""
    if failure is None:
        return Verdict.WORKS
    return Verdict.NOT_CHECKED if failure.code in {"no-port", "host-port-taken"} else Verdict.BROKEN


def _tried(finished: Finished, tried: Tried) -> Finished:
    """Add what running a variant showed."""
    variant = replace(
        finished.variant,
        run=tried.run,
        check=tried.check,
        failure=tried.failure,
        verdict=_verdict(tried.failure),
        hardened=tried.hardened,
        not_measured=tried.not_measured,
        more_checks=tried.more_checks,
    )
    return replace(finished, variant=variant, log=tried.log, evidence=tried.evidence, bodies=tried.bodies)


def _changed(plan: Plan, blueprint: Blueprint, finished: Finished, bench: Workbench) -> Finished:
    """Add what a change of the app costs, or why that cannot be said."""
    from imgcompare.run.after_change import Rebuilt, rebuild  # noqa: PLC0415 - only where it was asked for

    notes: list[str] = []
    with bench.noting(A_CHANGE, notes):
        match rebuild(plan, blueprint, bench):
            case Rebuilt(image, after):
                variant = replace(finished.variant, after_change=after)
                finished = replace(finished, variant=variant, changed=image)
            case reason:
                notes.append(f"{A_CHANGE}: {reason}")
    variant = finished.variant
    return replace(finished, variant=replace(variant, not_measured=(*variant.not_measured, *notes)))


def _told(variant: Variant, bench: Workbench) -> Variant:
    # Not yet "works": whether the body is that of the others is known once all have answered.
    # Nor "as expected" of what is declared to break: its cause may show only when all images are looked into.
    outcome = variant.failure.code if variant.failure else "answers"
    declared = variant.expected_failure is not None
    outcome = f"breaks: {outcome}" if declared and variant.failure else outcome
    bench.progress.finished(variant.name, outcome, ok=declared == (variant.failure is not None))
    return variant


def _tell_final(before: Iterable[Variant], after: Iterable[Variant], bench: Workbench) -> None:
    """Tell again of those whose cause turned out to be another one than was observed, or whose reply differs."""
    from imgcompare.comparison.compare import as_expected  # noqa: PLC0415 - what compares is imported by now

    codes = {variant.name: variant.failure.code if variant.failure else None for variant in before}
    for variant in after:
        code = variant.failure.code if variant.failure else None
        if code is not None and code != codes.get(variant.name, code):
            outcome = f"breaks: {code}" if variant.expected_failure is not None else code
            bench.progress.finished(variant.name, outcome, ok=as_expected(variant))


def _skipped(variant: Variant, unavailable: Failure, bench: Workbench) -> Variant:
    bench.progress.finished(variant.name, "skipped", ok=True)
    reason = " ".join(unavailable.evidence) or unavailable.message
    return replace(variant, skipped=f"{reason.rstrip('.')}. {unavailable.hint}".strip())
