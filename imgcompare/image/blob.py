"""One blob of an exported image, read once as it streams by: its digest, and what it is by its content."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from contextlib import ExitStack
from itertools import chain

import msgspec

from imgcompare.image.decompress import GZIP_MAGIC, ahead, decompressed, is_compressed, peek
from imgcompare.image.gzip_estimate import GzipSize
from imgcompare.image.hashing import Hashed
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.layer_reader import Allowance, count_files, read_entries
from imgcompare.image.tarheader import begins_archive
from imgcompare.image.tarstream import Chunk


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A stored blob of ``size`` bytes: a layer, a JSON document (``too_large`` if it was not kept), or neither."""

    digest: str
    size: int
    layer: LayerIndex | None = None
    document: bytes | None = None
    too_large: bool = False


class BlobReader:
    """Reads one image's or archive's blobs, also side by side; the executor hashes, and measures pull sizes."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._allowance = Allowance()

    def read(self, pieces: Iterable[Chunk], *, keep: int) -> Blob:
        """Read a blob to its end, deciding by content what it is; JSON is kept up to ``keep`` bytes.

        Raises ImageFormatError for a damaged tar or compressed stream.
        """
        stored = Hashed(pieces, self._executor)
        head, stream = peek(stored)
        compressed = is_compressed(head) and not begins_archive(head)
        gzipped = compressed and head.startswith(GZIP_MAGIC)
        plain, layer, document = stored, None, None
        with ExitStack() as threads:
            if compressed:
                unpacked = threads.enter_context(ahead(decompressed(stream, head)))
                plain = Hashed(unpacked, self._executor)
                head, stream = peek(plain)
            if begins_archive(head):
                layer = self._layer(stream, plain, stored if gzipped else None)
            elif not compressed and head.lstrip()[:1] in (b"{", b"["):
                document = _collect(stream, keep)
            for _ in chain(stream, stored):
                pass
        too_large = document is not None and len(document) < stored.size
        document = None if too_large else document
        return Blob(digest=stored.digest, size=stored.size, layer=layer, document=document, too_large=too_large)

    def _layer(self, stream: Iterable[Chunk], plain: Hashed, gzipped: Hashed | None) -> LayerIndex:
        """Read a layer's tar from ``stream``, which ``plain`` hashes; ``gzipped`` is what it is stored as, if it is.

        What is stored as zstd is estimated like what is not compressed: the same layer must weigh the same wherever it
        is, and one variant's zstd against another's gzip would say nothing of their contents.
        """
        estimate = GzipSize(self._executor)
        secrets: dict[str, tuple[str, ...]] = {}
        entries, documents = read_entries(stream if gzipped else estimate.tap(stream), self._allowance, secrets)
        for _ in chain(stream, gzipped or ()):
            pass
        return LayerIndex(
            diff_id=plain.digest,
            uncompressed_size=plain.size,
            file_count=count_files(entries),
            compressed_size=gzipped.size if gzipped else estimate.result(),
            compressed_size_exact=gzipped is not None,
            entries=entries,
            documents=documents,
            secrets=secrets,
        )


def _collect(stream: Iterable[Chunk], keep: int) -> bytes:
    """The first bytes of a document: all of it, or ``keep`` bytes of one that is longer."""
    document = bytearray()
    for piece in stream:
        if len(document) + len(piece) > keep:
            break
        document += piece
    return bytes(document)
