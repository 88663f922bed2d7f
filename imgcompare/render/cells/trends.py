"""Earlier runs as cells and columns: built once, for `imgcompare history` and for the report's page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from imgcompare.model import Report, Verdict
from imgcompare.regex import regex
from imgcompare.render.cells.facts import without
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.reports.history import PastRun, PastVariant, past_of
from imgcompare.text.printable import printable
from imgcompare.text.units import draw_trend, format_bytes, format_change

_RANDOM = regex("-[0-9a-f]{6}$", re.ASCII)  # the end of a run's name, which no command needs
_WIDEST = 4.0  # per cent: two runs are two columns, not two walls
FEWEST_RUNS = 3
"""Fewer are no trend."""
_FIRST_RANK = 10  # columns of variants go first where room is short, the last ones first


class Point(Struct, frozen=True, kw_only=True):
    """A run's column in a chart of one variant, in per cent of its width and height; ``kind`` decides its colour."""

    start: float
    width: float
    height: float
    kind: str
    label: str


class Trend(Struct, frozen=True, kw_only=True):
    """How a variant's unpacked size went, and its newest in words."""

    name: str
    text: str
    points: tuple[Point, ...]


def until(report: Report, past: Iterable[PastRun]) -> tuple[PastRun, ...]:
    """Return the runs of a report's comparison before it, oldest first, and the report itself."""
    ours = [run for run in past if run.comparison == report.scenario and run.created <= report.created]
    names = [run.run for run in ours if run.created == report.created]
    earlier = sorted((run for run in ours if run.created != report.created), key=lambda run: run.created)
    return (*earlier, past_of(report, names[-1] if names else "this one"))


def trends(runs: Sequence[PastRun]) -> tuple[Trend, ...]:
    """Return a chart for each variant of the last run."""
    return tuple(_chart(variant.name, runs) for variant in runs[-1].variants)


def build_trends(runs: Sequence[PastRun], *, ascii_only: bool = False) -> Grid:
    """Return a row for each variant, its trend drawn in characters where there are runs enough to be one."""
    columns = (
        Column(key="variant", title="Variant"),
        Column(key="trend", title="Trend", rank=1),
        Column(key="newest", title="Newest", right=True),
        Column(key="change", title="Since first", rank=2, right=True),
    )
    grid = Grid(columns, tuple(_trend(name, runs, ascii_only=ascii_only) for name in _names(runs)))
    return without(grid, () if len(runs) >= FEWEST_RUNS else ("trend",))


def build_runs(runs: Sequence[PastRun]) -> Grid:
    """Return a row for each run, newest first, with the sizes of all variants; ✗ marks one that was broken."""
    names = _names(runs)
    columns = (
        Column(key="run", title="Run"),
        Column(key="created", title="When (UTC)", rank=1),
        Column(key="passed", title="Result"),
        *(
            Column(key=f"variant{number}", title=variant_name(name), rank=_FIRST_RANK + number, right=True)
            for number, name in enumerate(names)
        ),
    )
    return Grid(columns, tuple(_run(run, names) for run in reversed(runs)))


def _names(runs: Sequence[PastRun]) -> list[str]:
    """The variants of all runs, those of the newest first."""
    return list(dict.fromkeys(variant.name for run in reversed(runs) for variant in run.variants))


def _variant(run: PastRun, name: str) -> PastVariant | None:
    return next((variant for variant in run.variants if variant.name == name), None)


def _sizes(name: str, runs: Sequence[PastRun]) -> list[int | None]:
    return [variant.uncompressed_size if (variant := _variant(run, name)) else None for run in runs]


def _change(known: Sequence[int]) -> str:
    return format_change(known[-1] / known[0]) if len(known) > 1 and known[0] else NOTHING


def _trend(name: str, runs: Sequence[PastRun], *, ascii_only: bool) -> tuple[Cell, ...]:
    sizes = _sizes(name, runs)
    known = [size for size in sizes if size is not None]
    return (
        Cell(text=variant_name(name)),
        Cell(text=draw_trend(sizes, ascii_only=ascii_only)),
        Cell(text=format_bytes(known[-1]) if known else NOTHING),
        Cell(text=_change(known)),
    )


def _chart(name: str, runs: Sequence[PastRun]) -> Trend:
    sizes = _sizes(name, runs)
    known = [size for size in sizes if size is not None]
    width = min(100 / len(runs), _WIDEST)
    points = tuple(
        Point(
            start=round(number * width, 3),
            width=round(width, 3),
            height=round(100 * size / (max(known) or 1), 3),
            kind="bad" if _is_broken(run, name) else "",
            label=f"{_when(run)}: {format_bytes(size)}{', broken' if _is_broken(run, name) else ''}",
        )
        for number, (run, size) in enumerate(zip(runs, sizes, strict=True))
        if size is not None
    )
    return Trend(name=variant_name(name), text=_told(known), points=points)


def _is_broken(run: PastRun, name: str) -> bool:
    variant = _variant(run, name)
    return variant is not None and variant.verdict is Verdict.BROKEN


def _told(known: Sequence[int]) -> str:
    newest = format_bytes(known[-1]) if known else NOTHING
    return f"{newest}, {_change(known)} in {len(known)} runs" if len(known) > 1 else newest


def _run(run: PastRun, names: Sequence[str]) -> tuple[Cell, ...]:
    return (
        Cell(text=printable(_RANDOM.sub("", run.run), limit=40)),
        Cell(text=_when(run), tone="dim"),
        Cell(text="passed", tone="good") if run.passed else Cell(text="failed", tone="bad"),
        *(_size(_variant(run, name)) for name in names),
    )


def _when(run: PastRun) -> str:
    return printable(run.created.replace("T", " "))[:16]


def _size(variant: PastVariant | None) -> Cell:
    if variant is None:
        return Cell(text=NOTHING, tone="dim")
    size = NOTHING if variant.uncompressed_size is None else format_bytes(variant.uncompressed_size)
    return Cell(text=f"✗ {size}", tone="bad") if variant.verdict is Verdict.BROKEN else Cell(text=size)
