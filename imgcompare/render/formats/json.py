"""The report as JSON: every field, in the model's order, indented by two."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Document, Report
from imgcompare.regex import regex
from imgcompare.render.registry import RenderContext
from imgcompare.text.as_json import as_json

# JSON's own escapes stop at U+001F (RFC 8259 section 7). C1 controls and bidi characters can drive a terminal as well.
_UNSHOWN = regex("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_DEEPER = "\n    "  # a comparison's place in a collection; no text in JSON has a line feed
_NOT_ASCII = regex("[^\x00-\x7e]")


def render(document: Document, context: RenderContext) -> str:
    """Return the report or collection as JSON text."""
    return "".join(pieces(document, context))


def pieces(document: Document, context: RenderContext) -> Iterator[str]:
    """Yield the same text a comparison at a time, so that of many no more is held twice than one."""
    if isinstance(document, Report) or not document.comparisons:
        yield to_json(document, context.style)
        return
    key = '\n  "comparisons": ['
    before, _, after = to_json(replace(document, comparisons=()), context.style).partition(f"{key}]")
    yield before + key
    for number, report in enumerate(document.comparisons):
        text = to_json(report, context.style).rstrip("\n").replace("\n", _DEEPER)
        yield f"{',' if number else ''}{_DEEPER}{text}"
    yield f"\n  ]{after}"


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
