"""The size a registry would hold of a layer that is stored uncompressed: what gzip makes of it, without the time.

Engines push with gzip at Go's default level, at some 40 MB a second. So a fast compressor goes over every part (of
large layers over every second or further one), and one as good as Go's over a sample of parts, which tells how much
smaller gzip is. That ratio hangs on how compressible the bytes are, and nearly along a line: it falls with the
logarithm of what the fast compressor leaves of them, from 1 where it can save nothing. So the sample's ratio is moved
along that line to where the whole layer lies. Around it the ratios of parts spread by some 4 %, so how near a sample
comes hangs on its number, not on the layer's size: large layers have no more than 72.

Parts are cut by their offset in the layer, never by how the bytes arrived, each sampled one goes on from the 32 KiB
before it as in one stream, and which are sampled depends on their order alone: a layer gives the same figure from every
engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from heapq import heappop, heappush
from math import log
from mmap import mmap
from typing import TypeAlias

import msgspec
from isal import isal_zlib
from zlib_ng import zlib_ng

Piece: TypeAlias = bytes | memoryview

_PART = 1 << 17
_BLOCK = 1 << 20
_WINDOW = 1 << 15
_RAW = -15
# From how many bytes of a layer on which of its parts are looked at: each, each second, …: so many even out.
_STEPS = ((4 << 30, 8), (1 << 30, 4), (32 << 20, 2), (0, 1))
# All of a small layer's parts are sampled, and of larger ones up to so many.
_ALL_SAMPLED, _MOST_SAMPLED = 32, 72
_SAMPLED_OF = 8
# Sampled parts are handed out by so many: a thread's job is worth its hand-over.
_AT_ONCE = 4
# Of zlib-ng's levels this one stays nearest to Go's default for any content. Of what is saved by matches (and not by
# shorter codes) Go loses this share: measured on layers of Python, Debian, Go, Java, Node, NumPy, compilers, manuals.
_GOOD = 7
_GO_LOSS = 0.016
# A gzip file's header and trailer (RFC 1952), and the empty block with which Go's writer closes the stream.
_FRAME = 18 + 5
_UNDER_WAY = 4


class _Block(msgspec.Struct, frozen=True):
    """A mebibyte of the layer (its end may be shorter), as the pieces it came in: the first part is the ``number``-th.

    ``before`` is the end of the block before it, as far as it is needed.
    """

    pieces: list[memoryview]
    length: int
    before: Piece
    number: int

    @property
    def step(self) -> int:
        """Each how-manieth part is looked at."""
        return next(step for after, step in _STEPS if self.number * _PART >= after)

    def looked_at(self) -> range:
        """Where the parts begin that are looked at."""
        return range(0, self.length, self.step * _PART)

    def part(self, start: int) -> Piece:
        """The part that begins there; the layer's last one may be shorter."""
        return _cut(self.pieces, start, start + _PART)

    def window(self, start: int) -> Piece:
        """What comes before that part, as far as a match can reach."""
        return _cut(self.pieces, start - _WINDOW, start) if start else self.before


class _Sample(msgspec.Struct, frozen=True):
    """One part of a layer: what is made of it quickly, and a copy with what comes ``before`` it."""

    fast: int
    before: memoryview
    data: memoryview

    @property
    def left(self) -> float:
        """What is left of it, as a logarithm."""
        return log(self.fast / len(self.data))


class _Samples:
    """Parts of the layer, evenly spread whatever its length: those of the smallest ranks, measured only at its end.

    Copies lie in pages of their own, again and again the same: among a layer's many small things they would be lost.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[int, int, int, _Sample]] = []  # a heap, of the greatest rank first
        self._refused = 1 << 32
        self._pages = memoryview(mmap(-1, (_WINDOW + _PART) * (_MOST_SAMPLED + 1)))
        self._free = list(range(0, len(self._pages), _WINDOW + _PART))

    def offer(self, block: _Block, start: int, fast: int) -> None:
        """Keep a part for now if its rank is small enough, and let go those for which there are too many."""
        number = block.number + start // _PART
        # Multiples of the golden ratio, of which any first ones lie nearly evenly (Knuth, volume 3, 6.4).
        rank = (number * 0x9E3779B9 % (1 << 32)) // block.step
        if rank >= self._refused:
            return
        place = self._free.pop()
        before, data = self._copy(place, block.window(start)), self._copy(place + _WINDOW, block.part(start))
        heappush(self._kept, (-rank, number, place, _Sample(fast, before, data)))
        while len(self._kept) > min(_ALL_SAMPLED + number // _SAMPLED_OF, _MOST_SAMPLED):
            rank, _, place, _ = heappop(self._kept)
            self._refused = -rank
            self._free.append(place)

    def _copy(self, place: int, data: Piece) -> memoryview:
        copy = self._pages[place : place + len(data)]
        copy[:] = data
        return copy

    def kept(self) -> list[_Sample]:
        """The sample, in the order of the layer."""
        return [sample for *_, sample in sorted(self._kept, key=lambda kept: kept[1])]


class GzipSize:
    """Takes the bytes of one layer and tells how many gzip would make of them, measured by the executor's threads."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._before: Piece = b""
        self._pieces: list[memoryview] = []
        self._room = _BLOCK
        self._number = 0
        self._under_way: deque[tuple[_Block, Future[list[int]]]] = deque()
        self._fast = 0
        self._left = 0.0  # each part's logarithm, as often as it has bytes left
        self._samples = _Samples()

    def tap(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass the pieces on, taking each; waits while too many are still to be measured."""
        for piece in pieces:
            view = memoryview(piece)
            while len(view) >= self._room:
                self._pieces.append(view[: self._room])
                view = view[self._room :]
                self._room = 0
                self._submit()
            if view:
                self._pieces.append(view)
                self._room -= len(view)
            yield piece

    def result(self) -> int:
        """The estimate in bytes, once everything was taken."""
        if not self._number and _BLOCK - self._room <= _PART:
            return _FRAME + _good(b"".join(self._pieces), b"")
        self._submit()
        while self._under_way:
            self._add_up()
        kept = self._samples.kept()
        some = (kept[start : start + _AT_ONCE] for start in range(0, len(kept), _AT_ONCE))
        measured = [size for sizes in self._executor.map(_like_go, some) for size in sizes]
        return _FRAME + round(self._fast * _ratio(kept, measured, self._left / self._fast))

    def _submit(self) -> None:
        """Have what was gathered measured."""
        if not self._pieces:
            return
        block = _Block(self._pieces, _BLOCK - self._room, self._before, self._number)
        self._under_way.append((block, self._executor.submit(_fast, block)))
        self._number += _BLOCK // _PART
        self._before = block.window(_BLOCK)
        self._pieces, self._room = [], _BLOCK
        if len(self._under_way) > _UNDER_WAY:
            self._add_up()

    def _add_up(self) -> None:
        """Add the oldest block's parts to the sums, and sample some of them."""
        block, measured = self._under_way.popleft()
        step = block.step
        for start, fast in zip(block.looked_at(), measured.result(), strict=True):
            self._fast += fast * step
            self._left += fast * step * log(fast / min(_PART, block.length - start))
            self._samples.offer(block, start, fast)


def _ratio(samples: Sequence[_Sample], good: Sequence[float], left: float) -> float:
    """The good compressor's share of what the fast one makes of a layer, of which that is ``left`` in the mean.

    A regression estimator (Cochran, Sampling Techniques, 7.3); its slope is that of the line through the ratio of 1
    for what nothing can be saved of, so that even a sample whose parts are all alike has one.
    """
    fast = sum(sample.fast for sample in samples)
    mean = sum(sample.fast * sample.left for sample in samples) / fast
    square = sum(sample.fast * sample.left**2 for sample in samples)
    saved = sum((size - sample.fast) * sample.left for size, sample in zip(good, samples, strict=True))
    return sum(good) / fast + (left - mean) * (saved / square if square else 0)


def _cut(pieces: Iterable[memoryview], start: int, end: int) -> Piece:
    """The bytes from ``start`` up to ``end``, or as far as they go; a copy only where a piece ends among them."""
    found = []
    for piece in pieces:
        if end <= 0:
            break
        if start < len(piece):
            found.append(piece[max(start, 0) : end])
        start, end = start - len(piece), end - len(piece)
    return found[0] if len(found) == 1 else b"".join(found)


def _fast(block: _Block) -> list[int]:
    """What the fast compressor makes of the parts that are looked at."""
    return [_quick(block.part(start)) for start in block.looked_at()]


def _quick(part: Piece) -> int:
    """What the fast compressor makes of a part."""
    # In one call it takes as long, but its output is not always the same: now and then by a byte.
    stream = isal_zlib.compressobj(1, wbits=_RAW)
    return len(stream.compress(part)) + len(stream.flush())


def _good(part: Piece, before: Piece) -> int:
    """What the good compressor makes of a part."""
    stream = zlib_ng.compressobj(_GOOD, wbits=_RAW, zdict=before)
    return len(stream.compress(part)) + len(stream.flush())


def _like_go(samples: Sequence[_Sample]) -> list[float]:
    """What Go's compressor would make of parts of a longer stream."""
    return [_as_go(sample.data, sample.before) for sample in samples]


def _as_go(part: Piece, before: Piece) -> float:
    size = _good(part, before)
    # How short codes alone make it hardly changes within a part.
    some = part[: _PART // 4]
    codes = zlib_ng.compressobj(_GOOD, wbits=_RAW, strategy=zlib_ng.Z_HUFFMAN_ONLY)
    without_matches = (len(codes.compress(some)) + len(codes.flush())) * len(part) / len(some)
    return size * (1 + _GO_LOSS * max(0, 1 - size / without_matches))
