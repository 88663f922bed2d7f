"""``imgcompare bundle``: base images and packages in one file, for a room without a network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.completion import complete_scenarios
from imgcompare.cli.options import engine_options
from imgcompare.cli.output import write_text

_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def bundle() -> None:
    """Pack what a workshop needs into one file, for machines without network.

    \b
    Examples:
      imgcompare bundle save workshop.bundle
      imgcompare bundle show workshop.bundle
      imgcompare setup --bundle workshop.bundle
    """


@bundle.command()
@_file
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_scenarios,
    help="What this scenario needs; repeatable. `all` for every one.",
)
@click.option(
    "--exercise",
    "exercises",
    multiple=True,
    metavar="NAME",
    help="What this exercise needs; repeatable. `all` for every one.",
)
@click.option("--image", "images", multiple=True, metavar="REF", help="This image too; repeatable.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@engine_options
def save(
    *,
    file: Path,
    scenarios: tuple[str, ...],
    exercises: tuple[str, ...],
    images: tuple[str, ...],
    quiet: bool,
    host: str | None,
    docker_context: str | None,
) -> None:
    """Write base images and packages into FILE.

    By default all that the demo, the scenarios and the exercises need. The base images are the engine's, or pulled;
    the packages are got by the pip of each. What cannot be had is left out and named. An image that holds what looks
    like a secret is refused.
    """
    from imgcompare.console.progress import open_progress  # noqa: PLC0415 - --help must be quick
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.run.opening import Connection  # noqa: PLC0415
    from imgcompare.workshop import bundle as bundles  # noqa: PLC0415
    from imgcompare.workshop.bundle_page import shown  # noqa: PLC0415
    from imgcompare.workshop.needs import chosen, needed  # noqa: PLC0415

    recipes = chosen(scenarios, exercises) if scenarios or exercises or not images else ()
    needs = needed(recipes, images)
    with open_progress(sys.stderr, quiet=quiet) as progress:
        contents = bundles.save(file, needs, Connection(host=host, context=docker_context), progress)
    write_text(shown(file, contents, style_for(sys.stdout, os.environ)))


@bundle.command()
@_file
def show(*, file: Path) -> None:
    """Check FILE, and list what it holds and from where."""
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.workshop.bundle_file import read  # noqa: PLC0415
    from imgcompare.workshop.bundle_page import shown  # noqa: PLC0415

    write_text(shown(file, read(file), style_for(sys.stdout, os.environ)))
