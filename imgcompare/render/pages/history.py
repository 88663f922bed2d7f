"""Earlier runs as a page: for each comparison the trend of its variants' sizes, and the runs, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.console.style import Style
from imgcompare.render.cells.trends import build_runs, build_trends
from imgcompare.render.page import Page
from imgcompare.reports.history import History, PastRun
from imgcompare.text.printable import printable


def render(history: History, style: Style) -> str:
    """Return the page; the comparison that ran last stands first."""
    page = Page(style)
    for name, runs in _by_comparison(history.runs).items():
        if page.lines:
            page.gap()
        page.say(f"{printable(name, limit=60)}: {len(runs)} run{'' if len(runs) == 1 else 's'}", "strong")
        page.table(build_trends(runs, ascii_only=style.ascii_only))
        page.gap()
        page.table(build_runs(runs))
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
