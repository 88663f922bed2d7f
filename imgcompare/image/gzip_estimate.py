"""The size a registry would hold of a layer that is stored uncompressed: what gzip makes of it, without the time.

Engines push with gzip at Go's default level, at some 40 MB a second. So a fast compressor goes over every part (of
large layers over every second or further one), and one as good as Go's over a sample of parts, which tells how much
smaller gzip is. That ratio hangs on how compressible the bytes are: parts fall into classes of compressibility, and
each class has its sample's ratio. Within a class the ratios of parts spread by some 3 %, so how near a sample comes
hangs on its number, not on the layer's size: large layers have no more than 96.

Parts are cut by their offset in the layer, never by how the bytes arrived, each sampled one goes on from the 32 KiB
before it as in one stream, and which are sampled depends on their order alone: a layer gives the same figure from every
engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from heapq import heappop, heappush
from itertools import chain
from mmap import mmap
from typing import TypeAlias

import msgspec
from isal import isal_zlib
from zlib_ng import zlib_ng

Piece: TypeAlias = bytes | memoryview

_PART = 1 << 17
_PARTS = 8
_WINDOW = 1 << 15
_RAW = -15
_CLASSES = 8
# From how many bytes of a layer on which of its parts are looked at: each, each second, …: so many even out.
_STEPS = ((4 << 30, 8), (1 << 30, 4), (64 << 20, 2), (0, 1))
# All of a small layer's parts are sampled, and of larger ones up to so many.
_ALL_SAMPLED, _MOST_SAMPLED = 32, 96
_SAMPLED_OF = 8
# Of zlib-ng's levels this one stays nearest to Go's default for any content. Of what is saved by matches (and not by
# shorter codes) Go loses this share: measured on layers of Python, Debian, Go, Java, Node, NumPy, compilers, manuals.
_GOOD = 7
_GO_LOSS = 0.016
# A gzip file's header and trailer (RFC 1952), and the empty block with which Go's writer closes the stream.
_FRAME = 18 + 5
_UNDER_WAY = 2


class _Block(msgspec.Struct, frozen=True):
    """Parts in a row, as they came: the first is the layer's ``number``-th, and ``before`` is that before it."""

    parts: list[list[memoryview]]
    before: list[memoryview]
    number: int

    @property
    def step(self) -> int:
        """Each how-manieth is looked at."""
        return next(step for after, step in _STEPS if self.number * _PART >= after)

    def looked_at(self) -> range:
        """Which parts; the last one may be shorter."""
        return range(0, len(self.parts), self.step)

    def part(self, index: int) -> Piece:
        """One part, -1 that before the block."""
        views = self.parts[index] if index >= 0 else self.before
        return views[0] if len(views) == 1 else b"".join(views)


class _Sample(msgspec.Struct, frozen=True):
    """The layer's ``number``-th part: its class, what is made of it quickly, and a copy.

    ``data`` begins with what comes before the part's ``length`` bytes, as far as a match can reach.
    """

    number: int
    compressibility: int
    fast: int
    length: int
    data: mmap


class _Samples:
    """Parts of the layer, evenly spread whatever its length: those of the smallest ranks, measured only at its end."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, int, _Sample]] = []  # a heap, of the greatest rank first
        self._refused = 1 << 32

    def offer(self, block: _Block, index: int, compressibility: int, fast: int) -> None:
        """Keep a part for now if its rank is small enough, and let go those for which there are too many."""
        number = block.number + index
        # Multiples of the golden ratio, of which any first ones lie nearly evenly (Knuth, volume 3, 6.4).
        rank = (number * 0x9E3779B9 % (1 << 32)) // block.step
        if rank >= self._refused:
            return
        before, part = block.part(index - 1)[-_WINDOW:], block.part(index)
        data = mmap(-1, len(before) + len(part))  # its own pages: among a layer's many small things they would be lost
        data[: len(before)], data[len(before) :] = before, part
        heappush(self._kept, (-rank, number, _Sample(number, compressibility, fast, len(part), data)))
        while len(self._kept) > min(_ALL_SAMPLED + number // _SAMPLED_OF, _MOST_SAMPLED):
            self._refused = -heappop(self._kept)[0]

    def kept(self) -> list[_Sample]:
        """The sample, in the order of the layer."""
        return sorted((sample for _, _, sample in self._kept), key=lambda sample: sample.number)


class GzipSize:
    """Takes the bytes of one layer and tells how many gzip would make of them, measured by the executor's threads."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._before: list[memoryview] = []
        self._parts: list[list[memoryview]] = []
        self._part: list[memoryview] = []
        self._room = _PART
        self._number = 0
        self._under_way: deque[tuple[_Block, Future[list[int]]]] = deque()
        self._fast = [0] * _CLASSES
        self._samples = _Samples()

    def tap(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass the pieces on, taking each; waits while too many are still to be measured."""
        for piece in pieces:
            view = memoryview(piece)
            while view:
                self._part.append(view[: self._room])
                view = view[self._room :]
                self._room -= len(self._part[-1])
                if not self._room:
                    self._end_part()
            yield piece

    def result(self) -> int:
        """The estimate in bytes, once everything was taken."""
        self._end_part()
        if not self._number and len(self._parts) <= 1:
            return _FRAME + _good(b"".join(chain.from_iterable(self._parts)), b"")
        self._submit()
        while self._under_way:
            self._classify()
        kept = self._samples.kept()
        measured = list(self._executor.map(_like_go, kept))
        ratio = sum(measured) / sum(sample.fast for sample in kept)
        estimate = 0.0
        for compressibility, fast in enumerate(self._fast):
            its = [
                (good, one.fast)
                for good, one in zip(measured, kept, strict=True)
                if one.compressibility == compressibility
            ]
            estimate += fast * (sum(good for good, _ in its) / sum(part for _, part in its) if its else ratio)
        return _FRAME + round(estimate)

    def _end_part(self) -> None:
        if self._part:
            self._parts.append(self._part)
        self._part, self._room = [], _PART
        if len(self._parts) == _PARTS:
            self._submit()

    def _submit(self) -> None:
        """Have the parts that were gathered measured."""
        if not self._parts:
            return
        block = _Block(self._parts, self._before, self._number)
        self._under_way.append((block, self._executor.submit(_fast, block)))
        self._number += len(self._parts)
        self._before, self._parts = self._parts[-1], []
        if len(self._under_way) > _UNDER_WAY:
            self._classify()

    def _classify(self) -> None:
        """Put the oldest block's parts into their classes, and sample some of them."""
        block, measured = self._under_way.popleft()
        for index, size in zip(block.looked_at(), measured.result(), strict=True):
            length = sum(map(len, block.parts[index]))
            compressibility = min(size * _CLASSES // length, _CLASSES - 1)
            self._fast[compressibility] += size * block.step
            self._samples.offer(block, index, compressibility, size)


def _fast(block: _Block) -> list[int]:
    """What the fast compressor makes of the parts that are looked at."""
    return [_quick(block.part(index)) for index in block.looked_at()]


def _quick(part: Piece) -> int:
    """What the fast compressor makes of a part."""
    # In one call it takes as long, but its output is not always the same: now and then by a byte.
    stream = isal_zlib.compressobj(1, wbits=_RAW)
    return len(stream.compress(part)) + len(stream.flush())


def _good(part: Piece, before: Piece) -> int:
    """What the good compressor makes of a part."""
    stream = zlib_ng.compressobj(_GOOD, wbits=_RAW, zdict=before)
    return len(stream.compress(part)) + len(stream.flush())


def _like_go(sample: _Sample) -> float:
    """What Go's compressor would make of a part of a longer stream."""
    data = memoryview(sample.data)
    part, before = data[-sample.length :], data[: -sample.length]
    size = _good(part, before)
    # How short codes alone make it hardly changes within a part.
    some = part[: _PART // 4]
    codes = zlib_ng.compressobj(_GOOD, wbits=_RAW, strategy=zlib_ng.Z_HUFFMAN_ONLY)
    without_matches = (len(codes.compress(some)) + len(codes.flush())) * len(part) / len(some)
    return size * (1 + _GO_LOSS * max(0, 1 - size / without_matches))
