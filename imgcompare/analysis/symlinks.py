"""Where a path leads in a merged root file system, through its symbolic links, as for a process in a container."""

from __future__ import annotations

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.path_resolution import followed
from imgcompare.image.tarheader import SYMLINK


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
            real = self._folders[folder] = followed(folder, self._link_of)
        return f"{real}/{name}" if real else name

    def file(self, path: str) -> FileEntry | None:
        """The entry a path leads to, the last name followed too; None where it leads nowhere."""
        entry = self._entries.get(self.real(path))
        if entry is not None and entry.kind == SYMLINK:
            entry = self._entries.get(followed(path, self._link_of))
        return None if entry is None or entry.kind == SYMLINK else entry

    def _link_of(self, path: str) -> str | None:
        entry = self._entries.get(path)
        return entry.link if entry is not None and entry.kind == SYMLINK else None
