"""Bounded decompression of packed streams: output comes in small pieces, and a bomb is cut off."""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import zstandard
from isal import isal_zlib

from imgcompare.errors import ImageFormatError
from imgcompare.image.tarheader import BLOCK
from imgcompare.image.tarstream import Chunk

# Its stubs take the class for an instance.
_GZIP_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]
GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
XZ_MAGIC = b"\xfd7zXZ\0"
BZIP2_MAGIC = b"BZh"
# What a block of bzip2 begins with, after its level.
_BZIP2_BLOCKS = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
_UNREAD = {
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"LZIP": "lzip",
    b"\x89LZO\0": "lzop",
    b"\x5d\0\0": "lzma",
    b"Rar!": "RAR",
}

_PIECE = 1 << 20
# zstd's own limit for a decoder that was not told to expect more (ZSTD_WINDOWLOG_LIMIT_DEFAULT).
_MAX_WINDOW = 1 << 27
_MAX_TOTAL = 1 << 38
# What a decoder of xz may use: its strongest preset takes 65 MiB (https://tukaani.org/xz/, xz(1)).
_XZ_MEMORY = 256 << 20
# Deflate cannot do better than 1032:1 (https://zlib.net/zlib_tech.html), and a layer of zeros really gets there; what
# expands further is cut off once it is large.
_MAX_RATIO = 1100
_FREE_OF_RATIO = 1 << 30


class _Source:
    """The stored pieces as the file object that zstandard reads, counted."""

    def __init__(self, pieces: Iterable[Chunk]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")
        self.count = 0

    def __iter__(self) -> Iterator[memoryview]:
        for piece in self._pieces:
            self.count += len(piece)
            yield memoryview(piece)

    def read(self, size: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self.count += len(piece)
            self._rest = memoryview(piece)
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data


def peek(pieces: Iterable[Chunk]) -> tuple[bytes, Iterator[Chunk]]:
    """The first 512 bytes (or all there are), and an iterator that begins with them."""
    rest = iter(pieces)
    first: list[Chunk] = []
    size = 0
    while size < BLOCK and (piece := next(rest, None)) is not None:
        first.append(piece)
        size += len(piece)
    return b"".join(first)[:BLOCK], chain(first, rest)


def is_compressed(head: bytes) -> bool:
    """Whether a stream that begins with ``head`` is one that ``decompressed`` reads."""
    bzip2 = head.startswith(BZIP2_MAGIC) and head[4:10] in _BZIP2_BLOCKS
    return bzip2 or head.startswith((GZIP_MAGIC, ZSTD_MAGIC, XZ_MAGIC))


def packed_with(head: bytes) -> str:
    """What a stream is packed with that ``decompressed`` does not read, by its first bytes; "" if unknown."""
    return next((name for magic, name in _UNREAD.items() if head.startswith(magic)), "")


def decompressed(pieces: Iterable[Chunk], head: bytes) -> Iterator[bytes]:
    """Decompress a stream whose first bytes are ``head``, which ``pieces`` still contain.

    Raises ImageFormatError for damaged data and for more output than the limits on total (256 GiB) and ratio allow.
    """
    source = _Source(pieces)
    total = 0
    try:
        for piece in _unpacked(source, head):
            total += len(piece)
            if total > _MAX_TOTAL or total > max(_FREE_OF_RATIO, _MAX_RATIO * source.count):
                raise ImageFormatError(f"A blob was cut off by limit: {source.count} bytes became more than {total}.")
            yield piece
    except (_GZIP_ERROR, zstandard.ZstdError, lzma.LZMAError, EOFError) as exc:
        raise ImageFormatError(f"A compressed blob is damaged after {total} bytes of output: {exc}") from exc


@contextmanager
def ahead(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same pieces, made by another thread while those before are looked at; at the end that has stopped."""
    with ThreadPoolExecutor(1) as thread:
        yield _taken(pieces, thread)


def _taken(pieces: Iterator[bytes], thread: Executor) -> Iterator[bytes]:
    coming = thread.submit(_some, pieces)
    while some := coming.result():
        coming = thread.submit(_some, pieces)
        yield from some


def _some(pieces: Iterator[bytes]) -> list[bytes]:
    """The next pieces, as many as are worth the hand-over."""
    found: list[bytes] = []
    size = 0
    while size < _PIECE and (piece := next(pieces, None)) is not None:
        found.append(piece)
        size += len(piece)
    return found


def _unpacked(source: _Source, head: bytes) -> Iterator[bytes]:
    if head.startswith(GZIP_MAGIC):
        return _gunzipped(source)
    if head.startswith(XZ_MAGIC):
        return _by(source, lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))
    return _by(source, bz2.BZ2Decompressor) if head.startswith(BZIP2_MAGIC) else _unzstd(source)


def _by(source: _Source, make: Callable[[], lzma.LZMADecompressor | bz2.BZ2Decompressor]) -> Iterator[bytes]:
    """All streams of xz or bzip2 that follow each other, with the zeros that may pad them."""
    decoder = make()
    for piece in source:
        data = bytes(piece)
        while data:
            if decoder.eof:
                if not (data := data.lstrip(b"\0")):
                    break
                decoder = make()
            yield _step(decoder, data)
            while not decoder.eof and not decoder.needs_input:
                yield _step(decoder, b"")
            data = decoder.unused_data
    if not decoder.eof:
        raise EOFError("the stream is cut short")


def _step(decoder: lzma.LZMADecompressor | bz2.BZ2Decompressor, data: bytes) -> bytes:
    try:
        return decoder.decompress(data, _PIECE)
    except OSError as exc:  # what bz2 raises for damaged data, and files for what cannot be read
        raise EOFError(str(exc)) from exc


def _gunzipped(source: _Source) -> Iterator[bytes]:
    """All members of a gzip stream (seekable formats have one for each file); isal is the quickest."""
    decoder = isal_zlib.decompressobj(wbits=31)
    step = 512
    for piece in source:
        position = 0
        while position < len(piece):
            if decoder.eof:
                decoder, step = isal_zlib.decompressobj(wbits=31), 512
            part = piece[position : position + step]
            yield decoder.decompress(part, _PIECE)
            while decoder.unconsumed_tail:
                yield decoder.decompress(decoder.unconsumed_tail, _PIECE)
            position += len(part) - len(decoder.unused_data)
            # It copies what follows a member: many tiny ones in a large piece would cost its square without this.
            step = min(2 * step, _PIECE)
    while not decoder.eof:
        if not (rest := decoder.decompress(b"", _PIECE)):
            raise EOFError("the stream is cut short")
        yield rest


def _unzstd(source: _Source) -> Iterator[bytes]:
    """All frames of a zstd stream; one that is cut short just ends, and its digest gives it away."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    # It asks for nothing but read().
    with decoder.stream_reader(source, read_size=1 << 17, read_across_frames=True) as reader:  # type: ignore[arg-type]
        while piece := reader.read(_PIECE):
            yield piece
