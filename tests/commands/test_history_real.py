"""The history of a folder in which real runs were made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imgcompare.reports.history import KEPT_RUNS
from imgcompare.reports.store import prepare

if TYPE_CHECKING:
    from tests.support.projects import Project


def test_runs_are_listed_compared_and_pruned(project: Project) -> None:
    """A new run is the newest of the list and its trend, and pushes the oldest out; nothing else in the folder goes."""
    folder = prepare(project.folder)
    assert project("history").stdout == "Nothing was run here yet: `imgcompare run`.\n"
    variants = project.stages("works")
    first = project("run", *variants, "--json")
    (path,) = folder.glob("*.json")
    for number in range(KEPT_RUNS):
        (folder / f"20200101T000000{number:03}-abcdef.json").write_bytes(path.read_bytes())
    (folder / "notes.json").write_text("mine")
    assert project("run", *variants, "--against", path.stem, "--max-growth", "0%").code == 0, first.stderr
    left = sorted(file.stem for file in folder.glob("2*.json"))
    assert (len(left), left[0], path.stem in left) == (KEPT_RUNS, "20200101T000000002-abcdef", True)
    assert (folder / "notes.json").read_text() == "mine"
    shown = project("history", "--limit", "3")
    assert shown.code == 0, shown.stderr
    assert f"\n{left[-1].partition('-')[0]}" in shown.stdout
    assert "notes" not in shown.stdout
    told = json.loads(project("history", "--limit", "3", "--json").stdout)
    size = first.report["variants"][0]["image"]["uncompressed_size"]
    assert [run["run"] for run in told["runs"]] == left[-3:]
    assert {run["variants"][0]["uncompressed_size"] for run in told["runs"]} == {size}
