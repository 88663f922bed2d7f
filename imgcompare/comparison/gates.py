"""Pure: whether a report keeps to its limits.

A general limit passes over what was skipped, and over what a variant that breaks as its scenario declares never came
to; a limit that names a variant demands it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from imgcompare.comparison import compare
from imgcompare.comparison.baseline import Stored, absent, hold
from imgcompare.comparison.limits import Limit, check_limits
from imgcompare.comparison.measures import MEASURES, MIN_SAVING, MUST_WORK, OPTIONS
from imgcompare.model import Document, Gate, Report, Variant


def judge(report: Report, limits: Sequence[Limit]) -> Report:
    """Return the report with a gate for each limit and variant; it passes when all is as expected and they all hold."""
    gates = tuple(
        _gate(limit, variant, report)
        for option in OPTIONS
        for variant in report.variants
        for limit in _concerning(variant, [limit for limit in limits if limit.option == option], report)
    )
    return replace(report, gates=gates, passed=compare.passed(report.variants) and all(gate.passed for gate in gates))


def judge_again(document: Document, limits: Sequence[Limit], stored: Stored | None = None) -> Document:
    """Return a document held against what was stored, if anything is given, and judged by these limits.

    They stand in place of those of its run, which hold where none are given. Raises UsageError for a variant that
    neither the report nor any of a collection has.
    """
    reports = (document,) if isinstance(document, Report) else document.comparisons
    variants = dict.fromkeys(variant.name for report in reports for variant in report.variants)
    held = tuple(hold(report, stored) if stored else report for report in reports)
    baseline = document.baseline if isinstance(document, Report) else None
    check_limits(limits, variants, baseline, against=any(report.against for report in held))
    judged = tuple(judge(report, limits or limits_of(report)) for report in held)
    if isinstance(document, Report):
        return judged[0]
    notes = tuple(dict.fromkeys((*document.notes, *(absent(stored, document) if stored else ()))))
    complete = not document.missing and (bool(judged) or document.shard is not None)
    passed = complete and all(report.passed for report in judged)
    return replace(document, comparisons=judged, passed=passed, notes=notes)


def limits_of(report: Report) -> tuple[Limit, ...]:
    """Return the limits that a report was judged by, each for its variant."""
    options = {measure.name: name for name, option in OPTIONS.items() for measure in option.measures}
    return tuple(
        Limit(option=options[gate.name], measure=gate.name, value=gate.limit, variant=gate.subject)
        for gate in report.gates
        if gate.name in options
    )


def _concerning(variant: Variant, limits: Sequence[Limit], report: Report) -> Sequence[Limit]:
    """The limits, of those of one option, that a variant is held to."""
    named = [limit for limit in limits if limit.variant == variant.name]
    if any(limit.option == MIN_SAVING for limit in limits) and variant.name == report.baseline:
        return ()
    return named or [limit for limit in limits if limit.variant is None and _in_general(limit, variant, report)]


def _in_general(limit: Limit, variant: Variant, report: Report) -> bool:
    """Whether a limit that names no variant is one for this variant."""
    if limit.option == MUST_WORK:
        return True
    if variant.skipped:
        return False
    broken_as_declared = variant.expected_failure is not None and compare.as_expected(variant)
    return not (broken_as_declared and isinstance(MEASURES[limit.measure].read(variant, report), str))


def _gate(limit: Limit, variant: Variant, report: Report) -> Gate:
    measure = MEASURES[limit.measure]
    reading = measure.read(variant, report)
    reason, actual = (reading, None) if isinstance(reading, str) else ("", reading)
    holds = actual is not None and (actual >= limit.value if measure.at_least else actual <= limit.value)
    return Gate(
        name=limit.measure,
        subject=variant.name,
        limit=limit.value,
        actual=actual,
        passed=holds,
        at_least=measure.at_least,
        reason=reason,
    )
