"""Unpacking in a thread of its own: the same pieces, the same errors, and nothing left running."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator

import pytest

from imgcompare.errors import ImageFormatError
from imgcompare.image.decompress import ahead, decompressed, peek

MEMBERS = [b"member %d " % number * (number * 37 % 5000) for number in range(400)]
PACKED = b"".join(gzip.compress(member, mtime=0) for member in MEMBERS)


def unpacked(packed: bytes, size: int) -> Iterator[bytes]:
    """What a stream that comes in pieces of a size becomes."""
    head, stream = peek([packed[at : at + size] for at in range(0, len(packed), size)])
    return decompressed(stream, head)


@pytest.mark.parametrize("size", [1, 700, 1 << 16, 1 << 22])
def test_all_members_in_order(size: int) -> None:
    """However the stream was cut, whatever its members' sizes."""
    with ahead(unpacked(PACKED, size)) as pieces:
        assert b"".join(pieces) == b"".join(MEMBERS)


@pytest.mark.parametrize("damage", [PACKED[:-4], PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]], ids=["short", "checksum"])
def test_damage_is_told_where_the_pieces_are_taken(damage: bytes) -> None:
    """The other thread's error comes out of this one's iteration, as the one kind that it is."""
    with pytest.raises(ImageFormatError, match="damaged after"), ahead(unpacked(damage, 1 << 16)) as pieces:
        list(pieces)


def test_who_leaves_early_leaves_nothing_running() -> None:
    """No thread reads on from what another one goes on to read."""
    before = threading.active_count()
    with ahead(unpacked(PACKED, 1 << 10)) as pieces:
        next(pieces)
    assert threading.active_count() == before
