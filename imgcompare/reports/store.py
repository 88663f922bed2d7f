"""Report ⇄ versioned JSON: saved atomically in the project's folder, loaded with limits and named errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from imgcompare.errors import UsageError
from imgcompare.model import Collection, Document, Report
from imgcompare.reports.files import check_writable, read_bounded, write_atomically
from imgcompare.reports.head import is_collection
from imgcompare.reports.run_id import RUN_ID
from imgcompare.text.as_json import as_json

_RUNS = Path(".imgcompare") / "runs"


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


def save(document: Document, folder: Path, run_id: str) -> Path:
    """Save a report or a collection, over an earlier state of the same run; its logs are for its owner's eyes."""
    path = folder / f"{run_id}.json"
    write_atomically(path, _pieces(document), mode=0o600)
    return path


def _pieces(document: Document) -> Iterator[bytes]:
    """Its JSON, a variant at a time: of a hundred no more is in memory than of one."""
    members: Iterable[Iterable[bytes]]
    if isinstance(document, Report):
        key, rest = b'"variants":[', as_json(replace(document, variants=()))
        members = ((as_json(variant),) for variant in document.variants)
    else:
        key, rest = b'"comparisons":[', as_json(replace(document, comparisons=()))
        members = map(_pieces, document.comparisons)
    before, _, after = rest.partition(key)
    yield before + key
    for number, member in enumerate(members):
        yield b"," if number else b""
        yield from member
    yield after


def load(path: Path) -> Document:
    """Read a report back, or a collection. Raises UsageError for what is missing, damaged, too large or newer."""
    data = read_bounded(path, "report", "`imgcompare run` makes one.")
    try:
        if is_collection(path, data):
            return msgspec.json.decode(data, type=Collection)
        return msgspec.json.decode(data, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(
            f"{path} is no whole report of imgcompare: {exc}",
            hint="The file was left as it is; `imgcompare run` makes a new one.",
        ) from exc


def reports_of(document: Document) -> tuple[Report, ...]:
    """Return the comparisons of a document: its one, or those that were put together."""
    return document.comparisons if isinstance(document, Collection) else (document,)


def saved_runs(project: Path) -> list[Path]:
    """Return the saved reports of runs started in ``project``, oldest first."""
    return runs_in(runs_folder(project))


def runs_in(folder: Path) -> list[Path]:
    """Return what a runs folder has, oldest first; what is not named like a run is not ours."""
    return sorted(path for path in folder.glob("*.json") if RUN_ID.fullmatch(path.stem))


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


def newest_comparison(project: Path) -> Path | None:
    """Find the newest saved run that is no shrinking, whose candidates are of that run alone; None if there is none."""
    newest_first = reversed(saved_runs(project))
    return next((path for path in newest_first if not any(one.shrunk for one in reports_of(load(path)))), None)
