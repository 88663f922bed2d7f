"""``imgcompare history``: the saved runs of this folder, and where sizes are going."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.numbers import Count
from imgcompare.cli.output import write_text


@click.command()
@click.option(
    "--limit", "-n", type=Count(1), metavar="N", default=20, show_default=True, help="How many runs, the newest."
)
@click.option("--json", "json_", is_flag=True, help="Print them as JSON, oldest first.")
def history(*, limit: int, json_: bool) -> None:
    """List the saved runs of this folder, and where sizes are going.

    Each comparison with the trend of its variants' unpacked sizes, and its runs, newest first; ✗ marks a variant that
    was broken. The newest 50 runs are kept. `imgcompare report RUN` shows one again, and `imgcompare report --against
    RUN` what changed since.
    """
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.formats.json import to_json  # noqa: PLC0415
    from imgcompare.render.pages import history as page  # noqa: PLC0415
    from imgcompare.reports.history import read_history  # noqa: PLC0415 - --help must be quick

    style = style_for(sys.stdout, os.environ)
    found = read_history(Path.cwd(), limit)
    write_text(to_json(found, style) if json_ else page.render(found, style))
