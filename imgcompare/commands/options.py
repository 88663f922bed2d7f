"""Options that several commands share, and where their output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from imgcompare.model import Document

FORMATS = ("table", "json")


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--host`` and ``--docker-context``."""
    host = click.option("--host", metavar="URL", help="Engine to use, e.g. unix:///run/docker.sock.")
    context = click.option("--docker-context", metavar="NAME", help="Docker context to use.")
    return host(context(command))


def platform_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--platform`` for images that exist for several."""
    return click.option("--platform", metavar="OS/ARCH", help="Which of several platforms, e.g. linux/arm64.")(command)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format``, ``--json`` and ``-o``."""
    format_ = click.option(
        "--format", "format_", type=click.Choice(FORMATS), help="What to print. [default: table]", show_choices=True
    )
    json = click.option("--json", "json_", is_flag=True, help="The same as --format json.")
    output = click.option(
        "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE instead of stdout."
    )
    return format_(json(output(command)))


@dataclass(frozen=True)
class Output:
    """Where a report goes and how it looks; checked before anything is built."""

    format: str
    path: Path | None

    @classmethod
    def of(cls, format_: str | None, *, json_: bool, path: Path | None) -> Output:
        """Put the options together. Raises UsageError when the file cannot be written."""
        if json_ and format_ not in {None, "json"}:
            raise click.UsageError(f"--json and --format {format_} exclude each other.")
        if path is not None:
            from imgcompare.store import check_writable  # noqa: PLC0415 - not needed for --help

            check_writable(path)
        return cls("json" if json_ else format_ or "table", path)

    def write(self, document: Document, notes: tuple[str, ...] = ()) -> None:
        """Render the report or collection and write it, to a file atomically."""
        from imgcompare.render import Style, render  # noqa: PLC0415
        from imgcompare.store import write_atomically  # noqa: PLC0415
        from imgcompare.terminal import style_for  # noqa: PLC0415

        style = Style(width=100, color=False, ascii_only=False) if self.path else style_for(sys.stdout, os.environ)
        text = render(document, self.format, style, notes=notes)
        if self.path is not None:
            write_atomically(self.path, text)
        else:
            write_text(text)


def write_text(text: str) -> None:
    """Write to stdout; a reader that has seen enough (``| head``) changes nothing about the command's result."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer must not fail again when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
