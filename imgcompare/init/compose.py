"""The compose file of a project: which of its Dockerfiles is the service, and what that runs beside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from imgcompare.config.compose_file import read_compose
from imgcompare.errors import UsageError
from imgcompare.init.discover import FoundService
from imgcompare.services.file_names import file_in
from imgcompare.services.program import find_program


def find_service(folder: Path, environ: Mapping[str, str]) -> FoundService | str:
    """Return the one service that a folder's compose file builds there, or why it is left aside; "" without a file."""
    file = file_in(folder)
    if file is None:
        return ""
    if find_program() is None:
        return f"{file.name} is left aside: Compose is not here to read it."
    try:
        composed = read_compose(str(file), None, environ, mount=False)
    except UsageError as exc:
        return f"{file.name} is left aside: {exc.message}."
    root = folder.resolve()
    paths = [Path(os.path.relpath(path, root)) for path in (composed.build.path, Path(composed.build.context))]
    if any(path.parts[:1] == ("..",) for path in paths):
        return f"{file.name} is left aside: its service {composed.service} is built outside of this folder."
    return FoundService(
        file=file.name,
        name=composed.service,
        dockerfile=paths[0].as_posix(),
        context=paths[1].as_posix(),
        target=composed.build.target,
        needs=tuple(composed.needs),
    )
