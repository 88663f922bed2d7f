"""The gates of a report as a table's columns and cells, built once: plain data that every format draws."""

from __future__ import annotations

from imgcompare.model import Gate, Report
from imgcompare.render.cells import sentences
from imgcompare.render.cells.grid import Cell, Column, Grid, variant_name
from imgcompare.text.units import format_quantity

_COLUMNS = (
    Column(key="gate", title="Gate"),
    Column(key="variant", title="Variant"),
    Column(key="actual", title="Measured", right=True),
    Column(key="limit", title="Limit", right=True),
    Column(key="verdict", title=""),
)


def build_gates(report: Report) -> Grid:
    """Return a row for each gate, in the report's order; without gates there is no row."""
    return Grid(_COLUMNS, tuple(map(_row, report.gates)))


def _row(gate: Gate) -> tuple[Cell, ...]:
    return (
        Cell(text=sentences.gate_name(gate)),
        Cell(text=variant_name(gate.subject)),
        Cell(text=sentences.gate_actual(gate)),
        Cell(text=sentences.gate_limit(gate), tone="dim"),
        Cell(text="✓", tone="good")
        if gate.passed
        else Cell(text=f"✗ {_missed_by(gate)}".rstrip(), short="✗", tone="bad"),
    )


def _missed_by(gate: Gate) -> str:
    """By how much a value in bytes missed its limit: ``110.1 MB over``."""
    if gate.actual is None or not gate.name.endswith(("_size", "_bytes")):
        return ""
    return f"{format_quantity(gate.name, abs(gate.actual - gate.limit))} {'short' if gate.at_least else 'over'}"
