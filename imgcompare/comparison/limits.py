"""Pure: limits as they are written, and which can never be held; `measures` says what can be limited.

A limit without a variant is for all of them; one that names a variant stands for that variant in place of the general
ones of the same option.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from imgcompare.comparison.measures import MAX_GROWTH, MIN_SAVING, MUST_WORK, OPTIONS
from imgcompare.errors import UsageError
from imgcompare.text.printable import printable


class Limit(Struct, frozen=True, kw_only=True):
    """``measure`` (a Gate's name) of ``variant``, or of all, must keep to ``value``; ``option`` is what was given.

    ``text`` is how it was written, empty for one that was read from a report.
    """

    option: str
    measure: str
    value: float
    variant: str | None = None
    text: str = ""


def read_limit(option: str, text: str, shown: str | None = None) -> Limit:
    """Read a limit as it is written, ``120MB`` or ``VARIANT=120MB``; messages call the option what ``shown`` says.

    Raises UsageError, which tells the accepted forms.
    """
    shown = shown or f"--{option}"
    if option == MUST_WORK:
        return Limit(option=option, measure="works", value=1, variant=text or None, text=text)
    variant, equals, value = text.rpartition("=")
    if equals and not variant:
        raise UsageError(f"{shown} {text!r} has no variant before the '='", hint=f"Write {shown} VARIANT={value}")
    measure, number = OPTIONS[option].parse(shown, value)
    return Limit(option=option, measure=measure, value=number, variant=variant or None, text=text)


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


def by_variant(limits: Iterable[Limit]) -> dict[str, tuple[Limit, ...]]:
    """Group limits by the variant that each names; "" for those of all."""
    groups: dict[str, tuple[Limit, ...]] = {}
    for limit in limits:
        groups[limit.variant or ""] = (*groups.get(limit.variant or "", ()), limit)
    return groups


def check_limits(limits: Iterable[Limit], variants: Collection[str], baseline: str | None, *, against: bool) -> None:
    """Refuse limits that can never be held. Raises UsageError.

    ``variants`` are all there will be, ``baseline`` the one that nothing can be saved against, ``against`` whether
    there is something stored that growth is measured from.
    """
    for limit in limits:
        told = f"--{limit.option} {printable(limit.variant or '', limit=100)}".rstrip()
        if limit.variant is not None and limit.variant not in variants:
            from difflib import get_close_matches  # noqa: PLC0415 - only needed when something went wrong

            close = get_close_matches(limit.variant, variants, n=1)
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
