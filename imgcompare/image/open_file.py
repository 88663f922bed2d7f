"""An image from a file or folder, without an engine: what ``docker save`` wrote (packed or not), or an OCI layout."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from imgcompare.errors import ImageFormatError, UsageError
from imgcompare.image.archive import THREADS, Archive, ArchivedImage, archive_of, read_archive
from imgcompare.image.blob import Blob
from imgcompare.image.blob_store import Contents
from imgcompare.image.decompress import decompressed, is_compressed, packed_with, peek
from imgcompare.image.oci import Descriptor, is_digest
from imgcompare.image.tarheader import begins_archive, normalised
from imgcompare.text.printable import printable

_CHUNK = 1 << 20
_HINT = "Give a file that `docker save` wrote, or an OCI layout as a tar or a folder."


def _nobody(_told: str) -> None:
    pass


def open_image(
    path: Path, name: str | None = None, *, platform: str | None = None, note: Callable[[str], None] = _nobody
) -> ArchivedImage:
    """The image of a file or folder: the one of that name or digest, else the only one.

    ``note`` is told what else is there.

    Files: the tar of ``docker save`` or of an OCI layout, which may be packed (gzip, zstd, xz, bzip2); a FIFO will do.
    Folders: such a tar unpacked. Raises UsageError for what is no image and where a name is needed, ImageFormatError
    for what is damaged; both name the path.
    """
    shown = printable(str(path), limit=200)
    try:
        archive = _open(path)
        image = _named(archive, name, platform) if name else archive.only(platform=platform)
        if not name and (beside := archive.beside(image)):
            note(f"{shown}: {beside}")
        return image
    except (ImageFormatError, UsageError) as exc:
        raise type(exc)(f"{shown}: {exc.message}", hint=exc.hint or _HINT) from exc
    except (OSError, ValueError) as exc:
        reason = printable(getattr(exc, "strerror", None) or str(exc), limit=200)
        raise UsageError(f"{shown} cannot be read: {reason}.", hint=_HINT) from exc


def _named(archive: Archive, name: str, platform: str | None) -> ArchivedImage:
    try:
        return archive.find(name, platform=platform)
    except ImageFormatError as exc:
        if archive.has(name):
            raise
        raise UsageError(exc.message, hint="Name one that it has.") from exc


def may_be_image(path: Path) -> bool:
    """Whether it looks worth opening: a tar, packed data, a folder with an image's index, or a pipe. Raises OSError."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return _has_index(path)
    if not stat.S_ISREG(mode):
        return stat.S_ISFIFO(mode)
    with path.open("rb") as file:
        head, _ = peek(_chunks(file))
    return begins_archive(head) or is_compressed(head) or bool(packed_with(head))


def _open(path: Path) -> Archive:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return _from_folder(path)
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise UsageError("It is neither a file nor a folder.")
    with path.open("rb") as file:
        return _from_file(file)


def _from_file(file: BinaryIO) -> Archive:
    head, chunks = peek(_chunks(file))
    if not begins_archive(head) and is_compressed(head):
        head, chunks = peek(decompressed(chunks, head))
    if not head or not begins_archive(head):
        packed = packed_with(head)
        raise UsageError(
            "It is no image, for it is no tar archive" + (f", but packed with {packed}." if packed else "."),
            hint="Unpack it first; gzip, zstd, xz and bzip2 are unpacked here." if packed else None,
        )
    return read_archive(chunks)


def _from_folder(folder: Path) -> Archive:
    if not _has_index(folder):
        raise UsageError("It is no image: it has neither index.json nor manifest.json.")
    with ThreadPoolExecutor(THREADS) as executor:
        return archive_of(_FolderContents(executor, folder.resolve()))


def _has_index(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("index.json", "manifest.json"))


class _FolderContents(Contents):
    """A folder's files, read as they are asked for; only what the image names is, and nothing outside of the folder."""

    def __init__(self, executor: Executor, folder: Path) -> None:
        super().__init__(executor)
        self._folder = folder

    def has(self, path: str) -> bool:
        return super().has(path) or self._read(path)

    def at(self, path: str) -> Blob:
        self.has(normalised(path))
        return super().at(path)

    def of(self, descriptor: Descriptor) -> Blob | None:
        if is_digest(descriptor.digest):
            self.has(f"blobs/{descriptor.digest.replace(':', '/')}")
        return super().of(descriptor)

    def _read(self, path: str) -> bool:
        """Read a file, through links that stay inside; False where there is none."""
        try:
            real = (self._folder / path).resolve(strict=True)
            if not real.is_relative_to(self._folder) or not real.is_file():
                return False
        except (OSError, ValueError, RuntimeError):
            return False
        with real.open("rb") as file:
            self.add(path, map(memoryview, _chunks(file)))
        return True


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
