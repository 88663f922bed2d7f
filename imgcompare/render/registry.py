"""The formats of a report: a new one is a module of ``formats`` and a line here.

Read for ``--help`` too, so it loads nothing of the model; a format's module is loaded at its first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from imgcompare.errors import UsageError

if TYPE_CHECKING:
    from imgcompare.console.style import Style
    from imgcompare.model import Document
    from imgcompare.reports.history import PastRun

# A format's name, which is its module's, and the extensions of files that are meant to have it.
_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "table": ("", ".txt"),
    "json": (".json",),
    "markdown": (".md",),
    "html": (".html",),
    "junit": (".xml",),
    "csv": (".csv",),
    "github": (),
    "sarif": (".sarif",),
    "openmetrics": (".prom",),
}
FORMATS = tuple(_EXTENSIONS)
"""Every format, in the order in which they are shown."""

FORMAT_OF = {extension: name for name, extensions in _EXTENSIONS.items() for extension in extensions}
"""The format that a file's extension stands for."""


class RenderContext(NamedTuple):
    """What a format may want to know beside the report; each takes from it what it shows.

    ``notes`` are remarks of this run alone, ``past`` gives earlier runs to a format that shows a trend. Formats that
    name files as a repository has them need the current ``folder`` and the ``repository``'s root above it. A page loads
    itself again every ``reload_s`` seconds, and has nothing folded away where it is ``unfolded``.
    On a ``projector`` it shows one thing at a time.
    """

    style: Style
    notes: tuple[str, ...] = ()
    past: Callable[[], Sequence[PastRun]] = tuple
    folder: str = ""
    repository: str = ""
    reload_s: int = 0
    unfolded: bool = False
    projector: bool = False


def render(document: Document, format: str, context: RenderContext) -> str:
    """Return a report or a collection in one of FORMATS, ending in a line feed. Raises UsageError for another."""
    return "".join(pieces(document, format, context))


def pieces(document: Document, format: str, context: RenderContext) -> Iterable[str]:
    """Return the same in pieces, from formats whose text can be long, so that it is never held whole."""
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}", hint=f"Formats: {', '.join(FORMATS)}.")
    module = import_module(f"imgcompare.render.formats.{format}")
    if in_pieces := getattr(module, "pieces", None):
        return cast("Iterable[str]", in_pieces(document, context))
    return (cast("str", module.render(document, context)),)
