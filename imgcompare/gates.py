"""Pure: what may be limited, how limits are written, and whether a report keeps to them.

A limit without a variant is for all of them; one that names a variant stands for that variant in place of the general
ones of the same option. A general limit passes over what was skipped, and over what a variant that breaks as its
scenario declares never came to; a limit that names a variant demands it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from msgspec.structs import replace

from imgcompare import compare
from imgcompare.baseline import Stored, absent, hold
from imgcompare.errors import UsageError
from imgcompare.model import Document, Entry, Gate, Image, Report, Variant, Verdict
from imgcompare.safetext import printable
from imgcompare.units import parse_bytes, parse_seconds, parse_share

MUST_WORK = "must-work"
MAX_GROWTH = "max-growth"
_MIN_SAVING = "min-saving"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """``measure`` (a Gate's name) of ``variant``, or of all, must keep to ``value``; ``option`` is what was given."""

    option: str
    measure: str
    value: float
    variant: str | None = None


def read_limit(option: str, text: str, shown: str | None = None) -> Limit:
    """Read a limit as it is written, ``120MB`` or ``VARIANT=120MB``; messages call the option what ``shown`` says.

    Raises UsageError, which tells the accepted forms.
    """
    shown = shown or f"--{option}"
    if option == MUST_WORK:
        return Limit(option=option, measure="works", value=1, variant=text or None)
    variant, equals, value = text.rpartition("=")
    if equals and not variant:
        raise UsageError(f"{shown} {text!r} has no variant before the '='", hint=f"Write {shown} VARIANT={value}")
    measure, number = _READERS[option](shown, value)
    return Limit(option=option, measure=measure, value=number, variant=variant or None)


def read_limits(given: Mapping[str, Iterable[str]]) -> tuple[Limit, ...]:
    """Read the limits given for each of OPTIONS. Raises UsageError, also for two limits where only one can hold."""
    limits = tuple(read_limit(option, text) for option in OPTIONS for text in given.get(option, ()))
    for number, limit in enumerate(limits):
        if any((limit.measure, limit.variant) == (other.measure, other.variant) for other in limits[:number]):
            raise UsageError(
                f"--{limit.option} is given twice for {printable(limit.variant or 'all variants', limit=100)}",
                hint=f"Give it once, or for one variant: --{limit.option} VARIANT=LIMIT",
            )
    return limits


def check_limits(limits: Iterable[Limit], variants: Collection[str], baseline: str | None, *, against: bool) -> None:
    """Refuse limits that can never be held. Raises UsageError.

    ``variants`` are all there will be, ``baseline`` the one that nothing can be saved against, ``against`` whether
    there is something stored that growth is measured from.
    """
    for limit in limits:
        told = f"--{limit.option} {printable(limit.variant or '', limit=100)}".rstrip()
        if limit.variant is not None and limit.variant not in variants:
            close = difflib.get_close_matches(limit.variant, variants, n=1)
            raise UsageError(
                f"{told}: there is no such variant" + (f"; did you mean {close[0]!r}?" if close else ""),
                hint=f"The variants are: {', '.join(variants)}."
                + (f" For all of them write --{MUST_WORK} last." if limit.option == MUST_WORK else ""),
            )
        if limit.option == _MIN_SAVING and limit.variant is not None and limit.variant == baseline:
            raise UsageError(
                f"{told}: this is the baseline, which savings are measured from",
                hint="Name another variant, or another baseline: --baseline NAME",
            )
        if limit.option == MAX_GROWTH and not against:
            raise UsageError(
                f"--{MAX_GROWTH} needs something that growth is measured from",
                hint="Name what was stored: --against imgcompare.baseline.json (`imgcompare baseline update` makes it)",
            )


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
    notes = (*document.notes, *(absent(stored, judged) if stored and not document.shard else ()))
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
    if any(limit.option == _MIN_SAVING for limit in limits) and variant.name == report.baseline:
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
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "max-size": ("uncompressed_size",),
        "max-compressed-size": ("compressed_size",),
        "max-own-size": ("own_size",),
        "max-layers": ("layer_count",),
        _MIN_SAVING: ("saving_ratio",),
        "max-wasted": ("wasted_bytes", "wasted_ratio"),
        "max-ready": ("ready_after_s",),
        MUST_WORK: ("works",),
        MAX_GROWTH: ("growth_bytes", "growth_ratio"),
    }
)
"""What can be limited, in the order in which gates are shown, and the names of the gates that each makes."""


# How a limit is written: the option as messages call it and the text → the measure and its value.
_Reader = Callable[[str, str], tuple[str, float]]


def _size(measure: str) -> _Reader:
    def read(shown: str, text: str) -> tuple[str, float]:
        size = parse_bytes(shown, text)
        if not size:
            raise UsageError(f"{shown} {text!r}: no image is that small", hint=f"For example: {shown} 120MB")
        return measure, size

    return read


def _bytes_or_share(stem: str) -> _Reader:
    def read(shown: str, text: str) -> tuple[str, float]:
        if text.rstrip().endswith("%"):
            return f"{stem}_ratio", parse_share(shown, text)
        try:
            return f"{stem}_bytes", parse_bytes(shown, text)
        except UsageError as exc:
            raise UsageError(
                f"{shown} {text!r} is neither a number of bytes nor a percentage",
                hint=f"Accepted forms: {shown} 500000, 500kB, 1.5MB, 2MiB or 2.5%.",
            ) from exc

    return read


def _layers(shown: str, text: str) -> tuple[str, float]:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits)):
        raise UsageError(f"{shown} {text!r} is no number of layers", hint=f"For example: {shown} 12")
    return "layer_count", int(digits)


def _least_saving(shown: str, text: str) -> tuple[str, float]:
    share = parse_share(shown, text)
    if share >= 1:
        raise UsageError(f"{shown} {text!r}: no image saves all of another", hint=f"For example: {shown} 50%")
    return "saving_ratio", share


def _ready(shown: str, text: str) -> tuple[str, float]:
    seconds = parse_seconds(shown, text)
    if not seconds:
        raise UsageError(f"{shown} {text!r}: nothing answers at once", hint=f"For example: {shown} 2s")
    return "ready_after_s", seconds


_READERS: Mapping[str, _Reader] = {
    "max-size": _size("uncompressed_size"),
    "max-compressed-size": _size("compressed_size"),
    "max-own-size": _size("own_size"),
    "max-layers": _layers,
    _MIN_SAVING: _least_saving,
    "max-wasted": _bytes_or_share("wasted"),
    "max-ready": _ready,
    MAX_GROWTH: _bytes_or_share("growth"),
}
