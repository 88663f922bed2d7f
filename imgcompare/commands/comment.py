"""``imgcompare comment``: the report as one comment on the pull request, kept up to date."""

from __future__ import annotations

import os
from pathlib import Path

import click

from imgcompare.commands.completion import complete_saved


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
    type=click.IntRange(min=1),
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
    from imgcompare.commands.commenting import text_of  # noqa: PLC0415 - --help must be quick
    from imgcompare.errors import ForgeRefusedError  # noqa: PLC0415
    from imgcompare.pullrequest import post  # noqa: PLC0415
    from imgcompare.pullrequest.job import NotFound, find_thread  # noqa: PLC0415
    from imgcompare.safetext import printable  # noqa: PLC0415

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
    click.echo(f"Comment {'updated' if posted.updated else 'created'}: {printable(posted.url)}")
