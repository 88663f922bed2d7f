"""Where a path leads through symbolic links, as for a process whose root the folder is."""

from __future__ import annotations

from collections.abc import Callable

from imgcompare.image.tarheader import HARDLINK, SYMLINK

# As Linux: https://man7.org/linux/man-pages/man7/path_resolution.7.html
MAX_LINKS = 40
MAX_PATH = 4096
# What packages install lies some ten folders deep; a bound on the work that hostile lists make.
MAX_DEPTH = 64


def followed(path: str, link_of: Callable[[str], str | None]) -> str:
    """The path without links on its way, the last name followed too; as it was where it leads round in a circle.

    ``link_of`` says where a path leads that is a link. One that is nothing is followed as far as it is there.
    """
    if len(path) > MAX_PATH or path.count("/") > MAX_DEPTH:
        return path
    ahead = path.split("/")[::-1]
    at = ""
    links = 0
    while ahead:
        if (name := ahead.pop()) in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        step = f"{at}/{name}" if at else name
        link = link_of(step)
        if link is None:
            at = step
            continue
        links += 1
        if links > MAX_LINKS or len(link) > MAX_PATH or len(ahead) > MAX_DEPTH:
            return path
        if link.startswith("/"):
            at = ""
        ahead += link.split("/")[::-1]
    return at


class LinkedFolders:
    """Follows the links of one layer, as its entries come: engines unpack each layer for itself, over nothing.

    So what a lower layer has as a link is none here. Only folders on the way are followed, never a path's last name.
    """

    def __init__(self) -> None:
        self._links: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def real(self, path: str) -> str:
        """The path at which an entry comes to lie."""
        if not self._links:
            return path
        folder, _, name = path.rpartition("/")
        if not folder:
            return path
        if (real := self._folders.get(folder)) is None:
            real = self._folders[folder] = followed(folder, self._links.get)
        return f"{real}/{name}" if real else name

    def note(self, path: str, kind: str, link: str) -> None:
        """Remember that an entry has come to lie there; ``link`` is where it leads, or whose other name it is."""
        target = link if kind == SYMLINK else self._links.get(link) if kind == HARDLINK else None
        if target is not None:
            self._links[path] = target
        elif self._links.pop(path, None) is None:
            return
        self._folders.clear()
