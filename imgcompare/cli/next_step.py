"""The one thing to do next, told at the end of a run where somebody watches."""

from __future__ import annotations

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Collection, Document, Report


def next_step(document: Document, *, configured: bool, has_baseline: bool) -> str | None:
    """Return the command and what it does; None where the report says itself what is next.

    ``configured`` says that a project's file was run, ``has_baseline`` that growth is measured from something.
    """
    if isinstance(document, Collection):
        return _NEXT_PAGE
    if not all(as_expected(variant) for variant in document.variants) or len(document.variants) == 1:
        return None  # what mends it, or makes it smaller, is told with it
    if configured and not has_baseline and document.passed:
        return "Next: imgcompare baseline update   writes these sizes down, so that growth can fail a build"
    if pair := _pair(document):
        return f"Next: imgcompare diff {' '.join(pair)}   says what makes the difference"
    return _NEXT_PAGE


_NEXT_PAGE = "Next: imgcompare report --open   shows where every byte went, as a page"


def _pair(report: Report) -> tuple[str, str] | None:
    """The baseline and the smallest that works, where these are two that can be typed."""
    smallest = report.comparison.smallest_working
    names = (report.baseline, smallest or "")
    plain = all(name.isprintable() and not set(name) & set(" '\"\\$`") for name in names)
    return names if smallest not in {None, report.baseline} and plain else None
