"""What an output stream can show: width, colour and characters, from the stream and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, NamedTuple

_PLAIN_WIDTH = 100  # a pipe has no width; a CI log shows about this much without folding
_MIN_WIDTH = 20
_PROBE = "✓█−·…"


class Style(NamedTuple):
    """What the output can show: ``width`` in terminal cells, colours, and whether only ASCII characters arrive."""

    width: int
    color: bool
    ascii_only: bool


def style_for(stream: IO[str], environ: Mapping[str, str], width: int | None = None) -> Style:
    """Return the style for a stream: ``width`` wins over COLUMNS, COLUMNS over the terminal's own size."""
    return Style(
        width=max(width or _columns(environ) or _terminal_width(stream), _MIN_WIDTH),
        color=_wants_color(stream, environ),
        ascii_only=not _shows_unicode(stream, environ),
    )


def is_live(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Say whether the stream is a terminal whose cursor can be moved."""
    return _is_terminal(stream) and environ.get("TERM") not in ("dumb", "unknown")


def _is_terminal(stream: IO[str]) -> bool:
    return not stream.closed and stream.isatty()


def _columns(environ: Mapping[str, str]) -> int | None:
    text = environ.get("COLUMNS", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _terminal_width(stream: IO[str]) -> int:
    if not _is_terminal(stream):
        return _PLAIN_WIDTH
    try:
        # 0 columns is what a terminal that was never told its size reports.
        return os.get_terminal_size(stream.fileno()).columns or _PLAIN_WIDTH
    except OSError:
        return _PLAIN_WIDTH


def _wants_color(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """NO_COLOR wins over what forces colour (https://no-color.org, https://bixense.com/clicolors)."""
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_live(stream, environ)


def _shows_unicode(stream: IO[str], environ: Mapping[str, str]) -> bool:
    # Python writes UTF-8 under LC_ALL=C too (PEP 540), but there the user has asked for the portable character set.
    if environ.get("LC_ALL") in ("C", "POSIX"):
        return False
    try:
        _PROBE.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
