"""The one sink for text that came from an image, a log or a report: no control, escape or bidi characters pass."""

from __future__ import annotations

import re

from imgcompare.regex import regex

# ECMA-48 escape sequences: CSI …, OSC … up to BEL or ST (or the end), and the two-character ones.
_ESCAPES = regex(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
# C0 and C1 controls, and the bidi, zero-width, tag and line-separating characters that reorder or hide text (UAX #9).
_UNSAFE = regex(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# What stands for a byte that is not UTF-8 (PEP 383), or for nothing at all.
_SURROGATE = regex("[\ud800-\udfff]")
# What an escape of file_name could be mistaken for.
_LIKE_AN_ESCAPE = regex(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_UNSAFE_IN_NAMES = regex(f"[\t\n]|{_UNSAFE.pattern}")
# What the output draws with, for terminals that know no other characters; names keep their difference as escapes.
_ASCII = str.maketrans(
    {"✓": "ok", "✗": "x", "−": "-", "–": "-", "—": "-", "·": "-", "…": "...", "█": "#", "≈": "~", "×": "x", "÷": "/"}
    | {"“": '"', "”": '"', "‘": "'", "’": "'", "→": "->", "≤": "<=", "≥": ">="}
)


def printable(text: str, *, limit: int | None = None) -> str:
    """Return ``text`` as one printable line: escapes and controls dropped, white space folded, cut at ``limit``.

    A byte that is not UTF-8 (a surrogate escape) is shown as ``\\xe9``.
    """
    line = _safe(text.replace("\r", " "))
    line = " ".join(line.split())
    if limit is not None and len(line) > limit:
        return line[: max(limit - 1, 0)] + "…"
    return line


def verbatim(line: str) -> str:
    """Return one line as it is to be copied: escapes and controls dropped, every space and tab of it kept."""
    return _safe(line).replace("\n", " ")


def file_name(path: str) -> str:
    """Return the path of a file so that it can be printed and told from every other one: odd characters as escapes."""
    if path.isascii() and path.isprintable() and "\\" not in path:
        return path  # as nearly every path is
    path = _LIKE_AN_ESCAPE.sub(r"\\x5c", path)
    return _SURROGATE.sub(_escape, _UNSAFE_IN_NAMES.sub(_escape, path))


def _safe(text: str) -> str:
    text = _UNSAFE.sub("", _ESCAPES.sub("", text))
    return text if text.isascii() else _SURROGATE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # the byte it stands for
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_lines(text: str, *, limit: int = 500) -> list[str]:
    """Split ``text`` into printable lines of at most ``limit`` characters, empty ones left out.

    A carriage return starts a line over, as it does on a terminal: only what stood last is kept.
    """
    lines = []
    for raw in text.split("\n"):
        line = _safe(raw.rstrip("\r").rpartition("\r")[2]).expandtabs(4).rstrip()
        if line:
            lines.append(line if len(line) <= limit else line[: limit - 1] + "…")
    return lines


def to_ascii(text: str) -> str:
    """Return ``text`` in ASCII: signs by their nearest spelling, every other character as a Python escape."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
