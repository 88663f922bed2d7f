"""Several comparisons as a table's columns and cells, a row for each, built once for every format."""

from __future__ import annotations

from imgcompare.model import Collection, Report
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes, format_change

_COLUMNS = (
    Column(key="comparison", title="Comparison"),
    Column(key="smallest", title="Smallest that works"),
    Column(key="unpacked", title="Unpacked", right=True),
    Column(key="change", title="Change", right=True),
    Column(key="verdict", title=""),
)


def build_overview(collection: Collection) -> Grid:
    """Return a row for each comparison in its order, then one for each that is missing."""
    there = (_row(report) for report in collection.comparisons)
    return Grid(_COLUMNS, (*there, *map(_missing, collection.missing)))


def _row(report: Report) -> tuple[Cell, ...]:
    smallest = report.comparison.smallest_working
    winner = next((v.image for v in report.variants if v.name == smallest), None)
    row = next((row for row in report.comparison.rows if row.variant == smallest), None)
    ratio = row.uncompressed_ratio if row and smallest != report.baseline else None
    alone = winner is None or len(report.variants) == 1
    return (
        Cell(text=printable(report.scenario, limit=60)),
        Cell(text=variant_name(smallest) if smallest else NOTHING),
        Cell(text=format_bytes(winner.uncompressed_size) if winner else NOTHING),
        Cell(text=NOTHING if alone else "baseline", tone="dim") if ratio is None else Cell(text=format_change(ratio)),
        Cell(text=_passed(report), tone="good") if report.passed else Cell(text="✗ failed", tone="bad"),
    )


def _passed(report: Report) -> str:
    declared = any(variant.expected_failure is not None for variant in report.variants)
    return "✓ as declared" if declared else "✓ passed"


def _missing(name: str) -> tuple[Cell, ...]:
    nothing = Cell(text=NOTHING, tone="dim")
    return (
        Cell(text=printable(name, limit=60)),
        nothing,
        nothing,
        nothing,
        Cell(text="✗ did not run", tone="bad"),
    )
