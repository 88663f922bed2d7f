"""Pure: what may be limited, how limits are written, and which can never be held.

A limit without a variant is for all of them; one that names a variant stands for that variant in place of the general
ones of the same option.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imgcompare.errors import UsageError
from imgcompare.text.printable import printable
from imgcompare.text.units import parse_bytes, parse_seconds, parse_share

MUST_WORK = "must-work"
MAX_GROWTH = "max-growth"
MIN_SAVING = "min-saving"

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "max-size": ("uncompressed_size",),
        "max-compressed-size": ("compressed_size",),
        "max-own-size": ("own_size",),
        "max-layers": ("layer_count",),
        MIN_SAVING: ("saving_ratio",),
        "max-wasted": ("wasted_bytes", "wasted_ratio"),
        "max-ready": ("ready_after_s",),
        MUST_WORK: ("works",),
        MAX_GROWTH: ("growth_bytes", "growth_ratio"),
    }
)
"""What can be limited, in the order in which gates are shown, and the names of the gates that each makes."""


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


def by_variant(option: str, texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Group limits of one option, as they are written, by the variant that each names; "" for those of all."""
    groups: dict[str, tuple[str, ...]] = {}
    for text in texts:
        variant = text if option == MUST_WORK else text.rpartition("=")[0]
        groups[variant] = (*groups.get(variant, ()), text)
    return groups


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
        if limit.option == MIN_SAVING and limit.variant is not None and limit.variant == baseline:
            raise UsageError(
                f"{told}: this is the baseline, which savings are measured from",
                hint="Name another variant, or another baseline: --baseline NAME",
            )
        if limit.option == MAX_GROWTH and not against:
            raise UsageError(
                f"--{MAX_GROWTH} needs something that growth is measured from",
                hint="Name what was stored: --against imgcompare.baseline.json (`imgcompare baseline update` makes it)",
            )


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
    MIN_SAVING: _least_saving,
    "max-wasted": _bytes_or_share("wasted"),
    "max-ready": _ready,
    MAX_GROWTH: _bytes_or_share("growth"),
}
