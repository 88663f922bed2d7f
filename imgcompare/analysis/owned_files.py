"""Whose files are whose: each is claimed once, by lists of paths or by the folders that they lie in."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.symlinks import Links

_T = TypeVar("_T")


class Innermost(Generic[_T]):
    """Finds the innermost of some folders that a path lies in; what was looked up once is remembered."""

    def __init__(self, folders: Mapping[str, _T]) -> None:
        self._known: dict[str, _T | None] = {"": None, **folders}

    def of(self, path: str) -> _T | None:
        """What the folder is known by, None for a path in none of them."""
        if len(self._known) == 1:
            return None
        passed = []
        folder = path.rpartition("/")[0]
        while folder not in self._known:
            passed.append(folder)
            folder = folder.rpartition("/")[0]
        found = self._known[folder]
        for folder in passed:
            self._known[folder] = found
        return found


class Files:
    """The files of a merged file system, each of which is claimed once."""

    def __init__(self, filesystem: RootFilesystem, links: Links, modules: Mapping[str, list[str]]) -> None:
        self._filesystem = filesystem
        self._entries = filesystem.entries
        self._real = links.real
        self._claimed: set[int] = set()
        self._walked: set[str] = set()
        self._sorted: list[str] = []
        self.compiled = dict(modules)

    def claim(self, paths: Iterable[str]) -> int:
        """The bytes of those files that nobody claimed before."""
        total = 0
        for path in paths:
            entry = self._entries.get(self._real(path))
            # The names of a hard-linked file share one entry.
            if entry is not None and entry.size and id(entry) not in self._claimed:
                self._claimed.add(id(entry))
                total += entry.size
        return total

    def in_folders(self, folders: Mapping[str, int]) -> Counter[int]:
        """The bytes that nobody claimed, by the number of the innermost of some folders that they lie in."""
        inner = Innermost({self._real(f"{folder}/")[:-1]: number for folder, number in folders.items()})
        found: Counter[int] = Counter()
        for path, entry in self._filesystem.contents() if folders else ():
            if entry.size and id(entry) not in self._claimed and (number := inner.of(path)) is not None:
                self._claimed.add(id(entry))
                found[number] += entry.size
        return found

    def extensions(self, module: str) -> Iterator[str]:
        """The compiled forms of a module: ``_x.so``, ``_x.cpython-311-x86_64-linux-gnu.so``."""
        return (path for path in self._starting(f"{self._real(module)}.") if path.endswith(".so"))

    def below(self, folder: str) -> Iterator[str]:
        """Every path beneath a folder; nothing the second time, when all was claimed."""
        start = f"{self._real(folder)}/"
        if start in self._walked:
            return
        self._walked.add(start)
        yield from self._starting(start)

    def _starting(self, start: str) -> Iterator[str]:
        self._sorted = self._sorted or sorted(self._entries)
        for index in range(bisect_left(self._sorted, start), len(self._sorted)):
            if not self._sorted[index].startswith(start):
                return
            yield self._sorted[index]
