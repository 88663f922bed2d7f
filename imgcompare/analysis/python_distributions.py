"""Python distributions, as their metadata tells them.

Formats: https://packaging.python.org/en/latest/specifications/recording-installed-packages/ (``*.dist-info`` with
METADATA and RECORD), setuptools' older ``*.egg-info`` (a folder with PKG-INFO, or that file itself) and ``EGG-INFO``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

import msgspec

from imgcompare.analysis.debian import Documents, stanzas
from imgcompare.image.tarheader import normalised
from imgcompare.regex import regex

_NAME = regex(r"[-_.]+")
_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO", "EGG-INFO/PKG-INFO")
# Where installers keep unpacked what they may install: uv's archives, conda's packages, and ~/.cache but for the
# virtual environments that poetry has there.
_CACHED = regex(
    r"(?:^|/)(?:\.cache/(?!pypoetry/virtualenvs/)|(?:archive|builds|sdists|wheels)-v\d+/|[^/]*(?:conda|mamba|miniforge)[^/]*/pkgs/)"
)
_INTERPRETER = regex(r"python\d+(?:\.\d+)?")
_MAX_PATH = 4096


class Distribution(msgspec.Struct, frozen=True):
    """A distribution: ``information`` is its metadata's folder (or file), ``location`` the folder on sys.path."""

    name: str
    version: str
    location: str
    information: str


def distributions(documents: Documents) -> Iterator[Distribution]:
    """Every distribution whose metadata has a name, in the order of their locations.

    Names are normalised (PEP 503). Python itself, which once left an egg-info, is none, nor is what lies in a cache.
    """
    for path in sorted(documents):
        if _CACHED.search(path):
            continue
        if path.endswith(_METADATA):
            information = path.rpartition("/")[0]
        elif path.endswith(".egg-info"):
            information = path
        else:
            continue
        fields = next(stanzas(documents[path]), {})
        name = _NAME.sub("-", fields.get("name", "")).lower()
        if name and fields["name"] != "Python":
            location = information.rpartition("/")[0]
            yield Distribution(name, fields.get("version", ""), location, information)


def interpreter_of(location: str) -> str | None:
    """The interpreter that a location belongs to, as ``python3.11``, or None where its path does not tell."""
    found = [part for part in location.split("/") if _INTERPRETER.fullmatch(part)]
    return found[-1] if found else None


def recorded(distribution: Distribution, documents: Documents) -> list[str]:
    """The paths a distribution says it installed, wherever they lie; [] where it says nothing."""
    information = distribution.information
    if record := documents.get(f"{information}/RECORD"):
        return [_beside(distribution.location, row[0]) for row in _rows(record) if row and row[0]]
    if installed := documents.get(f"{information}/installed-files.txt"):
        lines = installed.decode("utf-8", "surrogateescape").split("\n")
        return [_beside(information, line) for line in lines if 0 < len(line) <= _MAX_PATH]
    return []


def top_levels(distribution: Distribution, documents: Documents) -> list[str]:
    """The folders or modules (without ``.py``) that a distribution without a record is known to own, as paths."""
    listed = documents.get(f"{distribution.information}/top_level.txt", b"").decode("utf-8", "surrogateescape").split()
    names = listed or [distribution.name.replace("-", "_")]
    if distribution.information.endswith("EGG-INFO"):
        return [distribution.location]
    start = f"{distribution.location}/" if distribution.location else ""
    inside = (_beside(distribution.location, name) for name in names if len(name) <= _MAX_PATH)
    return [path for path in inside if path and path.startswith(start)]


def own_part(distribution: Distribution, top: str, documents: Documents) -> list[str]:
    """The modules (without ``.py``) and folders that are a distribution's own of a top level that several share.

    What setuptools' list of sources has of it, else what is named like the distribution: ``zope/interface``.
    """
    sources = documents.get(f"{distribution.information}/SOURCES.txt", b"").decode("utf-8", "surrogateescape")
    shared = top.rpartition("/")[2]
    found = [
        _beside(distribution.location, line[line.index(f"{shared}/") :].removesuffix(".py"))
        for line in sources.split("\n")
        if len(line) <= _MAX_PATH and line.endswith(".py") and f"/{shared}/" in f"/{line}"
    ]
    rest = distribution.name.removeprefix(shared.lower().replace("_", "-")).lstrip("-")
    return found or [f"{top}/{rest.replace('-', by)}" for by in "/_" if rest]


def compiled(paths: Mapping[str, object]) -> dict[str, list[str]]:
    """The bytecode in ``__pycache__`` folders by the module it was made from: ``a/b`` → ``a/__pycache__/b.*.pyc``."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if path.endswith(".pyc"):
            folder, _, name = path.rpartition("/")
            above, _, cache = folder.rpartition("/")
            if cache == "__pycache__":
                module = name.partition(".")[0]
                found.setdefault(f"{above}/{module}" if above else module, []).append(path)
    return found


def _rows(record: bytes) -> Iterator[list[str]]:
    """A RECORD's rows; what is no CSV ends it."""
    text = record.decode("utf-8", "surrogateescape").split("\n")
    try:
        yield from csv.reader(line for line in text if len(line) <= 2 * _MAX_PATH)
    except csv.Error:
        return


def _beside(folder: str, path: str) -> str:
    return normalised(path if path.startswith("/") else f"{folder}/{path}")
