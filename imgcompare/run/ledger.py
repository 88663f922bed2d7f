"""What each run makes, written down before it exists, so that a run that died can be cleaned up after, and only that.

One file a run under the user's state folder, a JSON line for each object. A living run holds a lock on its file; the
kernel lets go of it when the process ends, however it ends. So *lock free* means *proven dead on this host*: no age, no
process id that could have been given to somebody else, no clock.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from imgcompare.errors import UsageError

CONTAINER = "container"
IMAGE = "image"
GROUP = "group"


class Made(Struct, frozen=True):
    """One object a run made: its kind, its name or tag, the engine's identity, and whether it was meant to stay.

    ``gone`` says that the run has removed it again.
    """

    kind: str
    name: str
    engine: str
    endpoint: str
    kept: bool = False
    gone: bool = False


class Ledger:
    """The open ledger of this run; thread-safe because each line is one ``write`` in append mode."""

    def __init__(self, folder: Path, run_id: str, *, engine: str, endpoint: str) -> None:
        self.run_id = run_id
        self._engine = engine
        self._endpoint = endpoint
        self._path = folder / f"{run_id}.jsonl"
        self._removed: dict[str, None] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = _create_locked(self._path)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def record(self, kind: str, name: str, *, kept: bool = False) -> None:
        """Write one object down; on disk before the caller makes the object."""
        self._removed.pop(name, None)
        line = self._line(kind, name, kept=kept)
        try:
            written = os.write(self._fd, line)
        except OSError as exc:
            raise self._unwritable(exc) from exc
        if written < len(line):
            raise self._unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    @property
    def lock(self) -> int:
        """The descriptor that holds the lock: a process that inherits it keeps this run from counting as ended."""
        return self._fd

    def removed(self, name: str) -> None:
        """Note that an object is gone again; for others that is written down at the end, until then they look."""
        self._removed[name] = None

    def made(self) -> list[Made]:
        """Everything recorded so far that is not gone again."""
        return [made for made in _read(self._path) if made.name not in self._removed]

    def close(self, *, left: bool) -> None:
        """End the run: the file goes unless something recorded in it is ``left`` on the engine."""
        if not left:
            self._path.unlink(missing_ok=True)
        elif self._removed:
            kinds = {made.name: made.kind for made in _read(self._path)}
            with suppress(OSError):  # whoever cleans up looks for what is gone, too
                os.write(self._fd, b"".join(self._line(kinds[name], name, gone=True) for name in self._removed))
        os.close(self._fd)

    def _line(self, kind: str, name: str, *, kept: bool = False, gone: bool = False) -> bytes:
        return msgspec.json.encode(Made(kind, name, self._engine, self._endpoint, kept, gone)) + b"\n"

    def _unwritable(self, exc: OSError) -> UsageError:
        return UsageError(
            f"cannot write down what this run makes in {self._path.parent}: {exc.strerror}",
            hint="Point XDG_STATE_HOME at a folder that can be written and has space.",
        )


class EndedRun(Struct, frozen=True):
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


def names_in_use(folder: Path, engine: str, ended: Iterable[EndedRun]) -> frozenset[str]:
    """Names that runs under way on this engine wrote down: runs of one project share their tags."""
    known = {run.path for run in ended}
    living = (path for path in folder.glob("*.jsonl") if path not in known)
    return frozenset(made.name for path in living for made in _read(path) if made.engine == engine)


def _create_locked(path: Path) -> int:
    """Create a ledger that nobody ever sees unlocked: locked under another name first, then renamed."""
    unlocked = path.with_suffix(".new")
    fd = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(path)
    except OSError:
        unlocked.unlink(missing_ok=True)
        os.close(fd)
        raise
    return fd


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
    """Read the whole lines of a ledger, but for what is gone; the last may be half-written by one that was killed."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    made: list[Made] = []
    gone: set[str] = set()
    for line in reversed(lines):
        try:
            entry = msgspec.json.decode(line, type=Made)
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            continue
        if entry.gone:
            gone.add(entry.name)
        elif entry.name not in gone:
            made.append(entry)
    return made[::-1]
