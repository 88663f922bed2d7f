"""What of a folder goes to a builder: a walk over its files by the rules that leave out and the rules that keep."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO

from msgspec import Struct

from imgcompare.engine.build.dockerignore import NO_MATCH, IgnoreRules, Match
from imgcompare.errors import UsageError

# What opening or listing says of something that was removed, or replaced by another kind of file, since it was seen.
VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


class Entry(Struct, frozen=True):
    """A file, folder or link: its name in the folder and where it is."""

    name: str
    path: str
    stat: os.stat_result


class Selection(Struct, frozen=True):
    """What is taken of a folder: nothing that ``left_out`` ignores, and only what ``taken`` names if it is not None."""

    left_out: IgnoreRules
    taken: IgnoreRules | None = None


class _Matches(Struct, frozen=True):
    """What the rules say of a folder, and so of what is in it as far as they say nothing else of that."""

    left_out: Match = NO_MATCH
    taken: Match = NO_MATCH


def walk(root: str, selection: Selection) -> Iterator[Entry]:
    """Find what is taken, folders before what is in them, the names of each folder in the order of their bytes.

    A folder that is not taken is told after all when something inside is, for the sake of its mode. Raises UsageError
    naming the path that cannot be read.
    """
    waiting: list[Entry] = []
    found = [(name, _Matches()) for name in _list(root, "", optional=False)]
    while found:
        name, inherited = found.pop()
        waiting = [folder for folder in waiting if name.startswith(folder.name + "/")]
        entry = look(root, name)
        if entry is None:
            continue
        matches = _match(selection, name, inherited)
        is_folder = stat.S_ISDIR(entry.stat.st_mode)
        taken = _is_taken(selection, matches)
        if taken:
            yield from (*waiting, entry)
            waiting = []
        elif is_folder and _may_take_below(selection, name, matches):
            waiting.append(entry)
        else:
            continue
        if is_folder:
            found += [(child, matches) for child in _list(root, name, optional=not taken)]


def look(root: str, name: str) -> Entry | None:
    """Return what has that name; None if it has vanished."""
    path = f"{root}/{name}"
    try:
        return Entry(name, path, os.lstat(path))
    except OSError as exc:
        if exc.errno in VANISHED:
            return None
        raise unreadable(path, exc) from exc


def opened(path: str) -> FileIO | None:
    """Open a file of the context; None where it is gone, or something else has taken its place since it was looked at.

    No link is followed there, and no FIFO waited for. Raises UsageError where it may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in VANISHED:
            return None
        raise unreadable(path, exc) from exc
    file = FileIO(descriptor)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return file
    file.close()
    return None


def unreadable(path: str, exc: OSError) -> UsageError:
    """Return the error for a path of a build context that cannot be read."""
    return UsageError(
        f"{path} in the build context cannot be read: {exc.strerror}",
        hint="Make it readable, or list it in .dockerignore.",
    )


def _match(selection: Selection, name: str, inherited: _Matches) -> _Matches:
    taken = selection.taken
    return _Matches(
        selection.left_out.match(name, inherited.left_out),
        NO_MATCH if taken is None else taken.match(name, inherited.taken),
    )


def _is_taken(selection: Selection, matches: _Matches) -> bool:
    return (selection.taken is None or matches.taken.named) and not matches.left_out.named


def _may_take_below(selection: Selection, folder: str, matches: _Matches) -> bool:
    left_out, taken = selection.left_out, selection.taken
    if matches.left_out.named and not left_out.may_keep_below(folder, matches.left_out):
        return False
    return taken is None or matches.taken.named or taken.may_name_below(folder)


def _list(root: str, folder: str, *, optional: bool) -> list[str]:
    """Return the names in ``folder``, the last first; an ``optional`` (not taken) folder may be unreadable."""
    path = f"{root}/{folder}"
    try:
        with os.scandir(path) as children:
            names = sorted((child.name for child in children), key=os.fsencode, reverse=True)
    except PermissionError as exc:
        if optional:
            return []
        raise unreadable(path, exc) from exc
    except OSError as exc:
        if exc.errno in VANISHED:
            return []
        raise unreadable(path, exc) from exc
    return [f"{folder}/{name}" for name in names] if folder else names
