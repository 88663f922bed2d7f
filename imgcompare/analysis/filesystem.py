"""The merged root file system of an image: its layers laid over each other, as an engine does to run it.

The rules are those of https://github.com/opencontainers/image-spec/blob/main/layer.md. Where it leaves room, engines on
overlayfs are followed: an entry beneath what a lower layer has as a link or file makes that a folder.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from imgcompare.errors import ImageFormatError
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.image.tarheader import DIRECTORY, HARDLINK, REGULAR
from imgcompare.model import LargeFile, LargeFolder
from imgcompare.text.printable import file_name

WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# What aufs kept for itself in layers: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
AUFS = ".wh..wh."
_SETUID = 0o4000
_NEARLY_ALL = 0.9
# A path of 4,096 letters and slashes makes two thousand folders, whose names take 4 MB.
_MAX_IMPLIED_BYTES = 64 << 20


class ImpliedFolders:
    """How much memory the names of folders take that no layer has an entry of."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, path: str) -> None:
        """Count one more. Raises ImageFormatError when it is too much."""
        self._bytes += len(path)
        if self._bytes > _MAX_IMPLIED_BYTES:
            raise ImageFormatError(
                f"The image's layers leave out folders whose names take more than {_MAX_IMPLIED_BYTES >> 20} MiB.",
                hint="No usual image nests so deep; look at what made its layers.",
            )


class Superseded(NamedTuple):
    """A file of layer ``layer`` that lost a name because layer ``by_layer`` overwrote or deleted it."""

    entry: FileEntry
    layer: int
    by_layer: int


class RootFilesystem(msgspec.Struct, frozen=True):
    """What a container sees. ``entries`` are by path, without the root itself; folders that no layer has are mode 0755.

    The names of a hard-linked file all have the very same entry, the file's; a name whose ``entries[path].path`` is
    another is a further link. ``layer_of`` is the index of the layer that holds a path's bytes. ``superseded`` are the
    files that lost a name, in the order in which they lost it.
    """

    entries: dict[str, FileEntry]
    layer_of: dict[str, int]
    superseded: tuple[Superseded, ...]

    @property
    def file_count(self) -> int:
        """How many paths are no folders; each name of a hard-linked file counts."""
        return sum(entry.kind != DIRECTORY for entry in self.entries.values())

    @property
    def total_bytes(self) -> int:
        """The bytes of all files, hard-linked ones once."""
        return sum(entry.size for _, entry in self.contents())

    def contents(self) -> Iterator[tuple[str, FileEntry]]:
        """Every path with its entry, but of a hard-linked file one name only: its own, or the first one left."""
        met: set[tuple[int, int]] = set()
        for path, entry in self.entries.items():
            if entry.path != path:
                layer = self.layer_of[path]  # a layer listed twice has the same entries
                if (id(entry), layer) in met or self.holds(entry, layer):
                    continue
                met.add((id(entry), layer))
            yield path, entry

    def holds(self, entry: FileEntry, layer: int) -> bool:
        """Whether the file of that layer is here under its own name."""
        return self.entries.get(entry.path) is entry and self.layer_of[entry.path] == layer

    def largest_files(self, count: int) -> tuple[LargeFile, ...]:
        """The ``count`` largest files, largest first, hard-linked ones once."""
        largest = heapq.nsmallest(count, self.contents(), key=lambda item: (-item[1].size, item[0]))
        return tuple(LargeFile(path=file_name(path), size_bytes=entry.size) for path, entry in largest if entry.size)

    def largest_folders(self, count: int) -> tuple[LargeFolder, ...]:
        """The ``count`` folders with the most bytes beneath them, largest first.

        A folder is left out where one folder in it holds nearly all of its bytes: that one says more.
        """
        held: dict[str, int] = {}  # by folder, with a slash behind
        for path, entry in self.contents():
            folder = path[: path.rfind("/") + 1]
            held[folder] = held.get(folder, 0) + entry.size
        totals: dict[str, int] = {}
        for path, size in held.items():
            while size and (path := path.rpartition("/")[0]):
                totals[path] = totals.get(path, 0) + size
        greatest: dict[str, int] = {}
        for path, size in totals.items():
            above = path.rpartition("/")[0]
            greatest[above] = max(greatest.get(above, 0), size)
        telling = ((path, size) for path, size in totals.items() if greatest.get(path, 0) < _NEARLY_ALL * size)
        largest = heapq.nsmallest(count, telling, key=lambda item: (-item[1], item[0]))
        return tuple(LargeFolder(path=file_name(path), size_bytes=size) for path, size in largest)

    def setuid(self) -> tuple[str, ...]:
        """The paths of the files that run as their owner, sorted."""
        return tuple(
            sorted(path for path, entry in self.entries.items() if entry.mode & _SETUID and entry.kind == REGULAR)
        )


def merge(layers: Sequence[LayerIndex]) -> RootFilesystem:
    """Lay the layers, the lowest first, over each other.

    Within a layer the last entry of a name counts, whiteouts concern the layers below only, and a hard link whose
    target is missing stays as it is, without bytes. A link's own mode and owner are taken for those of its file. Raises
    ImageFormatError for layers that imply more folders than any real one.
    """
    tree = _Tree()
    for index, layer in enumerate(layers):
        tree.lay(index, layer.entries)
    return RootFilesystem(tree.entries, tree.layer_of, tuple(tree.superseded))


def is_whiteout(path: str) -> bool:
    """Whether a path only says that others are hidden, or belongs to what aufs kept for itself."""
    return WHITEOUT in path and (path.rpartition("/")[2].startswith(WHITEOUT) or f"/{AUFS}" in f"/{path}")


def marked_folder(whiteout: str) -> str:
    """The folder that a whiteout stands in, or that aufs kept its own things in."""
    folder, of_aufs, _ = f"/{whiteout}".partition(f"/{AUFS}")
    return folder[1:] if of_aufs else whiteout.rpartition("/")[0]


class _Tree:
    """The file system while layers are laid on it."""

    def __init__(self) -> None:
        self.entries: dict[str, FileEntry] = {}
        self.layer_of: dict[str, int] = {}
        self.superseded: list[Superseded] = []
        self._layer = 0
        self._implied = ImpliedFolders()
        # Of each folder every path that was ever added right beneath it: some may be gone, or stand there twice.
        self._beneath: dict[str, list[str]] = {"": []}

    def lay(self, layer: int, entries: Sequence[FileEntry]) -> None:
        """Put a layer on top: whiteouts before anything is added, because they concern the layers below only."""
        self._layer = layer
        for entry in entries:
            if WHITEOUT in entry.path:
                self._hide(entry.path)
        for entry in entries:
            path = entry.path
            if WHITEOUT in path and is_whiteout(path):
                self._make_folders(marked_folder(path))
            elif entry.kind == HARDLINK:
                target = self.entries.get(entry.link)
                if target is None or target.kind == DIRECTORY:
                    self._put(path, entry, layer)
                else:
                    self._put(path, target, self.layer_of[entry.link])
            elif path:
                self._put(path, entry, layer)

    def _hide(self, whiteout: str) -> None:
        folder, _, name = whiteout.rpartition("/")
        if name == _OPAQUE:
            for path in self._beneath.get(folder, ()):
                self._remove(path)
        elif name.startswith(WHITEOUT):
            self._remove(_join(folder, name.removeprefix(WHITEOUT)))

    def _put(self, path: str, entry: FileEntry, held_by: int) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._beneath:
            self._make_folders(folder)
        is_folder = entry.kind == DIRECTORY
        if path not in self.entries:
            self._beneath[folder].append(path)
        elif not (is_folder and path in self._beneath):  # a folder over a folder leaves what is in it
            self._remove(path)
        if is_folder:
            self._beneath.setdefault(path, [])
        self.entries[path] = entry
        self.layer_of[path] = held_by

    def _make_folders(self, path: str) -> None:
        """Make the folder and those above it that are not there, replacing what is in the way."""
        missing = []
        while path not in self._beneath:
            self._implied.add(path)
            missing.append(path)
            path = path.rpartition("/")[0]
        for folder in reversed(missing):
            self._put(folder, FileEntry(folder, DIRECTORY, 0o755, 0, 0, 0, 0, "", b""), self._layer)

    def _remove(self, path: str) -> None:
        """Remove a path and all beneath it."""
        pending = [path]
        while pending:
            path = pending.pop()
            if (entry := self.entries.pop(path, None)) is None:
                continue
            layer = self.layer_of.pop(path)
            if entry.kind == DIRECTORY:
                pending += self._beneath.pop(path)
            elif entry.size:
                self.superseded.append(Superseded(entry, layer, self._layer))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
