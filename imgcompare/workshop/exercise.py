"""What an exercise is: a folder with ``exercise.toml``, the Dockerfile to mend, and one that reaches every goal."""

from __future__ import annotations

from pathlib import Path

import msgspec

from imgcompare.comparison.limits import Limit, read_limits
from imgcompare.config.variants import check_name
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.errors import UsageError
from imgcompare.reports.files import read_bounded

TOML, DOCKERFILE, SOLUTION = "exercise.toml", "Dockerfile", "solution.Dockerfile"
HINTS = 3


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is reached when an exercise is solved, besides that the app works.

    Sizes are written as the options of ``run`` take them. ``keeps_cache``: a change of the app runs no RUN step again.
    ``without`` are codes of warnings that must be gone.
    """

    max_size: str = ""
    max_own_size: str = ""
    max_wasted: str = ""
    max_layers: str = ""
    non_root: bool = False
    stops_within: float | None = None
    healthy: bool = False
    hardened: bool = False
    keeps_cache: bool = False
    without: tuple[str, ...] = ()

    def limits(self) -> tuple[Limit, ...]:
        """The limits among the goals. Raises UsageError for one that cannot be read."""
        given = {
            "max-size": self.max_size,
            "max-own-size": self.max_own_size,
            "max-wasted": self.max_wasted,
            "max-layers": self.max_layers,
        }
        return read_limits({option: (text,) for option, text in given.items() if text})


class Exercise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exercise as its file says; ``order`` is its place in the list and ``shows`` are the codes it is about.

    ``app`` is a folder, from the exercise's own. The last of the three ``hints`` is a line of the Dockerfile.
    """

    title: str
    task: str
    app: str
    hints: tuple[str, str, str]
    goal: Goal
    order: int = 1000
    minutes: int = 10
    shows: tuple[str, ...] = ()
    route: str = "/"
    expect_body: str | None = "Hello, Docker!"
    timeout_s: float = 20.0


def read_exercise(path: Path) -> Exercise:
    """Read an exercise's file. Raises UsageError, which names the file and what is wrong in it."""
    data = read_bounded(path, "exercise", "`imgcompare exercise list` lists those there are.")
    try:
        exercise = msgspec.toml.decode(data, type=Exercise)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise _unusable(path, str(exc)) from exc
    try:
        exercise.goal.limits()
    except UsageError as exc:
        raise _unusable(path, exc.message) from exc
    for code in (*exercise.shows, *exercise.goal.without):
        if code not in EXPLANATIONS:
            raise _unusable(path, f"there is no code {code!r}")
    return exercise


def _unusable(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path}: {reason}", hint="docs/workshop.md tells what the file of an exercise holds.")


def read_folder(folder: Path) -> dict[str, Path]:
    """Return the exercises' folders below one, by name. Raises UsageError where there is none."""
    try:
        found = [each for each in folder.iterdir() if (each / TOML).is_file()]
    except OSError as exc:
        raise UsageError(f"cannot read the folder of exercises {folder}: {exc.strerror}") from exc
    if not found:
        raise UsageError(
            f"{folder} holds no exercise: no folder in it has a file {TOML}",
            hint="docs/workshop.md tells how to make one.",
        )
    return {check_name(f"the exercise {each}", each.name): each for each in found}
