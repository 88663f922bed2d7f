"""The saved runs of a folder, one after another: only what a trend needs is read of each, and old ones are pruned."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.model import Report, Verdict
from imgcompare.reports import files, store
from imgcompare.reports.head import is_collection

KEPT_RUNS = 50
"""How many saved runs a folder keeps: the newest."""


class PastVariant(Struct, frozen=True, kw_only=True):
    """A variant in an earlier run; sizes are null where it had no image."""

    name: str
    verdict: Verdict
    uncompressed_size: int | None = None
    compressed_size: int | None = None


class PastRun(Struct, frozen=True, kw_only=True):
    """One comparison of a saved run, ``run`` being its name for ``report`` and ``--against``."""

    run: str
    created: str
    comparison: str
    passed: bool
    variants: tuple[PastVariant, ...]


class History(Struct, frozen=True, kw_only=True):
    """Saved runs, oldest first; ``unreadable`` says of each file that is no report why not."""

    runs: tuple[PastRun, ...]
    unreadable: tuple[str, ...] = ()


class _Image(Struct):
    uncompressed_size: int
    compressed_size: int | None = None


class _Variant(Struct):
    name: str
    verdict: Verdict
    image: _Image | None = None


class _Report(Struct):
    created: str
    scenario: str
    passed: bool
    variants: tuple[_Variant, ...]


class _Collection(Struct):
    comparisons: tuple[_Report, ...]


def read_history(project: Path, limit: int) -> History:
    """Read the newest runs of a folder, at most so many. What cannot be read is named, and is no error."""
    runs: list[PastRun] = []
    unreadable = []
    for path in store.saved_runs(project)[-limit:]:
        try:
            runs += _read(path)
        except UsageError as exc:
            unreadable.append(exc.message)
    return History(runs=tuple(runs), unreadable=tuple(unreadable))


def prune(folder: Path) -> None:
    """Remove all but the newest runs; what is not named like a run and what cannot be removed stays."""
    for path in [path for path in store.runs_in(folder) if path.is_file() and not path.is_symlink()][:-KEPT_RUNS]:
        with suppress(OSError):
            path.unlink()


def past_of(report: Report | _Report, run: str = "") -> PastRun:
    """Return what a trend needs of a report."""
    return PastRun(
        run=run,
        created=report.created,
        comparison=report.scenario,
        passed=report.passed,
        variants=tuple(
            PastVariant(
                name=variant.name,
                verdict=variant.verdict,
                uncompressed_size=variant.image.uncompressed_size if variant.image else None,
                compressed_size=variant.image.compressed_size if variant.image else None,
            )
            for variant in report.variants
        ),
    )


def _read(path: Path) -> list[PastRun]:
    data = files.read_bounded(path, "report", "`imgcompare run` makes one.")
    try:
        if is_collection(path, data):
            reports = msgspec.json.decode(data, type=_Collection).comparisons
        else:
            reports = (msgspec.json.decode(data, type=_Report),)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"{path} is no whole report of imgcompare: {exc}") from exc
    return [past_of(report, path.stem) for report in reports]
