"""An attendee's folder: a copy of an exercise to work in, and how far it has come, kept in ``.exercise/``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from imgcompare.errors import UsageError
from imgcompare.model import Document
from imgcompare.reports.files import read_bounded, write_atomically
from imgcompare.text.printable import printable
from imgcompare.workshop.exercise import DOCKERFILE, HINTS, SOLUTION, TOML, Exercise, read_exercise

_KEPT = ".exercise"
_PROGRESS = "progress.json"
_REPORT = "report.json"
# Neither the solution nor the progress belong in an image, and a check must not change what a build sends.
_IGNORED = f"{_KEPT}\n.imgcompare\n**/__pycache__\n"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an attendee has come; ``smallest_size`` is of the smallest image that reached every goal, in bytes."""

    exercise: str
    hints: int = 0
    checks: int = 0
    solved: bool = False
    saw_solution: bool = False
    smallest_size: int | None = None


class Attempt(Struct, frozen=True):
    """A folder in which somebody works on an exercise."""

    folder: Path
    exercise: Exercise
    progress: Progress

    @property
    def dockerfile(self) -> Path:
        """The file to be mended."""
        return self.folder / DOCKERFILE

    def solution(self) -> str:
        """The text of a Dockerfile that reaches every goal."""
        return (self.folder / _KEPT / SOLUTION).read_text(encoding="utf-8")

    def hint(self) -> Attempt:
        """Take one hint more; the last stays the last."""
        return self._saved(hints=min(self.progress.hints + 1, HINTS))

    def apply_solution(self) -> Path:
        """Put the solution in the Dockerfile's place, and return where what was there is now."""
        kept = self.folder / f"{DOCKERFILE}.before"
        if self.dockerfile.exists():
            write_atomically(kept, self.dockerfile.read_text(encoding="utf-8", errors="surrogateescape"))
        write_atomically(self.dockerfile, self.solution())
        return kept

    def saw_solution(self) -> Attempt:
        """Note that the solution was shown."""
        return self._saved(saw_solution=True)

    def checked(self, document: Document, *, solved: bool, size: int | None) -> Attempt:
        """Note how a check ended, and keep its report."""
        write_atomically(self.folder / _KEPT / _REPORT, msgspec.json.encode(document).decode(), mode=0o600)
        known = [each for each in (self.progress.smallest_size, size if solved else None) if each is not None]
        return self._saved(
            checks=self.progress.checks + 1,
            solved=self.progress.solved or solved,
            smallest_size=min(known, default=None),
        )

    def _saved(self, **changes: object) -> Attempt:
        progress = replace(self.progress, **changes)
        write_atomically(self.folder / _KEPT / _PROGRESS, msgspec.json.encode(progress).decode())
        return Attempt(self.folder, self.exercise, progress)


def start(source: Path, folder: Path) -> Attempt:
    """Copy an exercise into a folder that is new or empty. Raises UsageError, and leaves nothing half-made."""
    exercise = read_exercise(source / TOML)
    app = (source / exercise.app).resolve()
    if not app.is_dir():
        raise UsageError(f"{source / TOML}: the app {exercise.app!r} is no folder")
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is there already, and not empty",
            hint=f"Name another folder: imgcompare exercise start {source.name} DIR",
        )
    # Made beside it and renamed: a folder that is there is whole.
    making = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        making.mkdir(parents=True)
        kept = making / _KEPT
        kept.mkdir()
        shutil.copytree(app, making / app.name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(source / DOCKERFILE, making / DOCKERFILE)
        for name in (TOML, SOLUTION):
            shutil.copyfile(source / name, kept / name)
        (making / ".dockerignore").write_text(_IGNORED, encoding="utf-8")
        progress = Progress(exercise=source.name)
        write_atomically(kept / _PROGRESS, msgspec.json.encode(progress).decode())
        _settle(making, folder)
    except OSError as exc:
        shutil.rmtree(making, ignore_errors=True)
        raise UsageError(
            f"cannot start {source.name} in {folder}: {_reason(exc)}",
            hint="Name another folder.",
        ) from exc
    return Attempt(folder, exercise, progress)


def _reason(error: OSError) -> str:
    """Why something could not be written; of a folder's many files, why the first could not."""
    if isinstance(error, shutil.Error):
        ((_, _, told), *_) = error.args[0]
        return printable(told, limit=300)
    return error.strerror or str(error)


def _settle(made: Path, folder: Path) -> None:
    """Put what was made in its place; a folder that is there stays the same one, for somebody may be in it."""
    if not folder.is_dir():
        made.rename(folder.absolute())
        return
    for path in made.iterdir():
        path.rename(folder / path.name)
    made.rmdir()


def open_attempt(folder: Path) -> Attempt:
    """Read a folder that ``start`` made. Raises UsageError for any other."""
    kept = folder / _KEPT
    if not (kept / _PROGRESS).is_file():
        raise UsageError(
            f"{folder} is no folder of an exercise",
            hint="`imgcompare exercise start NAME` makes one; go into it, or name it: imgcompare exercise check NAME",
        )
    exercise = read_exercise(kept / TOML)
    data = read_bounded(kept / _PROGRESS, "progress", "`imgcompare exercise start` makes one.")
    try:
        progress = msgspec.json.decode(data, type=Progress)
    except msgspec.MsgspecError as exc:
        raise UsageError(f"{kept / _PROGRESS} is damaged: {exc}", hint="Start the exercise in a new folder.") from exc
    return Attempt(folder, exercise, progress)


def solved_in(folder: Path, names: Iterable[str]) -> dict[str, bool]:
    """Return whether the exercises that were started in folders of their own names below one are solved."""
    found = {}
    for name in names:
        with suppress(UsageError):
            found[name] = open_attempt(folder / name).progress.solved
    return found
