"""A report's page in the browser: ``--open``."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import click

from imgcompare.cli.output import page_context
from imgcompare.model import Document
from imgcompare.render.registry import render


def open_page(document: Document, *, notes: tuple[str, ...] = ()) -> None:
    """Write the page to a file of the temporary folder, for its owner only, and open it; say where it is.

    It is left there: when a browser has read it is not to be known.
    """
    text = render(document, "html", page_context(notes))
    with tempfile.NamedTemporaryFile("w", prefix="imgcompare-", suffix=".html", delete=False, encoding="utf-8") as file:
        file.write(text)
    url = Path(file.name).as_uri()
    click.echo(f"The page: {url}" if webbrowser.open(url) else f"No browser was found; the page: {url}", err=True)
