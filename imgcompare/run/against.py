"""What ``--against`` names, read: a baseline file, a report, a saved run, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from imgcompare.comparison.baseline import (
    Stored,
    stored_image,
)
from imgcompare.comparison.baseline_file import _UPDATE, _begins_json, _of_file, comparisons_of
from imgcompare.config.model import Config
from imgcompare.console.progress import Progress
from imgcompare.errors import UsageError
from imgcompare.reports import store
from imgcompare.run.opening import Connection
from imgcompare.text.printable import printable

_FILES = {".json", ".toml"}


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
    from imgcompare.run.load_images import load_images  # noqa: PLC0415 - what builds and reads images is needed only here

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
