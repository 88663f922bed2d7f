"""The comparison as CSV (RFC 4180): a row for each variant, numbers raw, for spreadsheets and scripts.

Columns keep their name and meaning, and new ones come at the end. ``*_bytes`` are bytes, ``*_s`` seconds; deltas are
variant minus baseline, ratios variant ÷ baseline; an empty cell is a value that is not known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Document, Report
from imgcompare.render.cells.repeated import spreads
from imgcompare.render.registry import RenderContext
from imgcompare.reports.store import reports_of
from imgcompare.text.printable import printable

# Of what was measured several times; the columns above have its medians.
_SPREAD = {"min": "minimum", "max": "maximum", "deviation": "deviation"}
_REPEATED = (
    ("ready", "s", "ready_s"),
    ("response", "s", "response_s"),
    ("memory", "bytes", "memory_bytes"),
    ("cached_build", "s", "build_s"),
)
# Column → the part of the report that has it, and its field there.
_COLUMNS = {
    "comparison": ("report", "scenario"),
    "variant": ("variant", "name"),
    "verdict": ("variant", "verdict"),
    "as_expected": ("told", "as_expected"),
    "failure": ("failure", "code"),
    "baseline": ("told", "baseline"),
    "uncompressed_bytes": ("image", "uncompressed_size"),
    "uncompressed_delta_bytes": ("row", "uncompressed_delta"),
    "uncompressed_ratio": ("row", "uncompressed_ratio"),
    "compressed_bytes": ("image", "compressed_size"),
    "compressed_exact": ("image", "compressed_size_exact"),
    "compressed_delta_bytes": ("row", "compressed_delta"),
    "compressed_ratio": ("row", "compressed_ratio"),
    "base_bytes": ("image", "base_size"),
    "own_bytes": ("image", "own_size"),
    "shared_bytes": ("image", "shared_bytes"),
    "unique_bytes": ("image", "unique_bytes"),
    "wasted_bytes": ("image", "wasted_bytes"),
    "efficiency": ("image", "efficiency"),
    "files": ("image", "file_count"),
    "layers": ("image", "layer_count"),
    "build_s": ("build", "duration_s"),
    "build_steps": ("build", "step_count"),
    "cached_steps": ("build", "cached_step_count"),
    "ready_s": ("run", "ready_after_s"),
    "memory_bytes": ("run", "memory_bytes"),
    "stopped_s": ("run", "stopped_after_s"),
    "health": ("run", "health"),
    "status_code": ("check", "status_code"),
    "response_s": ("check", "response_time_s"),
    "image_id": ("image", "image_id"),
    "os": ("engine", "os"),
    "architecture": ("engine", "architecture"),
    "engine": ("engine", "name"),
    "engine_version": ("engine", "version"),
    "created": ("report", "created"),
    "measured_runs": ("told", "measured_runs"),
    "cached_build_s": ("build_s", "median"),
    **{
        f"{measure}_{column}_{unit}": (part, field)
        for measure, unit, part in _REPEATED
        for column, field in _SPREAD.items()
    },
    "packages": ("told", "packages"),
}
# A spreadsheet takes a text that begins like this for a formula, full-width signs included, and runs it.
_FORMULA = tuple("=+-@＝＋－＠")


def render(document: Document, context: RenderContext) -> str:  # noqa: ARG001 - data has no looks
    """Return a line of column names, and a line for each variant of each comparison."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for report in reports_of(document):
        writer.writerows(_rows(report))
    return out.getvalue()


def _rows(report: Report) -> Iterable[list[str]]:
    rows = {row.variant: row for row in report.comparison.rows}
    for variant in report.variants:
        again = dict(spreads(variant))
        parts = {
            "report": report,
            "engine": report.engine,
            "variant": variant,
            "told": {
                "as_expected": as_expected(variant),
                "baseline": variant.name == report.baseline,
                "measured_runs": len(ready.values) if (ready := again.get("ready_s")) else None,
                "packages": len(variant.image.packages.listed) if variant.image else None,
            },
            "row": rows.get(variant.name),
        }
        parts |= {name: getattr(variant, name) for name in ("image", "build", "run", "check", "failure")}
        parts |= again
        yield [_cell(_value(parts.get(part), field)) for part, field in _COLUMNS.values()]


def _value(part: object, field: str) -> object:
    return part[field] if isinstance(part, dict) else getattr(part, field, None)


def _cell(value: object) -> str:
    """A value as a cell: numbers as they are, and a text never as a formula (an apostrophe shows that it is text)."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, int | float):
        return "" if value is None else str(value)
    text = printable(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
