"""``imgcompare scenarios``: what can be run without a Dockerfile of one's own."""

from __future__ import annotations

import os
import sys

import click

from imgcompare.cli.output import write_text


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print the list as JSON.")
def scenarios(*, json_: bool) -> None:
    """List the bundled scenarios, and what is expected of each.

    A scenario is a small app with several Dockerfiles that teach something, some of them broken on purpose.

    \b
    Examples:
      imgcompare scenarios
      imgcompare scenarios --json | jq -r '.scenarios[].name'
      imgcompare run --scenario slim-to-slim
      imgcompare run --scenario all
    """
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.pages import scenarios as page  # noqa: PLC0415 - --help must be quick
    from imgcompare.scenarios import SCENARIOS, bundled_root  # noqa: PLC0415

    every, root = tuple(SCENARIOS.values()), bundled_root()
    write_text(page.to_json(every) if json_ else page.render(every, root, style_for(sys.stdout, os.environ)))
