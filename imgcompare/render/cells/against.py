"""What changed since a stored baseline, in sentences: built once for every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imgcompare.model import Against, AgainstRow, Entry, PackageCounts
from imgcompare.render.cells.grid import variant_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes, format_change, format_delta

_MOST_PACKAGES = 6


def title(against: Against) -> str:
    """Return what the run is held against, and of when that is: ``Against imgcompare.baseline.json (2026-01-31)``."""
    recorded = f" ({printable(against.recorded[:10])})" if against.recorded else ""
    return f"Against {printable(against.source, limit=200)}{recorded}"


def told_row(row: AgainstRow) -> str:
    """Return what became of a variant: ``slim: +1.2 MB (+0.6 %), of which own 0 B, base +1.2 MB; 1 layer more``."""
    name = variant_name(row.variant)
    if row.entry is Entry.NEW:
        return f"{name}: new, not stored yet"
    before = "" if row.uncompressed_before is None else format_bytes(row.uncompressed_before)
    if row.entry is Entry.MISSING:
        return f"{name}: missing now, stored with {before}"
    if row.uncompressed_delta is None:
        return f"{name}: has no image now, stored with {before}"
    told = [*_sizes(row, row.uncompressed_delta, before), *_layers(row.layer_delta or 0)]
    return f"{name}: {'; '.join(told)}"


def told_packages(packages: PackageCounts, most: int = _MOST_PACKAGES) -> str:
    """Return what became of packages, at most so many of each kind by name, or ""."""
    kinds = (("", packages.changed), ("added ", packages.added), ("removed ", packages.removed))
    return "; ".join(f"{word}{_listed(names, most)}" for word, names in kinds if names)


def _sizes(row: AgainstRow, delta: int, before: str) -> Iterable[str]:
    if delta == 0 and not row.own_delta:
        yield f"as large as stored, {before}"
        return
    change = f" ({format_change(1 + delta / row.uncompressed_before)})" if row.uncompressed_before else ""
    parts = (
        ""
        if row.own_delta is None
        else f", own {format_delta(row.own_delta)}, base {format_delta(delta - row.own_delta)}"
    )
    yield f"{format_delta(delta)}{change}{parts}"


def _layers(delta: int) -> Iterable[str]:
    if delta:
        yield f"{abs(delta)} layer{'' if abs(delta) == 1 else 's'} {'more' if delta > 0 else 'fewer'}"


def _listed(names: Sequence[str], most: int) -> str:
    shown = ", ".join(printable(name, limit=80) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
