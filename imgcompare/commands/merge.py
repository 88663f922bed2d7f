"""``imgcompare merge``: one report of what several machines ran, or of what a room handed in."""

from __future__ import annotations

from pathlib import Path

import click

from imgcompare.cli.options import projector_option
from imgcompare.cli.output import Output, Target, WritingCommand, output_options

_RELOAD_S = 5


@click.command(cls=WritingCommand)
@click.argument("saved", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--by",
    type=click.Choice(["name", "folder"]),
    help="A scoreboard: whose report it is, by the file's name up to its first dot, or by its folder.",
)
@click.option("--watch", is_flag=True, help="With --by: write the scoreboard anew as files arrive, until Ctrl-C.")
@output_options
@projector_option
@click.pass_context
def merge(
    ctx: click.Context,
    /,
    *,
    saved: tuple[Path, ...],
    by: str | None,
    watch: bool,
    outputs: tuple[Target, ...],
    projector: bool,
) -> None:
    """Join the reports of several machines into one.

    The FILEs are the JSON of `imgcompare run --all --shard I/N`, or of any runs. The result is that of one run of all
    the comparisons. What is missing is named, and so are engines, image stores and platforms that are not the same:
    numbers are comparable only where they are.

    With --by they are the reports of a room (`imgcompare exercise check -o NAME.json`), or folders of them: a
    comparison for each exercise, with everybody who handed one in, the smallest image that reaches the goals first.

    \b
    Examples:
      imgcompare merge shard-*.json
      imgcompare merge shard-*.json -o all.json
      imgcompare merge --by name room/*.json -o board.html
      imgcompare merge --by name --watch room/ -o board.html

    Exit codes: 0 all is there and passed, or the scoreboard is written; 1 something is missing, broken, or not within a
    limit; 2 wrong usage, or files that do not belong together.
    """
    if watch and by is None:
        raise click.UsageError("--watch is for a scoreboard: add --by name")
    if by is not None:
        _scoreboard(saved, by, outputs, watch=watch, projector=projector)
        return
    from imgcompare.reports import collection, store  # noqa: PLC0415 - --help must be quick

    output = Output.of(outputs, projector=projector)
    whole = collection.merge([collection.Part(str(path), store.load(path)) for path in saved])
    output.write(whole)
    ctx.exit(0 if whole.passed else 1)


def _scoreboard(
    places: tuple[Path, ...], by: str, outputs: tuple[Target, ...], *, watch: bool, projector: bool
) -> None:
    from imgcompare.cli.output import page_context  # noqa: PLC0415
    from imgcompare.console.signals import interruptible  # noqa: PLC0415
    from imgcompare.workshop import scoreboard  # noqa: PLC0415

    room = scoreboard.Room(places, scoreboard.By(by))
    page = page_context()._replace(past=tuple, unfolded=True)
    if not watch:
        room.look()
        if room.unread:
            raise room.unread[0]
        Output.of(outputs, projector=projector).write(scoreboard.board(room.handed_in), page=page)
        return
    if not any(target.path for target in outputs):
        raise click.UsageError("--watch writes a file: -o board.html")
    output, page = Output.of(outputs, projector=projector).files(), page._replace(reload_s=_RELOAD_S)
    with interruptible(lambda _text: None):
        scoreboard.watch(room, lambda whole: output.write(whole, page=page), lambda text: click.echo(text, err=True))
