"""The warnings of variants that work as a table's columns and cells, built once: plain data that every format draws."""

from __future__ import annotations

from collections.abc import Iterator

from imgcompare.model import Report, Variant, Verdict
from imgcompare.render.cells.grid import Cell, Column, Grid, variant_name
from imgcompare.text.printable import printable

_COLUMNS = (
    Column(key="warning", title="Warning"),
    Column(key="variants", title="Variant"),
    Column(key="message", title=""),
)


def build_warnings(report: Report) -> Grid:
    """Return a row for each thing to be said, naming all variants of which it is; without any there is no row."""
    told: dict[tuple[str, str], list[str]] = {}
    for variant in report.variants:
        if variant.verdict is Verdict.WORKS:
            for code, message in _told(variant):
                told.setdefault((code, message), []).append(variant_name(variant.name))
    rows = (
        (
            Cell(text=printable(code, limit=40)),
            Cell(text=", ".join(names)),
            Cell(text=printable(message), tone="dim"),
        )
        for (code, message), names in told.items()
    )
    return Grid(_COLUMNS, tuple(rows))


def _told(variant: Variant) -> Iterator[tuple[str, str]]:
    """The codes and sentences: what hurts later, and what keeps it from running hardened."""
    yield from ((caution.code, caution.message) for caution in variant.warnings)
    if variant.hardened and variant.hardened.failure:
        yield variant.hardened.failure.code, f"Hardened: {variant.hardened.failure.message}"
