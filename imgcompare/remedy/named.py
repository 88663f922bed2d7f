"""Pure: what the application's own files name and a candidate has not: programs, paths, libraries, fonts.

No import and no reply shows it, for it is asked for only now and then; but the name stands in the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from imgcompare.image.tarheader import DIRECTORY
from imgcompare.regex import regex
from imgcompare.remedy.probe import Probe
from imgcompare.remedy.subject import Files, Subject

_LIBRARIES = ("lib/", "usr/lib/", "usr/local/lib/", "lib64/", "usr/lib64/")
_FONTS = ("usr/share/fonts/", "usr/local/share/fonts/")
_MOST_OWNERS = 5
_SONAME = regex(r"(lib.+?\.so(?:\.\d+)?)(?:\.[\d.]+)?")
# Every image has these, each with its own files in them; documents are told, and never held to.
_EVERYWHERE = regex(
    r"(?:[^/]*|etc/\w+|var/\w+|(?:usr/|usr/local/)?(?:s?bin|lib\w*|share|include|src|games|etc)"
    r"|(?:usr/)?lib/(?:[^/]+-linux-gnu|python[\d.]*(?:/(?:site|dist)-packages)?)"
    r"|usr/(?:local/)?(?:lib/python[\d.]+(?:/.*)?|share/(?:doc|man|info|locale)))"
)


class Lost(Struct, frozen=True):
    """What is named and not there, and the Debian packages that have it in the original."""

    what: str
    short: str
    packages: tuple[str, ...] = ()


class Named:
    """What the original's files name, and where the original has it."""

    def __init__(self, original: Subject) -> None:
        self._original = original
        self._probe = original.probe

    @property
    def count(self) -> int:
        """How much is named."""
        probe = self._probe
        return 0 if probe is None else sum(map(len, (probe.programs, probe.paths, probe.libraries, probe.fonts)))

    def lost(self, candidate: Files, probe: Probe | None = None) -> Iterator[Lost]:
        """What is not there in a candidate's files; with a look inside it, the programs that were not found there."""
        if self._probe is None:
            return
        yield from self._lost_programs(self._probe, candidate, probe)
        yield from self._lost_paths(self._probe, candidate)
        for name, path in self._present.items():
            if not _has_named(candidate, name):
                yield Lost(
                    f"{name.rstrip('.')}, which is loaded by name,",
                    name.rstrip("."),
                    _just(self._original.files.owner(f"/{path}")),
                )
        yield from self._lost_loaded(self._probe, candidate)

    def _lost_programs(self, own: Probe, candidate: Files, probe: Probe | None) -> Iterator[Lost]:
        """Programs that are nowhere, or in whose place another of that name is found first."""
        for name, place in own.programs.items():
            if name not in probe.programs if probe else not candidate.has(place):
                yield Lost(f"the program {name}", name, _just(self._original.files.owner_as_written(place)))
            elif probe and probe.programs[name] not in (place, self._moved(place, probe)):
                yield Lost(f"the program {name} at {place}, of which {probe.programs[name]} takes the place,", name)

    def _lost_loaded(self, own: Probe, candidate: Files) -> Iterator[Lost]:
        """Libraries that packages open when they are imported; of a package of Debian's, for others are compared."""
        for path, by in own.loaded.items():
            name = _SONAME.fullmatch(path.rpartition("/")[2])
            if name is None or candidate.has(path) or not (owner := self._original.files.owner(path)):
                continue
            if not (_has_named(candidate, name[1]) or _has_named(candidate, f"{name[1]}.")):
                yield Lost(f"{name[1]}, which importing {by} loads,", name[1], (owner,))

    def _lost_paths(self, own: Probe, candidate: Files) -> Iterator[Lost]:
        for path, by in own.paths.items():
            if not self._counts(path, by):
                continue
            if not candidate.has(path):
                yield Lost(f"{path}, which {by} names,", path, self._owners(path))
            elif gone := list(self._gone(path, by, candidate)):
                owners = dict.fromkeys(map(self._original.files.owner, gone))
                yield Lost(f"{gone[0]} in {path}, which {by} names,", path, tuple(owners)[:_MOST_OWNERS])

    def _moved(self, place: str, probe: Probe) -> str:
        """Where a program of the original's Python is in a candidate's environment."""
        old = self._probe.prefix if self._probe else "/-"
        return f"{probe.prefix}{place[len(old) :]}" if place.startswith(f"{old}/") else place

    @cached_property
    def _present(self) -> Mapping[str, str]:
        """The libraries and fonts that are named and there, and where."""
        probe, found = self._probe, dict[str, str]()
        if probe is None:
            return found
        for name in (*probe.libraries, *probe.fonts):
            if path := _has_named(self._original.files, name):
                found[name] = path
        return found

    def _counts(self, path: str, by: str) -> bool:
        """Not what only building needs, unless a module opens it; nor a folder with nothing in it."""
        owners = self._owners(path)
        files = self._original.files
        if owners and not self._is_opened(by) and all(map(files.installed.is_for_building, owners)):
            return False
        entry = files.links.file(path.strip("/"))
        return entry is None or entry.kind != DIRECTORY or bool(owners) or any(self._below(path))

    def _is_opened(self, by: str) -> bool:
        """Whether it is code that names a path, and no setting or script."""
        return by.endswith(".py") or (self._probe is not None and by in self._probe.foreign)

    def _gone(self, path: str, by: str, candidate: Files) -> Iterator[str]:
        """What packages have in a folder that is named, and a candidate has not: who lists it finds less."""
        files = self._original.files
        if _EVERYWHERE.fullmatch(files.links.real(path.strip("/"))):
            return
        for place in self._below(path):
            owner = files.owner(f"/{place}")
            counts = owner and (self._is_opened(by) or not files.installed.is_for_building(owner))
            if counts and not candidate.has(f"/{place}"):
                yield f"/{place}"

    def _owners(self, path: str) -> tuple[str, ...]:
        files = self._original.files
        if owner := files.owner_as_written(path):
            return (owner,)
        names = dict.fromkeys(name for place in self._below(path) if (name := files.owner(f"/{place}")))
        return tuple(names)[:_MOST_OWNERS]

    def _below(self, path: str) -> Iterator[str]:
        files = self._original.files
        start = f"{files.links.real(path.strip('/'))}/"
        return (
            place for place, entry in files.root.entries.items() if place.startswith(start) and entry.kind != DIRECTORY
        )


def _just(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _has_named(files: Files, name: str) -> str:
    """Where there is a library or a font of that name; of one that ends in a dot, of any version; "" for nowhere."""
    folders: Iterable[str] = _LIBRARIES if ".so" in name else _FONTS
    for path in files.by_name(name, beginning=name.endswith(".")):
        if path.startswith(tuple(folders)):
            return path
    return ""
