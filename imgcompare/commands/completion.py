"""``imgcompare completion``: what Tab completes, for four shells."""

from __future__ import annotations

import os
from pathlib import Path

import click

from imgcompare.cli.output import write_text

_NAMES = ("bash", "zsh", "fish", "powershell")


@click.group()
def completion() -> None:
    """Let the shell complete commands, options and names.

    \b
    Examples:
      imgcompare completion install          for the shell that you use
      imgcompare completion install zsh
      imgcompare completion show bash        the script itself, on stdout
    """


@completion.command()
@click.argument("shell", type=click.Choice(_NAMES))
def show(shell: str) -> None:
    """Print the script that a SHELL reads."""
    from imgcompare.cli.main import cli  # noqa: PLC0415 - it loads the commands
    from imgcompare.cli.shells import script  # noqa: PLC0415

    write_text(script(shell, cli))


@completion.command()
@click.argument("shell", type=click.Choice(_NAMES), required=False)
def install(shell: str | None) -> None:
    """Write the script to where SHELL finds it.

    Without SHELL, the one that $SHELL names. What was written there before is written over.
    """
    from imgcompare.cli.main import cli  # noqa: PLC0415 - it loads the commands
    from imgcompare.cli.shells import SHELLS, current_shell, place, script  # noqa: PLC0415
    from imgcompare.errors import UsageError  # noqa: PLC0415
    from imgcompare.reports.files import write_atomically  # noqa: PLC0415

    chosen = shell or current_shell(os.environ)
    if chosen is None:
        raise UsageError(
            "which shell is meant is not known: $SHELL names none of them",
            hint=f"Name it: imgcompare completion install {'|'.join(_NAMES)}",
        )
    file = place(chosen, os.environ, Path.home())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"cannot make {file.parent}: {exc.strerror}", hint="`completion show` prints it.") from exc
    write_atomically(file, script(chosen, cli))
    click.echo(f"Wrote {file}.\n{SHELLS[chosen].then.format(folder=file.parent, file=file)}")
