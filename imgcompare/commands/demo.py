"""``imgcompare demo``: the story of multi-stage builds, told to a room."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.options import engine_options
from imgcompare.cli.output import write_text


@click.command()
@click.option("--list", "list_", is_flag=True, help="List the acts.")
@click.option("--from", "first", metavar="ACT", help="Begin with this act, by name or number.")
@click.option("--no-pause", is_flag=True, help="Do not wait for Enter: for a rehearsal.")
@click.option("--notes", "notes_", is_flag=True, help="Print the speaker's notes, and nothing else.")
@click.option(
    "--pages", type=click.Path(path_type=Path), metavar="DIR", help="Write a page for the projector for each act."
)
@engine_options
def demo(
    *,
    list_: bool,
    first: str | None,
    no_pause: bool,
    notes_: bool,
    pages: Path | None,
    host: str | None,
    docker_context: str | None,
) -> None:
    """Show a room what multi-stage builds save, act by act.

    Each act shows a Dockerfile and asks a question, waits for Enter, and answers with what was measured on this
    machine: the single stage; the tutorial's second stage, smaller and dead; why; mended; where every byte went; what
    a change costs; what production asks for. All of it is built ahead, while you speak.

    \b
    Examples:
      imgcompare demo
      imgcompare demo --notes
      imgcompare demo --from mended
      imgcompare demo --no-pause

    Exit codes: 0 told to its end; 2 wrong usage; 3 no engine; 4 the engine failed.
    """
    from imgcompare.console.signals import interruptible  # noqa: PLC0415 - --help must be quick
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.run.opening import Connection  # noqa: PLC0415
    from imgcompare.workshop.acts import ACTS  # noqa: PLC0415
    from imgcompare.workshop.demo import Room, listed, notes, play  # noqa: PLC0415

    style = style_for(sys.stdout, os.environ)
    if list_ or notes_:
        write_text(listed(ACTS, style) if list_ else notes(ACTS, style))
        return
    room = Room(write=write_text, pause=_go_on if no_pause else _wait, style=style, pages=pages)
    with interruptible():
        play(ACTS, first, Connection(host=host, context=docker_context), room)


def _wait(prompt: str) -> None:
    """Wait for Enter; where there is nobody to press it, go on."""
    click.echo(f"\n[{prompt}] ", nl=False)
    if not sys.stdin.readline() or not sys.stdin.isatty():
        click.echo()


def _go_on(_prompt: str) -> None:
    """Do not wait."""
