"""Whose runs are whose on the engine that all processes of a test run share: each project's home has its ledgers."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = "IMGCOMPARE_TESTS_SHARED"
"""The variable that names the folder which the processes of one test run share."""


def note(home: Path) -> None:
    """Write down that runs have their ledgers in this home."""
    with _noted().open("a", encoding="utf-8") as file:
        file.write(f"{home}\n")


def runs_of_others(home: Path) -> set[str]:
    """The ids of the runs, under way or ended, that have a ledger in any other home."""
    homes = {Path(line) for line in _noted().read_text(encoding="utf-8").splitlines()} - {home}
    return {path.stem for other in homes for path in other.glob(".local/state/imgcompare/runs/*")}


def _noted() -> Path:
    return Path(os.environ[SHARED]) / "homes"
