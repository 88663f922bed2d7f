"""The packages in an image: what Debian's and Python's own records say, held against the files that are really there.

As syft (https://github.com/anchore/syft) lists them, by name and version, but for these differences:

- a package that dpkg has installed and marked for removal ("deinstall ok installed") is there, so it is listed;
- only the database of the image itself is read (``/var/lib/dpkg``), not one in a folder below, nor opkg's;
- a version that is not told is "" and not "UNKNOWN";
- what lies unpacked in an installer's cache (uv's, conda's) is not installed;
- a folder that is named ``dist-info`` or ``DIST-INFO`` and nothing more is not taken for a distribution.

What both list: distributions that others bring along (``setuptools/_vendor``), and Debian's Python packages, once as
Debian's and once as Python's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from imgcompare.analysis.debian import (
    DebianRecord,
    Diversions,
    Documents,
    diversions,
    is_list,
    list_of,
    listed,
    package_of,
    records,
)
from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.python_distributions import (
    Distribution,
    compiled,
    distributions,
    interpreter_of,
    own_part,
    recorded,
    top_levels,
)
from imgcompare.analysis.symlinks import Links
from imgcompare.image.layer_index import LayerIndex
from imgcompare.model import DebianPackage, Packages, PythonPackage
from imgcompare.text.printable import file_name, printable

_LIMIT = 200


class Owner(msgspec.Struct, frozen=True):
    """The Debian package that brought a path, and its section of the archive ("" where it is not told)."""

    name: str
    section: str


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """An image's packages, and whose files are whose.

    ``debian_paths`` and ``python_paths`` (whose values are names of distributions) tell what packages brought in any
    layer, removed packages included, so that wasted bytes have an owner too. ``environments`` are the folders of
    virtual environments.
    """

    packages: Packages
    debian_paths: dict[str, Owner]
    python_paths: Mapping[str, str]
    environments: frozenset[str]

    def owner(self, path: str) -> str:
        """The name of the package that brought a path, Python's before Debian's; "" where none did."""
        if name := self.python_paths.get(path):
            return name
        return found.name if (found := self.debian_paths.get(path)) else ""


def find_packages(layers: Sequence[LayerIndex], filesystem: RootFilesystem) -> Inventory:
    """Find the packages of the image that these layers, lowest first, merge to. Malformed metadata is passed over.

    ``installed_bytes`` are bytes of files in the merged file system. Within each of the two lists a file counts once,
    hard-linked ones too: for the package that comes first by name, or the distribution whose location does.
    """
    links = Links(filesystem)
    documents = surviving(layers, filesystem)
    moved = diversions(documents)
    debian, python = _Files(filesystem, links), _Files(filesystem, links)
    return Inventory(
        packages=Packages(
            debian=tuple(_debian(documents, moved, debian)),
            python=tuple(sorted(_python(documents, python), key=lambda package: (package.name, package.location))),
        ),
        debian_paths=_debian_paths(layers, moved, links),
        python_paths={
            links.real(path): distribution.name
            for layer in layers
            for distribution in distributions(layer.documents)
            for path in recorded(distribution, layer.documents)
        },
        environments=frozenset(
            path.removesuffix("/pyvenv.cfg")
            for layer in layers
            for path in layer.documents
            if path.endswith("/pyvenv.cfg")
        ),
    )


def surviving(layers: Sequence[LayerIndex], filesystem: RootFilesystem) -> Documents:
    """The documents of the files that a container sees, by each of their names."""
    documents: dict[str, bytes] = {}
    for path, entry in filesystem.entries.items():
        document = layers[filesystem.layer_of[path]].documents.get(entry.path)
        if document is not None:
            documents[path] = document
    return documents


class _Files:
    """The files of a merged file system, each of which is claimed once."""

    def __init__(self, filesystem: RootFilesystem, links: Links) -> None:
        self._entries = filesystem.entries
        self._real = links.real
        self._claimed: set[int] = set()
        self._walked: set[str] = set()
        self._sorted: list[str] = []
        self.compiled = compiled(filesystem.entries)

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


def _debian(documents: Documents, moved: Diversions, files: _Files) -> Iterator[DebianPackage]:
    def order(record: DebianRecord) -> tuple[str, str, str]:
        return record.name, record.version, record.architecture

    for record in sorted(records(documents), key=order):
        path = list_of(record, documents)
        yield DebianPackage(
            name=printable(record.name, limit=_LIMIT),
            version=printable(record.version, limit=_LIMIT),
            installed_bytes=files.claim(listed(path, documents[path], moved)) if path else 0,
        )


def _python(documents: Documents, files: _Files) -> Iterator[PythonPackage]:
    told = {found: recorded(found, documents) for found in distributions(documents)}
    shared = Counter(top for found, paths in told.items() if not paths for top in set(top_levels(found, documents)))
    # What says which files are its own comes before what can only be guessed at.
    for distribution, paths in sorted(told.items(), key=lambda one: (not one[1], one[0].location, one[0].name)):
        own = _recorded(paths, files) if paths else _guessed(distribution, documents, files, shared)
        yield PythonPackage(
            name=printable(distribution.name, limit=_LIMIT),
            version=printable(distribution.version, limit=_LIMIT),
            installed_bytes=files.claim(own),
            location="/" + printable(file_name(distribution.location), limit=4 * _LIMIT),
            interpreter=interpreter_of(distribution.location),
        )


def _recorded(paths: Sequence[str], files: _Files) -> Iterator[str]:
    """The files a distribution has recorded, and the bytecode made of them since."""
    for path in paths:
        yield path
        if path.endswith(".py"):
            yield from files.compiled.pop(path.removesuffix(".py"), ())


def _guessed(
    distribution: Distribution, documents: Documents, files: _Files, shared: Mapping[str, int]
) -> Iterator[str]:
    """All that lies below a distribution's top-level names; of one that others have too, what is its own."""
    yield distribution.information
    yield from files.below(distribution.information)
    for top in top_levels(distribution, documents):
        for module in own_part(distribution, top, documents) if shared[top] > 1 else [top]:
            yield f"{module}.py"
            yield from files.compiled.pop(module, ())
            yield from files.extensions(module)
            yield from files.below(module)


def _debian_paths(layers: Sequence[LayerIndex], moved: Diversions, links: Links) -> dict[str, Owner]:
    sections = {record.name: record.section for layer in layers for record in records(layer.documents)}
    owners: dict[str, Owner] = {}
    for layer in layers:
        for path in sorted(path for path in layer.documents if is_list(path, layer.documents)):
            owner = Owner(package_of(path), sections.get(package_of(path), ""))
            for file in listed(path, layer.documents[path], moved):
                owners.setdefault(links.real(file), owner)
    return owners
