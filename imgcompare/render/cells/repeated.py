"""What was measured several times, as a table's columns and cells, built once: plain data that every format draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imgcompare.model import Report, Spread, Variant
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.text.units import format_bytes, format_seconds

_COLUMNS = (
    Column(key="variant", title="Measured again"),
    Column(key="what", title=""),
    Column(key="runs", title="Times", right=True, rank=1),
    Column(key="minimum", title="Least", right=True),
    Column(key="median", title="Median", right=True),
    Column(key="maximum", title="Most", right=True),
    Column(key="deviation", title="Deviation", right=True, rank=1),
)
_MEASURES = {"ready_s": "ready", "response_s": "response", "memory_bytes": "memory", "build_s": "cached build"}
_BRIEF_S = 0.0995


def build_repeats(report: Report) -> Grid:
    """Return a row for each measure of each variant that was taken several times; without any there is no row."""
    return Grid(_COLUMNS, tuple(row for variant in report.variants for row in _rows(variant)))


def spreads(variant: Variant) -> Iterator[tuple[str, Spread]]:
    """Each measure of a variant that was taken several times, by the name of its field."""
    for name in _MEASURES if variant.repeated else ():
        if spread := getattr(variant.repeated, name):
            yield name, spread


def told(name: str, spread: Spread) -> str:
    """A spread in a sentence."""
    show = _format(name)
    least, middle, most = show(spread.minimum), show(spread.median), show(spread.maximum)
    return f"{_MEASURES[name]}, measured {len(spread.values)} times: least {least}, median {middle}, most {most}"


def _rows(variant: Variant) -> Iterator[tuple[Cell, ...]]:
    for name, spread in spreads(variant):
        show = _format(name)
        yield (
            Cell(text=variant_name(variant.name)),
            Cell(text=_MEASURES[name], tone="dim"),
            Cell(text=str(len(spread.values)), tone="dim"),
            Cell(text=show(spread.minimum)),
            Cell(text=show(spread.median), tone="strong"),
            Cell(text=show(spread.maximum)),
            Cell(text=NOTHING if spread.deviation is None else f"± {show(spread.deviation)}"),
        )


def _format(name: str) -> Callable[[float], str]:
    return format_bytes if name.endswith("_bytes") else _seconds


def _seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < _BRIEF_S else format_seconds(value)
