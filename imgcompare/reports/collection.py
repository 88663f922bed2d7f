"""Pure: several reports as one Collection, run one after another or merged from the shards of a CI fan-out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from imgcompare import __version__
from imgcompare.errors import UsageError
from imgcompare.model import SCHEMA_VERSION, Collection, Document, EngineInfo, Report, Shard, Tool
from imgcompare.reports.shards import MOST_SHARDS, share
from imgcompare.text.printable import printable

_MOST_NAMED = 8


class Part(Struct, frozen=True):
    """One of the documents to be merged, and the name of its file."""

    name: str
    document: Document


def collect(reports: Sequence[Report], *, created: str, shard: Shard | None = None) -> Collection:
    """Put reports together in their order; a collection passes when it has some, and each passes.

    That of a shard passes when all of its share is there and passes: an empty share has nothing that could fail.
    """
    wanted = share(shard.comparisons, shard.index, shard.count, shard.seconds) if shard else ()
    there = {report.scenario for report in reports}
    missing = tuple(name for name in wanted if name not in there)
    complete = not missing if shard else bool(reports)
    return Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=created,
        comparisons=tuple(reports),
        passed=complete and all(report.passed for report in reports),
        shard=shard,
        missing=missing,
    )


def merge(parts: Sequence[Part]) -> Collection:
    """Put the shards of a run together, or any reports: as one whole run of all of them would, but for the times.

    ``notes`` name the comparisons of shards that are missing or were cut short, and what differs between the machines.
    Raises UsageError for shards that do not belong together, and for a comparison that is there twice.
    """
    shards = _shards(parts)
    found = _by_name(parts)
    wanted = next(iter(shards.values()))[1].comparisons if shards else ()
    order = dict.fromkeys([*(name for name in wanted if name in found), *found])
    reports = tuple(found[name][1] for name in order)
    missing = tuple(_missing(shards, found))
    notes = (note for part in parts if isinstance(part.document, Collection) for note in part.document.notes)
    return Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=min(part.document.created for part in parts),
        comparisons=reports,
        passed=bool(reports) and not missing and all(part.document.passed for part in parts),
        notes=tuple(dict.fromkeys((*notes, *missing, *differences(reports)))),
        missing=tuple(name for name in wanted if name not in found),
    )


def _by_name(parts: Iterable[Part]) -> dict[str, tuple[str, Report]]:
    """Each comparison's report, and the file that it is from; the very same one may be there twice."""
    found: dict[str, tuple[str, Report]] = {}
    for part in parts:
        document = part.document
        for report in document.comparisons if isinstance(document, Collection) else (document,):
            other, known = found.setdefault(report.scenario, (part.name, report))
            if known != report:
                raise UsageError(
                    f"{other} and {part.name} both hold {_told(report.scenario)}, and not the same run of it",
                    hint="Leave one of them out.",
                )
    return found


def _shards(parts: Iterable[Part]) -> dict[int, tuple[str, Shard]]:
    """The shards by number, and the files that they are from."""
    shards: dict[int, tuple[str, Shard]] = {}
    for part in parts:
        shard = part.document.shard if isinstance(part.document, Collection) else None
        if shard is None:
            continue
        if not 1 <= shard.index <= shard.count <= MOST_SHARDS:
            raise UsageError(f"{part.name} says it is shard {shard.index} of {shard.count}", hint="Make it again.")
        first, known = next(iter(shards.values()), (part.name, shard))
        if shard.count != known.count:
            raise UsageError(
                f"{first} is one of {known.count} shards, {part.name} one of {shard.count}",
                hint="Merge the shards of one run.",
            )
        if shard.comparisons != known.comparisons:
            raise UsageError(
                f"{first} and {part.name} are shards of different comparisons: {_unlike(known, shard)}",
                hint="Run all shards with the same imgcompare.toml.",
            )
        if shard.seconds != known.seconds:
            raise UsageError(
                f"{first} and {part.name} were shared out by different times",
                hint="Run all shards with the same file as --times, or all without.",
            )
        if shard.index in shards:
            raise UsageError(
                f"{shards[shard.index][0]} and {part.name} are both shard {shard.index}/{shard.count}",
                hint="Leave one of them out.",
            )
        shards[shard.index] = part.name, shard
    return shards


def _unlike(one: Shard, other: Shard) -> str:
    names = [
        name
        for name in (*one.comparisons, *other.comparisons)
        if name not in one.comparisons or name not in other.comparisons
    ]
    return f"{_listed(names)} not in both" if names else "in another order"


def _missing(shards: Mapping[int, tuple[str, Shard]], found: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each shard whose comparisons are not all there."""
    if not shards:
        return
    _, known = next(iter(shards.values()))
    for index in range(1, known.count + 1):
        lost = [name for name in share(known.comparisons, index, known.count, known.seconds) if name not in found]
        if lost and index in shards:
            yield f"Shard {index}/{known.count} was cut short: {_listed(lost)} did not run."
        elif lost:
            yield f"Shard {index}/{known.count} is missing, and with it {_listed(lost)}."


def differences(reports: Sequence[Report]) -> Iterator[str]:
    """A sentence for whatever of the machines was not the same, for numbers depend on it."""
    for what, tell in _MACHINE.items():
        names: dict[str, list[str]] = {}
        for report in reports:
            names.setdefault(tell(report.engine), []).append(report.scenario)
        if len(names) > 1:
            yield f"{what} differ: {'; '.join(f'{_told(told)} for {_listed(for_)}' for told, for_ in names.items())}."
    versions = dict.fromkeys(report.tool.version for report in reports)
    if len(versions) > 1:
        yield f"The reports are of different versions of imgcompare: {_listed(list(versions))}."


_MACHINE: Mapping[str, Callable[[EngineInfo], str]] = {
    "Engines": lambda engine: f"{engine.name} {engine.version}",
    "Image stores": lambda engine: f"{engine.image_store} ({engine.storage_driver})",
    "Builders": lambda engine: engine.builder,
    "Platforms": lambda engine: f"{engine.os}/{engine.architecture}",
}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(_told, names[:_MOST_NAMED])) + more


def _told(name: str) -> str:
    return printable(name, limit=100)
