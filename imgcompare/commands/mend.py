"""``imgcompare mend``: from a Dockerfile that does not work to one that is proved to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imgcompare.cli.completion import complete_dockerfiles
from imgcompare.cli.environment import EnvironmentCommand
from imgcompare.cli.options import build_options, engine_options, reply_options, service_options
from imgcompare.cli.sections import SectionedCommand


class MendCommand(EnvironmentCommand, SectionedCommand):
    """Options from the environment too, and a help text with sections."""


@click.command(cls=MendCommand)
@click.argument("dockerfile", default="Dockerfile", metavar="[DOCKERFILE]", shell_complete=complete_dockerfiles)
@build_options
@service_options
@reply_options
@click.option("--health", is_flag=True, help="Its HEALTHCHECK has to pass, too.")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the mended Dockerfile to FILE.",
)
@click.option("--in-place", is_flag=True, help="Write it over the DOCKERFILE.")
@click.option("--force", is_flag=True, help="Write even to a FILE that exists.")
@click.option("--json", "json_", is_flag=True, help="Print what was wrong, the diff and the proof as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@engine_options
@click.pass_context
def mend(
    ctx: click.Context, /, *, file: Path | None, in_place: bool, force: bool, json_: bool, **_options: Any
) -> None:
    """Mend a DOCKERFILE that does not work, and prove that it does then.

    It is built, run and checked; where it breaks and the fix is certain, the fix is applied to a copy, and that is
    tried again, until it works or no certain fix is left. Shown are each cause, the diff, and the reply that proves
    it. Nothing is written without -o or --in-place, and nothing that does not work. DOCKERFILE:TARGET names a stage.

    \b
    Examples:
      imgcompare mend
      imgcompare mend Dockerfile --in-place
      imgcompare mend docker/Dockerfile:prod --route /healthz -o Dockerfile.mended
      imgcompare mend Dockerfile --expect-body "Welcome" --json

    What is proved and what is not: docs/remedy.md

    Exit codes: 0 it works, mended or as it was; 1 it does not; 2 wrong usage; 3 no engine; 4 the engine failed;
    130/143 interrupted.
    """
    from imgcompare.cli.mending import Destination, mend_and_tell  # noqa: PLC0415 - --help must be quick

    ctx.exit(mend_and_tell(ctx, Destination(file, in_place=in_place, force=force), json_=json_))
