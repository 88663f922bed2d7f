"""Where a path leads in a merged root file system, through its symbolic links, as for a process in a container."""

from __future__ import annotations

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import SYMLINK

# As Linux: https://man7.org/linux/man-pages/man7/path_resolution.7.html
_MAX_LINKS = 40
_MAX_PATH = 4096
# What packages install lies some ten folders deep; a bound on the work that hostile lists make.
_MAX_DEPTH = 64


class Links:
    """Looks paths up; folders that were looked up once are remembered."""

    def __init__(self, filesystem: RootFilesystem) -> None:
        self._entries = filesystem.entries
        self._folders: dict[str, str] = {"": ""}

    def real(self, path: str) -> str:
        """The path with every linked folder on its way replaced by where it leads; the last name stays as it is.

        A path that is not in the file system is followed as far as it is there.
        """
        folder, _, name = path.rpartition("/")
        if not folder:
            return path
        if (real := self._folders.get(folder)) is None:
            real = self._folders[folder] = self._followed(folder)
        return f"{real}/{name}" if real else name

    def file(self, path: str) -> FileEntry | None:
        """The entry a path leads to, the last name followed too; None where it leads nowhere."""
        entry = self._entries.get(self.real(path))
        if entry is not None and entry.kind == SYMLINK:
            entry = self._entries.get(self._followed(path))
        return None if entry is None or entry.kind == SYMLINK else entry

    def _followed(self, path: str) -> str:
        if len(path) > _MAX_PATH or path.count("/") > _MAX_DEPTH:
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
            entry = self._entries.get(step)
            if entry is None or entry.kind != SYMLINK:
                at = step
                continue
            links += 1
            if links > _MAX_LINKS or len(entry.link) > _MAX_PATH or len(ahead) > _MAX_DEPTH:
                return path
            if entry.link.startswith("/"):
                at = ""
            ahead += entry.link.split("/")[::-1]
        return at
