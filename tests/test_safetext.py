"""The sink for foreign text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.safetext import printable, printable_lines, to_ascii


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"),
        ("\x9b2Ja\u202eb\u200bc\ufeff", "abc"),
        ("a\r\n\t b  c", "a b c"),
        ("not utf-8: \udc80", "not utf-8:"),
        ("[red]x[/]", "[red]x[/]"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Escapes, controls, bidi and surrogates are dropped, white space is folded, everything else stays."""
    assert printable(text) == shown


def test_printable_is_cut_at_the_limit() -> None:
    """A cut is seen, and counts in the limit."""
    assert printable("abcdef", limit=4) == "abc…"
    assert printable("abcd", limit=4) == "abcd"


def test_lines_keep_indentation_and_the_last_word_of_a_progress_bar() -> None:
    """Log lines keep their indentation; what a carriage return overwrote is gone, as on a terminal."""
    assert printable_lines("  a\n\n10%\r20%\rdone\r\n\tb") == ["  a", "done", "    b"]


def test_ascii_spells_signs_and_escapes_letters() -> None:
    """The signs of the output have a spelling; letters keep their difference."""
    assert to_ascii("✓ 200 · −79 % … größe 应") == r"ok 200 - -79 % ... gr\xf6\xdfe \u5e94"


@given(st.text())
def test_everything_becomes_one_ascii_line(text: str) -> None:
    """No text survives as anything but printable ASCII on one line."""
    shown = to_ascii(printable(text))
    assert shown.isascii()
    assert shown.isprintable()
