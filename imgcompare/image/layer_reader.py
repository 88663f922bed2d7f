"""A layer's tar stream → its entries and documents, within a limit on what all layers of an archive make us keep."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from imgcompare.errors import ImageFormatError
from imgcompare.image.layer_index import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS_BYTES, FileEntry, is_document
from imgcompare.image.path_resolution import LinkedFolders
from imgcompare.image.secret_files import may_hold, secrets_in
from imgcompare.image.tarheader import DIRECTORY, HARDLINK, REGULAR, SYMLINK, normalised
from imgcompare.image.tarstream import Chunk, TarStream

# Some 1.5 million files; a gzip bomb of headers would fill any memory.
_MAX_KEPT = 512 << 20
# What an entry takes besides its names: the struct, its numbers and its digest.
_ENTRY_BYTES = 300
_DIGEST_BYTES = 16
_MAX_SECRETS = 100
_LINKS = (HARDLINK, SYMLINK)


class Allowance:
    """What may still be kept of an archive, in bytes of memory."""

    def __init__(self, limit: int = _MAX_KEPT) -> None:
        self._limit = limit
        self._kept = 0

    def take(self, count: int) -> None:
        """Count what is kept. Raises ImageFormatError when it is too much."""
        self._kept += count
        if self._kept > self._limit:
            raise ImageFormatError(
                f"The image's file names and package lists take more than {self._limit >> 20} MiB.",
                hint="No usual image has so many files; look at what made its layers.",
            )


def read_entries(
    chunks: Iterable[Chunk], allowance: Allowance, secrets: dict[str, tuple[str, ...]] | None = None
) -> tuple[tuple[FileEntry, ...], dict[str, bytes]]:
    """Read a layer's tar to its end: its entries in order, and its documents by path (the last of a path counts).

    What kinds of secrets its files hold goes into ``secrets``, by path.

    Raises ImageFormatError for a damaged tar and for more entries than the allowance permits.
    """
    entries: list[FileEntry] = []
    documents: dict[str, bytes] = {}
    room = MAX_DOCUMENTS_BYTES
    # A layer's digest proves that it is whole, so it need not be sealed.
    stream = TarStream(chunks, sealed=False)
    folders = LinkedFolders()
    for entry in stream:
        path, kind, size = folders.real(entry.path), entry.type, entry.size
        # The header of anything else may have a name there too: engines leave one in whiteouts.
        link = entry.linkname if kind in _LINKS else ""
        if kind == HARDLINK:
            link = folders.real(normalised(link))
        folders.note(path, kind, link)
        allowance.take(_ENTRY_BYTES + len(path) + len(link))
        if kind == REGULAR and is_document(path):
            documents.pop(path, None)
            if size <= min(room, MAX_DOCUMENT_BYTES):
                allowance.take(size)
                room -= size
                documents[path] = document = b"".join(stream.payload())
                digest = _digest(iter((document,)))
            else:
                digest = _digest(stream.payload())
        elif kind == REGULAR and secrets is not None and may_hold(path, size):
            content = b"".join(stream.payload())
            digest = _digest(iter((content,)))
            if len(secrets) < _MAX_SECRETS and (found := secrets_in(path, content)):
                secrets[path] = found
        else:
            digest = _digest(stream.payload()) if size else b""
        entries.append(FileEntry(path, kind, entry.mode, entry.uid, entry.gid, size, entry.stored, link, digest))
    return tuple(entries), documents


def count_files(entries: Iterable[FileEntry]) -> int:
    """How many entries are neither folders nor whiteouts."""
    return sum(
        entry.kind != DIRECTORY and not (".wh." in entry.path and entry.path.rpartition("/")[2].startswith(".wh."))
        for entry in entries
    )


def _digest(pieces: Iterator[Chunk]) -> bytes:
    """16 bytes of the content's SHA-256, b"" where there is no content."""
    first = next(pieces, b"")
    if not first:
        return b""
    content = hashlib.sha256(first)
    for piece in pieces:
        content.update(piece)
    return content.digest()[:_DIGEST_BYTES]
