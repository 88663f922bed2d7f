"""Small texts and tables that the pages about images share."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.model import Layer
from imgcompare.render.cells.grid import Grid
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

SHORT_ID = len("sha256:") + 12


def counted(count: int, noun: str) -> str:
    """Return a count and its noun: ``1 layer``, ``1,203 files``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def more(count: int, noun: str, size_bytes: int) -> str:
    """Return the line for what is not shown: ``… and 402 more packages, 31.2 MB``."""
    return f"… and {counted(count, f'more {noun}')}, {format_bytes(size_bytes)}"


def origin(layer: Layer) -> str:
    """Return what a layer came from, as far as it is known: ``base``, ``line 7``, ``builder, line 7``."""
    if layer.base:
        return "base"
    stage = printable(layer.stage or "", limit=30)
    if stage.isdigit():  # a stage without a name goes by its number, which the line tells better
        stage = ""
    line = f"line {layer.dockerfile_line}" if layer.dockerfile_line is not None else ""
    return ", ".join(part for part in (stage, line) if part)


def without(grid: Grid, keys: Sequence[str]) -> Grid:
    """Return a table without some of its columns."""
    kept = [number for number, column in enumerate(grid.columns) if column.key not in keys]
    return Grid(
        tuple(grid.columns[number] for number in kept),
        tuple(tuple(row[number] for number in kept) for row in grid.rows),
    )


def in_groups(grid: Grid, count: int) -> tuple[Grid, ...]:
    """Return a table as several with the same first column and at most ``count`` of the others in each."""
    starts = range(1, len(grid.columns), count)
    return tuple(
        Grid(
            (grid.columns[0], *grid.columns[start : start + count]),
            tuple((row[0], *row[start : start + count]) for row in grid.rows),
        )
        for start in starts
    )


def absolute(path: str) -> str:
    """Return a path of a layer as it is in a container."""
    return f"/{printable(path).lstrip('/')}"
