"""What ``--against`` names, read: a baseline file, a report, a saved run, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from imgcompare import store
from imgcompare.baseline import (
    BASELINE_VERSION,
    Baseline,
    Stored,
    StoredComparison,
    stored_comparison,
    stored_image,
)
from imgcompare.config import Config
from imgcompare.errors import UsageError
from imgcompare.model import Document
from imgcompare.progress import Progress
from imgcompare.safetext import printable
from imgcompare.session import Connection

DEFAULT_FILE = Path("imgcompare.baseline.json")
_UPDATE = "`imgcompare baseline update` writes one from the newest run."
_FILES = {".json", ".toml"}


class _Head(msgspec.Struct):
    baseline_version: int | None = None
    schema_version: int | None = None


def find_stored(
    text: str, project: Path, connection: Connection, progress: Progress, *, platform: str | None = None
) -> Stored:
    """Find what a text names: a file, a saved run by its name or its beginning, or an image as `diff` takes it.

    Raises UsageError for what is nothing of that, and what reading an image raises.
    """
    path = Path(text)
    with suppress(OSError, ValueError):  # a name too long for a file is none
        if path.is_file() and _begins_json(path):
            return Stored(source=text, comparisons=_of_file(path))
    if text and any(run.stem.startswith(text) for run in store.saved_runs(project)):
        run = store.find(project, text)
        assert run is not None  # noqa: S101 - one was named
        return Stored(source=f"run {run.stem}", comparisons=comparisons_of(store.load(run)))
    if not text or path.suffix in _FILES:
        raise UsageError(f"cannot compare with {printable(text, limit=200)!r}: there is no such file", hint=_UPDATE)
    from imgcompare.images import load_images  # noqa: PLC0415 - what builds and reads images is needed only here

    (loaded,) = load_images((text,), project, connection, progress, platform=platform)
    return Stored(source=text, comparisons={}, image=stored_image(loaded.image))


def with_stored(configs: Sequence[Config], project: Path, connection: Connection, progress: Progress) -> list[Config]:
    """Return comparisons with what they are to be held against, each such thing read once. Raises as find_stored."""
    found: dict[tuple[str, str | None], Stored] = {}
    for config in configs:
        if config.against is not None and (config.against, config.platform) not in found:
            found[config.against, config.platform] = find_stored(
                config.against, project, connection, progress, platform=config.platform
            )
    return [
        config if config.against is None else replace(config, stored=found[config.against, config.platform])
        for config in configs
    ]


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file. Raises UsageError for what is missing, damaged, newer or something else."""
    data = store.read_bounded(path, "baseline", _UPDATE)
    hint = f"The file was left as it is. Get it back from version control, or remove it: {_UPDATE}"
    try:
        version = msgspec.json.decode(data, type=_Head).baseline_version
        if version is None:
            raise UsageError(f"{path} is no baseline of imgcompare: it has no baseline_version", hint=hint)
        if not 1 <= version <= BASELINE_VERSION:
            raise UsageError(
                f"{path} has baseline_version {version}; this imgcompare reads 1 to {BASELINE_VERSION}",
                hint="Update imgcompare.",
            )
        return msgspec.json.decode(data, type=Baseline)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"{path} is no whole baseline of imgcompare: {exc}", hint=hint) from exc


def _begins_json(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip().startswith(b"{")


def _of_file(path: Path) -> dict[str, StoredComparison]:
    """The comparisons of a baseline file or a report; what is neither is called a damaged baseline."""
    data = store.read_bounded(path, "baseline", _UPDATE)
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if msgspec.json.decode(data, type=_Head).schema_version is not None:
            return comparisons_of(store.load(path))
    return read_baseline(path).comparisons


def comparisons_of(document: Document) -> dict[str, StoredComparison]:
    """Return what is kept of each comparison of a document."""
    return {report.scenario: stored_comparison(report) for report in store.reports_of(document)}
