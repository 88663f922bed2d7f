"""Where in a repository the Dockerfile stands that something is said of, for formats that annotate files."""

from __future__ import annotations

import posixpath

from imgcompare.model import Edit, Variant
from imgcompare.render.registry import RenderContext


def repository_path(variant: Variant, context: RenderContext) -> str:
    """Return the variant's Dockerfile as its repository calls it, with ``/``; "" for one that leads out of it."""
    path = posixpath.normpath(posixpath.join(context.folder, variant.source.dockerfile or "/"))
    path = path.removeprefix(f"{context.repository}/") if context.repository else path
    return "" if path.startswith(("/", "../")) else path


def line_of(edits: tuple[Edit, ...]) -> int:
    """Return the line of the Dockerfile that is to be looked at: the first that a fix changes, else the first."""
    return min((edit.line for edit in edits), default=1)
