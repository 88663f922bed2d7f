"""``imgcompare diff``: what is different between two images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.completion import complete_images
from imgcompare.cli.options import engine_options, platform_option
from imgcompare.cli.output import write_text


@click.command()
@click.argument("before", metavar="A", shell_complete=complete_images)
@click.argument("after", metavar="B", shell_complete=complete_images)
@click.option("--packages", "sections", flag_value="packages", multiple=True, help="Only the packages, all of them.")
@click.option("--files", "sections", flag_value="files", multiple=True, help="Only the files, all of them.")
@click.option("--layers", "sections", flag_value="layers", multiple=True, help="Only the layers.")
@click.option(
    "--content",
    "contents",
    metavar="PATH",
    multiple=True,
    help="Only the text file at PATH, line by line, secrets masked; repeatable.",
)
@click.option("--all", "all_", is_flag=True, help="Everything, in full.")
@click.option(
    "--min",
    "min_",
    metavar="BYTES",
    help="Put files that move less together by folder: 500000, 500kB, 2MiB; 0 lists each. "
    "[default: a hundredth of all that moved]",
)
@click.option("--json", "json_", is_flag=True, help="Print the difference as JSON, in full.")
@click.option("--remote", is_flag=True, help="Read references from their registries; needs no engine.")
@platform_option
@engine_options
def diff(
    *,
    before: str,
    after: str,
    sections: tuple[str, ...],
    contents: tuple[str, ...],
    all_: bool,
    min_: str | None,
    json_: bool,
    remote: bool,
    platform: str | None,
    host: str | None,
    docker_context: str | None,
) -> None:
    """Show how image B differs from image A, and why its size does.

    Sizes and the reason for their difference, layers, packages, files and config.

    A and B are variants of this folder's newest report, files that `docker save` wrote, OCI layouts as files or
    folders, Dockerfiles, which are built, registry:REFERENCE, or references on the engine. The first of these that fits
    is meant; ./FILE is always a file, image:REFERENCE always a reference, and FILE#NAME one of several images in a
    file. With --remote references are read from their registries.

    \b
    Examples:
      imgcompare diff single-stage multi-stage
      imgcompare diff single-stage multi-stage --packages
      imgcompare diff shop:1.4 shop:1.5 --files --min 100kB
      imgcompare diff shop:1.4 shop:1.5 --content /etc/nginx/nginx.conf
      imgcompare diff old.tar new.tar --json
      imgcompare diff --remote shop/app:1.4 shop/app:1.5

    Files, folders and registries need no engine. What the numbers mean: docs/numbers.md
    """
    from imgcompare.analysis.diff_images import Section, compare_images  # noqa: PLC0415 - --help must be quick
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.formats.json import to_json  # noqa: PLC0415
    from imgcompare.render.pages import diff as page  # noqa: PLC0415
    from imgcompare.run.file_versions import compare_files  # noqa: PLC0415
    from imgcompare.run.load_images import load_images  # noqa: PLC0415
    from imgcompare.run.opening import Connection  # noqa: PLC0415
    from imgcompare.text.units import parse_bytes  # noqa: PLC0415

    min_bytes = parse_bytes("--min", min_) if min_ is not None else None
    with open_progress(sys.stderr, quiet=False) as progress:
        connection = Connection(host=host, context=docker_context)
        names, folder = (before, after), Path.cwd()
        old, new = load_images(names, folder, connection, progress, platform=platform, remote=remote)
        told = compare_files(
            names, (old, new), contents, folder, connection, progress, platform=platform, remote=remote
        )
    wanted = tuple(map(Section, sections)) if (sections or contents) and not all_ else tuple(Section)
    found = compare_images(old, new, wanted, min_bytes=min_bytes, contents=told or None)
    style = style_for(sys.stdout, os.environ)
    rows = None if sections or contents or all_ else page.SUMMARY_ROWS
    write_text(to_json(found, style) if json_ else page.render(found, style, rows=rows))
