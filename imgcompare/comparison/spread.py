"""Pure: what several measurements of one thing come to."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median, stdev

from imgcompare.model import Spread


def spread(measured: Iterable[float | None]) -> Spread | None:
    """Return the least, the middle and the greatest of what was measured, None where nothing was."""
    values = tuple(float(value) for value in measured if value is not None)
    if not values:
        return None
    return Spread(
        minimum=min(values),
        median=median(values),
        maximum=max(values),
        deviation=stdev(values) if len(values) > 1 else None,
        values=values,
    )
