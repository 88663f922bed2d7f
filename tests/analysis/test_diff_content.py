"""A text file's own difference: as `diff -u` shows it, bounded, without secrets."""

from __future__ import annotations

import difflib
import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.diff_content import ContentDifference, Version, compare_content


def version(content: bytes | str) -> Version:
    """A file that was read."""
    data = content.encode() if isinstance(content, str) else content
    return Version(size=len(data), digest=hashlib.sha256(data).digest()[:16], content=data)


def compared(before: bytes | str | None, after: bytes | str | None) -> ContentDifference:
    """How a file changed."""
    sides = [None if side is None else version(side) for side in (before, after)]
    return compare_content("etc/app.conf", sides[0], sides[1])


def test_lines_are_those_of_a_unified_diff() -> None:
    """What changed with three lines around it, and where."""
    before = "".join(f"{number}\n" for number in range(20))
    found = compared(before, before.replace("9\n", "nine\nand more\n", 1))
    assert (found.path, found.kind, found.before_bytes, found.after_bytes) == ("etc/app.conf", "changed", 50, 62)
    assert found.lines == ("@@ -7,7 +7,8 @@", " 6", " 7", " 8", "-9", "+nine", "+and more", " 10", " 11", " 12")


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=30).map("".join)


@given(LINES, LINES)
def test_it_is_what_difflib_says(before: str, after: str) -> None:
    """The same hunks as the standard library's, though only the middle is searched; they rebuild the new file."""
    found = compared(before, after)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    plus, minus = ([line[1:] for line in found.lines if line[0] == mark] for mark in "+-")
    library = list(difflib.unified_diff(old, new))[2:]
    assert len(new) - len(old) == len(plus) - len(minus)
    assert bool(found.lines) == bool(library) == (before != after)
    position, rebuilt = 0, []
    for line in found.lines:
        if line[0] == "@":
            start, _, count = line.split(" ")[1][1:].partition(",")
            at = int(start) - (count != "0")
            rebuilt += old[position:at]
            position = at
        else:
            position += line[0] in " -"
            rebuilt += [f"{line[1:]}\n"] * (line[0] in " +")
    assert rebuilt + old[position:] == new


def test_a_file_that_came_or_went_is_shown_whole() -> None:
    """Added, removed, and one of the two empty; a missing line feed at the end is said."""
    assert compared(None, "a\nb").lines == ("@@ -0,0 +1,2 @@", "+a", "+b", "\\ No newline at end of file")
    assert compared("a\n", None).kind == "removed"
    assert compared("a\n", "a").lines == ("@@ -1 +1 @@", "-a", "+a", "\\ No newline at end of file")
    assert (compared(None, "").kind, compared(None, "").lines) == ("added", ())
    assert compared("a\n", "a\n").kind == "same"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\x7fELF\0", "no text"), (b"caf\xe9\n", "no text in UTF-8"), (b"a\n" * 600_000, "more than 1 MiB")],
)
def test_what_is_no_small_text_is_told_and_not_shown(content: bytes, reason: str) -> None:
    """That it changed and its sizes, and why nothing is shown."""
    found = compared(b"text\n", content)
    assert (found.kind, found.lines, found.not_shown) == ("changed", (), reason)


def test_secrets_are_masked_and_their_change_is_told() -> None:
    """A changed password is a changed line; neither value is there."""
    found = compared("user: me\npassword: geheim1\n", "user: me\npassword: geheim2\n")
    assert found.lines == ("@@ -1,2 +1,2 @@", " user: me", "-password: •••", "+password: •••")


def test_lines_cannot_drive_a_terminal_and_what_they_hide_is_told() -> None:
    """Escapes, line ends of DOS and characters that turn text around are told by their codes, and no two look alike."""
    found = compared("a\n\x1b[31mred\n", "a\r\nred\u202e\n")
    assert found.lines == ("@@ -1,2 +1,2 @@", "-a", "-\\x1b[31mred", "+a\\x0d", "+red\\u202e")


def test_long_files_and_lines_are_bounded() -> None:
    """A thousand lines, the others counted; long lines cut; what is too different is not compared at all."""
    found = compared(None, "".join(f"{number}\n" for number in range(3000)))
    assert (len(found.lines), found.left_out) == (1000, 2001)
    assert max(map(len, compared("", "x" * 9000).lines)) == 501
    many = ["".join(f"{number * step % 9973}\n" for number in range(9000)) for step in (3, 7)]
    assert compared(*many).not_shown == "too different: 9,000 lines against 9,000"


def test_hostile_files_take_seconds_at_most() -> None:
    """Lines that repeat in another order each time are the worst case of the comparison."""
    texts = ["".join(f"{number * number * step % 101}\n" for number in range(3900)) for step in (1, 3)]
    began = time.perf_counter()
    assert compared(*texts).lines
    assert time.perf_counter() - began < 20
