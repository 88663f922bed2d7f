"""``imgcompare inspect``: everything that one image tells."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.completion import complete_images
from imgcompare.cli.options import engine_options, platform_option
from imgcompare.cli.output import write_text


@click.command()
@click.argument("image", metavar="IMAGE", shell_complete=complete_images)
@click.option("--json", "json_", is_flag=True, help="Print the `image` object of a report.")
@click.option("--remote", is_flag=True, help="Read references from their registries; needs no engine.")
@platform_option
@engine_options
def inspect(
    *, image: str, json_: bool, remote: bool, platform: str | None, host: str | None, docker_context: str | None
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

    Files, folders and registries need no engine. What the numbers mean: docs/numbers.md
    """
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.formats.json import to_json  # noqa: PLC0415
    from imgcompare.render.pages import inspect as page  # noqa: PLC0415
    from imgcompare.run.load_images import load_images  # noqa: PLC0415 - --help must be quick
    from imgcompare.run.opening import Connection  # noqa: PLC0415

    with open_progress(sys.stderr, quiet=False) as progress:
        connection = Connection(host=host, context=docker_context)
        (loaded,) = load_images((image,), Path.cwd(), connection, progress, platform=platform, remote=remote)
    style = style_for(sys.stdout, os.environ)
    write_text(to_json(loaded.image, style) if json_ else page.render(loaded.name, loaded.image, style))
