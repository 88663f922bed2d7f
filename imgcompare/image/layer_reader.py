"""A layer's tar stream → its entries and documents, within a limit on what all layers of an archive make us keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from imgcompare.errors import ImageFormatError
from imgcompare.image.extract.choose import HEAD, reader_of
from imgcompare.image.extract.kinds import encode
from imgcompare.image.extract.pieces import Pieces
from imgcompare.image.hashing import file_digest
from imgcompare.image.layer_index import MAX_DOCUMENT_BYTES, MAX_DOCUMENTS_BYTES, FileEntry, is_document
from imgcompare.image.path_resolution import LinkedFolders
from imgcompare.image.secret_files import may_hold, secrets_in
from imgcompare.image.tarheader import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry, normalised
from imgcompare.image.tarstream import Chunk, TarStream

# Some 1.5 million files; a gzip bomb of headers would fill any memory.
_MAX_KEPT = 512 << 20
# What an entry takes besides its names: the struct, its numbers and its digest.
_ENTRY_BYTES = 300
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
    # A layer's digest proves that it is whole, so it need not be sealed.
    stream = TarStream(chunks, sealed=False)
    contents = _Contents(stream, allowance, secrets)
    folders = LinkedFolders()
    for entry in stream:
        path, kind = folders.real(entry.path), entry.type
        # The header of anything else may have a name there too: engines leave one in whiteouts.
        link = entry.linkname if kind in _LINKS else ""
        if kind == HARDLINK:
            link = folders.real(normalised(link))
        folders.note(path, kind, link)
        allowance.take(_ENTRY_BYTES + len(path) + len(link))
        digest = contents.digest(path, entry)
        entries.append(FileEntry(path, kind, entry.mode, entry.uid, entry.gid, entry.size, entry.stored, link, digest))
    return tuple(entries), contents.documents


class _Contents:
    """Reads what is in files: the digest of each, and what is to be kept of a few."""

    def __init__(self, stream: TarStream, allowance: Allowance, secrets: dict[str, tuple[str, ...]] | None) -> None:
        self._stream = stream
        self._allowance = allowance
        self._secrets = secrets
        self._room = MAX_DOCUMENTS_BYTES
        self.documents: dict[str, bytes] = {}

    def digest(self, path: str, entry: TarEntry) -> bytes:
        """Read the entry's payload: its digest, b"" where there is none; whatever it tells is kept."""
        self.documents.pop(path, None)
        if entry.sparse or entry.type != REGULAR:  # a sparse file's payload is not its content
            return file_digest(self._stream.payload()) if entry.size or entry.sparse else b""
        if is_document(path):
            if entry.size > min(self._room, MAX_DOCUMENT_BYTES):
                return file_digest(self._stream.payload())
            document = b"".join(self._stream.payload())
            self._keep(path, document)
            return file_digest((document,))
        return self._look_into(path, entry.size) if entry.size else b""

    def _look_into(self, path: str, size: int) -> bytes:
        """A file's digest, after its packages and secrets were looked for."""
        whole = self._stream.whole_payload()
        pieces: Iterator[Chunk] = iter((whole,)) if whole else self._stream.payload()
        first = next(pieces)
        while len(first) < HEAD and (more := next(pieces, b"")):
            first = bytes(first) + more
        reader = reader_of(path, size, bytes(first[:HEAD]))
        held = self._secrets is not None and len(self._secrets) < _MAX_SECRETS and may_hold(path, size)
        if reader is None and not held:
            return file_digest(chain((first,), pieces))
        file = Pieces()
        digest = file_digest(file.adding(chain((first,), pieces)))
        if self._secrets is not None and held and (found := secrets_in(path, file.at(0, size))):
            self._secrets[path] = found
        extract = reader(file, path) if reader else None
        if extract and len(kept := encode(extract)) <= min(self._room, MAX_DOCUMENT_BYTES):
            self._keep(path, kept)
        return digest

    def _keep(self, path: str, document: bytes) -> None:
        self._allowance.take(len(document))
        self._room -= len(document)
        self.documents[path] = document


def count_files(entries: Iterable[FileEntry]) -> int:
    """How many entries are neither folders nor whiteouts."""
    return sum(
        entry.kind != DIRECTORY and not (".wh." in entry.path and entry.path.rpartition("/")[2].startswith(".wh."))
        for entry in entries
    )
