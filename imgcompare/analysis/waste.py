"""Bytes that an image carries in vain: copies that a later layer overwrote or deleted, and what did it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec

from imgcompare.analysis.filesystem import RootFilesystem, Superseded
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.tarheader import DIRECTORY
from imgcompare.model import WastedFile
from imgcompare.text.printable import file_name

MAX_FILES = 20


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """``wasted_bytes`` are payload bytes of the layers that are not in the merged root file system.

    So they are what a build that never wrote them would save; with what the layers hold of the file system's files they
    make up all payload of the layers. dive's number of that name is another: all copies of a path that has several, the
    one in use included (https://github.com/wagoodman/dive/issues/684). ``files`` are the 20 paths that waste most, the
    worst first; their ``copies`` include the one in use.
    """

    wasted_bytes: int
    files: tuple[WastedFile, ...]


def waste(layers: Sequence[LayerIndex], root: RootFilesystem, instructions: Sequence[str]) -> Waste:
    """Find what the layers waste; ``root`` is their merged file system, ``instructions`` says what made each layer."""
    stored = sum(entry.held_bytes for layer in layers for entry in layer.entries)
    return Waste(
        wasted_bytes=stored - sum(entry.held_bytes for _, entry in root.contents()),
        files=_worst(root, instructions),
    )


def _worst(root: RootFilesystem, instructions: Sequence[str]) -> tuple[WastedFile, ...]:
    by_path: dict[str, list[Superseded]] = {}
    for lost in _dead(root):
        by_path.setdefault(lost.entry.path, []).append(lost)
    sizes = {path: sum(lost.entry.held_bytes for lost in copies) for path, copies in by_path.items()}
    worst = heapq.nsmallest(MAX_FILES, sizes.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        WastedFile(
            path=file_name(path),
            wasted_bytes=size,
            copies=len(by_path[path]) + (path in root.entries and root.entries[path].kind != DIRECTORY),
            wasted_by=instructions[by_path[path][-1].by_layer],
        )
        for path, size in worst
    )


def _dead(root: RootFilesystem) -> Sequence[Superseded]:
    """What no name leads to any more, each hard-linked file once, with the layer that took its last name."""
    linked = {(id(entry), root.layer_of[path]) for path, entry in root.entries.items() if entry.path != path}
    last = {(id(lost.entry), lost.layer): lost for lost in root.superseded}
    return [lost for key, lost in last.items() if key not in linked and not root.holds(lost.entry, lost.layer)]
