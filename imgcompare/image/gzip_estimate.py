"""The size a registry would hold of a layer that is stored uncompressed: what gzip makes of it, without the time.

Engines push with gzip at Go's default level, at some 50 MB a second. So a fast compressor goes over everything, and
one as good as Go's over a sample, which tells how much smaller gzip is. That ratio hangs on how compressible the bytes
are and changes along a layer: parts fall into classes of compressibility, and the ratio of a class's sample holds for
the parts of that class up to its next sample.

Parts are cut by their offset in the layer, never by how the bytes arrived, each goes on from the 32 KiB before it as in
one stream, and which are sampled depends on their order alone: a layer gives the same figure from every engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeAlias

import msgspec
from isal import isal_zlib
from zlib_ng import zlib_ng

Piece: TypeAlias = bytes | memoryview

_PART = 1 << 17
_BLOCK = 8 * _PART
_WINDOW = 1 << 15
_RAW = -15
_CLASSES = 8
# Past 64 MiB of a layer every second part speaks for its neighbour too: so many even out.
_ALL_OF_FIRST = 64 << 20
# Samples of a class come thick at first, so that small layers are measured rather than estimated.
_THINNING = 3
_WIDEST_GAP = 32
# Of zlib-ng's levels this one stays nearest to Go's default for any content; where there is much to match, Go's result
# is still longer by up to this share (measured on layers of Python, Debian, NumPy, lists, logs and numbers).
_GOOD = 7
_GO_LOSS = 0.008
# A gzip file's header and trailer (RFC 1952), and the empty block with which Go's writer closes the stream.
_FRAME = 18 + 5
_UNDER_WAY = 8


class _Block(msgspec.Struct, frozen=True):
    """Some parts in a row after the ``start`` bytes that came before them; each ``step``-th is looked at."""

    data: bytes
    start: int
    step: int

    def part(self, index: int) -> tuple[memoryview, memoryview]:
        """A part, and what came before it."""
        view, begin = memoryview(self.data), self.start + index * _PART
        return view[begin : begin + _PART], view[max(0, begin - _WINDOW) : begin]

    def looked_at(self) -> range:
        """Which parts; the last one may be shorter."""
        return range(0, (len(self.data) - self.start + _PART - 1) // _PART, self.step)


class _Class(msgspec.Struct):
    """The parts of one compressibility: how many there were, at which the next sample is due, and the current sample.

    Of that: what the good compressor makes of it, and the bytes the fast one made of it and of all it stands for.
    """

    count: int = 0
    due: int = 0
    good: Future[float] | None = None
    fast: int = 0
    stands_for: int = 0

    def estimate(self) -> float:
        """What the good compressor would make of all that the current sample stands for."""
        return self.stands_for * self.good.result() / self.fast if self.good else 0.0


class GzipSize:
    """Takes the bytes of one layer and tells how many gzip would make of them, measured by the executor's threads."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._before = b""
        self._gathered: list[memoryview] = []
        self._room = _BLOCK
        self._taken = 0
        self._fast: deque[tuple[_Block, Future[list[int]]]] = deque()
        self._classes = [_Class() for _ in range(_CLASSES)]
        self._settled = 0.0

    def tap(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass the pieces on, taking each; waits while too many are still to be measured."""
        for piece in pieces:
            view = memoryview(piece)
            while view:
                self._gathered.append(view[: self._room])
                view = view[self._room :]
                self._room -= len(self._gathered[-1])
                if not self._room:
                    self._submit()
            yield piece

    def result(self) -> int:
        """The estimate in bytes, once everything was taken."""
        if not self._taken and _BLOCK - self._room <= _PART:
            return _FRAME + _good(memoryview(b"".join(self._gathered)), memoryview(b""))
        self._submit()
        while self._fast:
            self._classify()
        return _FRAME + round(self._settled + sum(each.estimate() for each in self._classes))

    def _submit(self) -> None:
        """Have what was gathered measured, and keep its end as what comes before the next."""
        data = b"".join((self._before, *self._gathered))
        block = _Block(data, len(self._before), 1 if self._taken < _ALL_OF_FIRST else 2)
        self._fast.append((block, self._executor.submit(_fast, block)))
        self._taken += len(data) - len(self._before)
        self._before, self._gathered, self._room = data[-_WINDOW:], [], _BLOCK
        if len(self._fast) > _UNDER_WAY:
            self._classify()

    def _classify(self) -> None:
        """Put the oldest block's parts into their classes, and have some of them measured well."""
        block, measured = self._fast.popleft()
        for index, size in zip(block.looked_at(), measured.result(), strict=True):
            part, before = block.part(index)
            its = self._classes[min(size * _CLASSES // len(part), _CLASSES - 1)]
            if its.count == its.due:
                self._settled += its.estimate()
                its.good, its.fast, its.stands_for = self._executor.submit(_like_go, part, before), size, 0
                its.due += min(1 + its.count // _THINNING, _WIDEST_GAP)
            its.count += 1
            its.stands_for += size * block.step


def _fast(block: _Block) -> list[int]:
    """What the fast compressor makes of the parts that are looked at."""
    sizes = []
    for index in block.looked_at():
        part, before = block.part(index)
        stream = isal_zlib.compressobj(1, wbits=_RAW, zdict=before)
        sizes.append(len(stream.compress(part)) + len(stream.flush()))
    return sizes


def _good(part: memoryview, before: memoryview) -> int:
    """What the good compressor makes of a part."""
    stream = zlib_ng.compressobj(_GOOD, wbits=_RAW, zdict=before)
    return len(stream.compress(part)) + len(stream.flush())


def _like_go(part: memoryview, before: memoryview) -> float:
    """What Go's compressor would make of a part of a longer stream."""
    size = _good(part, before)
    return size * (1 + _GO_LOSS * (1 - min(1, size / len(part))))
