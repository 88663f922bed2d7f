"""From what became of each variant to the report: compared, judged, without secrets."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from imgcompare import __version__
from imgcompare.check.bodies import same_but_for
from imgcompare.comparison import baseline, compare, gates
from imgcompare.model import SCHEMA_VERSION, Report, Tool, Variant, Verdict
from imgcompare.reports.redact import redact_report
from imgcompare.run.bind_mounts import tell_of_bind_mounts
from imgcompare.run.next_command import command_line
from imgcompare.run.results import Results
from imgcompare.text.printable import printable

_NOTHING_OF_THE_BASE = frozenset(
    (
        "companion-failed",
        "host-port-taken",
        "image-unavailable",
        "image-gone",
        "engine-failed",
        "engine-error",
        "interrupted",
    )
)


def report_of(results: Results) -> Report:
    """Return the report of what is known now."""
    plan, config = results.plan, results.plan.config
    told = tuple(tell_of_bind_mounts(config, variant) for variant in results.variants)
    variants = compare.share(compare.settle(told, plan.baseline, partial(_same_but_for, results)))
    variants = tuple(_on_stand_ins(results, _with_commands(results, variant)) for variant in variants)
    report = Report(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=results.created,
        engine=results.engine,
        scenario=config.scenario,
        baseline=plan.baseline,
        variants=variants,
        comparison=compare.compare(variants, plan.baseline),
        gates=(),
        passed=compare.passed(variants),
        description=config.description,
        notes=config.notes,
    )
    held = baseline.hold(report, config.stored) if config.stored else report
    return redact_report(gates.judge(held, config.limits), config.secrets)


def _with_commands(results: Results, variant: Variant) -> Variant:
    """The variant, with what mends it where its fix has a place in its Dockerfile, or makes a lone one smaller."""
    if variant.failure and variant.failure.edits:
        return replace(variant, mend=command_line("mend", variant.source, results.plan.config))
    if len(results.variants) == 1 and variant.verdict is Verdict.WORKS and variant.source.dockerfile:
        return replace(variant, shrink=command_line("shrink", variant.source, results.plan.config))
    return variant


def _on_stand_ins(results: Results, variant: Variant) -> Variant:
    """The variant, whose failure says that its base is a stand-in: what fails on one may work on the official."""
    failure = variant.failure
    if failure is None or failure.code in _NOTHING_OF_THE_BASE:
        return variant
    drawn = next(drawn for drawn in results.blueprints if drawn.variant.name == variant.name)
    bases = (results.bases[name] for name in drawn.bases if name in results.bases)
    names = sorted({base.stand_in for base in bases if base.stand_in})
    if not names:
        return variant
    told = printable(", ".join(names), limit=300)
    line = f"on a stand-in made from the distribution's packages: {told}"
    return replace(variant, failure=replace(failure, evidence=(*failure.evidence, line)))


def _same_but_for(results: Results, one: str, other: str) -> str | None:
    first, second = results.finished[one].bodies, results.finished[other].bodies
    return same_but_for(first, second) if first and second else None
