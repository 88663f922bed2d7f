"""Run inside a container beside ``inside.py``: which Python a command starts.

Its own program, one that a script names or starts, or that of the environment that a tool finds for what it starts
(``poetry run``, ``uv run``). Only the standard library is there, of Python 3.7 or later, and nothing of ours.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import Any

_PYTHON = re.compile(r"python[\d.]*$")
_SHELL = re.compile(r"\b(?:ba|da|a|k|z)?sh\b")
_MOST_DEEP = 3
_TEXT_BYTES = 1 << 16
# What starts a program in an environment that it finds by itself: ``poetry run``.
_RUNNERS = frozenset(("poetry", "pipenv", "pdm", "uv", "hatch", "rye"))
_OF_ENVIRONMENT = re.compile(r"--(?:active|no-project|(?:project|directory)(?:=.*)?)$")
# That they only answer: nothing is fetched, locked or installed for it.
_ONLY_ANSWER = {
    "UV_NO_SYNC": "1",
    "UV_OFFLINE": "1",
    "UV_FROZEN": "1",
    "PDM_CHECK_UPDATE": "0",
    "PIPENV_VERBOSITY": "-1",
}
_ANSWER_S = 30.0


def of_command(words: list[str], mentions: Any) -> str:
    """The Python that a command starts: its own program, the one that a script names or starts; "" for none.

    Raises LookupError where a tool would know it and does not say. ``mentions`` is ``mentions.py``, which parts a
    shell's words and reads how files begin.
    """
    return _python_of([part for word in words for part in mentions.split(word)], "", mentions)


def _python_of(words: list[str], first: str, mentions: Any, depth: int = 0) -> str:
    """The first Python that words start, themselves or by a script; ``first`` is a folder before those of PATH."""
    found = _python_of_runner(list(map(os.path.expandvars, words)))
    if found:
        return found
    for word in map(os.path.expandvars, words):
        if word.endswith("/bin/activate") and os.path.isfile(word):
            first = os.path.dirname(word)
        path = shutil.which(word, path=os.pathsep.join(filter(None, (first, os.environ.get("PATH", ""))))) or ""
        if _PYTHON.match(os.path.basename(path)):
            return path
        text = mentions.head(path, _TEXT_BYTES).decode(errors="replace") if path else ""
        found = _python_of_script(text, first, mentions, depth)
        if found:
            return found
    return ""


def _python_of_runner(words: list[str]) -> str:
    """The Python of the environment in which ``poetry run`` and its like start what follows: they are asked.

    Raises LookupError where they do not say: to look at another one would prove nothing.
    """
    places = [at for at, word in enumerate(words) if os.path.basename(word) in _RUNNERS]
    at = next((at for at in places if words[at - 1 : at] == ["-m"] or shutil.which(words[at])), -1)
    if at < 0 or "run" not in words[at:]:
        return ""
    run = words.index("run", at)
    options = words[at + 1 : run]
    if any(not word.startswith("-") and not words[at + place].startswith("-") for place, word in enumerate(options)):
        return ""  # ``uv tool run`` is another matter
    before = words[at - 2 : at] if words[at - 1 : at] == ["-m"] else []
    asking = [*before, *words[at : run + 1], *_asked(os.path.basename(words[at]), words[run + 1 :])]
    said = _said(asking)
    if not said:
        raise LookupError(" ".join(asking))
    return said


def _asked(runner: str, words: list[str]) -> list[str]:
    """What a runner is given, to say which Python it starts; of the options those that choose the environment."""
    kept: list[str] = []
    while words and words[0].startswith("-"):
        is_kept = runner == "uv" and _OF_ENVIRONMENT.match(words[0])
        takes_more = words[0] in ("--project", "--directory")
        kept += words[: 2 if takes_more else 1] if is_kept else []
        words = words[2 if takes_more else 1 :]
    named, colon, _ = words[0].partition(":") if runner == "hatch" and words else ("", "", "")
    return [*kept, f"{named}{colon}python" if colon else "python", "-c", "import sys; print(sys.executable)"]


def _said(command: list[str]) -> str:
    """The interpreter that a command names last; "" for none."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONLY_ANSWER},
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode(errors="replace").split() if done.returncode == 0 else []
    path = lines[-1] if lines else ""
    return path if _PYTHON.match(os.path.basename(path)) and os.path.isfile(path) else ""


def _python_of_script(text: str, first: str, mentions: Any, depth: int) -> str:
    """The Python that runs a script, or that a shell's script starts: the one it becomes, else the last."""
    if not text.startswith("#!"):
        return ""
    lines = text.splitlines()
    if "python" in lines[0]:
        named = (shutil.which(part) or "" for part in lines[0][2:].split())
        return next((path for path in named if _PYTHON.match(os.path.basename(path))), sys.executable)
    if not _SHELL.search(lines[0]) or depth >= _MOST_DEEP:
        return ""
    last = ""
    for line in lines[1:]:
        # So pip begins what has too long a path for a first line.
        words = mentions.split(line.replace("'''exec' ", "exec "))
        if words[:1] == ["exec"] and words[1:] == ["$@"]:
            return ""  # what it is given decides
        found = _python_of(words, first, mentions, depth + 1)
        if found and words[0] == "exec":
            return found
        last = found or last
        if len(words) == 2 and words[0] in (".", "source") and words[1].endswith("/bin/activate"):
            first = os.path.dirname(os.path.expandvars(words[1]))
    return last
