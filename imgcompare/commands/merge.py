"""``imgcompare merge``: one report of what several machines ran."""

from __future__ import annotations

from pathlib import Path

import click

from imgcompare.cli.output import Output, Target, WritingCommand, output_options


@click.command(cls=WritingCommand)
@click.argument("saved", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@output_options
@click.pass_context
def merge(ctx: click.Context, /, *, saved: tuple[Path, ...], outputs: tuple[Target, ...]) -> None:
    """Join the reports of several machines into one.

    The FILEs are the JSON of `imgcompare run --all --shard I/N`, or of any runs. The result is that of one run of all
    the comparisons. What is missing is named, and so are engines, image stores and platforms that are not the same:
    numbers are comparable only where they are.

    \b
    Examples:
      imgcompare merge shard-*.json
      imgcompare merge shard-*.json -o all.json

    Exit codes: 0 all is there and passed; 1 something is missing, broken, or not within a limit; 2 wrong usage, or
    files that do not belong together.
    """
    from imgcompare.reports import collection, store  # noqa: PLC0415 - --help must be quick

    output = Output.of(outputs)
    whole = collection.merge([collection.Part(str(path), store.load(path)) for path in saved])
    output.write(whole)
    ctx.exit(0 if whole.passed else 1)
