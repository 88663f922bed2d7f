"""The two digests of what is read: SHA-256 of whole blobs, beside the reading of them, and BLAKE3 of single files.

SHA-256 is what images name their parts by. To tell files apart any digest will do that nobody can make collide, and
BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs) takes a third of its time.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from threading import Lock

from blake3 import blake3

from imgcompare.image.tarstream import Chunk

FILE_DIGEST_BYTES = 16
_WORTH_A_JOB = 1 << 20
_MOST_WAITING = 2 << 20


class Hashed(Iterator[Chunk]):
    """Pieces on their way through, counted, and hashed by the executor's threads; they must not change any more."""

    def __init__(self, pieces: Iterable[Chunk], executor: Executor) -> None:
        self._pieces = iter(pieces)
        self._executor = executor
        self._hash = hashlib.sha256()
        self._waiting: deque[Chunk] = deque()
        self._hashing = Lock()
        self._hashed = self._handed_over = 0
        self.size = 0

    def __next__(self) -> Chunk:
        piece = next(self._pieces)
        self.size += len(piece)
        self._waiting.append(piece)
        if self.size - self._handed_over >= _WORTH_A_JOB:
            self._handed_over = self.size
            if self.size - self._hashed > _MOST_WAITING:
                self._hash_all()
            else:
                self._executor.submit(self._help)
        return piece

    @property
    def digest(self) -> str:
        """The digest of the pieces that have passed."""
        self._hash_all()
        return "sha256:" + self._hash.hexdigest()

    def _help(self) -> None:
        """Hash what waits, unless another thread is at it already."""
        if self._hashing.acquire(blocking=False):
            try:
                self._hash_waiting()
            finally:
                self._hashing.release()

    def _hash_all(self) -> None:
        with self._hashing:
            self._hash_waiting()

    def _hash_waiting(self) -> None:
        while self._waiting:
            piece = self._waiting.popleft()
            self._hash.update(piece)
            self._hashed += len(piece)


def file_digest(pieces: Iterable[Chunk]) -> bytes:
    """The digest of one file's content, b"" where there is none."""
    content = blake3()
    size = 0
    for piece in pieces:
        content.update(piece)
        size += len(piece)
    return content.digest(FILE_DIGEST_BYTES) if size else b""
