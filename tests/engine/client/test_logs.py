from __future__ import annotations

import struct

from imgcompare.engine.client.logs import STDERR, demultiplex, frames, joined


def _frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def test_frames_are_joined_in_order() -> None:
    """A long line comes in several frames of one stream and is one line again."""
    assert (
        demultiplex(_frame(1, b"one\n") + _frame(1, b"t") + _frame(1, b"wo\n") + _frame(2, b"x\n")) == b"one\ntwo\nx\n"
    )


def test_a_line_of_one_stream_does_not_run_into_the_other() -> None:
    """What stdout left without a newline is not glued to an error message."""
    assert demultiplex(_frame(1, b"Password:") + _frame(2, b"Traceback\n")) == b"Password:\nTraceback\n"


def test_a_cut_end_gives_what_is_there() -> None:
    """Reading stops at a cap: in the middle of a frame, or of its header."""
    whole = _frame(1, b"one\n") + _frame(2, b"two\n")
    assert [demultiplex(whole[:length]) for length in (0, 5, 10, 14, 22)] == [b"", b"", b"on", b"one\n", b"one\ntw"]


def test_what_is_no_frame_ends_it() -> None:
    """Garbage is not shown as a log."""
    assert demultiplex(_frame(1, b"one\n") + b"garbage of some length") == b"one\n"


def test_one_stream_alone() -> None:
    """What a program said on stderr is its own, however much stdout came between."""
    data = _frame(1, b"out\n") + _frame(2, b"Trace") + _frame(1, b"more\n") + _frame(2, b"back\n")
    assert joined(part for part in frames(data) if part[0] == STDERR) == b"Traceback\n"
