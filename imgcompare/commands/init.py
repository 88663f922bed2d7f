"""``imgcompare init``: the first imgcompare.toml of a project."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path), metavar="[PATH]")
@click.option("--ci", "forge", type=click.Choice(["github", "gitlab"]), help="Write a CI job for that forge, too.")
@click.option("--schema", is_flag=True, help="Write its JSON Schema beside it, and name that in it, for editors.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def init(*, folder: Path, forge: str | None, schema: bool, force: bool) -> None:
    """Write imgcompare.toml from the Dockerfiles of a project.

    Every Dockerfile below PATH becomes a variant; those with another build context, a comparison of their own. Ports
    and routes are taken from EXPOSE, HEALTHCHECK and the command, where they are clear. The file is commented: change
    it as you like. Nothing is built, and no file is written over without --force.

    \b
    Examples:
      imgcompare init
      imgcompare init --ci github
      imgcompare init --schema
      imgcompare init services/web --force

    Exit codes: 0 written; 2 there is no Dockerfile, or a file is there already.
    """
    from imgcompare.init.project import start_project  # noqa: PLC0415 - --help must be quick
    from imgcompare.text.printable import printable  # noqa: PLC0415

    for line in start_project(folder, forge, schema=schema, force=force):
        click.echo(printable(line), err=True)
