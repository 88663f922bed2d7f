"""``imgcompare baseline``: what growth is measured from, written into a file to be committed, and shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.completion import complete_saved
from imgcompare.cli.output import write_text

_FILE = click.argument(
    "file", required=False, type=click.Path(path_type=Path), default="imgcompare.baseline.json", metavar="[FILE]"
)


@click.group()
def baseline() -> None:
    """Write or show the file that growth is measured from.

    It holds the sizes, layer counts and package versions of each variant, sorted and a line each: commit it, and
    `imgcompare run --against imgcompare.baseline.json --max-growth 2%` keeps images from growing unseen.
    """


@baseline.command()
@_FILE
@click.option(
    "--from",
    "source",
    metavar="FILE|RUN",
    shell_complete=complete_saved,
    help="Which report to take. [default: the newest run's]",
)
@click.option("--prune", is_flag=True, help="Remove what the report does not have.")
def update(*, file: Path, source: str | None, prune: bool) -> None:
    """Record the newest run, and say what is new.

    FILE is imgcompare.baseline.json unless it is named. Other comparisons and variants that it holds stay, as does what
    was stored of a variant that is broken now. Nothing is built or run.
    """
    from imgcompare.cli.next_step import after_update  # noqa: PLC0415
    from imgcompare.comparison.baseline import EMPTY, is_part, merge, to_text  # noqa: PLC0415
    from imgcompare.comparison.baseline_file import read_baseline  # noqa: PLC0415
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.errors import UsageError  # noqa: PLC0415
    from imgcompare.render.pages.baseline import render_update  # noqa: PLC0415
    from imgcompare.reports import files, store  # noqa: PLC0415 - --help must be quick

    files.check_writable(file)
    path = store.newest_comparison(Path.cwd()) if source is None else store.find(Path.cwd(), source)
    if path is None:
        raise UsageError("nothing was run here yet", hint="`imgcompare run` first, or name a report: --from FILE")
    document = store.load(path)
    if prune and is_part(document):
        raise UsageError(
            f"{path} has only a part of the comparisons: --prune would remove the others",
            hint="Merge all shards (imgcompare merge shard-*.json -o all.json) and take that: --from all.json",
        )
    reports = store.reports_of(document)
    old = read_baseline(file) if file.exists() else EMPTY
    new = merge(old, reports, prune=prune)
    if new != old:
        files.write_atomically(file, to_text(new))
    style = style_for(sys.stdout, os.environ)
    write_text(render_update(str(file), old, new, reports, style, prune=prune))
    if new != old and sys.stdout.isatty() and sys.stderr.isatty() and not any(report.against for report in reports):
        click.echo(f"\n{after_update(str(file))}", err=True)


@baseline.command()
@_FILE
def show(*, file: Path) -> None:
    """Show what is stored.

    FILE is imgcompare.baseline.json unless it is named.
    """
    from imgcompare.comparison.baseline_file import read_baseline  # noqa: PLC0415 - --help must be quick
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.render.pages.baseline import render  # noqa: PLC0415

    write_text(render(read_baseline(file), style_for(sys.stdout, os.environ)))
