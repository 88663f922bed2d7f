"""The man page, written by click's own help with another formatter: the same source as docs/commands.md has.

Run as a program it prints ours: click keeps each command's help option as its first context had it named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from imgcompare import __version__

_WORDS = re.compile(r"`([^`\n]+)`")
# What roff reads as something else (groff_char(7)); a line's first character besides.
_SPECIAL = str.maketrans({"\\": r"\e", "-": r"\-", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga", "'": r"\(aq"})


def man_page(cli: click.Group, name: str) -> str:
    """Return all commands' help as one page of section 1."""
    formatter = _Roff()
    formatter.write(
        f'.TH "{name.upper()}" "1" "" "{name} {__version__}" "User Commands"\n'
        f".SH NAME\n{name} \\- {_escaped(cli.get_short_help_str(200).rstrip('.'))}\n"
        ".SH DESCRIPTION\n"
    )
    top = click.Context(cli, info_name=name, **cli.context_settings)
    cli.format_help(top, formatter)
    formatter.write(".SH COMMANDS\n")
    for command, context in _below(cli, top):
        formatter.write(f'.SS "{_escaped(context.command_path)}"\n')
        command.format_help(context, formatter)
    return formatter.getvalue()


def _below(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name, command in sorted(group.commands.items()):
        own = click.Context(command, parent=context, info_name=name, **command.context_settings)
        yield command, own
        if isinstance(command, click.Group):
            yield from _below(command, own)


class _Roff(click.HelpFormatter):
    """Takes what click says of a command and writes it as roff's man macros (groff_man(7))."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The line that shows how it is called."""
        self.write(f".PP\n\\fB{_escaped(prog)}\\fR {_escaped(args)}\n")

    def write_text(self, text: str) -> None:
        """The help text: its paragraphs, those marked with \\b line by line."""
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            if paragraph.lstrip(" ").startswith("\b"):
                lines = paragraph.partition("\n")[2].split("\n")
                self.write(".PP\n.nf\n" + "".join(f"{_line(line)}\n" for line in lines) + ".fi\n")
            else:
                self.write(f".PP\n{_line(' '.join(paragraph.split()))}\n")

    def write_paragraph(self) -> None:
        """Nothing: each macro begins one."""

    def write_heading(self, heading: str) -> None:
        """A heading within a command."""
        self.write(f".PP\n\\fB{_escaped(heading)}:\\fR\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 0, col_spacing: int = 0) -> None:
        """Options or commands, each with what it is for below it."""
        for term, told in rows:
            self.write(f".TP\n\\fB{_escaped(term)}\\fR\n{_line(' '.join(told.split()))}\n")


def _line(text: str) -> str:
    """Text of a line of its own, words in backticks in bold; a dot at its start is no macro."""
    parts = _WORDS.split(text)
    written = "".join(f"\\fB{_escaped(part)}\\fR" if at % 2 else _escaped(part) for at, part in enumerate(parts))
    return f"\\&{written}" if written.startswith(".") else written


def _escaped(text: str) -> str:
    """Text that roff shows as it is, in ASCII."""
    plain = text.translate(_SPECIAL).replace('"', r"\(dq")
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in plain)


if __name__ == "__main__":
    from imgcompare.cli.main import cli as ours

    print(man_page(ours, "imgcompare"), end="")  # noqa: T201 - what it is run for
