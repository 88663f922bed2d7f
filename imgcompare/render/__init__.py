"""Reports as text: ``render(document, format, style)``, each format in its own module, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from imgcompare.console.style import Style
from imgcompare.errors import UsageError
from imgcompare.model import Document

if TYPE_CHECKING:
    from imgcompare.reports.history import PastRun


Renderer = Callable[[Document, Style, tuple[str, ...]], str]


def _module(name: str) -> Renderer:
    """Return the renderer of a module here, imported at its first use: JSON must not pay for rich."""

    def render_in(document: Document, style: Style, notes: tuple[str, ...]) -> str:
        renderer: Renderer = import_module(f"{__name__}.formats.{name}").render
        return renderer(document, style, notes)

    return render_in


RENDERERS: dict[str, Renderer] = {
    "table": _module("table"),
    "json": _module("json"),
    "markdown": _module("markdown"),
    "html": _module("html"),
    "junit": _module("junit"),
    "csv": _module("csv"),
    "github": _module("github"),
}

DRAWS_PAST = frozenset({"html"})


def render(
    document: Document, format: str, style: Style, notes: tuple[str, ...] = (), past: Sequence[PastRun] = ()
) -> str:
    """Return a report or a collection in a format of RENDERERS, ending in a line feed.

    ``notes`` are remarks of this run alone, ``past`` earlier runs, which the formats of DRAWS_PAST show a trend of.
    Raises UsageError for a format that does not exist.
    """
    if format not in RENDERERS:
        raise UsageError(f"unknown format {format!r}", hint=f"Formats: {', '.join(RENDERERS)}.")
    if format in DRAWS_PAST:
        from imgcompare.render.formats import html  # noqa: PLC0415 - heavy

        return html.render(document, style, notes, past)
    return RENDERERS[format](document, style, notes)
