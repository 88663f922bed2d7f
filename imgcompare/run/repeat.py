"""Start, check and build again and again, once nothing else of the run is under way: one value is an anecdote.

The variants take turns, so that a machine whose speed drifts changes all alike. What each first run and build took is
left out: other work went on beside it, and nothing was warm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.comparison.spread import spread
from imgcompare.engine.interface import BuildFailed
from imgcompare.model import Repeated, Stage, Variant, Verdict
from imgcompare.run.beside import beside
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import build_request, without_export
from imgcompare.run.container import try_container
from imgcompare.run.container_spec import container_spec, effective
from imgcompare.run.ledger import IMAGE
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.run.results import Finished
from imgcompare.run.tried import Tried
from imgcompare.text.printable import printable

_SUBJECT = "repeats"


class _Series(Struct):
    """What came of one variant so far; once a run of it failed, there are no more."""

    finished: Finished
    blueprint: Blueprint
    runs: list[Tried] = field(default_factory=list)
    builds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether it is measured further."""
        return not self.notes


def measure_again(
    plan: Plan, blueprints: Iterable[Blueprint], finished: Mapping[str, Finished], bench: Workbench
) -> list[Finished]:
    """Measure every variant that works as often as was asked for; one that fails in any of its runs does not work."""
    runs, builds = plan.config.runs if plan.config.runs > 1 else 0, plan.config.build_runs
    working = [drawn for drawn in blueprints if finished[drawn.variant.name].variant.verdict is Verdict.WORKS]
    series = [_Series(finished[drawn.variant.name], drawn) for drawn in working]
    for number in range(1, max(runs, builds) + 1):
        for each in (each for each in series if each.goes_on):
            with bench.noting(f"build {number} of {builds} from the cache", each.notes):
                if number <= builds:
                    _build(plan, each, f"build {number} of {builds}", bench)
            with bench.noting(f"run {number} of {runs}", each.notes):
                if number <= runs and each.goes_on:
                    _run(plan, each, f"run {number} of {runs}", bench)
    if series and runs + builds:
        bench.progress.finished(_SUBJECT, "measured", ok=all(each.goes_on for each in series))
    return [_told(each) for each in series]


def _build(plan: Plan, series: _Series, which: str, bench: Workbench) -> None:
    """Build it once more. What does not come from the cache whole measures something else, and is told instead."""
    name, context = series.blueprint.variant.name, series.blueprint.context
    if context is None:
        return
    bench.progress.stage(_SUBJECT, Stage.BUILD, f"{name}, {which}")
    request = without_export(build_request(plan, series.blueprint, context, series.blueprint.variant.tag))
    made = partial(bench.ledger.record, IMAGE, kept=not plan.config.rm_images)
    outcome = bench.engine.build(replace(request, made=made), lambda _text: None)
    if isinstance(outcome, BuildFailed):
        series.notes.append(f"{which} from the cache: {printable(outcome.message, limit=200)}")
    elif built := [step.name for step in outcome.build.steps if not step.cached]:
        series.notes.append(f"{which} from the cache: {printable(built[0], limit=200)} was built anew")
    else:
        series.builds.append(outcome.build.duration_s)


def _run(plan: Plan, series: _Series, which: str, bench: Workbench) -> None:
    """Run it once more, in a container of its own, on a port that the engine chooses."""
    variant, built, run = series.blueprint.variant, series.finished.built, series.finished.variant.run
    if built is None or run is None:
        return
    bench.progress.stage(_SUBJECT, Stage.RUN, f"{variant.name}, {which}")
    if variant.group:  # what --keep left of its first run stays beside it
        variant = replace(variant, group=f"{variant.group}-again")
    spec = container_spec(plan, variant, built.image, run.container_port)
    name = f"imgcompare-again-{len(series.runs) + 1}-{plan.run_id}-{variant.name}"
    image = effective(built.image, plan.config.options)
    with beside(plan, variant, bench) as group:
        _, fallen = group.ready()
        if fallen:
            series.notes.append(f"{which} was not made: {fallen.message}")
            return
        with bench.container(replace(spec, name=name, host_port=None)) as container:
            tried = try_container(plan.config, _SUBJECT, container, run.container_port, image, bench)
    if tried.failure:
        series.notes.append(f"{which} failed, though others had not")
    series.runs.append(tried)


def _told(series: _Series) -> Finished:
    """The variant with what was measured: its medians take the place of what the first run showed."""
    finished, good = series.finished, [tried for tried in series.runs if tried.failure is None]
    variant = replace(finished.variant, not_measured=(*finished.variant.not_measured, *series.notes))
    repeated = Repeated(
        ready_s=spread(tried.run.ready_after_s for tried in good if tried.run),
        response_s=spread(tried.check.response_time_s for tried in good if tried.check),
        memory_bytes=spread(tried.run.memory_bytes for tried in good if tried.run),
        build_s=spread(series.builds),
    )
    variant = _with_medians(replace(variant, repeated=repeated), repeated)
    for tried in series.runs:
        if tried.failure:
            broken = replace(variant, verdict=Verdict.BROKEN, failure=tried.failure)
            return replace(finished, variant=broken, evidence=tried.evidence)
    return replace(finished, variant=variant)


def _with_medians(variant: Variant, repeated: Repeated) -> Variant:
    run, check = variant.run, variant.check
    if run and repeated.ready_s:
        memory = round(repeated.memory_bytes.median) if repeated.memory_bytes else run.memory_bytes
        run = replace(run, ready_after_s=repeated.ready_s.median, memory_bytes=memory)
    if check and repeated.response_s:
        check = replace(check, response_time_s=repeated.response_s.median)
    return replace(variant, run=run, check=check)
