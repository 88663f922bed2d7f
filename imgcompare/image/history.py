"""What made a layer, as its history tells it, brought back to the instruction as it stands in a Dockerfile."""

from __future__ import annotations

import re

from imgcompare.safetext import printable

_LIMIT = 300
# Enough for what is shown, and a bound on the work.
_READ = 8192
_NOP = re.compile(r"(?:\S*sh(?: -\w+| pipefail)* )?#\(nop\)\s*")
_SHELL = re.compile(r"(?<!\S)(?:/\S*/)?\w*sh(?: -\w+| pipefail)* -\w*c(?:\s+|$)")
_ARGUMENTS = re.compile(r"\|([0-9]{1,4}) ")
_ARGUMENT_NAME = re.compile(r"(?<!\S)([A-Za-z_]\w*)=")


def instruction(created_by: str) -> str:
    """Tidy a history row: the builder's shell and marks removed, build arguments reduced to their names.

    Printable, at most 300 characters. The forms are those of the classic builder (``/bin/sh -c #(nop)  CMD …``) and of
    BuildKit (``RUN /bin/sh -c … # buildkit``), each with ``|N NAME=value …`` where build arguments were in scope.
    """
    text = created_by[:_READ].strip().removesuffix("# buildkit").rstrip()
    if nop := _NOP.match(text):
        return printable(text[nop.end() :], limit=_LIMIT)
    command = text.removeprefix("RUN ").lstrip()
    names: list[str] = []
    if arguments := _ARGUMENTS.match(command):
        names, command = _without_values(command[arguments.end() :], int(arguments[1]))
    elif shell := _SHELL.match(command):
        command = command[shell.end() :]
    elif not text.startswith("RUN "):
        return printable(text, limit=_LIMIT)
    told = f"  (ARG {', '.join(names)})" if names else ""
    return printable(f"RUN {command}{told}", limit=_LIMIT)


def _without_values(text: str, count: int) -> tuple[list[str], str]:
    """Split ``A=x B=y /bin/sh -c command`` into the names and the command: no value, which may be a secret, remains.

    Values are written unquoted and may hold anything, so the command begins at the first shell after all the names.
    """
    starts = list(_ARGUMENT_NAME.finditer(text))[:count]
    shell = _SHELL.search(text, starts[-1].end() if starts else 0)
    return [start[1] for start in starts], text[shell.end() :] if shell else ""
