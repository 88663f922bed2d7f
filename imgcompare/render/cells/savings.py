"""Pure: what an image could be without, as cells: the bytes, where they are from, and what they are."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.model import Image, Report, Saving, SavingKind, Verdict
from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.text.printable import printable, verbatim
from imgcompare.text.units import format_bytes

_MOST = 3
_MOST_WORTH = 6
# What ``imgcompare shrink`` would not write a file for is not worth its name.
_WORTH = 0.03
_TOLD = frozenset((SavingKind.BYTECODE, SavingKind.TESTS, SavingKind.DOCUMENTATION))
_WORDS = {
    SavingKind.FULL_BASE: "build tools of the base image: its slim variant has none",
    SavingKind.BUILD_TOOLS: "build tools and headers, left behind",
    SavingKind.PACKAGE_LISTS: "package lists, left behind",
    SavingKind.DOWNLOAD_CACHES: "download caches, left behind",
    SavingKind.DELETED_LATER: "files of layers below, deleted or written anew here",
    SavingKind.UNWANTED_FILES: "copied though nobody wants it",
    SavingKind.BYTECODE: "bytecode (of use, so only told)",
    SavingKind.TESTS: "tests inside packages (only told)",
    SavingKind.DOCUMENTATION: "documentation and translations (only told)",
}


def build_savings(savings: Sequence[Saving]) -> Grid:
    """A row for each saving: bytes, Dockerfile line, what it is."""
    columns = (
        Column(key="bytes", title="", right=True),
        Column(key="from", title="", rank=1),
        Column(key="what", title=""),
    )
    rows = tuple(
        (Cell(text=format_bytes(one.saved_bytes)), Cell(text=_origin(one), tone="dim"), Cell(text=words(one)))
        for one in savings
    )
    return Grid(columns, rows)


def words(saving: Saving) -> str:
    """What a saving is, in words; of files that nobody wants the lines for .dockerignore."""
    told = _WORDS[saving.kind]
    folders = ", ".join(printable(folder, limit=60) for folder in saving.folders[:5])
    return f"{told}: {folders} (lines for .dockerignore)" if folders else told


def told_savings(savings: Sequence[Saving]) -> tuple[str, ...]:
    """The savings as lines: ``85.2 MB · line 5 · package lists, left behind``."""
    return tuple(" · ".join(filter(None, (format_bytes(one.saved_bytes), _origin(one), words(one)))) for one in savings)


def greatest(report: Report) -> tuple[Saving, ...]:
    """The three greatest of a lone Dockerfile's image that works, of those that ``imgcompare shrink`` can take away."""
    if len(report.variants) != 1 or report.shrunk is not None:
        return ()
    (variant,) = report.variants
    if variant.verdict is not Verdict.WORKS or variant.source.dockerfile is None or variant.image is None:
        return ()
    found = takeable(variant.image)
    if not variant.shrink:
        return ()
    enough = sum(one.saved_bytes for one in found) >= _WORTH * variant.image.uncompressed_size
    return found[:_MOST] if enough else ()


def worth(report: Report) -> tuple[Saving, ...]:
    """What each habit of the original was worth, where a report is of shrinking."""
    original = next((one.image for one in report.variants if one.name == report.baseline), None)
    return takeable(original)[:_MOST_WORTH] if report.shrunk and original else ()


def takeable(image: Image) -> tuple[Saving, ...]:
    """The savings that can be had without taking anything that is of use."""
    return tuple(one for one in image.savings if one.kind not in _TOLD)


def command(report: Report) -> str:
    """What makes the smaller one, built and asked as this one was."""
    return verbatim(report.variants[0].shrink)


def _origin(saving: Saving) -> str:
    if saving.dockerfile_line is not None:
        return f"line {saving.dockerfile_line}"
    return f"layer {saving.layer}" if saving.layer else "FROM"
