"""``imgcompare report``: show a saved report again, or make the first one."""

from __future__ import annotations

import os
from pathlib import Path

import click

from imgcompare.commands.options import Output, Target, WritingCommand, engine_options, output_options


@click.command(cls=WritingCommand)
@click.argument("saved", required=False, metavar="[FILE|RUN]")
@engine_options
@output_options
@click.pass_context
def report(
    ctx: click.Context,
    *,
    saved: str | None,
    host: str | None,
    docker_context: str | None,
    outputs: tuple[Target, ...],
) -> None:
    """Show a saved report, or make the first one.

    It is that of a FILE, of a RUN by its name or its beginning, or the newest of this folder. In a folder where nothing
    was ever run, the default comparison runs first: in CI one command is enough.

    \b
    Examples:
      imgcompare report
      imgcompare report --json | jq .comparison
      imgcompare report --json -o size.json

    Exit codes: as for `imgcompare run`.
    """
    from imgcompare import store  # noqa: PLC0415 - --help must be quick

    output = Output.of(outputs)
    path = store.find(Path.cwd(), saved)
    if path is None:
        from imgcompare.commands.comparing import run_and_write  # noqa: PLC0415

        click.echo("Nothing was run here yet: running the default comparison first.", err=True)
        ctx.exit(run_and_write({"host": host, "docker_context": docker_context}, output, Path.cwd(), os.environ))
    shown = store.load(path)
    output.write(shown)
    ctx.exit(0 if shown.passed else 1)
