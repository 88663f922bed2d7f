"""Pure: what the user that an image runs as may do with its files."""

from __future__ import annotations

from posixpath import dirname, join, normpath

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import View
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY, SYMLINK

READ, ENTER = 4, 1
"""Bits of a mode; what is entered in a folder is run in a file."""
_MAX_LINKS = 40


def may(case: Case, entry: FileEntry, bit: int) -> bool:
    """Whether the image's user may do that with an entry; true where it cannot be told, and for root."""
    if case.user == "root":
        return True
    user = next((one for one in (case.view.users if case.view else ()) if case.user in {one.name, str(one.uid)}), None)
    uid = user.uid if user else int(case.user) if case.user.isdecimal() else None
    if uid is None:
        return True
    if uid == entry.uid:
        return bool(entry.mode & bit << 6)
    group = case.group or (str(user.gid) if user else "0")  # as engines do where /etc/passwd does not tell
    if not group.isdecimal():
        return bool((entry.mode | entry.mode >> 3) & bit)
    return bool(entry.mode >> (3 if int(group) == entry.gid else 0) & bit)


def closed_folders(case: Case, path: str) -> list[str]:
    """The folders on the way to a path, through links, that the image's user may not enter."""
    if case.view is None or case.user == "root":
        return []
    closed: list[str] = []
    ahead, at, links = path.split("/")[::-1], "/", 0
    while ahead:
        step = normpath(join(at, ahead.pop()))
        entry = case.view.entry(step)
        if entry is not None and entry.kind == SYMLINK and links < _MAX_LINKS:
            links += 1
            at = "/" if entry.link.startswith("/") else at
            ahead += entry.link.split("/")[::-1]
            continue
        if entry is not None and entry.kind == DIRECTORY and not may(case, entry, ENTER) and step not in closed:
            closed.append(step)
        at = step
    return closed


def lost(view: View, path: str) -> str:
    """Where the links that a path is made of end in nothing, "" where they end in something."""
    for _ in range(_MAX_LINKS):
        entry = view.entry(path)
        if entry is None:
            return path
        if entry.kind != SYMLINK:
            return ""
        path = normpath(join("/", dirname(entry.path), entry.link))
    return ""
