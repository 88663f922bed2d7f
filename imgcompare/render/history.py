"""Earlier runs as a page: for each comparison the trend of its variants' sizes, and the runs, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from imgcompare.history import History, PastRun, PastVariant
from imgcompare.model import Verdict
from imgcompare.render import Style
from imgcompare.render.page import Page
from imgcompare.render.rows import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.safetext import printable
from imgcompare.units import draw_trend, format_bytes, format_change

_RANDOM = re.compile("-[0-9a-f]{6}$", re.ASCII)  # the end of a run's name, which no command needs
_FIRST_RANK = 10  # columns of variants go first where room is short, the last ones first


def render(history: History, style: Style) -> str:
    """Return the page; the comparison that ran last stands first."""
    page = Page(style)
    for name, runs in _by_comparison(history.runs).items():
        if page.lines:
            page.gap()
        page.say(f"{printable(name, limit=60)}: {len(runs)} run{'' if len(runs) == 1 else 's'}", "strong")
        page.table(_trends(runs, style))
        page.gap()
        page.table(_runs(runs))
    if not history.runs:
        page.say("Nothing was run here yet: `imgcompare run`.")
    for text in history.unreadable:
        page.say(printable(text), "bad", lead="✗ ")
    return page.text()


def _by_comparison(runs: Sequence[PastRun]) -> dict[str, list[PastRun]]:
    """The runs of each comparison, oldest first."""
    found: dict[str, list[PastRun]] = {run.comparison: [] for run in reversed(runs)}
    for run in runs:
        found[run.comparison].append(run)
    return found


def _names(runs: Iterable[PastRun]) -> list[str]:
    """The variants of all runs, those of the newest first."""
    return list(dict.fromkeys(variant.name for run in reversed(list(runs)) for variant in run.variants))


def _variant(run: PastRun, name: str) -> PastVariant | None:
    return next((variant for variant in run.variants if variant.name == name), None)


def _trends(runs: Sequence[PastRun], style: Style) -> Grid:
    columns = (
        Column(key="variant", title="Variant"),
        Column(key="trend", title="Trend", rank=1),
        Column(key="newest", title="Newest", right=True),
        Column(key="change", title="Since first", rank=2, right=True),
    )
    return Grid(columns, tuple(_trend(name, runs, style) for name in _names(runs)))


def _trend(name: str, runs: Sequence[PastRun], style: Style) -> tuple[Cell, ...]:
    sizes = [variant.uncompressed_size if (variant := _variant(run, name)) else None for run in runs]
    known = [size for size in sizes if size is not None]
    change = format_change(known[-1] / known[0]) if len(known) > 1 and known[0] else NOTHING
    return (
        Cell(text=variant_name(name)),
        Cell(text=draw_trend(sizes, ascii_only=style.ascii_only)),
        Cell(text=format_bytes(known[-1]) if known else NOTHING),
        Cell(text=change),
    )


def _runs(runs: Sequence[PastRun]) -> Grid:
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


def _run(run: PastRun, names: Sequence[str]) -> tuple[Cell, ...]:
    return (
        Cell(text=printable(_RANDOM.sub("", run.run), limit=40)),
        Cell(text=printable(run.created.replace("T", " "))[:16], tone="dim"),
        Cell(text="passed", tone="good") if run.passed else Cell(text="failed", tone="bad"),
        *(_size(_variant(run, name)) for name in names),
    )


def _size(variant: PastVariant | None) -> Cell:
    if variant is None:
        return Cell(text=NOTHING, tone="dim")
    size = NOTHING if variant.uncompressed_size is None else format_bytes(variant.uncompressed_size)
    return Cell(text=f"✗ {size}", tone="bad") if variant.verdict is Verdict.BROKEN else Cell(text=size)
