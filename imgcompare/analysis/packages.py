"""The packages in an image: what each ecosystem's own records say, held against the files that are really there.

As syft (https://github.com/anchore/syft) lists them, by name and version, but for these differences:

- a package that dpkg has installed and marked for removal ("deinstall ok installed") is there, so it is listed;
- only the database of the image itself is read (``/var/lib/dpkg``), not one in a folder below, nor opkg's;
- a version that is not told is "" and not "UNKNOWN";
- what lies unpacked in an installer's cache (uv's, conda's) is not installed;
- a folder that is named ``dist-info`` or ``DIST-INFO`` and nothing more is not taken for a distribution;
- what only a lock file names (``package-lock.json``, ``go.sum``) is not installed.

What both list: distributions that others bring along (``setuptools/_vendor``), and Debian's Python packages, once as
Debian's and once as Python's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

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
from imgcompare.analysis.ecosystems import compiled as compiled_in
from imgcompare.analysis.ecosystems import languages, system
from imgcompare.analysis.ecosystems.found import Found, distribution_of, purl
from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.owned_files import Files, Innermost
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
from imgcompare.model import DebianPackage, Package, Packages, PythonPackage
from imgcompare.text.printable import file_name, printable

_LIMIT = 200

# A package, the bytes of its files, and the interpreter that it is for.
_Claimed: TypeAlias = tuple[Found, int, str | None]

# By ecosystem, in the order in which they claim files: what installs whole systems before what installs into them.
_SYSTEMS = (system.alpine, system.rpm)
_LANGUAGES = (languages.conda, languages.dotnet, languages.node, languages.ruby, languages.php)
_COMPILED = (compiled_in.go, compiled_in.java, compiled_in.rust)


class Owner(msgspec.Struct, frozen=True):
    """The package that brought a path, its section of the archive ("" where it is not told), and its ecosystem."""

    name: str
    section: str
    type: str = "deb"


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """An image's packages, and whose files are whose.

    ``debian_paths``, ``python_paths`` (whose values are names of distributions) and ``other_paths`` tell what packages
    brought in any layer, removed packages included, so that wasted bytes have an owner too; ``folders`` are those that
    are a package's with all in them. ``environments`` are the folders of virtual environments.
    """

    packages: Packages
    debian_paths: dict[str, Owner]
    python_paths: Mapping[str, str]
    environments: frozenset[str]
    other_paths: Mapping[str, Owner] = {}
    folders: Innermost[Owner] = Innermost({})

    def owner(self, path: str) -> str:
        """The name of the package that brought a path, Python's before Debian's; "" where none did."""
        if name := self.python_paths.get(path):
            return name
        return found.name if (found := self.of_system(path) or self.folders.of(path)) else ""

    def of_system(self, path: str) -> Owner | None:
        """The package that has a path in its list of files, of any ecosystem but Python's."""
        return self.debian_paths.get(path) or self.other_paths.get(path)


def find_packages(layers: Sequence[LayerIndex], filesystem: RootFilesystem) -> Inventory:
    """Find the packages of the image that these layers, lowest first, merge to. Malformed metadata is passed over.

    ``installed_bytes`` are bytes of files in the merged file system. Within each of the lists a file counts once,
    hard-linked ones too: for the package that comes first by name, or the distribution whose location does; in ``all``
    for the package that the system installed, before one that tells of itself.
    """
    links = Links(filesystem)
    documents = surviving(layers, filesystem)
    moved = diversions(documents)
    modules = compiled(filesystem.entries)
    python, every = (Files(filesystem, links, modules) for _ in range(2))
    debian = list(_debian_found(documents, moved, every))
    removed = [list(_others(layer.documents)) for layer in layers]
    return Inventory(
        packages=Packages(
            debian=tuple(_debian(debian)),
            python=tuple(sorted(_python(documents, python), key=lambda package: (package.name, package.location))),
            all=_all(documents, debian, every),
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
        other_paths={
            links.real(file): Owner(one.name, one.section, one.type)
            for one in reversed([*chain.from_iterable(removed)])  # what installs systems comes first, and counts
            for file in one.files
        },
        folders=Innermost(
            {one.folder: Owner(one.name, "", one.type) for one in chain.from_iterable(removed) if one.folder}
        ),
    )


def _others(documents: Documents) -> Iterator[Found]:
    """The packages of every ecosystem but Debian's and Python's."""
    linux = distribution_of(documents)
    for read in (*_SYSTEMS, *_LANGUAGES, *_COMPILED):
        yield from read(documents, linux)


def _all(documents: Documents, debian: Sequence[_Claimed], files: Files) -> tuple[Package, ...]:
    """Every package, each file counted for the first that claims it, those in folders for the innermost at last.

    ``debian`` are those that have claimed theirs already.
    """
    told = list(_others(documents))
    systems = [one for one in told if one.type in ("apk", "rpm")]
    conda = [one for one in told if one.type == "conda"]
    rest = [one for one in told if one.type not in ("apk", "rpm", "conda")]
    found = [
        *debian,
        *((one, files.claim(one.files), None) for one in (*systems, *conda)),
        *_python_found(documents, files),
        *((one, files.claim(one.files), None) for one in rest),
    ]
    numbers = {one.folder: number for number, (one, _, _) in enumerate(found) if one.folder}
    inside = files.in_folders(numbers)
    packages = (
        Package(
            type=one.type,
            name=printable(one.name, limit=_LIMIT),
            version=printable(one.version, limit=_LIMIT),
            purl=printable(one.purl, limit=4 * _LIMIT),
            installed_bytes=claimed + inside[number],
            location="/" + printable(file_name(one.location), limit=4 * _LIMIT),
            interpreter=interpreter,
        )
        for number, (one, claimed, interpreter) in enumerate(found)
    )
    return tuple(sorted(packages, key=lambda one: (one.type, one.name, one.version, one.location)))


def _debian_found(documents: Documents, moved: Diversions, files: Files) -> Iterator[_Claimed]:
    linux = distribution_of(documents)
    for record in sorted(records(documents), key=_order):
        path = list_of(record, documents)
        claimed = files.claim(listed(path, documents[path], moved)) if path else 0
        told = {"arch": record.architecture, "distro": linux.qualifier}
        identity = purl("deb", record.name, record.version, namespace=linux.name or "debian", qualifiers=told)
        yield (
            Found(
                type="deb",
                name=record.name,
                version=record.version,
                purl=identity,
                location=record.document,
            ),
            claimed,
            None,
        )


def _python_found(documents: Documents, files: Files) -> Iterator[_Claimed]:
    for distribution, own in _distributions(documents, files):
        name, version = distribution.name, distribution.version
        identity = purl("pypi", name, version)
        yield (
            Found(type="pypi", name=name, version=version, purl=identity, location=distribution.location),
            files.claim(own),
            interpreter_of(distribution.location),
        )


def surviving(layers: Sequence[LayerIndex], filesystem: RootFilesystem) -> Documents:
    """The documents of the files that a container sees, by each of their names."""
    documents: dict[str, bytes] = {}
    for path, entry in filesystem.entries.items():
        document = layers[filesystem.layer_of[path]].documents.get(entry.path)
        if document is not None:
            documents[path] = document
    return documents


def _order(record: DebianRecord) -> tuple[str, str, str]:
    return record.name, record.version, record.architecture


def _debian(found: Iterable[_Claimed]) -> Iterator[DebianPackage]:
    for one, claimed, _ in found:
        yield DebianPackage(
            name=printable(one.name, limit=_LIMIT),
            version=printable(one.version, limit=_LIMIT),
            installed_bytes=claimed,
        )


def _python(documents: Documents, files: Files) -> Iterator[PythonPackage]:
    for distribution, own in _distributions(documents, files):
        yield PythonPackage(
            name=printable(distribution.name, limit=_LIMIT),
            version=printable(distribution.version, limit=_LIMIT),
            installed_bytes=files.claim(own),
            location="/" + printable(file_name(distribution.location), limit=4 * _LIMIT),
            interpreter=interpreter_of(distribution.location),
        )


def _distributions(documents: Documents, files: Files) -> Iterator[tuple[Distribution, Iterator[str]]]:
    """Python's distributions with their files, to be claimed before the next is asked for."""
    told = {found: recorded(found, documents) for found in distributions(documents)}
    shared = Counter(top for found, paths in told.items() if not paths for top in set(top_levels(found, documents)))
    # What says which files are its own comes before what can only be guessed at.
    for distribution, paths in sorted(told.items(), key=lambda one: (not one[1], one[0].location, one[0].name)):
        yield distribution, _recorded(paths, files) if paths else _guessed(distribution, documents, files, shared)


def _recorded(paths: Sequence[str], files: Files) -> Iterator[str]:
    """The files a distribution has recorded, and the bytecode made of them since."""
    for path in paths:
        yield path
        if path.endswith(".py"):
            yield from files.compiled.pop(path.removesuffix(".py"), ())


def _guessed(
    distribution: Distribution, documents: Documents, files: Files, shared: Mapping[str, int]
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
