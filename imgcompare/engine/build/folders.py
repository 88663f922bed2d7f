"""The folders that a builder may read: one on this machine, or files that exist nowhere but here."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from imgcompare.engine.build.dockerignore import IgnoreRules, pattern
from imgcompare.engine.build.follow import follow
from imgcompare.engine.build.walk import VANISHED, Entry, Selection, opened, unreadable, walk

# grpc-go takes messages of 4 MiB where nobody says otherwise.
_CHUNK_BYTES = 512 << 10

# Bits of Go's os.FileMode (https://pkg.go.dev/io/fs#FileMode) by those of the kernel's st_mode.
_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
}
_SPECIAL_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


class Member(Struct, frozen=True):
    """One path as it is told to the builder: its name, Go's file mode, and how to read it where it is a file."""

    name: str
    mode: int
    size: int = 0
    mtime_ns: int = 0
    link: str = ""
    device: int = 0
    attributes: tuple[tuple[str, bytes], ...] = ()
    read: Callable[[], Iterator[bytes]] | None = None


class Folder(Protocol):
    """A folder that a builder may read, and nothing beside it."""

    def members(self, selection: Selection) -> Iterator[Member]:
        """What it holds, folders before what is in them, in the order of the bytes of their names."""

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """Rules that name those paths and what their links lead to; None where that is everything."""


class DiskFolder:
    """A folder on this machine; ``left_out`` is never sent, ``changed`` names a file and what follows its content."""

    def __init__(self, root: str, left_out: IgnoreRules, changed: tuple[str, bytes] = ("", b"")) -> None:
        self._root = root
        self._left_out = left_out
        self._changed = changed

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """See ``Folder``."""
        return follow(self._root, paths)

    def members(self, selection: Selection) -> Iterator[Member]:
        """See ``Folder``."""
        # What is never sent comes last, for the last rule that changes anything decides.
        rules = IgnoreRules((*selection.left_out.patterns, *self._left_out.patterns))
        linked: dict[tuple[int, int], str] = {}
        for entry in walk(self._root, Selection(rules, selection.taken)):
            member = self._member(entry, linked)
            if member is not None:
                yield member

    def _member(self, entry: Entry, linked: dict[tuple[int, int], str]) -> Member | None:
        status = entry.stat
        link, size, mtime_ns, more = "", 0, status.st_mtime_ns, b""
        if not stat.S_ISDIR(status.st_mode):
            size = status.st_size
            try:
                link = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115 - see follow.py
            except OSError as exc:
                if exc.errno in VANISHED:
                    return None
                raise unreadable(entry.path, exc) from exc
            if status.st_nlink > 1 and not link:
                first = linked.setdefault((status.st_dev, status.st_ino), entry.name)
                # Its size stays what it is, as fsutil tells it: else the builder makes the link anew each time.
                link = first if first != entry.name else ""
        if entry.name == self._changed[0] and stat.S_ISREG(status.st_mode) and not link:
            more = self._changed[1]
            size += len(more)
            # Size and time are all that the builder compares: two changes of one length need two times.
            mtime_ns += 1 + int.from_bytes(more[-8:], "big") % 10**9 + sum(more) % 10**9
        return Member(
            name=entry.name,
            mode=go_mode(status.st_mode),
            size=size,
            mtime_ns=mtime_ns,
            link=link,
            device=status.st_rdev if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else 0,
            attributes=_attributes(entry.path),
            # A socket is told as a file, as fsutil does, and there is nothing in it.
            read=(lambda: _read(entry.path, more)) if _KINDS.get(stat.S_IFMT(status.st_mode)) is None else None,
        )


class MadeFolder:
    """A folder that exists nowhere but here: the names and contents of its files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """See ``Folder``."""
        return IgnoreRules(tuple(pattern(path.lstrip("/")) for path in paths))

    def members(self, selection: Selection) -> Iterator[Member]:
        """See ``Folder``."""
        for name, content in sorted(self._files.items(), key=lambda item: os.fsencode(item[0])):
            taken = selection.taken
            if taken is None or taken.match(name).named:
                yield Member(
                    name=name,
                    mode=0o644,
                    size=len(content),
                    mtime_ns=_time_of(content),
                    read=lambda content=content: iter([content]),  # type: ignore[misc]
                )


def _time_of(content: bytes) -> int:
    """A time that differs where contents do: with the size it is all that the builder compares."""
    return 10**18 + int.from_bytes(sha256(content).digest()[:8], "big") % 10**17


def go_mode(mode: int) -> int:
    """Return a mode of the kernel's as Go's os.FileMode."""
    bits = sum(go for kernel, go in _SPECIAL_BITS.items() if mode & kernel)
    return _KINDS.get(stat.S_IFMT(mode), 0) | bits | mode & 0o777


def _read(path: str, more: bytes) -> Iterator[bytes]:
    if (file := opened(path)) is None:
        return
    with file:
        try:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        except OSError as exc:
            raise unreadable(path, exc) from exc
    if more:
        yield more


def _attributes(path: str) -> tuple[tuple[str, bytes], ...]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    except (OSError, AttributeError):  # no such thing on this file system, or system
        return ()
