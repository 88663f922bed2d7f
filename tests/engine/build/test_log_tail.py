"""The end of a log in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.log_tail import LogTail


def test_the_last_lines_of_an_endless_log_are_kept() -> None:
    """However much is written, the last 200 lines are whole and in order."""
    log = LogTail()
    for number in range(20_000):
        log.write(f"line {number}\n".encode())
    assert log.lines() == tuple(f"line {number}" for number in range(19_800, 20_000))
    assert log.last_line() == "line 19999"


def test_one_huge_write_without_a_line_end_is_cut() -> None:
    """A log of one endless line gives its end, and never all of it."""
    log = LogTail()
    log.write(b"x" * 5_000_000 + b"end")
    assert len(log.lines()) == 1
    assert len(log.lines()[0]) <= 500
    assert log.last_line().startswith("x")


def test_a_line_cut_by_the_limit_is_not_shown_as_whole() -> None:
    """A first line whose beginning is lost is left out."""
    log = LogTail()
    log.write(b"A" * 40_000 + b"\n" + b"second\n")
    assert log.lines() == ("second",)


def test_nothing_written_has_no_lines() -> None:
    """A step that printed nothing has an empty log."""
    assert LogTail().lines() == ()
    assert LogTail().last_line() == ""


@given(st.binary(max_size=200), st.data())
def test_pieces_give_the_same_lines_as_the_whole(data: bytes, draw: st.DataObject) -> None:
    """Where the engine cuts a log, inside a character too, does not matter."""
    cut = draw.draw(st.integers(0, len(data)))
    whole, pieces = LogTail(), LogTail()
    whole.write(data)
    pieces.write(data[:cut])
    pieces.write(data[cut:])
    assert pieces.lines() == whole.lines()


def test_pieces_of_two_streams_are_put_together_each_by_itself() -> None:
    """What a program writes to stderr in pieces is not torn by what it writes to stdout meanwhile."""
    log = LogTail()
    for stream, data in (
        (1, b"Reading\n"),
        (2, b"E"),
        (1, b"Building\nReady"),
        (2, b": no such package\n"),
        (2, b"bye"),
    ):
        log.write(data, stream)
    assert log.lines() == ("Reading", "Building", "E: no such package", "Ready", "bye")
    assert log.last_line() == "bye"
