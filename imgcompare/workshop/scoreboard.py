"""The room's reports as one: a comparison for each exercise, whose variants are the people who handed one in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare import __version__
from imgcompare.comparison.compare import compare
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.errors import UsageError
from imgcompare.model import (
    SCHEMA_VERSION,
    Collection,
    Document,
    Failure,
    Gate,
    Image,
    Packages,
    Report,
    Source,
    Tool,
    Variant,
    Verdict,
)
from imgcompare.reports import store
from imgcompare.reports.collection import differences

_POLL_S = 1.0


class By(StrEnum):
    """What names a person: the file's name up to its first dot, or the folder that the file is in."""

    NAME = "name"
    FOLDER = "folder"

    def of(self, path: Path) -> str:
        """Who handed in a file."""
        return path.name.partition(".")[0] if self is By.NAME else path.absolute().parent.name


class HandedIn(Struct, frozen=True):
    """A report that somebody handed in."""

    who: str
    document: Document


class _Entry(Struct, frozen=True):
    """One person's image of one exercise, with the limits that it was held against."""

    report: Report
    variant: Variant
    gates: tuple[Gate, ...]

    @property
    def reached(self) -> bool:
        return self.variant.verdict is Verdict.WORKS and all(gate.passed for gate in self.gates)

    @property
    def rank(self) -> tuple[bool, bool, int, str]:
        """Whoever has reached the goals first, the smallest of them foremost; what is broken last."""
        image = self.variant.image
        works = self.variant.verdict is Verdict.WORKS
        return not self.reached, not works, image.uncompressed_size if image else 0, self.variant.name


def board(handed_in: Sequence[HandedIn]) -> Collection:
    """Put reports together by exercise; of several of one person's for the same, the newest counts.

    Raises UsageError where there is none.
    """
    if not handed_in:
        raise UsageError("there is no report yet", hint="Hand one in: imgcompare exercise check -o NAME.json")
    entries: dict[str, dict[str, _Entry]] = {}
    people: dict[str, Report] = {}
    for each in sorted(handed_in, key=lambda one: one.document.created):
        for report in store.reports_of(each.document):
            people[each.who] = replace(report, scenario=each.who)
            for entry in _entries(each.who, report):
                entries.setdefault(report.scenario, {})[entry.variant.name] = entry
    reports = tuple(_ranked(name, tuple(found.values())) for name, found in sorted(entries.items()))
    return Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=max(each.document.created for each in handed_in),
        comparisons=reports,
        passed=all(report.passed for report in reports),
        notes=(f"Handed in by {len(people)}: {', '.join(sorted(people))}.", *differences(tuple(people.values()))),
    )


def _entries(who: str, report: Report) -> Iterator[_Entry]:
    for variant in report.variants:
        name = who if len(report.variants) == 1 else f"{who}/{variant.name}"
        gates = (replace(gate, subject=name) for gate in report.gates if gate.subject == variant.name)
        shown = replace(
            variant,
            name=name,
            source=Source(),
            image=variant.image and _short(variant.image),
            failure=variant.failure and _told(variant.failure),
            mend="",
            warnings=(),
            expected_failure=None,
        )
        yield _Entry(report, shown, tuple(gates))


def _told(failure: Failure) -> Failure:
    """What is broken, and not what mends it: the others are still at it."""
    known = EXPLANATIONS.get(failure.code)
    message = known.summary.replace("`", "") if known else failure.message
    return Failure(stage=failure.stage, code=failure.code, message=f"{message}.")


def _short(image: Image) -> Image:
    """An image without what only its maker looks into: a page for a room holds many."""
    return replace(
        image, layers=(), tree=(), packages=Packages(), largest_files=(), largest_folders=(), wasted_files=()
    )


def _ranked(name: str, entries: tuple[_Entry, ...]) -> Report:
    ranked = sorted(entries, key=lambda entry: entry.rank)
    variants = tuple(entry.variant for entry in ranked)
    working = [variant for variant in variants if variant.verdict is Verdict.WORKS and variant.image]
    largest = max(working or variants, key=lambda variant: variant.image.uncompressed_size if variant.image else 0)
    reached = sum(entry.reached for entry in ranked)
    first = ranked[0].report
    return replace(
        first,
        scenario=name,
        description=f"{first.description.rstrip('.')}. {reached} of {len(ranked)} reached the goals.".lstrip(". "),
        baseline=largest.name,
        variants=variants,
        comparison=compare(variants, largest.name),
        gates=tuple(gate for entry in ranked for gate in entry.gates),
        passed=reached > 0,
        notes=(),
        against=None,
    )


class Room(Struct):
    """The files of a room, each read again only when it has changed."""

    places: Sequence[Path]
    by: By
    _read: dict[Path, tuple[tuple[int, int], HandedIn | UsageError]] = field(default_factory=dict)

    def look(self) -> bool:
        """Read what is new or changed, forget what is gone; say whether anything was."""
        there = {path: self._mark(path) for path in self._files()}
        changed = {path: mark for path, mark in there.items() if self._read.get(path, (None,))[0] != mark}
        gone = self._read.keys() - there.keys()
        for path in gone:
            del self._read[path]
        for path, mark in changed.items():
            try:
                self._read[path] = mark, HandedIn(self.by.of(path), store.load(path))
            except UsageError as exc:
                self._read[path] = mark, exc
        return bool(changed or gone)

    @property
    def handed_in(self) -> tuple[HandedIn, ...]:
        """The reports that could be read."""
        return tuple(found for _, found in self._read.values() if isinstance(found, HandedIn))

    @property
    def unread(self) -> tuple[UsageError, ...]:
        """Why others could not be, in the order of their files."""
        return tuple(found for _, found in self._read.values() if isinstance(found, UsageError))

    def _files(self) -> Iterator[Path]:
        for place in self.places:
            if place.is_dir():
                yield from sorted(path for path in place.rglob("*.json") if not _hidden(path.relative_to(place)))
            else:
                yield place

    @staticmethod
    def _mark(path: Path) -> tuple[int, int]:
        try:
            found = path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size


def watch(room: Room, publish: Callable[[Collection], None], say: Callable[[str], None]) -> None:
    """Publish the board now and whenever a file has come, changed or gone, until a signal ends it."""
    told: set[str] = set()
    while True:
        if room.look() and room.handed_in:
            publish(board(room.handed_in))
            say(f"{len(room.handed_in)} reports of {len({each.who for each in room.handed_in})}.")
        for error in room.unread:
            if error.message not in told:
                told.add(error.message)
                say(f"Not read yet: {error.message}")
        time.sleep(_POLL_S)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
