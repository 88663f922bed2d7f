"""Where a command's report goes and in which format: --format, --json and -o."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from imgcompare.render.registry import FORMAT_OF, FORMATS, RenderContext, pieces
from imgcompare.text.workflow_commands import defuse, defuse_json, runner_listens

if TYPE_CHECKING:
    from imgcompare.model import Document
    from imgcompare.reports.history import PastRun


_STDOUT = Path("-")


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format``, ``--json`` and ``-o``; of a WritingCommand, which makes them one parameter ``outputs``."""
    format_ = click.option(
        "--format",
        "formats",
        type=click.Choice(FORMATS),
        multiple=True,
        help="What to write: to the FILE of the -o after it, else to stdout. [default: table]",
    )
    json = click.option("--json", "json_", is_flag=True, help="The same as --format json.")
    output = click.option(
        "-o",
        "--output",
        "files",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="Write to FILE, in the format named just before it or else that of its extension; repeatable. stdout "
        "shows the table, unless a format is left for it.",
    )
    return format_(json(output(command)))


class Target(NamedTuple):
    """One thing to write: a format, and the file it goes to (None: stdout), whole or after what is there already."""

    format: str
    path: Path | None = None
    append: bool = False


class WritingCommand(click.Command):
    """A command with ``output_options``, given to it as one parameter: ``outputs``, the Targets in their order.

    What an ``-o`` takes is what stands before it, an order between options that click itself does not keep.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as always, then put the three options together."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)
        values = {name: iter(ctx.params.pop(name)) for name in ("formats", "files")}
        values["json_"] = repeat("json" if ctx.params.pop("json_") else "")
        ctx.params["outputs"] = _targets([next(values[p.name]) for p in order if p.name in values])
        return rest


def _targets(given: Sequence[str | Path]) -> tuple[Target, ...]:
    """Pair formats and files: one of each belong together; else a file takes the format typed just before it."""
    if len(given) == 2:
        given = sorted(given, key=lambda each: isinstance(each, Path))
    targets, waiting = [], ""
    for each in given:
        if isinstance(each, Path):
            targets.append(Target(waiting or _format_of(each), None if each == _STDOUT else each))
        elif waiting:
            targets.append(Target(waiting))
        waiting = "" if isinstance(each, Path) else each
    return (*targets, Target(waiting)) if waiting else tuple(targets)


def _format_of(path: Path) -> str:
    format_ = FORMAT_OF.get(path.suffix.lower())
    if format_ is None:
        raise click.UsageError(
            f"-o {path}: which format? Name it before the file, as in --format json -o {path}, or use one of the "
            f"extensions {', '.join(filter(None, FORMAT_OF))}."
        )
    return format_


class Output(NamedTuple):
    """Where a report goes and how it looks there; checked before anything is built."""

    targets: tuple[Target, ...]
    projector: bool = False

    @classmethod
    def of(cls, outputs: Sequence[Target], *, projector: bool = False) -> Output:
        """Check where the options lead. Raises UsageError for what cannot be written, or written only once."""
        targets = (*outputs, *_job_summary(outputs))
        on_stdout = [target.format for target in targets if not target.path]
        if len(on_stdout) > 1:
            raise click.UsageError(
                f"The formats {' and '.join(on_stdout)} exclude each other on stdout; "
                f"write one to a file: --format {on_stdout[0]} -o FILE"
            )
        if files := [target.path for target in targets if target.path]:
            _check(files)
        return cls(targets if on_stdout else (*targets, Target("table")), projector)

    @property
    def to_file(self) -> bool:
        """Whether any of it goes to a file of its own."""
        return any(target.path and not target.append for target in self.targets)

    def files(self) -> Output:
        """What of it goes to files, without what is shown besides."""
        return self._replace(targets=tuple(target for target in self.targets if target.path))

    def write(
        self,
        document: Document,
        notes: tuple[str, ...] = (),
        *,
        private: bool = False,
        page: RenderContext | None = None,
    ) -> None:
        """Render the report or collection and write it, files first and each of them whole or not at all.

        New files of a ``private`` one, made with secrets, are for its owner only; ``page`` is what files are rendered
        with. What cannot be written keeps nothing else from being. Raises UsageError for the first.
        """
        from imgcompare.console.style import style_for  # noqa: PLC0415 - not needed for --help
        from imgcompare.errors import UsageError  # noqa: PLC0415
        from imgcompare.reports.files import append, write_atomically  # noqa: PLC0415

        failed: list[UsageError] = []
        plain = (page or page_context(notes))._replace(projector=self.projector)
        for target in sorted(self.targets, key=lambda target: target.path is None):
            if target.path is None:
                shown = plain._replace(style=style_for(sys.stdout, os.environ))
                for piece in pieces(document, target.format, shown):
                    write_text(piece, commands=target.format == "github", json=target.format == "json")
                continue
            texts = pieces(document, target.format, plain)
            try:
                if target.append:
                    append(target.path, "".join(texts))
                else:
                    write_atomically(target.path, texts, mode=0o600 if private else 0o666)
            except UsageError as exc:
                failed.append(exc)
        if failed:
            raise failed[0]


def page_context(notes: tuple[str, ...] = ()) -> RenderContext:
    """What a report is rendered with for a file, in the current folder."""
    from imgcompare.console.style import Style  # noqa: PLC0415 - not needed for --help

    folder = Path.cwd()
    return RenderContext(
        style=Style(width=100, color=False, ascii_only=False),
        notes=notes,
        past=_past,
        folder=str(folder),
        repository=str(repository_of(folder)),
    )


def _past() -> tuple[PastRun, ...]:
    """The saved runs of this folder, for a format that shows a trend."""
    from imgcompare.reports.history import KEPT_RUNS, read_history  # noqa: PLC0415 - not needed for --help

    return read_history(Path.cwd(), KEPT_RUNS).runs


def repository_of(folder: Path) -> Path:
    """Return the root of the repository that a folder is in, or the folder itself."""
    return next((place for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), folder)


def _job_summary(outputs: Sequence[Target]) -> tuple[Target, ...]:
    """The page of a GitHub Actions job, to which its format adds the comment; empty where there is no such page."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path or all(target.format != "github" for target in outputs):
        return ()
    return (Target("markdown", Path(path), append=True),)


def _check(files: Sequence[Path]) -> None:
    """Raise UsageError for a file that cannot be written, or that two outputs would write."""
    from imgcompare.reports.files import check_writable  # noqa: PLC0415 - not needed for --help

    seen: dict[str, Path] = {}
    for path in files:
        check_writable(path)
        other = seen.setdefault(os.path.realpath(path), path)
        if other is not path:
            raise click.UsageError(f"-o {other} and -o {path} are the same file; give each format its own.")


def write_text(text: str, *, commands: bool = False, json: bool = False) -> None:
    """Write to stdout; a reader that has seen enough (``| head``) changes nothing about the command's result.

    Where the runner of a CI job reads it, nothing in it is a command, unless it is to hold ``commands``.
    Of ``json`` it may be a piece.
    """
    if not commands and runner_listens(os.environ):
        text = defuse_json(text) if json or text[:1] in {"{", "["} else defuse(text)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer must not fail again when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
