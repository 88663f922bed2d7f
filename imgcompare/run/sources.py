"""What a run is made from, on disk: its settings, Dockerfiles and contexts, and what of these has changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from imgcompare.config.model import Config
from imgcompare.engine.build.context import open_context
from imgcompare.engine.build.walk import Selection, walk
from imgcompare.errors import UsageError

State: TypeAlias = Mapping[str, tuple[int, ...]]
"""Each path as it was seen; what is not there has nothing."""


class Sources(Struct, frozen=True):
    """``files`` count for themselves, ``contexts`` (folder and Dockerfile) for what COPY can see of them.

    What is at or below ``written`` is left by runs themselves.
    """

    files: tuple[Path, ...]
    contexts: tuple[tuple[Path, Path], ...] = ()
    written: tuple[str, ...] = ()


def sources_of(configs: Iterable[Config], settings: Iterable[Path], saved: Path) -> Sources:
    """Return what comparisons are made from; ``settings`` are the files that say so, ``saved`` is where runs go."""
    configs = tuple(configs)
    contexts = {
        (config.context, spec.dockerfile): None for config in configs for spec in config.variants if spec.dockerfile
    }
    composed = [config.compose.file for config in configs if config.compose]
    return Sources(
        files=tuple(dict.fromkeys((*settings, *composed, *(dockerfile for _, dockerfile in contexts)))),
        contexts=tuple(contexts),
        written=(os.path.realpath(saved), *map(os.path.realpath, _written(configs))),
    )


def look(sources: Sources) -> State:
    """Look at each of them now; what cannot be used is passed over, as a run tells of it."""
    seen = {str(file): _seen(file) for file in sources.files}
    keys = set()
    for root, dockerfile in sources.contexts:
        try:
            context = open_context(root, dockerfile)
            if context.key in keys:
                continue
            keys.add(context.key)
            for entry in walk(str(context.root), Selection(context.rules)):
                if not _is_below(entry.path, sources.written):
                    seen[entry.path] = _of(entry.stat)
        except UsageError:
            continue
    return seen


def changed(before: State, after: State) -> list[str]:
    """Return the paths that came, went or are not as they were."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _written(configs: Iterable[Config]) -> Iterator[str]:
    """What a run writes on this machine: caches of builds, and mounts that an app may write to."""
    for config in configs:
        for cache, spec in product(config.build.cache_to, config.variants):
            yield from (value for name, value in cache.of(spec.name).attributes if name == "dest")
        for mount in config.options.mounts:
            if mount.kind == "bind" and not mount.read_only:
                yield mount.source


def _seen(path: Path) -> tuple[int, ...]:
    try:
        return _of(path.stat())
    except OSError:
        return ()


def _of(found: os.stat_result) -> tuple[int, ...]:
    """Of a folder its mode alone: its time moves with files that nobody sends."""
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode,)
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
