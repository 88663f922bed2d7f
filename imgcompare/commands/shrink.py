"""``imgcompare shrink``: from one Dockerfile to a smaller one that is proved to do the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imgcompare.cli.completion import complete_dockerfiles
from imgcompare.cli.environment import EnvironmentCommand
from imgcompare.cli.gates import gate_options
from imgcompare.cli.numbers import Count
from imgcompare.cli.options import build_options, engine_options, measure_options, replies_options, service_options
from imgcompare.cli.sections import SectionedCommand
from imgcompare.render.registry import FORMATS


class ShrinkCommand(EnvironmentCommand, SectionedCommand):
    """Options from the environment too, and a help text with sections."""


@click.command(cls=ShrinkCommand)
@click.argument("dockerfile", default="Dockerfile", metavar="[DOCKERFILE]", shell_complete=complete_dockerfiles)
@build_options
@service_options
@replies_options
@click.option(
    "--also", multiple=True, metavar="COMMAND", help="Command that must end inside as it does now; repeatable."
)
@click.option("--non-root", is_flag=True, help="Add a user where there is none, and prove that too.")
@click.option("--jobs", "-j", type=Count(1, 64), metavar="N", help="Candidates at the same time.")
@click.option(
    "--rm-images", is_flag=True, help="Remove the images built. [default: the original's and the result's stay]"
)
@measure_options
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the smaller Dockerfile to FILE. [default: beside the DOCKERFILE, as Dockerfile.multi-stage]",
)
@click.option("--force", is_flag=True, help="Write even over a FILE that exists.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to show the report. [default: table]")
@click.option("--json", "json_", is_flag=True, help="The same as --format json.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the report to FILE, in the format of its extension; repeatable.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@gate_options
@engine_options
@click.pass_context
def shrink(
    ctx: click.Context,
    /,
    *,
    file: Path | None,
    force: bool,
    format_: str | None,
    json_: bool,
    reports: tuple[Path, ...],
    **_options: Any,
) -> None:
    """Make a DOCKERFILE's image smaller, and prove that it still does all it did.

    The image is built, run and measured; candidates are written from the Dockerfile's own lines: tidied, on a slim
    base, and with two stages. Each is built, run, and held against the original: the replies, the HEALTHCHECK, every
    module that can be imported, every library that is needed, packages, files and settings. The smallest that is
    proved is written beside the original, never over it. DOCKERFILE:TARGET names a stage.

    \b
    Examples:
      imgcompare shrink
      imgcompare shrink Dockerfile --route / --route /api/items
      imgcompare shrink docker/Dockerfile --also "python -m pytest -q" -o Dockerfile.small
      imgcompare shrink --report shrink.html --max-size 250MB

    What is proved and what is not: docs/remedy.md

    Exit codes: 0 a smaller one is written, or there is nothing to gain; 1 the original does not work, or a limit is not
    kept; 2 wrong usage; 3 no engine; 4 the engine failed; 130/143 interrupted.
    """
    from imgcompare.cli.shrinking import Wanted, shrink_and_tell  # noqa: PLC0415 - --help must be quick

    wanted = Wanted(file=file, force=force, format="json" if json_ else format_ or "table", reports=reports)
    ctx.exit(shrink_and_tell(ctx, wanted))
