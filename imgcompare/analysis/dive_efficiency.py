"""How well an image uses its layers, as dive scores it, so that its number can be compared with ours.

https://github.com/wagoodman/dive/blob/v0.13.1/dive/filetree/efficiency.go: of every path that is a leaf in some layer,
the smallest size it ever had, summed, ÷ all sizes it had, summed. What is peculiar to it and kept here:

- a deleted file counts as a copy of no bytes, so the file is wasted; a deleted folder counts as a copy of all its
  bytes, so nothing is wasted, and the folder's bytes count twice on both sides;
- a folder that a layer names only through what is in it counts, when deleted later, as a file;
- opaque whiteouts are passed over; what they hide is neither wasted nor gone;
- a whiteout of what is not there ends the reading of its layer, in the order of names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from imgcompare.analysis.filesystem import AUFS, WHITEOUT, ImpliedFolders, is_whiteout, marked_folder
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.image.tarheader import DIRECTORY

_UNKNOWN = -1

_Nodes: TypeAlias = dict[str, FileEntry | None]


def efficiency(layers: Sequence[LayerIndex]) -> float:
    """The score from 0 to 1, the best; 1 for an image without bytes."""
    stack = _Stack(layers)
    smallest: dict[str, int] = {}
    discovered = 0
    for index, layer in enumerate(layers):
        nodes, inner = _nodes(layer)
        if index == 0:
            stack.add(nodes, inner)  # dive looks the lowest layer's whiteouts up in that layer itself
        for path, size in _leaves(nodes, inner, stack):
            least = smallest.setdefault(path, _UNKNOWN)
            if size is not None:
                discovered += size
                smallest[path] = size if least == _UNKNOWN else min(size, least)
        stack.lay(nodes, inner)
    return sum(smallest.values()) / discovered if discovered else 1.0


def _nodes(layer: LayerIndex) -> tuple[_Nodes, set[str]]:
    """A layer's paths, with None for folders it has no entry of, and those that have others beneath them."""
    nodes: _Nodes = {}
    inner = {""}
    implied = ImpliedFolders()
    for entry in layer.entries:
        path = entry.path
        if WHITEOUT in path and AUFS in path and is_whiteout(path):
            path = marked_folder(path)
            nodes.setdefault(path, None)
        else:
            nodes[path] = entry
        folder = path.rpartition("/")[0]
        while folder not in inner:
            inner.add(folder)
            if folder not in nodes:
                implied.add(folder)
                nodes[folder] = None
            folder = folder.rpartition("/")[0]
    nodes.pop("", None)
    return nodes, inner


def _leaves(nodes: _Nodes, inner: set[str], stack: _Stack) -> Iterator[tuple[str, int | None]]:
    """The paths that a layer counts and their sizes, whiteouts under the name of what they hide, or None at its end."""
    hidden: dict[str, tuple[str, int | None]] = {}
    for path in nodes:
        if WHITEOUT in path and path not in inner and (target := _target(path)) is not None:
            hidden[path] = target, stack.size(target)
    end = min((path.split("/") for path, (_, size) in hidden.items() if size is None), default=None)
    for path, entry in nodes.items():
        if path not in inner and (end is None or path.split("/") <= end):
            yield hidden.get(path) or (path, entry.size if entry else 0)


def _target(path: str) -> str | None:
    """What a whiteout hides, or None for any other path."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + name.removeprefix(WHITEOUT) if name.startswith(WHITEOUT) else None


class _Stack:
    """The layers below the current one as dive lays them over each other; only what is deleted later is kept."""

    def __init__(self, layers: Sequence[LayerIndex]) -> None:
        paths = (entry.path for layer in layers for entry in layer.entries if WHITEOUT in entry.path)
        self._wanted = {target for path in paths if (target := _target(path)) is not None}
        self._entries: _Nodes = {}
        self._beneath: dict[str, list[str]] = {}

    def lay(self, nodes: _Nodes, inner: set[str]) -> None:
        """Put a layer on top: its whiteouts take away, then its paths are added."""
        for path in nodes:
            if WHITEOUT in path and (target := _target(path)) is not None:
                for gone in self._subtree(target):
                    self._entries.pop(gone, None)
        self.add(nodes, inner)

    def add(self, nodes: _Nodes, inner: set[str]) -> None:
        """Add a layer's paths, which takes nothing away."""
        if not self._wanted:
            return
        for folder in sorted(inner):  # a folder comes before those in it
            if folder.rpartition("/")[0] in self._wanted:
                self._wanted.add(folder)
        for path, entry in nodes.items():
            folder = path.rpartition("/")[0]
            if path in self._wanted or folder in self._wanted:
                self._beneath.setdefault(folder, []).append(path)
                self._entries[path] = entry

    def size(self, path: str) -> int | None:
        """The bytes of a folder with all beneath it, 0 for a file, None for what is not there."""
        if path not in self._entries:
            return None
        folder = self._entries[path]
        if folder is None or folder.kind != DIRECTORY:
            return 0
        return sum(entry.size for name in self._subtree(path) if (entry := self._entries.get(name)) is not None)

    def _subtree(self, path: str) -> set[str]:
        """A path and all beneath it, those that are gone again included."""
        found: set[str] = set()
        pending = [path]
        while pending:
            path = pending.pop()
            if path not in found:
                found.add(path)
                pending += self._beneath.get(path, ())
        return found
