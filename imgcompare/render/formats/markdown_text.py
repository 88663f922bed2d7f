"""Text as GitHub Flavored Markdown (https://github.github.com/gfm/) that shows as it is, and the few forms we need.

Whatever a name, a log or a label holds, it becomes no markup, no HTML, no link and no mention, on GitHub and on GitLab.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from imgcompare.regex import regex
from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.text.printable import printable_lines

# Where GitHub or GitLab, looking through the finished page, would find a mention, an issue, a link or an emoji.
_REFERENCES = regex(
    r"""(?<=@)(?=\S)|(?<=[~%^])(?=[\w"'])|(?<=[#!&$])(?=[\d"])|(?<=www)(?=\.)|(?<=:)(?=//|[a-z+-][\w+-]*:|100:|1234:)|(?<=\bGH)(?=-\d)""",
    re.IGNORECASE,
)
# What makes a heading, a list or a rule of a line that begins with it, if it is not yet escaped.
_OPENING = regex(r"^(\d*)([.)]|[+#]+|[-=]+)(?= |$)")
_BREAK = "\u200b"  # a zero-width space; no printable text has one
_SPELLED = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\`*_[]~"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;", '"': "&quot;", _BREAK: "&#8203;"}
)


def escape(text: str) -> str:
    """Return one printable line of text as Markdown that shows as that text, at the beginning of a line too."""
    return _OPENING.sub(r"\1\\\2", _REFERENCES.sub(_BREAK, text).translate(_SPELLED))


def code(text: str) -> str:
    """Return one printable line in the typeface of code; a code span of Markdown's own cannot hold every ``|``."""
    return f"<code>{escape(text)}</code>" if text else ""


def bold(text: str) -> str:
    """Return one printable line in bold, whatever characters it begins and ends with."""
    return f"<b>{escape(text)}</b>"


def glued(text: str) -> str:
    """Return a text that no line's end breaks: a number and its unit."""
    return text.replace(" ", "\xa0")


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Return lines as a block of code, its fence longer than any run of backticks in it."""
    body = [line for each in lines for line in printable_lines(each)]
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((fence + language, *body, fence))


def table(grid: Grid, *, code_in: Sequence[str] = ()) -> str:
    """Return a table; what is strong is bold, a number stays beside its unit, and ``code_in`` names columns of code."""
    titles = (escape(column.title) or " " for column in grid.columns)
    rules = ("-:" if column.right else "-" for column in grid.columns)
    rows = (
        (_cell(column, cell, typed=column.key in code_in) for column, cell in zip(grid.columns, row, strict=True))
        for row in grid.rows
    )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rules, *rows))


def _cell(column: Column, cell: Cell, *, typed: bool) -> str:
    text = glued(cell.text) if column.right else cell.text
    if typed:
        return code(text)
    return bold(text) if cell.tone == "strong" and text else escape(text)


def bullets(lines: Iterable[str]) -> str:
    """Return printable lines as a list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def details(summary: str, blocks: Sequence[str]) -> str:
    """Return blocks folded away below a line of text."""
    return "\n\n".join((f"<details><summary>{escape(summary)}</summary>", *blocks, "</details>"))
