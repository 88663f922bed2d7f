"""What ``imgcompare mend`` does between its options and its exit code: run, show, and write what works."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from imgcompare.cli.environment import given_options
from imgcompare.cli.output import write_text
from imgcompare.cli.run_comparisons import choose_one
from imgcompare.console.progress import open_progress
from imgcompare.console.style import style_for
from imgcompare.errors import UsageError
from imgcompare.remedy.mend import Mended, mend
from imgcompare.render.formats.json import to_json
from imgcompare.render.pages import mend as page
from imgcompare.reports.files import check_writable, write_atomically
from imgcompare.run.opening import Connection


class Destination(Struct, frozen=True):
    """Where the mended Dockerfile goes: a file, over the original, or nowhere."""

    file: Path | None
    in_place: bool
    force: bool

    def path(self, original: Path | None) -> Path | None:
        """Return where to write, and find out before anything is built that it can be. Raises UsageError."""
        if self.file and self.in_place:
            raise UsageError("-o and --in-place exclude each other", hint="Leave one of them out.")
        path = original if self.in_place else self.file
        if path is None:
            return None
        if not self.in_place and not self.force and os.path.lexists(path):
            raise UsageError(f"{path} exists", hint="--force writes over it; --in-place over the Dockerfile itself.")
        check_writable(path)
        return path


def mend_and_tell(ctx: click.Context, destination: Destination, *, json_: bool) -> int:
    """Mend the Dockerfile that was asked for, show what came out, write it where that was asked for.

    Returns the exit code: 1 where it does not work, and then nothing is written.
    """
    asked, spec = choose_one(given_options(ctx), ctx.params["dockerfile"], Path.cwd(), os.environ)
    config, original = replace(asked, scenario="mend", jobs=1), spec.dockerfile
    path = destination.path(original)
    connection = Connection(host=ctx.params["host"], context=ctx.params["docker_context"])
    with open_progress(sys.stderr, quiet=ctx.params["quiet"]) as progress:
        mended = mend(config, connection, progress)
    written = _write(mended, path, original) if path and mended.told.works and mended.told.mended else ""
    style = style_for(sys.stdout, os.environ)
    write_text(to_json(mended.told, style) if json_ else page.render(mended.told, style, written))
    return 0 if mended.told.works else 1


def _write(mended: Mended, path: Path, original: Path | None) -> str:
    """Write the mended Dockerfile, never over what somebody has changed meanwhile."""
    if (
        original
        and os.path.realpath(original) == os.path.realpath(path)
        and original.read_bytes() != bytes(mended.before)
    ):
        raise UsageError(f"{path} was changed while it was mended, so it is not written", hint="Mend it once more.")
    write_atomically(path, bytes(mended.after))
    return str(path)
