"""What a change of the app costs, as a table's columns and cells, built once: plain data that every format draws."""

from __future__ import annotations

from imgcompare.model import AfterChange, Report, Variant
from imgcompare.render.cells.comparison import pull_size
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_seconds

_COLUMNS = (
    Column(key="variant", title="After a change"),
    Column(key="file", title="of"),
    Column(key="steps", title="Rebuilt", right=True),
    Column(key="build", title="Build", right=True),
    Column(key="pull", title="Server pulls", right=True),
)


def build_changes(report: Report) -> Grid:
    """Return a row for each variant of which it was measured; without any there is no row."""
    rows = (_row(variant, variant.after_change) for variant in report.variants if variant.after_change)
    return Grid(_COLUMNS, tuple(rows))


def _row(variant: Variant, after: AfterChange) -> tuple[Cell, ...]:
    exact = variant.image.compressed_size_exact if variant.image else None
    pull = NOTHING if after.pull_size is None else pull_size(after.pull_size, exact)
    return (
        Cell(text=variant_name(variant.name)),
        Cell(text=printable(after.changed_file, limit=60), tone="dim"),
        Cell(text=f"{len(after.rebuilt_steps)}/{after.step_count} steps"),
        Cell(text=format_seconds(after.duration_s)),
        Cell(text=pull),
    )
