"""``imgcompare comment``: the report as one comment on the pull request, kept up to date."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from imgcompare.cli.completion import complete_saved
from imgcompare.cli.numbers import Count
from imgcompare.cli.output import write_text
from imgcompare.console.style import Style
from imgcompare.errors import UsageError
from imgcompare.render.registry import RenderContext, render
from imgcompare.reports import store


@click.command()
@click.argument("saved", required=False, metavar="[FILE|RUN]", shell_complete=complete_saved)
@click.option(
    "--body-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Post this Markdown file instead of a report; - for stdin.",
)
@click.option(
    "--name",
    default="report",
    show_default=True,
    metavar="NAME",
    help="Which of several comments of ours to keep up to date.",
)
@click.option(
    "--number",
    type=Count(min=1),
    metavar="N",
    help="Pull or merge request. [default: that of the CI job]",
)
def comment(*, saved: str | None, body_file: Path | None, name: str, number: int | None) -> None:
    """Post a saved report on the pull request, as one comment.

    The comment that is there already is updated. The report is a FILE (of `run -o report.json`), a saved RUN, or
    the newest of this folder. The comment is found again by a hidden line with its NAME; only comments of the same
    user are touched.

    \b
    Examples:
      imgcompare comment
      imgcompare comment report.json --name backend
      imgcompare report --format markdown | imgcompare comment --body-file -

    On GitHub the job needs `permissions: pull-requests: write` and GITHUB_TOKEN in the step's environment; on GitLab it
    needs GITLAB_TOKEN, a project access token with the scope api. docs/ci.md has whole examples.

    Exit codes: 0 posted, or there is no pull request (a push, a fork's read-only token): it says which; 2 wrong usage,
    no token, or one that may not comment; 4 the forge does not answer, or not as it should.
    """

    from imgcompare.errors import ForgeRefusedError  # noqa: PLC0415
    from imgcompare.pullrequest import post  # noqa: PLC0415
    from imgcompare.pullrequest.job import NotFound, find_thread  # noqa: PLC0415
    from imgcompare.text.printable import printable  # noqa: PLC0415

    text = text_of(saved, body_file, Path.cwd())
    found = find_thread(os.environ, number)
    if isinstance(found, NotFound):
        click.echo(f"Nothing to comment on: {printable(found.reason)}.", err=True)
        return
    try:
        posted = post(found.thread, name, text)
    except ForgeRefusedError as exc:
        if not found.from_fork:
            raise
        click.echo(f"No comment: the pull request is from a fork, whose token only reads ({exc.message}).", err=True)
        return
    write_text(f"Comment {'updated' if posted.updated else 'created'}: {printable(posted.url)}\n")


_BODY_LIMIT_BYTES = 4 << 20  # as many as the longest comment that any forge takes


def text_of(saved: str | None, body_file: Path | None, project: Path) -> str:
    """Return the comment's Markdown. Raises UsageError for what cannot be read."""
    if body_file is not None:
        if saved is not None:
            raise UsageError(
                f"both a report ({saved}) and --body-file {body_file} were given", hint="Give one of them."
            )
        return _read(body_file)
    path = store.find(project, saved)
    if path is None:
        raise UsageError("nothing was run here yet", hint="imgcompare run saves a report; or name one: -o report.json")
    return render(store.load(path), "markdown", RenderContext(Style(width=100, color=False, ascii_only=False)))


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(_BODY_LIMIT_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_BODY_LIMIT_BYTES + 1)
        if len(data) > _BODY_LIMIT_BYTES:
            raise UsageError(f"{path} is longer than a comment can be ({_BODY_LIMIT_BYTES >> 20} MiB)")
        return data.decode()
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path} is not UTF-8: {exc.reason} at byte {exc.start}") from exc
