"""The comparison as columns and cells, built once: plain data that every format draws in its own way."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from imgcompare.comparison.compare import as_expected
from imgcompare.model import ComparisonRow, Report, Variant, Verdict
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, Tone, variant_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes, format_change, format_seconds


class _Facts(Struct, frozen=True, kw_only=True):
    """What a cell needs to know beyond its own variant."""

    baseline: str
    winner: str | None
    largest: int
    changes: dict[str, ComparisonRow]


def build_grid(report: Report) -> Grid:
    """Return the columns in which at least one variant has a value, and their cells."""
    facts = _Facts(
        baseline=report.baseline,
        winner=report.comparison.smallest_working,
        largest=max((v.image.uncompressed_size for v in report.variants if v.image), default=0),
        changes={row.variant: row for row in report.comparison.rows},
    )
    made = [(column, [cell_of(v, facts) for v in report.variants]) for column, cell_of in _COLUMNS]
    several = len(report.variants) > 1
    kept = [
        (column, cells)
        for column, cells in made
        if column.rank == 0 or (any(c != _MISSING for c in cells) and (several or column.key not in _COMPARING))
    ]
    rows = zip(*(cells for _, cells in kept), strict=True)
    return Grid(tuple(column for column, _ in kept), tuple(rows))


_MISSING = Cell(text=NOTHING, tone="dim")


def pull_size(compressed_size: int | None, exact: bool | None) -> str:
    """Return a compressed size, marked where it is an estimate: ``≈ 67.9 MB``."""
    if compressed_size is None:
        return NOTHING
    return format_bytes(compressed_size) if exact else f"≈ {format_bytes(compressed_size)}"


def _name(variant: Variant, facts: _Facts) -> Cell:
    return Cell(text=variant_name(variant.name), tone="strong" if variant.name == facts.winner else "plain")


def _uncompressed(variant: Variant, _: _Facts) -> Cell:
    return Cell(text=format_bytes(variant.image.uncompressed_size)) if variant.image else _MISSING


def _bar(variant: Variant, facts: _Facts) -> Cell:
    if not variant.image or not facts.largest:
        return Cell(share=0.0)
    tone: Tone = "good" if variant.name == facts.winner else "bad" if variant.verdict is Verdict.BROKEN else "plain"
    return Cell(share=variant.image.uncompressed_size / facts.largest, tone=tone)


def _change(variant: Variant, facts: _Facts) -> Cell:
    if variant.name == facts.baseline:
        return Cell(text="baseline", tone="dim")
    row = facts.changes.get(variant.name)
    if row is None or row.uncompressed_ratio is None:
        return _MISSING
    smaller_and_works = row.uncompressed_ratio < 1 and variant.verdict is Verdict.WORKS
    return Cell(text=format_change(row.uncompressed_ratio), tone="good" if smaller_and_works else "plain")


def _compressed(variant: Variant, _: _Facts) -> Cell:
    if not variant.image or variant.image.compressed_size is None:
        return _MISSING
    return Cell(text=pull_size(variant.image.compressed_size, variant.image.compressed_size_exact))


def _unique(variant: Variant, _: _Facts) -> Cell:
    if not variant.image or variant.image.unique_bytes is None:
        return _MISSING
    return Cell(text=format_bytes(variant.image.unique_bytes))


def _wasted(variant: Variant, _: _Facts) -> Cell:
    if not variant.image or variant.image.wasted_bytes is None:
        return _MISSING
    return Cell(text=format_bytes(variant.image.wasted_bytes))


def _layers(variant: Variant, _: _Facts) -> Cell:
    return Cell(text=str(variant.image.layer_count)) if variant.image else _MISSING


def _build(variant: Variant, _: _Facts) -> Cell:
    if not variant.build:
        return _MISSING
    duration = variant.build.duration_s
    return Cell(text=format_seconds(duration), short=f"{duration:.0f} s" if duration >= 60 else None)


def _cached(variant: Variant, _: _Facts) -> Cell:
    if not variant.build:
        return _MISSING
    return Cell(text=f"{variant.build.cached_step_count}/{variant.build.step_count}", tone="dim")


def _ready(variant: Variant, _: _Facts) -> Cell:
    if not variant.run or variant.run.ready_after_s is None:
        return _MISSING
    return Cell(text=format_seconds(variant.run.ready_after_s))


def _memory(variant: Variant, _: _Facts) -> Cell:
    if not variant.run or variant.run.memory_bytes is None:
        return _MISSING
    return Cell(text=format_bytes(variant.run.memory_bytes))


def _health(variant: Variant, _: _Facts) -> Cell:
    if not variant.run or variant.run.health is None:
        return _MISSING
    if variant.run.healthy_after_s is not None:
        return Cell(text=f"✓ {format_seconds(variant.run.healthy_after_s)}", tone="good")
    return Cell(text=f"✗ {printable(variant.run.health, limit=20)}", short="✗", tone="bad")


def _stop(variant: Variant, _: _Facts) -> Cell:
    if not variant.run or variant.run.stopped_after_s is None:
        return _MISSING
    duration = format_seconds(variant.run.stopped_after_s)
    if variant.run.killed:
        return Cell(text=f"✗ {duration} killed", short=f"✗ {duration}", tone="bad")
    return Cell(text=duration)


def _hardened(variant: Variant, _: _Facts) -> Cell:
    if variant.hardened is None:
        return _MISSING
    if variant.hardened.works:
        return Cell(text="✓", tone="good")
    return Cell(text=f"✗ {printable(variant.hardened.broken_by or 'all together', limit=40)}", tone="bad")


def _check(variant: Variant, _: _Facts) -> Cell:
    check, failure = variant.check, variant.failure
    status = str(check.status_code) if check and check.status_code is not None else ""
    if failure:
        wrong = next((each for each in (check, *variant.more_checks) if each and not each.passed), None)
        wrong_status = str(wrong.status_code or "") if wrong and wrong.status_code != wrong.expected.status else ""
        short = f"✗ {wrong_status or failure.stage}"
        if as_expected(variant):  # the verdict names the code
            return Cell(text=short, tone="dim")
        return Cell(text=f"✗ {printable(failure.code, limit=40)}", short=short, tone="bad")
    if not check:
        return _MISSING
    tone: Tone = "good" if check.passed else "bad"
    short = f"{'✓' if check.passed else '✗'} {status}".strip()
    times = [each.response_time_s for each in (check, *variant.more_checks) if each.response_time_s is not None]
    if not variant.more_checks or not times:
        return Cell(text=short, tone=tone)
    slowest = format_seconds(max(times))
    return Cell(text=f"{short} {len(variant.more_checks) + 1} routes, slowest {slowest}", short=short, tone=tone)


def _verdict(variant: Variant, _: _Facts) -> Cell:
    if variant.skipped:
        return Cell(text="skipped", tone="dim")
    if variant.expected_failure and variant.verdict is not Verdict.NOT_CHECKED:
        return _declared_verdict(variant)
    tones: dict[Verdict, Tone] = {Verdict.WORKS: "good", Verdict.BROKEN: "bad", Verdict.NOT_CHECKED: "dim"}
    return Cell(text=variant.verdict.replace("_", " "), tone=tones[variant.verdict])


def _declared_verdict(variant: Variant) -> Cell:
    """The verdict of a variant that is declared to break: as expected, or else what it does instead."""
    if as_expected(variant) and variant.failure:
        text = f"✗ broken (as expected: {printable(variant.failure.code, limit=40)})"
        return Cell(text=text, short="✗ broken (expected)", tone="dim")
    return Cell(text=f"✗ {variant.verdict}, not as declared", short="✗ not as declared", tone="bad")


_COLUMNS: tuple[tuple[Column, Callable[[Variant, _Facts], Cell]], ...] = (
    (Column(key="variant", title="Variant"), _name),
    (Column(key="uncompressed_size", title="Unpacked", right=True), _uncompressed),
    (Column(key="bar", title="", rank=6, joined=True), _bar),
    (Column(key="change", title="Change", rank=2, right=True), _change),
    (Column(key="compressed_size", title="Pull", rank=3, right=True), _compressed),
    (Column(key="unique", title="Unique", rank=11, right=True), _unique),
    (Column(key="wasted", title="Wasted", rank=12, right=True), _wasted),
    (Column(key="layers", title="Layers", rank=5, right=True), _layers),
    (Column(key="build", title="Build", rank=8, right=True), _build),
    (Column(key="cached", title="Cached", rank=9, right=True, joined=True, short_title=""), _cached),
    (Column(key="ready", title="Ready", rank=7, right=True), _ready),
    (Column(key="memory", title="Memory", rank=10, right=True), _memory),
    (Column(key="health", title="Health", rank=1, right=True), _health),
    (Column(key="stop", title="Stop", rank=1, right=True), _stop),
    (Column(key="hardened", title="Hardened", rank=1), _hardened),
    (Column(key="check", title="Check"), _check),
    (Column(key="verdict", title="Verdict"), _verdict),
)
_COMPARING = ("bar", "change", "unique")  # with one variant there is nothing to compare
