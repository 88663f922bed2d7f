"""What a folder without settings would be compared as: the settings that `imgcompare init` would write for it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from imgcompare.config.toml_file import FILE_NAME, ConfigFile
from imgcompare.init.config_template import draft, write
from imgcompare.init.discover import find_dockerfiles


def found_in(folder: Path) -> ConfigFile | None:
    """Return settings for the Dockerfiles in a folder and below; None where there are none."""
    found = find_dockerfiles(folder)
    if not found:
        return None
    text = write(draft(found, folder.absolute().name))
    label = "this folder" if folder.absolute() == Path.cwd() else str(folder)
    return ConfigFile(folder / FILE_NAME, tomllib.loads(text), text, label=label)
