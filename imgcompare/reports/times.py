"""How long the comparisons of an earlier run took: of a report only what says that is read."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.reports import files
from imgcompare.reports.head import is_collection


class _Timed(Struct):
    scenario: str
    duration_s: float | None = None


class _Several(Struct):
    comparisons: tuple[_Timed, ...]


def measured_times(path: Path) -> dict[str, float]:
    """Return the seconds that each comparison of a report took, by name, where it was measured. Raises UsageError."""
    data = files.read_bounded(path, "report", "`imgcompare merge` writes one: -o report.json")
    try:
        if is_collection(path, data):
            reports = msgspec.json.decode(data, type=_Several).comparisons
        else:
            reports = (msgspec.json.decode(data, type=_Timed),)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"{path} is no whole report of imgcompare: {exc}", hint="Leave --times out.") from exc
    return {report.scenario: report.duration_s for report in reports if report.duration_s is not None}
