"""Pure: what an image's file system holds, asked in the words of a diagnosis. Paths begin with a slash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from imgcompare.analysis.debian import is_list, package_of
from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.python_distributions import Distribution, distributions
from imgcompare.analysis.symlinks import Links
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.image.tarheader import DIRECTORY, REGULAR
from imgcompare.regex import regex

_PREFIXES = {"/usr/local", "/usr"}
_WITHIN_PACKAGES = regex(r"/(?:site|dist)-packages/(?!.*\.egg$)")
_PACKAGES = regex(r"/(?:site|dist)-packages(?:/|$)")
# Where the system and its packages keep what nobody means to import.
_SYSTEM = regex(r"/usr/(?:share|lib|include|libexec|local/(?:lib|share))/|/var/(?:lib|cache)/|/(?:etc|lib)/")
_LIBRARY_FOLDERS = regex(r"/(?:usr/)?(?:local/)?lib(?:64|32)?(?:/[\w-]+-linux-\w+)?")


class User(Struct, frozen=True):
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str


class View:
    """An image's merged file system; ``name`` is what messages call the image (a stage's or a variant's name)."""

    def __init__(self, name: str, layers: Sequence[LayerIndex]) -> None:
        self.name = name
        self._layers = layers
        self._root = merge(layers)
        self._links = Links(self._root)

    def file(self, path: str) -> FileEntry | None:
        """What a path leads to, through links; None where that is nothing."""
        return self._links.file(path.strip("/"))

    def entry(self, path: str) -> FileEntry | None:
        """What has this path itself, a link perhaps."""
        return self._root.entries.get(self._links.real(path.strip("/")))

    def has_folder(self, path: str) -> bool:
        """Whether a path leads to a folder."""
        entry = self.file(path)
        return path == "/" or (entry is not None and entry.kind == DIRECTORY)

    def document(self, path: str) -> bytes | None:
        """The content of a file that is kept because it names packages, interpreters, users or the distribution."""
        real = self._links.real(path.strip("/"))
        entry = self._root.entries.get(real)
        return self._layers[self._root.layer_of[real]].documents.get(entry.path) if entry else None

    def named(self, name: str) -> list[str]:
        """Every path whose last part is this, shortest first, folders left out."""
        ending = f"/{name}"
        found = [
            f"/{path}"
            for path, entry in self._root.entries.items()
            if f"/{path}".endswith(ending) and entry.kind != DIRECTORY
        ]
        return sorted(found, key=lambda path: (len(path), path))

    def modules(self, name: str) -> list[str]:
        """The folders in which a module or package of this top-level name lies, but those inside packages.

        What lies below site-packages belongs to a package there, with or without an ``__init__.py`` beside it.
        """
        places = {place for place in self._places(name) if not _WITHIN_PACKAGES.search(place)}
        return sorted({place for place in places if not self._is_package(place)}, key=_by_length)

    def module_path(self, place: str, name: str) -> str:
        """Where a module of a folder lies: the folder of a package, else its file."""
        path = f"{place.rstrip('/')}/{name}"
        files = (f"{path}.py", *sorted(f"/{x}" for x in self._root.entries if f"/{x}".startswith(f"{path}.")))
        found = next((file for file in files if file.endswith((".py", ".so")) and self.file(file)), path)
        return path if self._is_package(path) else found

    def _places(self, name: str) -> Iterator[str]:
        module = re.compile(rf"(.*)/{re.escape(name)}(?:/__init__\.py|\.py|(?:\.[\w-]+)?\.so)")
        for path, entry in self._root.entries.items():
            if entry.kind != DIRECTORY and name in path and (match := module.fullmatch(f"/{path}")):
                yield match[1] or "/"

    def _is_package(self, folder: str) -> bool:
        return self.entry(f"{folder}/__init__.py") is not None

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """The folders of virtual environments, but for Python's own prefix, which stand-ins make with venv, too."""
        found = (path.removesuffix("/pyvenv.cfg") for path in self._root.entries if path.endswith("/pyvenv.cfg"))
        return tuple(sorted({f"/{path}" for path in found} - _PREFIXES))

    @cached_property
    def distributions(self) -> tuple[Distribution, ...]:
        """The Python distributions, their locations beginning with a slash."""
        documents = {
            path: found
            for path in self._root.entries
            if path.endswith(("/METADATA", "/PKG-INFO", ".egg-info")) and (found := self.document(path)) is not None
        }
        return tuple(
            Distribution(one.name, one.version, f"/{one.location}", f"/{one.information}")
            for one in distributions(documents)
        )

    @cached_property
    def users(self) -> tuple[User, ...]:
        """The users that /etc/passwd names."""
        lines = (self.document("/etc/passwd") or b"").decode("utf-8", "replace").splitlines()
        rows = [line.split(":") for line in lines]
        whole = (row for row in rows if len(row) >= 6 and row[2].isdecimal() and row[3].isdecimal())
        return tuple(User(row[0], int(row[2]), int(row[3]), row[5]) for row in whole)

    @cached_property
    def release(self) -> dict[str, str]:
        """The fields of os-release, such as ``ID``, ``VERSION_CODENAME`` and ``PRETTY_NAME``."""
        text = self.document("/etc/os-release") or self.document("/usr/lib/os-release") or b""
        pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines())
        return {key: value.strip().strip('"') for key, equals, value in pairs if equals}

    def debian_owner(self, path: str) -> str | None:
        """The Debian package that brought a path."""
        real = f"/{self._links.real(path.strip('/'))}"
        wanted = {name.encode("utf-8", "surrogateescape") for name in (path, real, real.removeprefix("/usr"))}
        for layer in self._layers:
            for name, document in layer.documents.items():
                if is_list(name) and wanted & set(document.split(b"\n")):
                    return package_of(name)
        return None

    def libraries(self, name: str) -> list[str]:
        """Where a shared library of this name lies, the folders that the loader searches by itself first."""
        return sorted(self.named(name), key=lambda path: (not is_searched(path), len(path), path))

    def is_executable(self, path: str) -> bool:
        """Whether a path leads to a file that anybody may run."""
        entry = self.file(path)
        return entry is not None and entry.kind == REGULAR and bool(entry.mode & 0o111)


def is_searched(library: str) -> bool:
    """Whether the loader looks into a library's folder without being told."""
    return _LIBRARY_FOLDERS.fullmatch(library.rpartition("/")[0]) is not None


def is_own(folder: str) -> bool:
    """Whether what lies in a folder may be an application's own: neither installed packages nor the system's files."""
    return not _PACKAGES.search(folder) and not _SYSTEM.match(f"{folder}/")


def _by_length(path: str) -> tuple[int, str]:
    return len(path), path
