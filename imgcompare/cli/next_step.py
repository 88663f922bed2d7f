"""The one thing to do next, told at the end of a run where somebody watches."""

from __future__ import annotations

import json

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Collection, Document, Report
from imgcompare.render.cells.savings import greatest
from imgcompare.text.printable import printable


def next_step(document: Document, *, configured: bool, has_baseline: bool) -> str | None:
    """Return the command and what it does; None where the report says itself what is next.

    ``configured`` says that a project's file was run, ``has_baseline`` that growth is measured from something.
    """
    if isinstance(document, Collection):
        return _NEXT_PAGE
    if not all(as_expected(variant) for variant in document.variants) or greatest(document):
        return None  # what mends it, or makes it smaller, is told with it
    if document.shrunk and document.shrunk.written and not configured:
        return "Next: imgcompare init --ci github   compares both from now on, here and in CI (or: --ci gitlab)"
    if len(document.variants) == 1 and not configured and not document.shrunk:
        return "Next: imgcompare init   writes down what is compared here, and with --ci github the job for CI"
    if configured and not has_baseline and document.passed and not document.shrunk:
        return "Next: imgcompare baseline update   writes these sizes down, so that growth can fail a build"
    if pair := _pair(document):
        return f"Next: imgcompare diff {' '.join(pair)}   says what makes the difference"
    return _NEXT_PAGE


def after_update(file: str) -> str:
    """Return what is next where a baseline was written that no run was held to."""
    return (
        f"Next: commit it, and let runs be held to it, in imgcompare.toml: against = {json.dumps(printable(file))}, "
        'and in [gates] max_growth = "2%"'
    )


_NEXT_PAGE = "Next: imgcompare report --open   shows where every byte went, as a page"


def _pair(report: Report) -> tuple[str, str] | None:
    """The baseline and the smallest that works, where these are two that can be typed."""
    smallest = report.comparison.smallest_working
    names = (report.baseline, smallest or "")
    plain = all(name.isprintable() and not set(name) & set(" '\"\\$`") for name in names)
    return names if smallest not in {None, report.baseline} and plain else None
