"""An original and a candidate, side by side: what may be left out, and where a file may have gone."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from imgcompare.remedy.exempt import exempt
from imgcompare.remedy.subject import Subject


class Comparison(Struct, frozen=True, dict=True):
    """The two images, the Debian packages that the Dockerfile installs by name, and whether tools may be left out.

    ``user`` is the one that the candidate was given on request.
    """

    original: Subject
    candidate: Subject
    named: tuple[str, ...] = ()
    without_tools: bool = False
    user: str | None = None

    @cached_property
    def exempt(self) -> frozenset[str]:
        """The distributions that may be missing: installers, and the tools with what only they need."""
        return exempt(self.original.probe, tools=self.without_tools) if self.original.probe else frozenset()

    def places(self, path: str) -> tuple[str, str]:
        """Where a file of the original may be: where it was, or in the candidate's own environment."""
        old, new = self._prefixes
        return path, f"{new}{path[len(old) :]}" if path.startswith(f"{old}/") else path

    @cached_property
    def _prefixes(self) -> tuple[str, str]:
        original, candidate = self.original.probe, self.candidate.probe
        return (original.prefix, candidate.prefix) if original and candidate else ("/-", "/-")
