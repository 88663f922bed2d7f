"""A layer's tar stream → its entries and documents, within a limit on what all layers of an archive make us keep."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

from imgcompare.errors import ImageFormatError
from imgcompare.image.extract.choose import HEAD, reader_of
from imgcompare.image.extract.kinds import encode
from imgcompare.image.extract.pieces import Pieces
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
        if entry.sparse:  # its payload is not its content
            documents.pop(path, None)
            digest = _digest(stream.payload())
        elif kind == REGULAR and is_document(path):
            documents.pop(path, None)
            if size <= min(room, MAX_DOCUMENT_BYTES):
                allowance.take(size)
                room -= size
                documents[path] = document = b"".join(stream.payload())
                digest = _digest(iter((document,)))
            else:
                digest = _digest(stream.payload())
        elif kind == REGULAR and size:
            digest, found = _look_into(path, size, stream.payload(), secrets)
            documents.pop(path, None)
            if found and len(found) <= min(room, MAX_DOCUMENT_BYTES):
                allowance.take(len(found))
                room -= len(found)
                documents[path] = found
        else:
            digest = _digest(stream.payload()) if size else b""
        entries.append(FileEntry(path, kind, entry.mode, entry.uid, entry.gid, size, entry.stored, link, digest))
    return tuple(entries), documents


def _look_into(
    path: str, size: int, payload: Iterator[Chunk], secrets: dict[str, tuple[str, ...]] | None
) -> tuple[bytes, bytes]:
    """A file's digest, and what is to be kept of it because it tells packages (b"" for nothing)."""
    first = next(payload, b"")
    while len(first) < HEAD and (more := next(payload, b"")):
        first = bytes(first) + more
    reader = reader_of(path, size, first[:HEAD])
    looked_for_secrets = secrets is not None and may_hold(path, size)
    if reader is None and not looked_for_secrets:
        return _digest(chain((first,), payload)), b""
    file = Pieces()
    content = hashlib.sha256()
    for piece in chain((first,), payload):
        content.update(piece)
        file.add(piece)
    looked_for = secrets is not None and looked_for_secrets and len(secrets) < _MAX_SECRETS
    if secrets is not None and looked_for and (found := secrets_in(path, file.at(0, size))):
        secrets[path] = found
    extract = reader(file, path) if reader else None
    return content.digest()[:_DIGEST_BYTES], encode(extract) if extract else b""


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
