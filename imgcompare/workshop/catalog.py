"""The exercises there are, in the order that teaches: the bundled ones, or those of a folder of one's own."""

from __future__ import annotations

import difflib
from pathlib import Path

from imgcompare.errors import UsageError
from imgcompare.scenarios import bundled_root
from imgcompare.workshop.exercise import TOML, Exercise, read_exercise, read_folder


def bundled() -> Path:
    """Return the folder of the bundled exercises."""
    return bundled_root() / "exercises"


def exercises(folder: Path | None = None) -> dict[str, Exercise]:
    """Return the exercises of a folder by name, by their ``order``; None stands for the bundled ones."""
    found = {name: read_exercise(path / TOML) for name, path in read_folder(folder or bundled()).items()}
    return dict(sorted(found.items(), key=lambda each: (each[1].order, each[0])))


def find_exercise(name: str, folder: Path | None = None) -> Path:
    """Return an exercise's folder. Raises UsageError, with the nearest name as the hint, if there is none."""
    there = read_folder(folder or bundled())
    if name in there:
        return there[name]
    nearest = difflib.get_close_matches(name, there, n=1)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UsageError(f"there is no exercise {name!r}", hint=f"{question}`imgcompare exercise list` lists them.")


def showing(code: str) -> tuple[str, ...]:
    """Return the names of the bundled exercises that show a code of a failure or warning."""
    return tuple(name for name, exercise in exercises().items() if code in exercise.shows)


def after(name: str) -> str | None:
    """Return the bundled exercise that comes after one; None after the last, and where there is none of that name."""
    names = list(exercises())
    place = names.index(name) + 1 if name in names else len(names)
    return names[place] if place < len(names) else None
