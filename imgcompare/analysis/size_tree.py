"""Where an image's bytes lie, as a tree small enough for a report: layer → category → package → folder → file.

Every byte is in exactly one leaf. What is small beside its neighbours is put together as "rest", and the tree grows
where the most bytes are until it has ``MAX_PARTS`` parts. Each layer has its fair share of them, so that the twenty
files of the application are all there beneath a base image with ten thousand.
"""

from __future__ import annotations

import heapq
import os.path
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from imgcompare.analysis.breakdown import Categories, Category, meant
from imgcompare.analysis.packages import Inventory
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.model import Part, PartKind
from imgcompare.text.printable import file_name, printable

MAX_PARTS = 1000
MAX_DEPTH = 12
_ALWAYS_SHOWN = 8
_MOST_SHOWN = 40
_LEAST_SHARE = 100
_NAME_LIMIT = 200


class _Node(Struct):
    """A part while the tree grows. ``said`` is how much of its entries' paths the names above it and its own tell."""

    kind: PartKind
    name: str
    entries: list[FileEntry]
    size: int
    depth: int
    said: int = 0
    children: list[_Node] = field(default_factory=list)

    def __lt__(self, other: _Node) -> bool:
        return self.rank() < other.rank()

    def rank(self) -> tuple[bool, int, str]:
        """Where it stands among others: the largest first, what is put together last."""
        return self.kind in {PartKind.REST, PartKind.END}, -self.size, self.name

    def part(self) -> Part:
        """This node and all beneath it."""
        return Part(
            name=printable(file_name(self.name), limit=_NAME_LIMIT),
            kind=self.kind,
            size_bytes=self.size,
            entry_count=len(self.entries),
            parts=tuple(child.part() for child in self.children),
        )


def grow(layers: Sequence[LayerIndex], categories: Categories, inventory: Inventory) -> tuple[Part, ...]:
    """One part for each layer, in their order, named by its number from 1; within, the largest first, the rest last."""
    grown: dict[int, Part] = {}
    left = MAX_PARTS
    # What a layer of few entries does not need of its share, the greater ones have.
    for index in sorted(range(len(layers)), key=lambda index: len(layers[index].entries)):
        node = _layer(index, layers[index], categories)
        left -= _grow(node, left // (len(layers) - len(grown)), inventory)
        grown[index] = node.part()
    return tuple(grown[index] for index in range(len(layers)))


def _layer(index: int, layer: LayerIndex, categories: Categories) -> _Node:
    """A layer, already taken apart into categories."""
    found: dict[Category, list[FileEntry]] = {}
    for entry, category in zip(layer.entries, categories.of_layer(layer), strict=True):
        found.setdefault(category, []).append(entry)
    node = _node(PartKind.LAYER, str(index + 1), [entry for entries in found.values() for entry in entries], 0)
    node.children = [_node(PartKind.CATEGORY, category, entries, 1) for category, entries in found.items()]
    if end := layer.uncompressed_size - node.size:
        node.size += end
        other = next((child for child in node.children if child.name == Category.OTHER), None)
        if other is None:
            node.children.append(other := _node(PartKind.CATEGORY, Category.OTHER, [], 1))
        other.size += end
        other.children = [_Node(PartKind.END, "", [], end, 2)]
    node.children.sort()
    return node


def _grow(layer: _Node, budget: int, inventory: Inventory) -> int:
    """Take the largest nodes apart as long as the budget of new ones lasts; return how many the layer now has."""
    count = 1 + sum(1 + len(category.children) for category in layer.children)
    waiting = list(layer.children)
    heapq.heapify(waiting)
    while waiting and count < budget:
        node = heapq.heappop(waiting)
        children = _apart(node, inventory) if node.entries and node.depth < MAX_DEPTH else []
        if not children or count + len(children) > budget:
            continue
        count += len(children)
        node.children = sorted(node.children + children)
        for child in children:
            if child.kind in {PartKind.PACKAGE, PartKind.FOLDER}:
                heapq.heappush(waiting, child)
    return count


def _apart(node: _Node, inventory: Inventory) -> list[_Node]:
    """What a node is made of: packages where there are any, else folders and files; the small ones together."""
    found = _owned_and_not(node, inventory) if node.kind == PartKind.CATEGORY else _beneath(node, node.entries)
    parts = sorted(found, key=_Node.rank)  # each rank made once
    least = node.size / _LEAST_SHARE
    shown = min(max(sum(part.size >= least for part in parts), _ALWAYS_SHOWN), _MOST_SHOWN)
    if len(parts) <= shown + 1:
        return parts
    rest = [entry for part in parts[shown:] for entry in part.entries]
    return [*parts[:shown], _node(PartKind.REST, "", rest, node.depth + 1)]


def _owned_and_not(node: _Node, inventory: Inventory) -> Iterator[_Node]:
    packages: dict[str, list[FileEntry]] = {}
    for entry in node.entries:
        packages.setdefault(inventory.owner(meant(entry.path)), []).append(entry)
    yield from _beneath(node, packages.pop("", []))
    for owner, entries in packages.items():
        yield _node(PartKind.PACKAGE, owner, entries, node.depth + 1)


def _beneath(node: _Node, entries: Sequence[FileEntry]) -> Iterator[_Node]:
    """The entries by the next name of their paths, or, where all have that name, by the first that differs."""
    start = max(node.said, _common(entries))
    folders: dict[str, list[FileEntry]] = {}
    for entry in entries:
        path = _path(entry)
        folders.setdefault(path[: path.find("/", start) + 1], []).append(entry)
    for inside in folders.values():
        first = _path(inside[0])
        one = all(entry.path == inside[0].path for entry in inside)
        end = len(first) if one else _common(inside)
        # A folder's own entry, among those in it, has no name left.
        name = first[node.said : end].removesuffix("/") or "."
        yield _node(PartKind.FILE if one else PartKind.FOLDER, name, inside, node.depth + 1, end)


def _path(entry: FileEntry) -> str:
    """With a slash behind, so that a folder and what is in it have that in common; made anew, for it is long."""
    return f"{entry.path or '.'}/"


def _common(entries: Sequence[FileEntry]) -> int:
    """The length of the folder that all paths have in common."""
    ends = [min(map(_path, entries), default=""), max(map(_path, entries), default="")]
    return os.path.commonprefix(ends).rfind("/") + 1  # noqa: RUF071 - as text: each path ends with a slash


def _node(kind: PartKind, name: str, entries: list[FileEntry], depth: int, said: int = 0) -> _Node:
    return _Node(kind, name, entries, _stored(entries), depth, said)


def _stored(entries: Iterable[FileEntry]) -> int:
    return sum(entry.stored for entry in entries)
