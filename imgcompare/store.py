"""Report ⇄ versioned JSON: saved atomically in the project's folder, loaded with limits and named errors."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from imgcompare.errors import UsageError
from imgcompare.model import SCHEMA_VERSION, Collection, Document, Report

REPORT_LIMIT_BYTES = 256 << 20
_RUNS = Path(".imgcompare") / "runs"
# As session names them: the time in UTC to the millisecond, and six random hexadecimal digits.
_RUN = re.compile(r"[0-9]{8}T[0-9]{9}-[0-9a-f]{6}\.json", re.ASCII)


class _Head(msgspec.Struct):
    schema_version: int
    comparisons: msgspec.Raw = msgspec.Raw()


def runs_folder(project: Path) -> Path:
    """Where the reports of runs started in ``project`` are kept."""
    return project / _RUNS


def prepare(project: Path) -> Path:
    """Make the runs folder before anything is built. Raises UsageError when it cannot be written."""
    folder = runs_folder(project)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# Saved by imgcompare; safe to delete.\n*\n", encoding="utf-8")
    except OSError as exc:
        raise UsageError(
            f"cannot save the report in {folder}: {exc.strerror}",
            hint="Run it from a folder that can be written, or name a file: -o report.json --json",
        ) from exc
    check_writable(folder / "report.json")
    return folder


def check_writable(path: Path) -> None:
    """Find out, before building, that ``path`` can be written. Raises UsageError; leaves nothing behind."""
    import tempfile  # noqa: PLC0415 - it takes a while to import, and showing a report writes nothing

    try:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder", hint="Name a file.")
        if not _is_special(path):
            with tempfile.TemporaryFile(dir=_target(path).parent):
                pass
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as exc:
        raise UsageError(
            f"cannot write {path}: {exc.strerror}", hint="Name a file in a folder that can be written."
        ) from exc


def write_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a whole file or nothing: a temporary file in the same folder, on disk, then renamed over ``path``.

    A link stays one, and its target is written; a device or a pipe is written to, never replaced. A new file gets
    ``mode`` less the umask; what is there keeps its own. Raises UsageError.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_special(path):
            path.write_bytes(data)
        else:
            _replace(_target(path), data, mode)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Free some space, or name another file.") from exc


def append(path: Path, text: str) -> None:
    """Add text to the end of a file that others write as well. Raises UsageError."""
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Free some space.") from exc


def _is_special(path: Path) -> bool:
    """Say whether there is something at ``path`` that is no plain file: renaming over ``/dev/null`` would end it."""
    return path.exists() and not path.is_file()


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, no error for links that go round in a circle


def _replace(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f".imgcompare-{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            with suppress(OSError):  # nothing is there, or a link that leads round in a circle
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save(document: Document, folder: Path, run_id: str) -> Path:
    """Save a report or a collection, over an earlier state of the same run; its logs are for its owner's eyes."""
    path = folder / f"{run_id}.json"
    write_atomically(path, msgspec.json.encode(document).decode(), mode=0o600)
    return path


def load(path: Path) -> Document:
    """Read a report back, or a collection. Raises UsageError for what is missing, damaged, too large or newer."""
    data = read_bounded(path, "report", "`imgcompare run` makes one.")
    try:
        head = msgspec.json.decode(data, type=_Head)
        if not 1 <= head.schema_version <= SCHEMA_VERSION:
            raise UsageError(
                f"{path} has schema_version {head.schema_version}; this imgcompare reads 1 to {SCHEMA_VERSION}",
                hint="Update imgcompare, or make the report again: imgcompare run",
            )
        if bytes(head.comparisons):
            return msgspec.json.decode(data, type=Collection)
        return msgspec.json.decode(data, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(
            f"{path} is no whole report of imgcompare: {exc}",
            hint="The file was left as it is; `imgcompare run` makes a new one.",
        ) from exc


def read_bounded(path: Path, what: str, hint: str) -> bytes:
    """Read a file that is called ``what`` in messages. Raises UsageError where it cannot be read or is too large."""
    try:
        if path.stat().st_size > REPORT_LIMIT_BYTES:
            raise UsageError(f"{path} is larger than a {what} can be ({REPORT_LIMIT_BYTES >> 20} MiB)")
        return path.read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read the {what} {path}: {exc.strerror}", hint=hint) from exc


def reports_of(document: Document) -> tuple[Report, ...]:
    """Return the comparisons of a document: its one, or those that were put together."""
    return document.comparisons if isinstance(document, Collection) else (document,)


def saved_runs(project: Path) -> list[Path]:
    """Return the saved reports of runs started in ``project``, oldest first."""
    return runs_in(runs_folder(project))


def runs_in(folder: Path) -> list[Path]:
    """Return what a runs folder has, oldest first; what is not named like a run is not ours."""
    return sorted(path for path in folder.glob("*.json") if _RUN.fullmatch(path.name))


def find(project: Path, wanted: str | None) -> Path | None:
    """Find a saved report: a file, a run's name or its beginning, or the newest for None; None if nothing is saved."""
    saved = saved_runs(project)
    if wanted is None:
        return saved[-1] if saved else None
    with suppress(OSError):  # a name too long for a file, or in a folder that may not be searched
        if Path(wanted).is_file():
            return Path(wanted)
    matching = [path for path in saved if path.stem.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(path.stem for path in (matching or saved)[-5:]) or "none"
    what = "names several saved runs" if matching else "is neither a file nor a saved run"
    raise UsageError(f"{wanted!r} {what}", hint=f"Saved runs here: {names}.")
