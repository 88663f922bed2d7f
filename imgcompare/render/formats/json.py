"""The report as JSON: every field, in the model's order, indented by two."""

from __future__ import annotations

import re

import msgspec

from imgcompare.console.style import Style
from imgcompare.model import Document
from imgcompare.render.registry import RenderContext
from imgcompare.text.as_json import as_json

# JSON's own escapes stop at U+001F (RFC 8259 section 7). C1 controls and bidi characters can drive a terminal as well.
_UNSHOWN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NOT_ASCII = re.compile("[^\x00-\x7e]")


def render(document: Document, context: RenderContext) -> str:
    """Return the report or collection as JSON text."""
    return to_json(document, context.style)


def to_json(value: msgspec.Struct, style: Style) -> str:
    """Return a struct as JSON text; characters that a terminal could obey, or cannot show, are escaped."""
    text = msgspec.json.format(as_json(value), indent=2).decode()
    if text.isascii() and "\x7f" not in text:  # nearly always; looking at each character takes longer than all else
        return f"{text}\n"
    return (_NOT_ASCII if style.ascii_only else _UNSHOWN).sub(_escape, text) + "\n"


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
