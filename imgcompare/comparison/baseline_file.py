"""Baseline files, read: what is missing, damaged, newer or something else is told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from imgcompare.comparison.baseline import (
    BASELINE_VERSION,
    Baseline,
    StoredComparison,
    stored_comparison,
)
from imgcompare.errors import UsageError
from imgcompare.model import Document
from imgcompare.reports import files, store
from imgcompare.reports.head import is_document

DEFAULT_FILE = Path("imgcompare.baseline.json")


_UPDATE = "`imgcompare baseline update` writes one from the newest run."


class _Head(msgspec.Struct):
    baseline_version: int | None = None


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file. Raises UsageError for what is missing, damaged, newer or something else."""
    data = files.read_bounded(path, "baseline", _UPDATE)
    hint = f"The file was left as it is. Get it back from version control, or remove it: {_UPDATE}"
    try:
        version = msgspec.json.decode(data, type=_Head).baseline_version
        if version is None:
            raise UsageError(f"{path} is no baseline of imgcompare: it has no baseline_version", hint=hint)
        if not 1 <= version <= BASELINE_VERSION:
            raise UsageError(
                f"{path} has baseline_version {version}; this imgcompare reads 1 to {BASELINE_VERSION}",
                hint="Update imgcompare.",
            )
        return msgspec.json.decode(data, type=Baseline)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"{path} is no whole baseline of imgcompare: {exc}", hint=hint) from exc


def _begins_json(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip().startswith(b"{")


def _of_file(path: Path) -> dict[str, StoredComparison]:
    """The comparisons of a baseline file or a report; what is neither is called a damaged baseline."""
    data = files.read_bounded(path, "baseline", _UPDATE)
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if is_document(data):
            return comparisons_of(store.load(path))
    return read_baseline(path).comparisons


def comparisons_of(document: Document) -> dict[str, StoredComparison]:
    """Return what is kept of each comparison of a document."""
    return {report.scenario: stored_comparison(report) for report in store.reports_of(document)}
