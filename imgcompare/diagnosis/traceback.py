"""Pure: what a Python program said last, from the end of its stderr."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from imgcompare.regex import regex

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = regex(r'\s*File "([^"]+)", line (\d+)')
_ERROR = regex(r"\s*((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (.*))?")
# What servers and interpreters still say when a program has died of an error: gunicorn, an access log, click's usage.
_AFTERWARDS = regex(
    r"\[[\d :+-]+\] \[\d+\] \[(?:INFO|ERROR|WARNING|CRITICAL)\] (?:Worker|Shutting down|Reason|Control|Exception in)"
    r"|\[[\d :+-]+\] \[\d+\] \[DEBUG\] "
    r'|\]$|\S+ - - \[[^]]+\] "|.*"[A-Z]+ \S+ HTTP/[\d.]+" 5\d\d'
)
_GIVEN_UP = regex(r"gunicorn\.errors\.HaltServer: ")
_CHAINED = regex(r"During handling of the above exception|The above exception was the direct cause")
_RAISED_FROM = regex(r"The above exception was the direct cause")
# Flask, gunicorn and aiohttp, uvicorn, waitress, Django; a process of Python's multiprocessing that died.
_UNHANDLED = regex(
    r"Exception on \S+ \[[A-Z]+\]|Error handling request|Exception in ASGI application|Exception while serving"
    r"|Internal Server Error: /|^Process \S+:$"
)


class LastError(Struct, frozen=True):
    """The exception a program died of: its type without the module, its text, the line, and the files on its way.

    ``program`` is the interpreter's own path, where it tells that: ``/usr/local/bin/python: No module named …``.
    """

    kind: str
    text: str
    line: str
    files: tuple[str, ...] = ()
    program: str = ""


def is_unhandled(lines: Sequence[str]) -> bool:
    """Whether the last traceback is of an error that nobody dealt with, by what stands above it.

    A program that goes on logs errors, too, which it has dealt with: only servers and interpreters use these words.
    """
    starts = [number for number, line in enumerate(lines) if line.strip().endswith(_TRACEBACK)]
    for at in reversed(starts):
        above = next((line.strip() for line in reversed(lines[:at]) if line.strip()), "")
        if not _CHAINED.match(above):
            return _UNHANDLED.search(above) is not None
    return False


def before_giving_up(lines: Sequence[str]) -> Sequence[str] | None:
    """What stands above uWSGI's words that it could not load the app, and goes on without; None where it did not."""
    at = max((number for number, line in enumerate(lines) if line.startswith("unable to load app ")), default=None)
    return None if at is None else lines[:at]


def last_error(lines: Sequence[str]) -> LastError | None:
    """The exception that ends the last traceback; None where something else was said after it.

    A traceback that is followed by other words may have been dealt with, and the program have ended of something else.
    """
    lines = _above_gunicorns_own(lines)
    if lines and (untold := _interpreters_own(lines[-1])):
        return untold
    at = _last_traceback(lines)
    if at is None:
        return _untraced(lines)
    indent = len(lines[at]) - len(lines[at].lstrip())
    files: list[str] = []
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if frame := _FRAME.match(line):
            files.append(frame[1])
        elif len(line) - len(line.lstrip()) <= indent:
            error = _ERROR.fullmatch(line)
            if error is None or not all(_AFTERWARDS.match(later) or later == error[2] for later in lines[number + 1 :]):
                return None
            return LastError(error[1].rpartition(".")[2], error[2] or "", line.strip(), tuple(files))
    return None


def came_of(lines: Sequence[str]) -> str:
    """The line of the exception that the last one was raised from, and be it over several; "" for none.

    A library tells what it could not do, and only the first tells why: a file that is not there, a host.
    """
    lines, found = _above_gunicorns_own(lines), ""
    while (at := _last_traceback(lines)) is not None:
        lines = _without_blank(lines[:at])
        if not (lines and _RAISED_FROM.match(lines[-1].strip())):
            break
        lines = _without_blank(lines[:-1])
        found = lines[-1].strip() if lines else ""
    return found


def last_errors(lines: Sequence[str]) -> tuple[LastError, ...]:
    """The exceptions that several programs ended with, as far as their last words stand one directly above the other.

    What stands above other words may have been dealt with; of exceptions of which one led to the next the last counts.
    """
    found: list[LastError] = []
    while lines and (error := last_error(lines)):
        found.append(error)
        lines = _above_last_words(lines)
    return tuple(reversed(found))


def _above_last_words(lines: Sequence[str]) -> Sequence[str]:
    """What stands above the exception that one program ended with, and above those that led to it."""
    lines = _above_gunicorns_own(lines)
    if _interpreters_own(lines[-1]):
        return _without_blank(lines[:-1])
    at = _last_traceback(lines)
    while at is not None:
        lines = _without_blank(lines[:at])
        if not (lines and _CHAINED.match(lines[-1].strip())):
            return lines
        lines = _without_blank(lines[:-1])
        at = _last_traceback(lines)
    return ()


def _last_traceback(lines: Sequence[str]) -> int | None:
    return max((number for number, line in enumerate(lines) if line.strip().endswith(_TRACEBACK)), default=None)


def _without_blank(lines: Sequence[str]) -> Sequence[str]:
    """The lines without the blank ones at their end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _above_gunicorns_own(lines: Sequence[str]) -> Sequence[str]:
    """What stands above the tracebacks that gunicorn ends with when its workers have died of an error of their own."""
    while lines and _GIVEN_UP.match(lines[-1]):
        at = max((number for number, line in enumerate(lines) if line.strip().endswith(_TRACEBACK)), default=0)
        lines = lines[:at]
        while lines and (not lines[-1].strip() or _CHAINED.match(lines[-1].strip())):
            lines = lines[:-1]
    return lines


def _interpreters_own(line: str) -> LastError | None:
    """What ``python -m`` says of a module that is not there."""
    if not re.match(r"\S*python[\d.]*: (?:No module named |Error while finding module specification)", line):
        return None
    match = re.search(r"No module named '?([\w.]+)'?", line)
    program = line.partition(":")[0] if line.startswith("/") else ""
    return LastError("ModuleNotFoundError", f"No module named {match[1]!r}", line, (), program) if match else None


def _untraced(lines: Sequence[str]) -> LastError | None:
    """What waitress says of a module that is not there, without a traceback."""
    for line in lines[-8:]:
        if match := re.match(r"There was an exception \((\w+)\) importing your module", line):
            arguments = [text[1] for text in (re.match(r"\d+\. (.*)", one) for one in lines[-8:]) if text]
            return LastError(match[1], arguments[0], arguments[0]) if arguments else None
    return None
