"""Pure: what is kept of a report to measure growth from: made of reports, merged, and held against a later report.

Its stored form is JSON with sorted keys and a line for each value and each package, to be committed and reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from imgcompare.comparison import compare
from imgcompare.model import (
    Against,
    AgainstRow,
    Collection,
    Document,
    Entry,
    Image,
    PackageCounts,
    Packages,
    Report,
    Variant,
)

BASELINE_VERSION = 1
# Which kinds of packages are known: 1 Debian's and Python's, 2 those of every ecosystem of `model.Package` too.
_ALL_KINDS = 2
# What two kinds are called in a baseline file, which were there before package URLs' types.
_KINDS = {"deb": "debian", "pypi": "python"}

_Count = Annotated[int, Meta(ge=0)]


class StoredImage(Struct, frozen=True, kw_only=True):
    """What is kept of an image; ``packages`` are versions by kind and name.

    Kinds are ``debian``, ``python`` and other package URLs' types; ``package_kinds`` says whether all were looked for
    (2) or those two alone (1), as once.
    """

    uncompressed_size: _Count
    layer_count: _Count
    platform: str
    compressed_size: _Count | None = None
    own_size: _Count | None = None
    stand_ins: tuple[str, ...] = ()
    packages: dict[str, dict[str, str]] = {}
    package_kinds: _Count = 1


class Measurer(Struct, frozen=True, kw_only=True):
    """What measured it."""

    imgcompare: str
    engine: str
    image_store: str


class StoredComparison(Struct, frozen=True, kw_only=True):
    """What is kept of a comparison: its images by variant, when they were recorded, and what measured them."""

    recorded: str
    origin: Measurer
    variants: dict[str, StoredImage]


class Baseline(Struct, frozen=True, kw_only=True):
    """A baseline file."""

    baseline_version: int
    comparisons: dict[str, StoredComparison]


EMPTY = Baseline(baseline_version=BASELINE_VERSION, comparisons={})


class Stored(Struct, frozen=True, kw_only=True):
    """What ``--against`` names: comparisons by name, or ``image``, one that every variant is held against."""

    source: str
    comparisons: Mapping[str, StoredComparison]
    image: StoredImage | None = None


def to_text(baseline: Baseline) -> str:
    """Return a baseline as it stands in its file: the same one is always the same text."""
    return msgspec.json.format(msgspec.json.encode(baseline, order="sorted"), indent=2).decode() + "\n"


def stored_image(image: Image) -> StoredImage:
    """Return what is kept of an image."""
    return StoredImage(
        uncompressed_size=image.uncompressed_size,
        layer_count=image.layer_count,
        platform=f"{image.os}/{image.architecture}",
        compressed_size=image.compressed_size,
        own_size=image.own_size,
        stand_ins=image.stand_ins,
        packages=_versions(image.packages),
        package_kinds=_ALL_KINDS if image.packages.all is not None else 1,
    )


def stored_comparison(report: Report) -> StoredComparison:
    """Return what is kept of a report: the images of those variants that are as they should be."""
    info = report.engine
    origin = Measurer(
        imgcompare=report.tool.version, engine=f"{info.name} {info.version}", image_store=info.image_store
    )
    images = {v.name: stored_image(v.image) for v in report.variants if v.image and compare.as_expected(v)}
    return StoredComparison(recorded=report.created, origin=origin, variants=images)


def hold(report: Report, stored: Stored) -> Report:
    """Return the report with each variant held against what was stored of it."""
    if stored.image is not None:
        rows = tuple(_row(v.name, stored.image, v.image) for v in report.variants)
        notes = _platform_notes({row.variant: stored.image for row in rows}, report.variants)
        return replace(report, against=Against(source=stored.source, rows=rows, notes=tuple(notes)))
    then = stored.comparisons.get(report.scenario)
    if then is None:
        told = ", ".join(stored.comparisons) or "none"
        rows = tuple(_row(v.name, None, v.image) for v in report.variants)
        notes = (f"{stored.source} has no comparison {report.scenario!r}; those it has: {told}.",)
        return replace(report, against=Against(source=stored.source, rows=rows, notes=notes))
    gone = [name for name in then.variants if name not in {v.name for v in report.variants}]
    against = Against(
        source=stored.source,
        rows=(
            *(_row(v.name, then.variants.get(v.name), v.image) for v in report.variants),
            *(_missing(name, then.variants[name]) for name in gone),
        ),
        notes=(
            *_origin_notes(then.origin, stored_comparison(report).origin),
            *_platform_notes(then.variants, report.variants),
            *_stand_in_notes(then.variants, report.variants),
        ),
        recorded=then.recorded,
    )
    return replace(report, against=against)


def absent(stored: Stored, document: Collection) -> tuple[str, ...]:
    """Name the comparisons that were stored and are not in a run, of whose shards each knows the whole."""
    reports = (report.scenario for report in document.comparisons)
    there = {*reports, *(document.shard.comparisons if document.shard else ())}
    gone = [name for name in stored.comparisons if name not in there]
    return (f"Stored in {stored.source}, and not in this run: {', '.join(gone)}.",) if gone else ()


def is_part(document: Document) -> bool:
    """Say whether a document is known to lack comparisons: a shard of several, or what was merged without one."""
    if not isinstance(document, Collection):
        return False
    return bool(document.missing) or (document.shard is not None and document.shard.count > 1)


def merge(old: Baseline, reports: Sequence[Report], *, prune: bool) -> Baseline:
    """Put what the reports have in place of what was stored; what they do not have stays, or goes with ``prune``.

    A variant that is broken now keeps what was stored, and a comparison in which only the time is new is not touched.
    """
    comparisons = dict(() if prune else old.comparisons)
    for report in reports:
        merged = _merged(old.comparisons.get(report.scenario), report, prune=prune)
        if merged.variants:
            comparisons[report.scenario] = merged
    return replace(old, comparisons=comparisons)


def _merged(old: StoredComparison | None, report: Report, *, prune: bool) -> StoredComparison:
    new = stored_comparison(report)
    if old is None:
        return new
    there = {variant.name for variant in report.variants}
    kept = {name: image for name, image in old.variants.items() if name in there or not prune}
    merged = replace(new, variants={**kept, **new.variants})
    return old if replace(merged, recorded=old.recorded) == old else merged


def _row(name: str, then: StoredImage | None, now: Image | None) -> AgainstRow:
    if then is None:
        return AgainstRow(variant=name, entry=Entry.NEW)
    if now is None:
        return AgainstRow(variant=name, entry=Entry.BOTH, uncompressed_before=then.uncompressed_size)
    return AgainstRow(
        variant=name,
        entry=Entry.BOTH,
        uncompressed_before=then.uncompressed_size,
        uncompressed_delta=now.uncompressed_size - then.uncompressed_size,
        compressed_delta=_delta(now.compressed_size, then.compressed_size),
        own_delta=_delta(now.own_size, then.own_size),
        layer_delta=now.layer_count - then.layer_count,
        packages=_changed_packages(then, stored_image(now)),
    )


def _missing(name: str, then: StoredImage) -> AgainstRow:
    return AgainstRow(variant=name, entry=Entry.MISSING, uncompressed_before=then.uncompressed_size)


def _delta(now: int | None, then: int | None) -> int | None:
    return None if now is None or then is None else now - then


def _versions(packages: Packages) -> dict[str, dict[str, str]]:
    """Versions by kind and name; of a package that is there several times, all of them."""
    found: dict[str, dict[str, set[str]]] = {}
    for package in packages.listed:
        kind = _KINDS.get(package.type, package.type)
        found.setdefault(kind, {}).setdefault(package.name, set()).add(package.version)
    return {kind: {name: ", ".join(sorted(some)) for name, some in names.items()} for kind, names in found.items()}


def _changed_packages(then: StoredImage, now: StoredImage) -> PackageCounts:
    """What became of packages, of those kinds that both knew."""
    all_kinds = min(then.package_kinds, now.package_kinds) >= _ALL_KINDS
    old, new = (
        {
            (name, kind): version
            for kind, names in stored.packages.items()
            if all_kinds or kind in _KINDS.values()
            for name, version in names.items()
        }
        for stored in (then, now)
    )
    return PackageCounts(
        added=tuple(f"{key[0]} {new[key]}" for key in sorted(new.keys() - old.keys())),
        removed=tuple(f"{key[0]} {old[key]}" for key in sorted(old.keys() - new.keys())),
        changed=tuple(
            f"{key[0]} {old[key]} → {new[key]}" for key in sorted(old.keys() & new.keys()) if old[key] != new[key]
        ),
    )


def _origin_notes(then: Measurer, now: Measurer) -> Iterable[str]:
    told = (
        ("imgcompare", then.imgcompare, now.imgcompare),
        ("engine", then.engine, now.engine),
        ("image store", then.image_store, now.image_store),
    )
    return (f"Another {what} than then: {old}, now {new}." for what, old, new in told if old != new)


def _platform_notes(then: Mapping[str, StoredImage], variants: Sequence[Variant]) -> Iterable[str]:
    """Name the variants that are for another platform, which makes their sizes no fair comparison."""
    for name, old, new in _pairs(then, variants):
        if old.platform != new.platform:
            yield f"{name} was {old.platform}, now it is {new.platform}."


def _stand_in_notes(then: Mapping[str, StoredImage], variants: Sequence[Variant]) -> Iterable[str]:
    """Name the variants of which other base images were made locally: their bases are no fair comparison."""
    for name, old, new in _pairs(then, variants):
        if old.stand_ins != new.stand_ins:
            was, is_ = (", ".join(image.stand_ins) or "none" for image in (old, new))
            yield f"{name} has other stand-ins for base images: {was}, now {is_}."


def _pairs(
    then: Mapping[str, StoredImage], variants: Sequence[Variant]
) -> Iterable[tuple[str, StoredImage, StoredImage]]:
    return ((v.name, then[v.name], stored_image(v.image)) for v in variants if v.image and v.name in then)
