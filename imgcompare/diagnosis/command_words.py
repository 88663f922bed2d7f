"""Pure: a command whose words are not those that were meant: several in one, quotes within one, a line after a program.

A list is handed on as it is written: no shell splits its words and takes their quotes away.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from posixpath import basename

from imgcompare.diagnosis.command import is_shell, written
from imgcompare.diagnosis.evidence import Case
from imgcompare.model import Failure
from imgcompare.regex import regex

# Programs that take options of their own, and never a command to run.
_SERVERS = regex(r"flask|gunicorn|uvicorn|hypercorn|daphne|waitress(?:-serve)?|celery|django-admin")
_PYTHON = regex(r"python[\d.]*")
_SEVERAL = regex(r"--?[A-Za-z][\w-]*\s+\S.*|\S+\s+-.*", re.DOTALL)
_QUOTED = regex(r"(?P<option>--?[\w-]+=)?(?P<mark>['\"])(?P<value>.*)(?P=mark)", re.DOTALL)
# What is said of an address in which a blank or a quote is left, which the line itself does not show.
_BAD_ADDRESS = regex(r"Name or service not known|nodename nor servname|not a valid (?:port|integer)|Invalid address")
_HAS_CODE = {"-c", "-e", "--eval", "--command"}
_MIN_PIECE = 3


def misunderstood(case: Case) -> Failure | None:
    """Why a program does not understand its command, where its own words name the word that is wrong."""
    image = case.evidence.image
    if image is None or not case.evidence.exit_code or case.evidence.start_error:
        return None
    if is_shell(image.cmd[0] if image.cmd else "") and image.cmd[1:2] == ("-c",) and image.entrypoint:
        return _line_after_program(case, image.entrypoint, image.cmd[2])
    for keyword, before, words in (("ENTRYPOINT", (), image.entrypoint), ("CMD", image.entrypoint[-1:], image.cmd)):
        if words and not is_shell(words[0]) and (found := _in_one(case, keyword, before, words)):
            return found
    return None


def one_string(case: Case, line: str, program: str) -> Failure:
    """A whole command as the only word of a list."""
    keyword = case.command.keyword
    try:
        words = shlex.split(program)
    except ValueError:
        words = program.split()
    return case.found(
        "single-string-exec",
        f"{keyword} is a list with one string in it, so the engine looks for a program of that whole name.",
        (line, f"the image's {keyword}: {written(keyword, (program,)).partition(' ')[2]}"),
        hint="Instead of the image's own line: every word is a string of its own.",
        fix=(written(keyword, words),),
    )


def _line_after_program(case: Case, entry: Sequence[str], line: str) -> Failure | None:
    """ENTRYPOINT as a list, CMD as a line: the program is handed ``/bin/sh -c LINE``."""
    shell = case.evidence.image.cmd[0] if case.evidence.image else "/bin/sh"
    said = next((one for one in reversed(case.evidence.errors) if shell in one), "")
    if not said and not _takes_options_only(entry):
        return None
    try:
        words = [] if "$" in line else shlex.split(line)
    except ValueError:
        words = []
    return case.found(
        "mixed-command-forms",
        f"ENTRYPOINT is a list and CMD a line, so {basename(entry[0])} is handed “{shell} -c …” as its arguments.",
        (said.strip(), case.ended(), f"the image runs: {' '.join(entry)} {shell} -c “{line}”"),
        hint="Instead of the image's own CMD: as a list its words are handed to ENTRYPOINT."
        if words
        else "Instead of the image's own lines: one shell line, in which variables get their values.",
        fix=(written("CMD", words),) if words else ("ENTRYPOINT []", f"CMD exec {shlex.join(entry)} {line}"),
    )


def _takes_options_only(entry: Sequence[str]) -> bool:
    """Whether a program surely does not start what it is given."""
    name, rest = basename(entry[0]), entry[1:]
    if _PYTHON.fullmatch(name):
        return not rest or (rest[0] == "-m" and len(rest) > 1 and _SERVERS.fullmatch(rest[1]) is not None)
    return _SERVERS.fullmatch(name) is not None


def _in_one(case: Case, keyword: str, before: Sequence[str], words: Sequence[str]) -> Failure | None:
    """A word that is several, or that has the quotes a shell would have taken away."""
    for last, word in pairwise((*before, *words)):
        if last in _HAS_CODE:
            continue
        quoted = _QUOTED.fullmatch(word)
        parts = [f"{quoted['option'] or ''}{quoted['value']}"] if quoted else _split(word)
        line = _naming(case, word, address=bool(quoted) or word.startswith("-")) if parts else ""
        if not line:
            continue
        fixed = [part for one in words for part in (parts if one == word else _parted(one, quoted=bool(quoted)))]
        return case.found(
            "single-string-exec",
            f"{keyword} has quotes within a word: {word} is handed on with them, for no shell takes them away."
            if quoted
            else f"{keyword} has several words in one string: “{word}” is handed on as a single argument.",
            (line.strip(), case.ended(), f"the image's {keyword}: {written(keyword, words).partition(' ')[2]}"),
            hint="Instead of the image's own line: every word is a string of its own"
            + (", without quotes of its own." if quoted else "."),
            fix=(written(keyword, fixed),),
        )
    return None


def _parted(word: str, *, quoted: bool) -> list[str]:
    """The same done to another word of the command that is wrong in the same way."""
    match = _QUOTED.fullmatch(word)
    if quoted:
        return [f"{match['option'] or ''}{match['value']}"] if match else [word]
    return (_split(word) or [word]) if word.startswith("-") else [word]


def _split(word: str) -> list[str]:
    if not _SEVERAL.fullmatch(word):
        return []
    try:
        return shlex.split(word)
    except ValueError:
        return []


def _naming(case: Case, word: str, *, address: bool) -> str:
    """The line in which the program names the word, or the part of it up to a dot or colon; "" where none does."""
    pieces = [word, *(piece for piece in re.split(r"[.:=]", word) if len(piece) >= _MIN_PIECE and _is_odd(piece))]
    module = word[2:] if re.match(r"-m\s", word) else ""  # Python looks for a module whose name begins with a blank
    for line in reversed(case.evidence.errors):
        if any(piece in line for piece in pieces) or (module and line.endswith(f"No module named {module}")):
            return line
    last = case.evidence.errors[-1] if case.evidence.errors else ""
    return last if address and _BAD_ADDRESS.search(last) else ""


def _is_odd(piece: str) -> bool:
    """Whether a piece of a word shows that it is wrong: it has white space or a quote."""
    return re.search(r"[\s'\"]", piece) is not None
