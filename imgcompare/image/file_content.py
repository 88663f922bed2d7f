"""One file's content out of a layer, an archive or a folder: found by its name, and held to its digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from imgcompare.image.decompress import decompressed, is_compressed, peek
from imgcompare.image.hashing import file_digest
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import REGULAR, begins_archive
from imgcompare.image.tarstream import Chunk, TarStream

_CHUNK = 1 << 20


def content_in_layer(chunks: Iterable[Chunk], wanted: FileEntry) -> bytes | None:
    """The content of a file that a layer's tar, packed or not, has; None where it has no such file.

    Nothing behind it is read. Raises ImageFormatError for a damaged tar.
    """
    head, stream = peek(chunks)
    if is_compressed(head) and not begins_archive(head):
        head, stream = peek(decompressed(stream, head))
    if not head or not begins_archive(head):
        return None
    name = wanted.path.rpartition("/")[2]
    tar = TarStream(stream, sealed=False)
    for entry in tar:
        # Folders on the way may be links in the layer, so only the last name is compared; the digest decides.
        alike = entry.type == REGULAR and entry.size == wanted.size and not entry.sparse
        if alike and entry.path.rpartition("/")[2] == name:
            content = b"".join(tar.payload())
            if file_digest((content,)) == wanted.digest:
                return content
    return None


def content_in_archive(chunks: Iterable[Chunk], wanted: FileEntry) -> bytes | None:
    """The content of a file that any layer of an exported stream, packed or not, has."""
    head, stream = peek(chunks)
    if is_compressed(head) and not begins_archive(head):
        stream = decompressed(stream, head)
    tar = TarStream(stream)
    for entry in tar:
        if entry.type == REGULAR and (found := content_in_layer(tar.payload(), wanted)) is not None:
            return found
    return None


def content_in_path(path: Path, wanted: FileEntry) -> bytes | None:
    """The content of a file that an image's file or folder has. Raises OSError."""
    if not path.is_dir():
        return content_in_archive(_chunks(path), wanted)
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink() and (found := content_in_layer(_chunks(file), wanted)) is not None:
            return found
    return None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
