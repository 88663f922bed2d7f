"""``imgcompare config``: what would run, and who said so."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from imgcompare.cli.environment import EnvironmentCommand, given_options
from imgcompare.cli.output import write_text
from imgcompare.commands.run import run

_OF_A_RUN = {"json_", "formats", "files", "open_", "host", "docker_context", "quiet"}


@click.command(cls=EnvironmentCommand)
@click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
@click.pass_context
def config(ctx: click.Context, /, *, json_: bool, **_options: Any) -> None:
    """Show what `run` would compare, and where each setting is from.

    It takes the options of `imgcompare run` that say what to do. For each setting it tells the option, the variable of
    the environment, the line of the file, or that it is the default. Without a choice all comparisons of the file are
    shown. Nothing is built.

    \b
    Examples:
      imgcompare config
      imgcompare config --comparison web --route /healthz
      IMGCOMPARE_TIMEOUT=5 imgcompare config --json

    Exit codes: 0 the settings can be used; 2 they cannot.
    """
    from imgcompare.cli.run_comparisons import choose  # noqa: PLC0415 - --help must be quick
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.pages import settings as page  # noqa: PLC0415

    file, selection = choose(given_options(ctx), Path.cwd(), os.environ, everything=True)
    style = style_for(sys.stdout, os.environ)
    name = file.name if file else None
    write_text(page.to_json(selection, name, style) if json_ else page.render(selection, name, style))


config.params.extend(param for param in run.params if param.name not in _OF_A_RUN)
