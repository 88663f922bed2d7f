"""A stored baseline as a page, and what an update changed in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imgcompare.comparison.baseline import (
    Baseline,
    Stored,
    StoredComparison,
    StoredImage,
    hold,
    stored_comparison,
)
from imgcompare.comparison.compare import as_expected
from imgcompare.console.style import Style
from imgcompare.model import Entry, Report, Verdict
from imgcompare.render.cells.against import told_packages, told_row
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.render.page import Page
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

_COLUMNS = (
    Column(key="variant", title="Variant"),
    Column(key="uncompressed_size", title="Unpacked", right=True),
    Column(key="own_size", title="Own", rank=2, right=True),
    Column(key="compressed_size", title="Pull", rank=3, right=True),
    Column(key="layers", title="Layers", rank=1, right=True),
    Column(key="packages", title="Packages", rank=4, right=True),
    Column(key="platform", title="Platform", rank=5),
)

_WHY_NOT = {
    Verdict.BROKEN: "is broken",
    Verdict.NOT_CHECKED: "was not checked",
    Verdict.WORKS: "works, and was to break",
}
_NOT_MEASURED = "was not measured"


def render(baseline: Baseline, style: Style) -> str:
    """Return each comparison with its images, sorted by name."""
    page = Page(style)
    for name, comparison in sorted(baseline.comparisons.items()):
        if page.lines:
            page.gap()
        page.say(_title(name, comparison), "strong")
        page.table(Grid(_COLUMNS, tuple(_row(*each) for each in sorted(comparison.variants.items()))))
        stand_ins = {base for image in comparison.variants.values() for base in image.stand_ins}
        if stand_ins:
            page.say(f"Base images were stand-ins: {', '.join(map(printable, sorted(stand_ins)))}.", "dim", hang=2)
    if not baseline.comparisons:
        page.say("Nothing is stored in it.")
    return page.text()


def render_update(
    file: str, old: Baseline, new: Baseline, reports: Sequence[Report], style: Style, *, prune: bool
) -> str:
    """Return what an update from these reports changed in a file, or that it changed nothing."""
    page = Page(style)
    for report in reports:
        page.say(f"{printable(report.scenario, limit=60)}:", "strong")
        for line in _changes(report, old.comparisons.get(report.scenario), prune=prune):
            page.say(line, lead="  ")
    for name in sorted(old.comparisons.keys() - new.comparisons.keys()):
        page.say(f"{printable(name, limit=60)}: removed", "strong")
    told = "written" if new != old else "as it was" if old.comparisons else "nothing is stored in it"
    page.say(f"{printable(file)}: {told}.")
    return page.text()


def _changes(report: Report, old: StoredComparison | None, *, prune: bool) -> Iterator[str]:
    """What became of each variant."""
    recorded = stored_comparison(report).variants
    reasons = {
        variant.name: _NOT_MEASURED if as_expected(variant) else _WHY_NOT[variant.verdict]
        for variant in report.variants
    }
    against = hold(report, Stored(source="", comparisons={report.scenario: old} if old else {})).against
    for row in against.rows if against else ():
        name = variant_name(row.variant)
        if row.entry is Entry.MISSING:
            yield f"{name}: removed" if prune else f"{name}: not in this run, kept (--prune removes it)"
        elif row.variant not in recorded:
            yield f"{name}: not recorded, for it {reasons[row.variant]}"
        elif row.entry is Entry.NEW:
            yield f"{name}: recorded, {format_bytes(recorded[row.variant].uncompressed_size)}"
        else:
            packages = told_packages(row.packages)
            yield told_row(row) + (f"; packages: {packages}" if packages else "")


def _title(name: str, comparison: StoredComparison) -> str:
    by = f"imgcompare {comparison.origin.imgcompare} on {comparison.origin.engine}"
    return f"{printable(name, limit=60)}, recorded {printable(comparison.recorded[:10])} by {printable(by, limit=100)}"


def _row(name: str, image: StoredImage) -> tuple[Cell, ...]:
    sizes = (image.uncompressed_size, image.own_size, image.compressed_size)
    counts = (image.layer_count, sum(map(len, image.packages.values())))
    return (
        Cell(text=variant_name(name)),
        *(Cell(text=NOTHING if size is None else format_bytes(size)) for size in sizes),
        *(Cell(text=str(count)) for count in counts),
        Cell(text=printable(image.platform, limit=40)),
    )
