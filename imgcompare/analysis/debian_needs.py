"""Pure: which of an image's Debian packages are wanted for themselves, and what comes with them.

The fields are those of https://www.debian.org/doc/debian-policy/ch-relationships.html, read from dpkg's own status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from imgcompare.analysis.breakdown import is_for_building, is_for_installing
from imgcompare.analysis.debian import Documents, stanzas
from imgcompare.regex import regex

_STATUS = "var/lib/dpkg/status"
_GONE = frozenset(("config-files", "not-installed"))
_NAME = regex(r"\s*([a-z0-9][a-z0-9+.-]*)")


class Installed:
    """The packages that are installed, and what each depends on and recommends."""

    def __init__(self, documents: Documents) -> None:
        self._needs: dict[str, tuple[str, ...]] = {}
        self._recommends: dict[str, tuple[str, ...]] = {}
        self._section: dict[str, str] = {}
        self._version: dict[str, str] = {}
        provided: dict[str, list[str]] = {}
        for fields in stanzas(documents.get(_STATUS, b"")):
            state, name = fields.get("status", "").split(), fields.get("package", "")
            if not name or (state and state[-1] in _GONE):
                continue
            self._version[name] = fields.get("version", "")
            self._section[name] = fields.get("section", "").rpartition("/")[2]
            self._needs[name] = (*_names(fields.get("pre-depends", "")), *_names(fields.get("depends", "")))
            self._recommends[name] = tuple(_names(fields.get("recommends", "")))
            for virtual in _names(fields.get("provides", "")):
                provided.setdefault(virtual, []).append(name)
        self._provided: Mapping[str, list[str]] = provided

    @property
    def names(self) -> frozenset[str]:
        """The names of all packages."""
        return frozenset(self._needs)

    def version(self, name: str) -> str:
        """A package's version, "" where it is not installed."""
        return self._version.get(name, "")

    def is_for_building(self, name: str) -> bool:
        """Whether a package is there to build others with, or to install Python's."""
        return is_for_building(name, self._section.get(name, "")) or is_for_installing(name)

    def with_needs(self, names: Iterable[str], *, recommends: bool = True) -> frozenset[str]:
        """These packages, as far as they are installed, and all that they need."""
        found: set[str] = set()
        waiting = [name for name in names if name in self._needs]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            waiting += self._related(name, recommends=recommends)
        return frozenset(found)

    def wanted(self, base: Iterable[str], named: Iterable[str] = ()) -> frozenset[str]:
        """What stands on ``base`` and is not for building: what was ``named``, and what nobody else brought.

        With them comes what they need; a package that only a build tool needs is not wanted.
        """
        added = self.names.difference(base)
        brought = {other for name in added for other in self._related(name, recommends=True) if other != name}
        roots = {name for name in added if name not in brought} | (added & set(named))
        kept = [name for name in roots if not self.is_for_building(name)]
        return frozenset(name for name in self.with_needs(kept) & added if not self.is_for_building(name))

    def _related(self, name: str, *, recommends: bool) -> Iterator[str]:
        for other in (*self._needs[name], *(self._recommends[name] if recommends else ())):
            if other in self._needs:
                yield other
            else:
                yield from self._provided.get(other, ())


def major(version: str) -> str:
    """The first number of a package's version: updates within a release keep it, and another source has another."""
    return re.split(r"[.+~-]", version.rpartition(":")[2], maxsplit=1)[0]


def _names(relation: str) -> Iterator[str]:
    """Every package that a relation names, alternatives too."""
    for part in re.split(r"[,|]", relation):
        if match := _NAME.match(part):
            yield match[1]
