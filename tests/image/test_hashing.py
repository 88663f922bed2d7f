"""Hashing beside the reading: the right digest however the bytes come and whoever gets to hash them."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from blake3 import blake3

from imgcompare.image.hashing import Hashed, file_digest

PIECES = [bytes((number % 251,)) * (number * 7919 % 900_000) for number in range(60)]


class Never(Executor):
    """An executor whose threads are always busy with something else."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Take a job, and never get to it."""
        return Future()


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_the_digest_is_that_of_all_pieces_in_order(threads: int) -> None:
    """Whether no thread, one or several help, pieces pass unchanged, and their digest and length are right."""
    with ThreadPoolExecutor(threads) if threads else Never() as executor:
        hashed = Hashed(PIECES, executor)
        assert list(hashed) == PIECES
        assert hashed.digest == f"sha256:{hashlib.sha256(b''.join(PIECES)).hexdigest()}"
        assert hashed.size == sum(map(len, PIECES))


def test_nothing_has_a_digest_too() -> None:
    """An empty blob has the digest of nothing; an empty file of a layer has none."""
    assert Hashed([], Never()).digest == f"sha256:{hashlib.sha256().hexdigest()}"
    assert file_digest([]) == file_digest([b"", b""]) == b""


def test_a_files_digest_is_of_its_content_alone() -> None:
    """It is the same however the content was cut: 16 bytes of BLAKE3."""
    assert file_digest(PIECES) == file_digest([b"".join(PIECES)]) == blake3(b"".join(PIECES)).digest(16)
