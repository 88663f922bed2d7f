"""Saved runs as a series: read without what a trend does not need, and pruned without touching anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgcompare.model import Report, Verdict
from imgcompare.reports.collection import collect
from imgcompare.reports.history import KEPT_RUNS, PastRun, PastVariant, prune, read_history
from imgcompare.reports.store import prepare, runs_folder, save
from tests.support.reports import report, variant


def name(number: int) -> str:
    """The name of a run; a later one has a greater number."""
    return f"20260101T000000{number:03}-abcdef"


def keep(project: Path, number: int, *reports: Report) -> Path:
    """Save a report, or several as a collection."""
    document = reports[0] if len(reports) == 1 else collect(reports, created=reports[0].created)
    return save(document, prepare(project), name(number))


def past(number: int, size: int, comparison: str = "default") -> PastRun:
    """A run of one variant that works."""
    slim = PastVariant(name="slim", verdict=Verdict.WORKS, uncompressed_size=size)
    return PastRun(
        run=name(number), created="2025-11-21T08:00:00Z", comparison=comparison, passed=True, variants=(slim,)
    )


def test_runs_come_oldest_first_and_the_newest_so_many(tmp_path: Path) -> None:
    """A collection is a run of each of its comparisons."""
    keep(tmp_path, 1, report(variant("slim", 1)))
    keep(tmp_path, 2, report(variant("slim", 2)), report(variant("slim", 3), scenario="shop"))
    keep(tmp_path, 3, report(variant("slim", 4)))
    everything = (past(1, 1), past(2, 2), past(2, 3, "shop"), past(3, 4))
    assert read_history(tmp_path, 9).runs == everything
    assert read_history(tmp_path, 2).runs == everything[1:]
    assert read_history(tmp_path / "nowhere", 2).runs == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"schema_version": 2, "created": "", "scenario": "", "passed": true, "variants": []}',
        b'{"schema_version": 1}',
        b'{"schema_version": 1, "comparisons": [{}]}',
    ],
)
def test_what_cannot_be_read_is_named_and_passed_over(tmp_path: Path, content: bytes) -> None:
    """A run that was damaged keeps nobody from seeing the others, and stays as it is."""
    keep(tmp_path, 1, report(variant("slim", 1)))
    damaged = runs_folder(tmp_path) / f"{name(2)}.json"
    damaged.write_bytes(content)
    folder = runs_folder(tmp_path) / f"{name(3)}.json"
    folder.mkdir()
    (runs_folder(tmp_path) / "not-a-run.json").write_text("{}")
    found = read_history(tmp_path, 9)
    assert found.runs == (past(1, 1),)
    assert len(found.unreadable) == 2
    assert all(str(path) in text for path, text in zip((damaged, folder), found.unreadable, strict=True))
    assert damaged.read_bytes() == content


def test_reports_of_later_versions_with_more_in_them_are_read(tmp_path: Path) -> None:
    """Fields that this version does not know are no reason to lose a point of the trend."""
    path = keep(tmp_path, 1, report(variant("slim", 1)))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"more": [1, 2]}))
    assert read_history(tmp_path, 1).runs == (past(1, 1),)


def test_only_runs_are_pruned_and_only_the_oldest(tmp_path: Path) -> None:
    """What a user put there, whatever it looks like, and what a link points to, stays."""
    folder = prepare(tmp_path)
    elsewhere = tmp_path / "elsewhere.json"
    foreign = ["notes.json", "20200101.json", f"{name(1)}.txt", f"{name(1)}.json.bak", f"x{name(1)}.json", "README"]
    for file in foreign:
        (folder / file).write_text("mine")
    elsewhere.write_text("mine")
    (folder / f"{name(0)}.json").symlink_to(elsewhere)
    (folder / f"20190101T000000000-{'a' * 6}.json").mkdir()
    for number in range(1, KEPT_RUNS + 3):
        (folder / f"{name(number)}.json").write_text("{}")
    prune(folder)
    left = {path.name for path in folder.iterdir()}
    assert left >= {*foreign, f"{name(0)}.json", f"20190101T000000000-{'a' * 6}.json"}
    assert [number for number in range(1, KEPT_RUNS + 3) if f"{name(number)}.json" not in left] == [1, 2]
    prune(folder / "nowhere")
