"""The report as JSON: every field, in the model's order, indented by two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Document, Report
from imgcompare.regex import regex
from imgcompare.render.registry import RenderContext
from imgcompare.text.as_json import as_json

# JSON's own escapes stop at U+001F (RFC 8259 section 7). C1 controls and bidi characters can drive a terminal as well.
_UNSHOWN = regex("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_DEEPER = "\n    "  # the place of what is in a list; no text in JSON has a line feed
_NOT_ASCII = regex("[^\x00-\x7e]")


def render(document: Document, context: RenderContext) -> str:
    """Return the report or collection as JSON text."""
    return "".join(pieces(document, context))


def pieces(document: Document, context: RenderContext) -> Iterator[str]:
    """Yield the same text a variant at a time, so that of many no more is held twice than one."""
    yield from _pieces(document, context)
    yield "\n"


def _pieces(document: Document, context: RenderContext) -> Iterator[str]:
    members: Iterable[Iterable[str]]
    if isinstance(document, Report):
        name, rest = "variants", to_json(replace(document, variants=()), context.style)
        members = ((to_json(variant, context.style).rstrip("\n"),) for variant in document.variants)
    else:
        name, rest = "comparisons", to_json(replace(document, comparisons=()), context.style)
        members = (_pieces(report, context) for report in document.comparisons)
    before, key, after = rest.rstrip("\n").partition(f'\n  "{name}": [')
    yield before + key
    comma = ""
    for member in members:
        yield comma + _DEEPER
        yield from (piece.replace("\n", _DEEPER) for piece in member)
        comma = ","
    yield f"\n  {after}" if comma else after


def to_json(value: msgspec.Struct, style: Style) -> str:
    """Return a struct as JSON text; characters that a terminal could obey, or cannot show, are escaped."""
    text = as_json(value)
    if (
        not text.isascii() or b"\x7f" in text
    ):  # before it is indented: looking at each character takes longer than all else
        text = (_NOT_ASCII if style.ascii_only else _UNSHOWN).sub(_escape, text.decode()).encode()
    return f"{msgspec.json.format(text, indent=2).decode()}\n"


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
