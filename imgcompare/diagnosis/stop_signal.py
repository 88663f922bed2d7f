"""Pure: the lines that make a container's first program hear its stop signal."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from imgcompare.regex import regex
from imgcompare.text.printable import printable

_BY_INTERRUPT = ("STOPSIGNAL SIGINT",)
_PYTHON_HEARS = "Python hears SIGINT as process 1; a server such as gunicorn hears SIGTERM too."
_SHELL_SYNTAX = regex(r"[|&;<>()$`*?{}~\n]")


def listening(command: Sequence[str], keyword: str) -> tuple[tuple[str, ...], str]:
    """The line that makes a command hear its stop signal, where it is known, and what to do in any case.

    ``keyword`` is that of the instruction that names the program.
    """
    name = command[0].rpartition("/")[2] if command else ""
    if name in {"sh", "bash", "ash", "dash"} and len(command) == 3 and command[1] == "-c":
        words = _plain_words(command[2])
        as_list = (f"{keyword} [{', '.join(map(_quoted, words))}]",) if words else ()
        hint = "The shell is process 1 and passes no signal on: write the command as a list, or begin it with exec."
        if words and _is_python(words[0]):
            return (*as_list, *_BY_INTERRUPT), f"{hint} {_PYTHON_HEARS}"
        return as_list, hint
    if _is_python(name):
        return _BY_INTERRUPT, _PYTHON_HEARS
    return (), "Process 1 hears a signal only if it asks for it: handle it, or run under an init (docker run --init)."


def _is_python(program: str) -> bool:
    """Whether a program is Python itself or Flask's own server, which handle no signal but SIGINT."""
    name = program.rpartition("/")[2]
    return name.startswith("python") or name == "flask"


def _plain_words(script: str) -> list[str]:
    """The words of a shell command that is nothing but a program and its arguments."""
    if _SHELL_SYNTAX.search(script):
        return []
    try:
        return shlex.split(script)
    except ValueError:
        return []


def _quoted(word: str) -> str:
    escaped = printable(word, limit=200).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
