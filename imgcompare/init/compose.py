"""The compose file of a project: which of its Dockerfiles is the service, and what that runs beside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from imgcompare.config.compose_file import read_compose
from imgcompare.errors import UsageError
from imgcompare.init.discover import FoundService
from imgcompare.services.program import file_in, find_program


def find_service(folder: Path, environ: Mapping[str, str]) -> FoundService | None:
    """Return the one service that a folder's compose file builds from there; None without one, or without Compose."""
    file = file_in(folder)
    if file is None or find_program() is None:
        return None
    try:
        composed = read_compose(str(file), None, environ, mount=False)
    except UsageError:  # which a run with --compose tells
        return None
    root = folder.resolve()
    paths = [Path(os.path.relpath(path, root)) for path in (composed.build.path, Path(composed.build.context))]
    if any(path.parts[:1] == ("..",) for path in paths):
        return None
    return FoundService(
        file=file.name,
        name=composed.service,
        dockerfile=paths[0].as_posix(),
        context=paths[1].as_posix(),
        target=composed.build.target,
        needs=tuple(composed.needs),
    )
