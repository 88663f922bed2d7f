"""The size a registry would hold of a layer that is stored uncompressed: what gzip makes of it, without the time.

Gzip at Go's default level, which engines push with, takes seconds for each 100 MB. So a fast compressor goes over
everything, which tells how the layer's parts differ, and a slow one over every 16th part, which tells how much smaller
gzip is: all fast × (sampled slow ÷ sampled fast). Parts are cut by their offset in the layer, never by how the bytes
arrived, and each goes on from the 32 KiB before it as in one stream: the same layer gives the same figure everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeAlias

from isal import isal_zlib
from zlib_ng import zlib_ng

Piece: TypeAlias = bytes | memoryview

_PART = 1 << 18
_SAMPLED = 16
_WHOLE = 8
_WINDOW = 1 << 15
_RAW = -15
# The header and trailer of a gzip file (https://www.rfc-editor.org/rfc/rfc1952).
_FRAME = 18
_QUEUE = 8


class GzipSize:
    """Takes the bytes of one layer and tells how many gzip would make of them, measured by the executor's threads."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._part = bytearray(_PART)
        self._filled = 0
        self._before = b""
        self._count = 0
        self._pending: deque[Future[tuple[int, int]]] = deque()
        self._fast = self._sampled_fast = self._sampled_slow = 0

    def tap(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass the pieces on, taking each."""
        for piece in pieces:
            self.update(piece)
            yield piece

    def update(self, piece: Piece) -> None:
        """Take the next bytes; waits while too many parts are under way."""
        view = memoryview(piece)
        while view:
            taken = min(len(view), _PART - self._filled)
            self._part[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
            if self._filled == _PART:
                self._submit()

    def result(self) -> int:
        """The estimate in bytes, once everything was taken."""
        if self._filled or not self._count:
            self._submit()
        while self._pending:
            self._collect()
        return _FRAME + round(self._fast * self._sampled_slow / self._sampled_fast)

    def _submit(self) -> None:
        part = bytes(self._part[: self._filled])
        sampled = self._count < _WHOLE or self._count % _SAMPLED == 0
        self._pending.append(self._executor.submit(_measure, part, self._before, sampled))
        self._before = part[-_WINDOW:]
        self._filled = 0
        self._count += 1
        if len(self._pending) > _QUEUE:
            self._collect()

    def _collect(self) -> None:
        fast, slow = self._pending.popleft().result()
        self._fast += fast
        if slow:
            self._sampled_fast += fast
            self._sampled_slow += slow


def _measure(part: bytes, before: bytes, sampled: bool) -> tuple[int, int]:
    """The part's size by the fast compressor, and by the slow one or 0."""
    fast = isal_zlib.compressobj(1, wbits=_RAW, zdict=before)
    fast_size = len(fast.compress(part)) + len(fast.flush())
    if not sampled:
        return fast_size, 0
    slow = zlib_ng.compressobj(6, wbits=_RAW, zdict=before)
    return fast_size, len(slow.compress(part)) + len(slow.flush())
