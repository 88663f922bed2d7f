"""A table as data: columns and cells, built once, that every format draws in its own way."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from imgcompare.text.printable import printable

Tone = Literal["plain", "strong", "good", "bad", "dim"]


NOTHING = "–"


class Column(Struct, frozen=True, kw_only=True):
    """One column. ``rank`` 0 always stays; where room is short, the highest rank goes first.

    A ``joined`` column belongs to the one on its left, which also speaks for it where ``short_title`` is empty.
    """

    key: str
    title: str
    rank: int = 0
    right: bool = False
    joined: bool = False
    short_title: str | None = None


class Cell(Struct, frozen=True, kw_only=True):
    """One cell: its text, a shorter one for narrow output, and for a bar the ``share`` (0 to 1) to draw instead."""

    text: str = ""
    short: str | None = None
    tone: Tone = "plain"
    share: float | None = None


class Grid(Struct, frozen=True):
    """The table of a report: ``rows`` hold one cell for each of ``columns``, one row for each variant, in order."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def variant_name(name: str) -> str:
    """Return a variant's name as it is shown: printable, never empty, of bounded length."""
    return printable(name, limit=60) or "(no name)"
