"""What each run makes, written down before it exists, so that a run that died can be cleaned up after, and only that.

One file a run under the user's state folder, a JSON line for each object. A living run holds a lock on its file; the
kernel lets go of it when the process ends, however it ends. So *lock free* means *proven dead on this host*: no age, no
process id that could have been given to somebody else, no clock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imgcompare.errors import UsageError

CONTAINER = "container"
IMAGE = "image"


@dataclass(frozen=True)
class Made:
    """One object a run made: its kind, its name or tag, the engine's identity, and whether it was meant to stay."""

    kind: str
    name: str
    engine: str
    endpoint: str
    kept: bool = False


class Ledger:
    """The open ledger of this run; thread-safe because each line is one ``write`` in append mode."""

    def __init__(self, folder: Path, run_id: str, *, engine: str, endpoint: str) -> None:
        self.run_id = run_id
        self._engine = engine
        self._endpoint = endpoint
        self._path = folder / f"{run_id}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise UsageError(
                f"cannot write down what this run makes in {folder}: {exc.strerror}",
                hint="Point XDG_STATE_HOME at a folder that can be written.",
            ) from exc
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def record(self, kind: str, name: str, *, kept: bool = False) -> None:
        """Write one object down; on disk before the caller makes the object."""
        entry = {"kind": kind, "name": name, "engine": self._engine, "endpoint": self._endpoint, "kept": kept}
        os.write(self._fd, json.dumps(entry).encode() + b"\n")

    def made(self) -> list[Made]:
        """Everything recorded so far."""
        return _read(self._path)

    def close(self, *, left: bool) -> None:
        """End the run: the file goes unless something recorded in it is ``left`` on the engine."""
        if not left:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)


@dataclass(frozen=True)
class EndedRun:
    """The ledger of a run whose process has ended; removed with ``forget`` once nothing of it is left."""

    run_id: str
    made: tuple[Made, ...]
    path: Path

    def forget(self) -> None:
        """Delete the ledger."""
        self.path.unlink(missing_ok=True)


@contextmanager
def ended_runs(folder: Path) -> Iterator[list[EndedRun]]:
    """Yield the ledgers of ended runs, locked meanwhile so that two cleaners never work on the same one."""
    locks: list[int] = []
    runs: list[EndedRun] = []
    try:
        for path in sorted(folder.glob("*.jsonl")):
            fd = _try_lock(path)
            if fd is not None:
                locks.append(fd)
                runs.append(EndedRun(path.stem, tuple(_read(path)), path))
        yield runs
    finally:
        for fd in locks:
            os.close(fd)


def _try_lock(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def _read(path: Path) -> list[Made]:
    """Read the whole lines of a ledger; the last one may be half-written by a process that was killed."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    made = []
    for line in lines:
        try:
            made.append(Made(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return made
