"""A file of an image, held as the pieces that it came in, and read at any place without being joined."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeAlias

Chunk: TypeAlias = bytes | memoryview

# What comes in smaller pieces is put together, so that no file is made of millions of them.
_SMALL = 1 << 16


class Pieces(io.RawIOBase):
    """A file that can be read, and sought in, while its pieces are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[Chunk] = []
        self._starts: list[int] = []
        self._small = bytearray()
        self._position = 0
        self.size = 0

    def add(self, piece: Chunk) -> None:
        """Append a piece; it must not change any more."""
        if len(piece) < _SMALL:
            self._small += piece
            self.size += len(piece)
            if len(self._small) >= _SMALL:
                self._keep_small()
            return
        self._keep_small()
        self._starts.append(self.size)
        self._pieces.append(piece)
        self.size += len(piece)

    def adding(self, pieces: Iterable[Chunk]) -> Iterator[Chunk]:
        """Pass the pieces on, appending each."""
        for piece in pieces:
            self.add(piece)
            yield piece

    def _keep_small(self) -> None:
        if self._small:
            self._starts.append(self.size - len(self._small))
            self._pieces.append(bytes(self._small))
            self._small = bytearray()

    def at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` on; fewer where the file ends."""
        return b"".join(self._views(offset, count))

    def _views(self, offset: int, count: int) -> Iterator[Chunk]:
        self._keep_small()
        end = min(offset + count, self.size)
        number = bisect_right(self._starts, offset) - 1
        while 0 <= offset < end:
            start = self._starts[number]
            piece = self._pieces[number][offset - start : end - start]
            yield piece
            offset += len(piece)
            number += 1

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sought in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("a place before the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Say where in the file it is."""
        return self._position

    def read(self, count: int = -1, /) -> bytes:
        """Read on, to the end where no count is given."""
        data = self.at(self._position, self.size if count is None or count < 0 else count)
        self._position += len(data)
        return data
