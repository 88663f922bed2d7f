"""``imgcompare explain``: what the code of a failure or warning means."""

from __future__ import annotations

import os
import sys

import click

from imgcompare.cli.completion import complete_codes
from imgcompare.cli.output import write_text


@click.command()
@click.argument("code", required=False, metavar="[CODE]", shell_complete=complete_codes)
def explain(*, code: str | None) -> None:
    """Tell what a CODE means, why it happens, and what mends it.

    With the Dockerfile lines that do. Codes stand beside whatever is broken or warned of in a report. Without one, all
    are listed.

    \b
    Examples:
      imgcompare explain
      imgcompare explain missing-python-module
      imgcompare explain binds-loopback

    Exit codes: 0 it is explained; 2 there is no such code.
    """
    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.diagnosis.explanations import explanation  # noqa: PLC0415 - --help must be quick
    from imgcompare.render.pages import explain as page  # noqa: PLC0415
    from imgcompare.workshop.catalog import showing  # noqa: PLC0415

    style = style_for(sys.stdout, os.environ)
    if code is None:
        write_text(page.render_all(style))
        return
    found = explanation(code)
    write_text(page.render(found, style, exercises=showing(found.code)))
