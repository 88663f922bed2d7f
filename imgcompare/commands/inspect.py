"""``imgcompare inspect``: everything that one image tells."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgcompare.cli.completion import complete_images
from imgcompare.cli.options import engine_options, platform_option
from imgcompare.cli.output import write_text
from imgcompare.errors import UsageError

if TYPE_CHECKING:
    from imgcompare.console.style import Style
    from imgcompare.model import Image


@click.command()
@click.argument("image", metavar="IMAGE", shell_complete=complete_images)
@click.option("--json", "json_", is_flag=True, help="Print the `image` object of a report.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["page", "json", "cyclonedx", "spdx"]),
    default="page",
    show_default=True,
    help="What to print: CycloneDX and SPDX are lists of packages that scanners read.",
)
@click.option("--remote", is_flag=True, help="Read references from their registries; needs no engine.")
@platform_option
@engine_options
def inspect(
    *,
    image: str,
    json_: bool,
    format_: str,
    remote: bool,
    platform: str | None,
    host: str | None,
    docker_context: str | None,
) -> None:
    """Show where every byte of an IMAGE went.

    An IMAGE is a variant of this folder's newest report, a file that `docker save` wrote, an OCI layout as a file or a
    folder, a Dockerfile, which is built, registry:REFERENCE, or a reference on the engine. The first of these that
    fits is meant; ./FILE is always a file, image:REFERENCE always a reference, and FILE#NAME one of several images in
    a file. With --remote references are read from their registries.

    \b
    Examples:
      imgcompare inspect multi-stage
      imgcompare inspect python:3.11-slim
      imgcompare inspect registry:ghcr.io/shop/app:1.4
      imgcompare inspect shop.tar --json | jq .breakdown
      imgcompare inspect shop.tar --format cyclonedx | grype

    Files, folders and registries need no engine. What the numbers mean: docs/numbers.md
    """
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.run.load_images import load_images  # noqa: PLC0415 - --help must be quick
    from imgcompare.run.opening import Connection  # noqa: PLC0415

    write = _writer("json" if json_ else format_)
    with open_progress(sys.stderr, quiet=False) as progress:
        connection = Connection(host=host, context=docker_context)
        (loaded,) = load_images((image,), Path.cwd(), connection, progress, platform=platform, remote=remote)
    write_text(write(loaded.name, loaded.image, style_for(sys.stdout, os.environ)))


def _writer(format_: str) -> Callable[[str, Image, Style], str]:
    """What writes an image in a format. Raises UsageError where the format's library is not installed."""
    from imgcompare.render.formats.json import to_json  # noqa: PLC0415
    from imgcompare.render.pages import inspect as page  # noqa: PLC0415

    if format_ == "page":
        return page.render
    if format_ == "json":
        return lambda _name, image, style: to_json(image, style)
    try:
        module = import_module(f"imgcompare.render.pages.{format_}")
    except ImportError as exc:
        raise UsageError(
            f"--format {format_} needs a library that is not installed: {exc.name}",
            hint="Install it with: pip install 'docker-imgcompare[sbom]'",
        ) from exc
    return lambda _name, image, _style: str(module.render(image, datetime.now(UTC)))
