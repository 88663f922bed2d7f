"""Which file of a folder is its compose file, and which one changes it."""

from __future__ import annotations

from pathlib import Path

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def file_in(folder: Path) -> Path | None:
    """Return the compose file of a folder, the one that Compose itself would take."""
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


def override_of(file: Path) -> Path | None:
    """Return the file beside it that Compose merges into it where nobody names a file."""
    names = (f"{stem}.override.{end}" for stem in ("compose", "docker-compose") for end in ("yml", "yaml"))
    there = (file.with_name(name) for name in names if file.name in FILE_NAMES)
    return next((path for path in there if path.is_file()), None)
