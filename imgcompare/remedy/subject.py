"""An image with all that is known of it: its files, its packages, and what was seen inside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.analysis.breakdown import Categories
from imgcompare.analysis.debian_needs import Installed
from imgcompare.analysis.filesystem import RootFilesystem, merge
from imgcompare.analysis.packages import Inventory, find_packages, surviving
from imgcompare.analysis.python_distributions import Distribution, distributions
from imgcompare.analysis.symlinks import Links
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.layer_index import LayerIndex
from imgcompare.model import Image
from imgcompare.remedy.probe import Probe, Seen
from imgcompare.run.base_layers import base_layer_count
from imgcompare.run.build import BuiltVariant


class Files:
    """The merged file system of some layers, and the packages in it."""

    def __init__(self, layers: tuple[LayerIndex, ...]) -> None:
        self.layers = layers

    @cached_property
    def root(self) -> RootFilesystem:
        """What a container sees."""
        return merge(self.layers)

    @cached_property
    def links(self) -> Links:
        """Its symbolic links."""
        return Links(self.root)

    @cached_property
    def inventory(self) -> Inventory:
        """Its packages, and whose files are whose."""
        return find_packages(self.layers, self.root)

    @cached_property
    def python(self) -> tuple[Distribution, ...]:
        """Its Python distributions, by location."""
        return tuple(distributions(self.documents))

    @cached_property
    def documents(self) -> dict[str, bytes]:
        """The documents that a container sees."""
        return dict(surviving(self.layers, self.root))

    @cached_property
    def installed(self) -> Installed:
        """Its Debian packages."""
        return Installed(self.documents)

    @cached_property
    def release(self) -> str:
        """The distribution and its release, as ``debian 12``; "" where it does not say."""
        text = self.documents.get("etc/os-release") or self.documents.get("usr/lib/os-release") or b""
        pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines())
        fields = {key: value.strip().strip("\"'") for key, _, value in pairs}
        return f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".strip()

    def owner(self, path: str) -> str:
        """The Debian package that brought an absolute path, as it is written or as it is merged; "" where none did."""
        plain = path.strip("/")
        for spelling in (self.links.real(plain), plain, f"usr/{plain}", plain.removeprefix("usr/")):
            if found := self.inventory.debian_paths.get(spelling):
                return found.name
        return ""

    def owner_as_written(self, path: str) -> str:
        """The Debian package that brought a path itself, be it a link; else what it leads to."""
        plain = path.strip("/")
        for spelling in (plain, f"usr/{plain}", plain.removeprefix("usr/")):
            if found := self.inventory.debian_paths.get(spelling):
                return found.name
        return self.owner(path)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in self.root.entries:
            names.setdefault(path.rpartition("/")[2], []).append(path)
        return names

    def by_name(self, name: str, *, beginning: bool = False) -> Iterator[str]:
        """The paths of all files of that name, or whose names begin so."""
        if not beginning:
            yield from self._names.get(name, ())
            return
        for other, paths in self._names.items():
            if other.startswith(name):
                yield from paths

    def digest(self, path: str) -> bytes:
        """That of what an absolute path leads to; b"" for what has no content."""
        entry = self.links.file(path.strip("/"))
        return b"" if entry is None else entry.digest

    def has(self, path: str) -> bool:
        """Whether an absolute path leads to anything."""
        plain = path.strip("/")
        return not plain or self.links.file(plain) is not None or self.links.real(plain) in self.root.entries


_OF_FILES = frozenset(("files", "base", "categories"))


class Subject(Struct, frozen=True, dict=True):
    """A variant's image: as it was built, read and measured, and what was seen inside, its own files in ``roots``."""

    name: str
    built: BuiltVariant
    archived: ArchivedImage
    image: Image
    seen: Seen
    roots: tuple[str, ...] = ()

    def looked_into(self, seen: Seen, roots: tuple[str, ...]) -> Subject:
        """The same with what was seen inside; what was worked out of its files is kept."""
        subject = replace(self, seen=seen, roots=roots)
        subject.__dict__.update({name: self.__dict__[name] for name in _OF_FILES & self.__dict__.keys()})
        return subject

    @cached_property
    def files(self) -> Files:
        """Its files."""
        return Files(self.archived.layers)

    @cached_property
    def base(self) -> Files:
        """The files of what it stands on; of an image whose base is not known, none."""
        return Files(self.archived.layers[: self.base_count])

    @property
    def base_count(self) -> int:
        """How many layers are its base's."""
        return base_layer_count(self.built) or 0

    @property
    def probe(self) -> Probe | None:
        """What was seen inside."""
        return self.seen.probe

    @cached_property
    def categories(self) -> Categories:
        """What its files are for."""
        return Categories(self.files.inventory, self.built.image.working_dir)
