"""What a stream can show."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from imgcompare.console.style import is_live, style_for


@contextmanager
def terminal(encoding: str = "utf-8") -> Iterator[IO[str]]:
    """A real terminal, as a stream."""
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w", encoding=encoding) as stream:
        yield stream


def test_pipe_is_plain_and_100_wide() -> None:
    """A pipe gets no colour and a fixed width, so that a log looks the same everywhere."""
    style = style_for(io.StringIO(), {"TERM": "xterm"})
    assert (style.width, style.color, style.ascii_only) == (100, False, False)


@pytest.mark.parametrize(
    ("columns", "width"), [("72", 72), ("20", 20), ("3", 20), ("0", 100), ("wide", 100), ("-5", 100), ("9" * 30, 100)]
)
def test_columns_set_the_width(columns: str, width: int) -> None:
    """COLUMNS counts when it is a usable number."""
    assert style_for(io.StringIO(), {"COLUMNS": columns}).width == width


def test_argument_wins_over_columns() -> None:
    """A width that was asked for wins."""
    assert style_for(io.StringIO(), {"COLUMNS": "72"}, width=60).width == 60


@pytest.mark.parametrize(
    ("environ", "color"),
    [
        ({"TERM": "xterm"}, True),
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_color_on_a_terminal(environ: dict[str, str], color: bool) -> None:
    """A terminal gets colour unless it is dumb or NO_COLOR is set."""
    with terminal() as stream:
        assert style_for(stream, environ).color is color


@pytest.mark.parametrize(
    ("environ", "color"),
    [({"FORCE_COLOR": "1"}, True), ({"CLICOLOR_FORCE": "1"}, True), ({"FORCE_COLOR": "0"}, False)],
)
def test_color_forced_into_a_pipe(environ: dict[str, str], color: bool) -> None:
    """Colour can be forced where there is no terminal."""
    assert style_for(io.StringIO(), environ).color is color


@pytest.mark.parametrize(("encoding", "ascii_only"), [("utf-8", False), ("ascii", True), ("cp1252", True)])
def test_encoding_decides_the_characters(encoding: str, ascii_only: bool) -> None:
    """A stream that cannot take the signs and bars gets ASCII."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert style_for(stream, {}).ascii_only is ascii_only


def test_portable_locale_means_ascii() -> None:
    """LC_ALL=C asks for ASCII, though Python would write UTF-8 there."""
    assert style_for(io.StringIO(), {"LC_ALL": "C"}).ascii_only


def test_only_a_capable_terminal_is_live() -> None:
    """A pipe, a closed stream and a dumb terminal get no live view."""
    with terminal() as stream:
        assert is_live(stream, {"TERM": "xterm"})
        assert not is_live(stream, {"TERM": "dumb"})
    assert not is_live(stream, {"TERM": "xterm"})
    assert not is_live(io.StringIO(), {"TERM": "xterm"})
