"""What comes from images, logs and reports cannot drive a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.text.as_json import as_json
from imgcompare.text.printable import file_name, printable, printable_lines, to_ascii, verbatim

# Text with many of the characters that matter, in between any others.
hostile = st.text(st.one_of(st.sampled_from("\x1b\x9b\x07\r\n\t[]PX^_\\;:?0m \u202e\u2066\u200b\x85"), st.characters()))


def is_safe(text: str) -> bool:
    """Say whether no character of ``text`` controls, reorders, hides or breaks a line."""
    return all(
        unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        and unicodedata.bidirectional(character)
        not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B", "S"}
        and character not in "\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
        and not 0xE0000 <= ord(character) <= 0xE007F
        for character in text
    )


@given(hostile)
def test_no_control_character_ever_passes(text: str) -> None:
    """Whatever text comes, one line and several lines are free of escapes, controls and bidi characters."""
    assert is_safe(printable(text))
    assert all(is_safe(line) for line in printable_lines(text))
    assert is_safe(verbatim(text).replace("\t", ""))


def test_a_line_to_copy_keeps_its_spaces() -> None:
    """Those at its start and within it mean something, in a patch or in quotes."""
    assert verbatim(" RUN  x \\\t'a  b' \x1b[31m") == " RUN  x \\\t'a  b' "


@given(hostile, st.integers(1, 20))
def test_no_limit_is_exceeded(text: str, limit: int) -> None:
    """Text that is cut is at most as long as asked for, its ellipsis included."""
    assert len(printable(text, limit=limit)) <= limit
    assert all(0 < len(line) <= limit for line in printable_lines(text, limit=limit))


@given(hostile)
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    """Cleaning twice changes nothing more."""
    once = printable(text)
    assert printable(once) == once
    assert printable_lines("\n".join(printable_lines(text))) == printable_lines(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==", ""),
        ("\x1bP1$r0m\x1b\\dcs", "dcs"),
        ("\x1b_apc\x1b\\x", "x"),
        ("\x9b31mc1", "c1"),
        ("\x1b(Bcharset\x1bc", "charset"),
        ("back\b\bspace\x7f\x00", "backspace"),
        ("safe\u202egnp.exe\u202c", "safegnp.exe"),
        ("\u2066a\u2069\u200eb\u061c", "ab"),
        ("zero\u200b\ufeffwidth\u2060", "zerowidth"),
        ("a\u2028b\u2029c\x85d", "abcd"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("  many \t\n spaces\r\n", "many spaces"),
        ("[bold]stays[/bold]", "[bold]stays[/bold]"),
        ("müßig 你好 ✓ 👍", "müßig 你好 ✓ 👍"),
        ("caf\udce9 \udcff\ud800", r"caf\xe9 \xff\ud800"),
    ],
)
def test_one_line_keeps_the_words_and_nothing_else(text: str, expected: str) -> None:
    """Colours, titles, links, clipboard writes, device strings and bidi overrides go; text in any script stays."""
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo\r\nthree", ["one", "two", "three"]),
        ("\n\n  \n\x1b[0m\n", []),
        ("10 %\r20 %\r100 %\r\ndone", ["100 %", "done"]),
        ("\ta\n    b", ["    a", "    b"]),
        ("\x1b]0;never ended\nnext", ["next"]),
        ("a\x0bb\x0cc\u2028d", ["abcd"]),
        ("x" * 501, ["x" * 499 + "…"]),
    ],
)
def test_lines_are_what_a_terminal_would_have_shown_last(text: str, expected: list[str]) -> None:
    """Progress bars leave their last state, indentation stays, empty lines go, long ones are cut."""
    assert printable_lines(text) == expected


def test_long_hostile_text_takes_no_longer_than_its_length() -> None:
    """Escapes that never end do not make the patterns search again and again."""
    for text in ("\x1b]" * 200_000, "\x1b[" + "0" * 400_000, "\x1b[" * 200_000, "\x1b]" + "a" * 400_000 + "\x1b"):
        assert is_safe(printable(text))


def test_a_cut_is_seen_and_counts_in_the_limit() -> None:
    """Text that just fits is whole; longer text ends in an ellipsis."""
    assert printable("abcd", limit=4) == "abcd"
    assert printable("abcdef", limit=4) == "abc…"


@given(st.text())
def test_everything_becomes_one_ascii_line(text: str) -> None:
    """Every text can be written to a terminal that knows ASCII only."""
    shown = to_ascii(printable(text))
    assert shown.isascii()
    assert shown.isprintable()


def test_ascii_keeps_signs_readable_and_names_apart() -> None:
    """Signs have a spelling; two names that differ still differ."""
    assert to_ascii("✓ −79 % · ≤ 1 … größe") == r"ok -79 % - <= 1 ... gr\xf6\xdfe"
    assert to_ascii("ä") != to_ascii("ö")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("usr/lib/x.py", "usr/lib/x.py"),
        ("caf\u00e9/\u4f60\u597d", "caf\u00e9/\u4f60\u597d"),
        ("caf\udce9.txt", r"caf\xe9.txt"),
        (r"caf\xe9.txt", r"caf\x5cxe9.txt"),
        (r"caf\x5cxe9.txt", r"caf\x5cx5cxe9.txt"),
        (r"back\slash", r"back\slash"),
        ("a\tb\nc", r"a\x09b\x0ac"),
        ("bell\x07\x1b[31m", r"bell\x07\x1b[31m"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("two  spaces ", "two  spaces "),
    ],
)
def test_a_file_name_is_shown_so_that_it_can_be_told_from_every_other(path: str, shown: str) -> None:
    """What cannot be printed is an escape, and what looks like one is not mistaken for it."""
    assert file_name(path) == shown


@given(*[st.lists(st.sampled_from([b"\\", b"x", b"5c", b"e9", b"\xe9", b"\n", b"u00", b"\xc3"])).map(b"".join)] * 2)
def test_no_two_file_names_look_alike(one: bytes, other: bytes) -> None:
    """Bytes of any kind: the escape can be undone."""
    names = [name.decode("utf-8", "surrogateescape") for name in (one, other)]
    assert (names[0] == names[1]) == (file_name(names[0]) == file_name(names[1]))
    assert all(file_name(name).isprintable() and file_name(name).encode() is not None for name in names)


def test_any_text_can_be_json() -> None:
    """Names that are not UTF-8 are escapes there too; all else is as it is."""
    assert as_json({"caf\udce9": ["\udcff", "\u00e9", 1]}) == '{"caf\\\\xe9":["\\\\xff","\u00e9",1]}'.encode()
