"""What is different between two root file systems: path by path, and told by folder where single paths are small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY
from imgcompare.text.printable import file_name


class ChangeKind(StrEnum):
    """What became of a path; ``metadata`` is its mode or owner only, ``mixed`` is a folder with several kinds."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    METADATA = "metadata"
    MIXED = "mixed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A path that is different, as layers spell it, or a folder (ending in "/") that stands for those in it.

    ``files`` counts what is no folder. A changed file removes its old bytes and adds its new ones; a change of metadata
    moves none.
    """

    path: str
    kind: ChangeKind
    removed_bytes: int
    added_bytes: int
    files: int

    @property
    def moved_bytes(self) -> int:
        """The bytes that went and those that came."""
        return self.removed_bytes + self.added_bytes


def difference(before: RootFilesystem, after: RootFilesystem) -> tuple[Change, ...]:
    """Every path that is not the same in both, sorted by path.

    Paths are the same when kind, content, link target, mode and owner are. A hard-linked file's bytes count at the
    first of its names, so that all that is added less all that is removed is the difference of the two totals.
    """
    old_links, new_links = _further_names(before), _further_names(after)
    changes = []
    for path in sorted(before.entries.keys() | after.entries.keys()):
        old, new = before.entries.get(path), after.entries.get(path)
        old_size = 0 if old is None or path in old_links else old.size
        new_size = 0 if new is None or path in new_links else new.size
        kind = ChangeKind.CHANGED if old and new and old_size != new_size else _kind(old, new)
        if kind is not None:
            moved = kind is not ChangeKind.METADATA
            changes.append(
                Change(
                    path=file_name(path),
                    kind=kind,
                    removed_bytes=old_size * moved,
                    added_bytes=new_size * moved,
                    files=int(any(entry is not None and entry.kind != DIRECTORY for entry in (old, new))),
                )
            )
    return tuple(changes)


def collapse(changes: Iterable[Change], min_bytes: int) -> tuple[Change, ...]:
    """Fewer rows with the same sums, those that move most first.

    A folder that came or went whole is one row. What moves less than ``min_bytes`` goes into a row of the nearest
    folder above it whose small changes reach that together; the rest is a row of the root, "/".
    """
    rows: list[Change] = []
    levels: defaultdict[int, defaultdict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in _whole_folders(changes):
        if change.moved_bytes >= min_bytes:
            rows.append(change)
        else:
            folder = change.path.rstrip("/").rpartition("/")[0]
            levels[_depth(folder)][folder].append(change)
    for depth in range(max(levels, default=0), -1, -1):
        for folder, small in levels.pop(depth, {}).items():
            together = _together(folder, small)
            if not depth or together.moved_bytes >= min_bytes:
                rows.append(together)
            else:
                above = folder.rpartition("/")[0]
                levels[_depth(above)][above].append(together)
    return tuple(sorted(rows, key=lambda row: (-row.moved_bytes, row.path)))


def _kind(old: FileEntry | None, new: FileEntry | None) -> ChangeKind | None:
    if old is None:
        return ChangeKind.ADDED
    if new is None:
        return ChangeKind.REMOVED
    if (old.kind, old.digest, old.link) != (new.kind, new.digest, new.link):
        return ChangeKind.CHANGED
    if (old.mode, old.uid, old.gid) != (new.mode, new.uid, new.gid):
        return ChangeKind.METADATA
    return None


def _further_names(root: RootFilesystem) -> set[str]:
    """The names of hard-linked files, but not the first of each."""
    linked = {(id(entry), root.layer_of[path]) for path, entry in root.entries.items() if entry.path != path}
    names: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    if linked:
        for path, entry in root.entries.items():
            if (key := (id(entry), root.layer_of[path])) in linked:
                names[key].append(path)
    return {name for of_one in names.values() for name in sorted(of_one)[1:]}


def _whole_folders(changes: Iterable[Change]) -> Iterable[Change]:
    """The changes, but one for each folder that is in only one of the two file systems."""
    listed = list(changes)
    whole: dict[str, str | None] = {"": None}
    came_or_went = {
        change.path for change in listed if not change.files and change.kind in (ChangeKind.ADDED, ChangeKind.REMOVED)
    }
    beneath: defaultdict[str, list[Change]] = defaultdict(list)
    for change in listed:
        if (top := _topmost(change.path, came_or_went, whole)) is None:
            yield change
        else:
            beneath[top].append(change)
    for top, parts in beneath.items():
        yield _together(top, parts)


def _topmost(path: str, folders: set[str], known: dict[str, str | None]) -> str | None:
    """The uppermost of the folders that a path is or is in."""
    missing = []
    while path not in known:
        missing.append(path)
        path = path.rpartition("/")[0]
    top = known[path]
    for name in reversed(missing):
        top = top or (name if name in folders else None)
        known[name] = top
    return top


def _together(folder: str, changes: Sequence[Change]) -> Change:
    kinds = {change.kind for change in changes}
    return Change(
        path=f"{folder}/",
        kind=kinds.pop() if len(kinds) == 1 else ChangeKind.MIXED,
        removed_bytes=sum(change.removed_bytes for change in changes),
        added_bytes=sum(change.added_bytes for change in changes),
        files=sum(change.files for change in changes),
    )


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
