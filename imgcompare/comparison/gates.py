"""Pure: whether a report keeps to its limits.

A general limit passes over what was skipped, and over what a variant that breaks as its scenario declares never came
to; a limit that names a variant demands it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from imgcompare.comparison import compare
from imgcompare.comparison.baseline import Stored, absent, hold
from imgcompare.comparison.limits import MIN_SAVING, MUST_WORK, OPTIONS, Limit, check_limits
from imgcompare.model import Document, Entry, Gate, Image, Report, Variant, Verdict


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
    options = {measure: option for option, measures in OPTIONS.items() for measure in measures}
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
    return not (broken_as_declared and isinstance(_MEASURES[limit.measure](variant, report), str))


def _gate(limit: Limit, variant: Variant, report: Report) -> Gate:
    at_least = limit.measure in _AT_LEAST
    reading = _MEASURES[limit.measure](variant, report)
    reason, actual = (reading, None) if isinstance(reading, str) else ("", reading)
    holds = actual is not None and (actual >= limit.value if at_least else actual <= limit.value)
    return Gate(
        name=limit.measure,
        subject=variant.name,
        limit=limit.value,
        actual=actual,
        passed=holds,
        at_least=at_least,
        reason=reason,
    )


# What is measured: a number, or why there is none.
_Measure = Callable[[Variant, Report], float | str]


def _of_image(read: Callable[[Image], float | None], unknown: str) -> _Measure:
    def measure(variant: Variant, _: Report) -> float | str:
        if variant.image is None:
            return _no_image(variant)
        value = read(variant.image)
        return unknown if value is None else value

    return measure


def _no_image(variant: Variant) -> str:
    if variant.skipped:
        return f"it was skipped: {variant.skipped}"
    return "there is no image" + (f": {variant.failure.code}" if variant.failure else "")


def _wasted_ratio(image: Image) -> float | None:
    if image.wasted_bytes is None:
        return None
    return image.wasted_bytes / image.uncompressed_size if image.uncompressed_size else 0.0


def _ready_after(variant: Variant, _: Report) -> float | str:
    if variant.run and variant.run.ready_after_s is not None:
        return variant.run.ready_after_s
    return _no_image(variant) if variant.skipped else "it never answered"


def _saving(variant: Variant, report: Report) -> float | str:
    if variant.image is None:
        return _no_image(variant)
    base = next((other.image for other in report.variants if other.name == report.baseline), None)
    if base is None or not base.uncompressed_size:
        return f"there is no image of {report.baseline}, the baseline"
    return 1 - variant.image.uncompressed_size / base.uncompressed_size


def _works(variant: Variant, _: Report) -> float | str:
    if variant.verdict is Verdict.NOT_CHECKED:
        return _no_image(variant) if variant.skipped else "it was not checked"
    return float(variant.verdict is Verdict.WORKS)


def _growth(variant: Variant, report: Report) -> float | str:
    if report.against is None:
        return "nothing stored was named that growth is measured from (--against)"
    if variant.image is None:
        return _no_image(variant)
    row = next((row for row in report.against.rows if row.variant == variant.name), None)
    if row is None or row.entry is not Entry.BOTH or row.uncompressed_delta is None:
        return f"it is not in {report.against.source}: `imgcompare baseline update` records it"
    return row.uncompressed_delta


def _growth_ratio(variant: Variant, report: Report) -> float | str:
    growth = _growth(variant, report)
    if isinstance(growth, str) or report.against is None:
        return growth
    before = next(row.uncompressed_before for row in report.against.rows if row.variant == variant.name)
    return growth / before if before else "what is stored is an empty image"


_MEASURES: Mapping[str, _Measure] = {
    "uncompressed_size": _of_image(lambda image: image.uncompressed_size, ""),
    "compressed_size": _of_image(lambda image: image.compressed_size, "its compressed size was not measured"),
    "own_size": _of_image(lambda image: image.own_size, "its base image is not known"),
    "layer_count": _of_image(lambda image: image.layer_count, ""),
    "saving_ratio": _saving,
    "wasted_bytes": _of_image(lambda image: image.wasted_bytes, "its waste was not measured"),
    "wasted_ratio": _of_image(_wasted_ratio, "its waste was not measured"),
    "ready_after_s": _ready_after,
    "works": _works,
    "growth_bytes": _growth,
    "growth_ratio": _growth_ratio,
}
_AT_LEAST = frozenset({"saving_ratio", "works"})
