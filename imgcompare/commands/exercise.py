"""``imgcompare exercise``: Dockerfiles to mend, and whether they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from imgcompare.cli.options import engine_options
from imgcompare.cli.output import write_text

_folder = click.argument("folder", default=Path(), required=False, type=click.Path(path_type=Path), metavar="[DIR]")
_from = click.option(
    "--exercises",
    "source",
    type=click.Path(path_type=Path),
    envvar="IMGCOMPARE_EXERCISES",
    metavar="FOLDER",
    help="Exercises of your own: a folder with one folder each. [default: the bundled ones]",
)


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a bundled exercise."""
    from imgcompare.workshop.catalog import exercises  # noqa: PLC0415 - only for shell completion

    return [CompletionItem(name, help=each.title) for name, each in exercises().items() if name.startswith(incomplete)]


@click.group()
def exercise() -> None:
    """Mend Dockerfiles that are broken or fat, step by step.

    \b
    Examples:
      imgcompare exercise list
      imgcompare exercise start one-word
      cd one-word
      imgcompare exercise check
      imgcompare exercise hint
    """


@exercise.command("list")
@_from
@click.option("--json", "json_", is_flag=True, help="Print the list as JSON.")
def list_(*, source: Path | None, json_: bool) -> None:
    """List the exercises, in the order that teaches.

    What is solved in folders of this one is marked.
    """
    from imgcompare.console.style import style_for  # noqa: PLC0415 - --help must be quick
    from imgcompare.workshop import pages  # noqa: PLC0415
    from imgcompare.workshop.attempt import solved_in  # noqa: PLC0415
    from imgcompare.workshop.catalog import exercises  # noqa: PLC0415

    there = exercises(source)
    solved = solved_in(Path(), there)
    style = style_for(sys.stdout, os.environ)
    write_text(pages.to_json(there, solved) if json_ else pages.listed(there, solved, style))


@exercise.command()
@click.argument("name", shell_complete=_complete)
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@_from
def start(*, name: str, folder: Path | None, source: Path | None) -> None:
    """Make a folder with an app, its Dockerfile, and a task.

    It has the exercise's name, unless DIR says otherwise.
    """
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.workshop import attempt, pages  # noqa: PLC0415
    from imgcompare.workshop.catalog import find_exercise  # noqa: PLC0415

    found = find_exercise(name, source)
    write_text(pages.started(attempt.start(found, folder or Path(name)), style_for(sys.stdout, os.environ)))


@exercise.command()
@_folder
@click.option("-o", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write the report there, as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@engine_options
@click.pass_context
def check(
    ctx: click.Context, /, *, folder: Path, file: Path | None, quiet: bool, host: str | None, docker_context: str | None
) -> None:
    """Build the Dockerfile, run it, and say which goals are reached.

    The fix is not given away. Nothing of it stays on the engine but the builder's cache.

    Exit codes: 0 every goal is reached; 1 one is not; 2 wrong usage; 3 no engine; 4 the engine failed.
    """
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.reports.files import check_writable, write_atomically  # noqa: PLC0415
    from imgcompare.run.opening import Connection  # noqa: PLC0415
    from imgcompare.workshop import check as checking  # noqa: PLC0415
    from imgcompare.workshop import pages  # noqa: PLC0415
    from imgcompare.workshop.attempt import open_attempt  # noqa: PLC0415

    attempt = open_attempt(folder)
    if file is not None:
        check_writable(file)
    with open_progress(sys.stderr, quiet=quiet) as progress:
        checked = checking.check(attempt, Connection(host=host, context=docker_context), progress)
    if file is not None:
        write_atomically(file, checking.as_json(checked.report))
    write_text(pages.checked(checked, style_for(sys.stdout, os.environ)))
    ctx.exit(0 if checked.solved else 1)


@exercise.command()
@_folder
def hint(*, folder: Path) -> None:
    """Give the next of three hints; the last is the Dockerfile line."""
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.workshop import pages  # noqa: PLC0415
    from imgcompare.workshop.attempt import open_attempt  # noqa: PLC0415

    write_text(pages.hints(open_attempt(folder).hint(), style_for(sys.stdout, os.environ)))


@exercise.command()
@_folder
@click.option("--apply", "apply_", is_flag=True, help="Write it over the Dockerfile, which is kept.")
def solution(*, folder: Path, apply_: bool) -> None:
    """Show a Dockerfile that reaches every goal."""
    from imgcompare.workshop.attempt import open_attempt  # noqa: PLC0415

    attempt = open_attempt(folder).saw_solution()
    if not apply_:
        write_text(attempt.solution())
        return
    kept = attempt.apply_solution()
    click.echo(f"The solution is in {attempt.dockerfile}; what was there is in {kept}.", err=True)
