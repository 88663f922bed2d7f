"""Completion scripts for shells, and where each shell looks for them by itself.

bash: https://github.com/scop/bash-completion (XDG_DATA_HOME), fish: https://fishshell.com/docs/current/completions.html.
zsh has no folder of the user's own, PowerShell only a profile: there, a line has to be added, which is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import get_completion_class

from imgcompare.errors import UsageError

PROGRAM = "imgcompare"
_VARIABLE = "_IMGCOMPARE_COMPLETE"


class Shell(NamedTuple):
    """A shell: the file that it loads, below its folder of data or settings, and what is left to do by hand."""

    file: str
    then: str


SHELLS: Mapping[str, Shell] = {
    "bash": Shell(
        "{data}/bash-completion/completions/imgcompare",
        "New shells complete where the package bash-completion is installed.",
    ),
    "zsh": Shell(
        "{data}/zsh/site-functions/_imgcompare", "Add to ~/.zshrc, above compinit, once: fpath=({folder} $fpath)"
    ),
    "fish": Shell("{config}/fish/completions/imgcompare.fish", "New shells complete."),
    "powershell": Shell("{config}/powershell/imgcompare.ps1", "Add to the file that $PROFILE names, once: . {file}"),
}


def script(name: str, cli: click.Command) -> str:
    """Return a shell's completion script. Raises UsageError where click has none."""
    writer = get_completion_class(name)
    if writer is None:
        raise UsageError(f"there is no completion for {name} in this click", hint="Update it: pip install -U click")
    return writer(cli, {}, PROGRAM, _VARIABLE).source()


def place(name: str, environ: Mapping[str, str], home: Path) -> Path:
    """Return the file in which a shell looks for it."""
    data = environ.get("XDG_DATA_HOME") or str(home / ".local/share")
    config = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    return Path(SHELLS[name].file.format(data=data, config=config))


def current_shell(environ: Mapping[str, str]) -> str | None:
    """Return the user's shell, if it is one of SHELLS."""
    name = Path(environ.get("SHELL", "")).name
    return name if name in SHELLS else None
