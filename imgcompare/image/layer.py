"""One blob of an exported image, read once as it streams by: its digest, and what it is by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from imgcompare.image.decompress import decompressed, is_compressed
from imgcompare.image.tarheader import DIRECTORY, begins_archive
from imgcompare.image.tarstream import Chunk, TarStream

_HEAD = 512


class LayerIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a layer: ``file_count`` counts entries that are neither directories nor whiteouts.

    ``uncompressed_size`` is the length of the tar that ``diff_id`` hashes; ``compressed_size`` the exact length of the
    blob where it was stored compressed.
    """

    diff_id: str
    uncompressed_size: int
    file_count: int
    compressed_size: int | None = None


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A stored blob of ``size`` bytes: a layer, a JSON document (``too_large`` if it was not kept), or neither."""

    digest: str
    size: int
    layer: LayerIndex | None = None
    document: bytes | None = None
    too_large: bool = False


class _Hashed(Iterator[Chunk]):
    """Pieces on their way through, hashed and counted."""

    def __init__(self, pieces: Iterable[Chunk]) -> None:
        self._pieces = iter(pieces)
        self._hash = hashlib.sha256()
        self.size = 0

    def __next__(self) -> Chunk:
        piece = next(self._pieces)
        self._hash.update(piece)
        self.size += len(piece)
        return piece

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def read_blob(pieces: Iterable[Chunk], *, keep: int) -> Blob:
    """Read a blob to its end, deciding by content what it is; JSON is kept up to ``keep`` bytes.

    Raises ImageFormatError for a damaged tar or compressed stream.
    """
    stored = _Hashed(pieces)
    head, stream = _peek(stored)
    compressed = is_compressed(head) and not begins_archive(head)
    plain = stored
    if compressed:
        plain = _Hashed(decompressed(stream, head))
        head, stream = _peek(plain)
    layer = document = file_count = None
    if begins_archive(head):
        file_count = _count_files(stream)
    elif not compressed and head.lstrip()[:1] in (b"{", b"["):
        document = _collect(stream, keep)
    for _ in chain(stream, stored):
        pass
    if file_count is not None:
        layer = LayerIndex(
            diff_id=plain.digest,
            uncompressed_size=plain.size,
            file_count=file_count,
            compressed_size=stored.size if compressed else None,
        )
    too_large = document is not None and len(document) < stored.size
    document = None if too_large else document
    return Blob(digest=stored.digest, size=stored.size, layer=layer, document=document, too_large=too_large)


def _peek(pieces: Iterator[Chunk]) -> tuple[bytes, Iterator[Chunk]]:
    """The first 512 bytes (or all there are), and an iterator that begins with them."""
    first: list[Chunk] = []
    size = 0
    while size < _HEAD and (piece := next(pieces, None)) is not None:
        first.append(piece)
        size += len(piece)
    return b"".join(first)[:_HEAD], chain(first, pieces)


def _count_files(stream: Iterable[Chunk]) -> int:
    # A layer's digest proves that it is whole, so it need not be sealed.
    return sum(
        entry.type != DIRECTORY
        and not (".wh." in entry.name and entry.name.rstrip("/").rpartition("/")[2].startswith(".wh."))
        for entry in TarStream(stream, sealed=False)
    )


def _collect(stream: Iterable[Chunk], keep: int) -> bytes:
    """The first bytes of a document: all of it, or ``keep`` bytes of one that is longer."""
    document = bytearray()
    for piece in stream:
        if len(document) + len(piece) > keep:
            break
        document += piece
    return bytes(document)
