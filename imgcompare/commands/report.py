"""``imgcompare report``: show a saved report again, or make the first one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from imgcompare.cli.completion import complete_saved
from imgcompare.cli.environment import given_options
from imgcompare.cli.gates import gate_options, judged, limits_given
from imgcompare.cli.options import engine_options, open_option, projector_option
from imgcompare.cli.output import Output, WritingCommand, output_options
from imgcompare.cli.sections import SectionedCommand


class ReportCommand(WritingCommand, SectionedCommand):
    """Several outputs, and a help text with sections."""


@click.command(cls=ReportCommand)
@click.argument("saved", required=False, metavar="[FILE|RUN]", shell_complete=complete_saved)
@gate_options
@engine_options
@output_options
@open_option
@projector_option
@click.pass_context
def report(ctx: click.Context, /, saved: str | None, **options: Any) -> None:
    """Show a saved report, or make the first one.

    It is that of a FILE, of a RUN by its name or its beginning, or the newest of this folder. In a folder where nothing
    was ever run, what `imgcompare run` compares there runs first: in CI one command is enough.

    \b
    Examples:
      imgcompare report
      imgcompare report --json | jq .comparison
      imgcompare report --json -o size.json
      imgcompare report --max-size multi-stage=250MB --max-layers 10
      imgcompare report --against imgcompare.baseline.json --max-growth 2%

    Limits given here stand in place of those that it was run with, and --against in place of what it was held against:
    docs/gates.md

    Exit codes: as for `imgcompare run`.
    """
    from imgcompare.reports import store  # noqa: PLC0415 - --help must be quick

    output = Output.of(options.pop("outputs"), projector=options.pop("projector"))
    limits = limits_given(options)
    path = store.find(Path.cwd(), saved)
    if path is None:
        from imgcompare.cli.run_comparisons import run_and_write  # noqa: PLC0415

        click.echo("Nothing was run here yet: running the comparison first.", err=True)
        ctx.exit(run_and_write(given_options(ctx), output, Path.cwd(), os.environ))
    shown = store.load(path)
    if limits or options["against"] is not None:
        shown = judged(shown, limits, options, Path.cwd())
    output.write(shown)
    if options["open_"]:
        from imgcompare.cli.browser import open_page  # noqa: PLC0415

        open_page(shown)
    ctx.exit(0 if shown.passed else 1)
