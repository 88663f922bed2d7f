"""``imgcompare setup``: make a machine ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command()
@click.option("--yes", "-y", is_flag=True, help="Install missing programs without asking.")
@click.option(
    "--stand-in",
    "stand_ins",
    multiple=True,
    metavar="TAG",
    help="Also make a stand-in for this official image, e.g. python:3.13-slim or debian:12; repeatable.",
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take base images and packages from a file of `imgcompare bundle save`, and nothing from the network.",
)
@click.option("--docker-plugin", is_flag=True, help="Only let `docker imgcompare …` do what `imgcompare …` does.")
def setup(*, yes: bool, stand_ins: tuple[str, ...], bundle: Path | None, docker_plugin: bool) -> None:
    """Make this machine ready: engine and base images.

    An engine that answers and has the base images, or can pull them, is used as it is. Otherwise imgcompare starts an
    engine of its own beside it, with data of its own; its programs are installed from the distribution's packages.
    Where no registry answers, the base images are made from the same packages, as stand-ins that every report names.
    Needs root, or sudo, for the own engine. A second call changes nothing.

    \b
    Examples:
      imgcompare setup
      imgcompare setup --yes
      imgcompare setup --stand-in python:3.9-slim
      imgcompare setup --bundle workshop.bundle
      imgcompare setup --docker-plugin
    """
    if docker_plugin:
        from imgcompare.setup.docker_plugin import install_plugin  # noqa: PLC0415

        click.echo(f"Wrote {install_plugin(os.environ, Path.home())}. Next: docker imgcompare run", err=True)
        return
    from imgcompare.setup.prepare import prepare  # noqa: PLC0415 - --help must be quick
    from imgcompare.text.printable import printable  # noqa: PLC0415

    def confirm(question: str) -> bool:
        return yes or (sys.stdin.isatty() and click.confirm(question, default=True, err=True))

    def say(text: str) -> None:
        click.echo(printable(text), err=True)

    if bundle is not None:
        if stand_ins:
            raise click.UsageError("--bundle and --stand-in exclude each other.")
        from imgcompare.workshop.bundle import load_bundle  # noqa: PLC0415

        endpoint = load_bundle(bundle, say)
    else:
        endpoint = prepare(say, confirm, stand_ins)
    say(f"Ready: {endpoint.url} ({endpoint.source}). Next: imgcompare run")
