"""Pure: a command whose form is neither a list nor a shell line, but a mixture that runs something else.

The two forms: https://docs.docker.com/reference/dockerfile/#shell-and-exec-form
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from imgcompare.diagnosis.command import is_shell, written
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.variables import default_port
from imgcompare.model import Failure
from imgcompare.regex import regex

_OPERATORS = {"&&", "||"}
_BUILTINS = {"cd", "exec", "export", "set", "source"}
_ASSIGNMENT = regex(r"[A-Za-z_]\w*=.*", re.DOTALL)
_VARIABLE = regex(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_LAST_LINES = 8


def mixed_forms(case: Case) -> Failure | None:
    """Why a command does not do what its words seem to say."""
    image = case.evidence.image
    if image is None or (case.evidence.exit_code is None and not case.evidence.start_error):
        return None
    words = (*image.entrypoint, *image.cmd)
    if len(words) >= 3 and is_shell(words[0]) and words[1] == "-c":
        return _no_list(case, words[2]) or _unused_words(case, words)
    for keyword, part in (("ENTRYPOINT", image.entrypoint), ("CMD", image.cmd)):
        if found := _shell_words(case, keyword, part) or _literal_variable(case, keyword, part):
            return found
    return None


def _no_list(case: Case, script: str) -> Failure | None:
    """Brackets around what is no JSON, single quotes perhaps: taken for a line, whose first word begins with "["."""
    line = next((line for line in case.evidence.errors[-_LAST_LINES:] if re.search(r": \[\S+: not found$", line)), None)
    keyword = case.command.keyword
    if line is None or not re.match(r"\[\S", script):
        return None
    words = re.findall(r"['\"‘’“”]([^'\"‘’“”]*)['\"‘’“”]", script)
    return case.found(
        "mixed-command-forms",
        f"{keyword} was meant as a list, but is none in JSON, so a shell reads its brackets and quotes as words.",
        (line, f"the image's {keyword}: {script}"),
        hint="Instead of the image's own line: double quotes around every word, commas between them, none at the end.",
        fix=(written(keyword, words),) if words else (),
    )


def _unused_words(case: Case, words: Sequence[str]) -> Failure | None:
    """What follows the line that a shell is given is not handed to what the line starts."""
    image, script = case.evidence.image, words[2]
    if image is None or len(words) == 3 or case.evidence.exit_code != 0 or "$" in script:
        return None
    left = " ".join(words[3:])
    simple = case.command.words
    by_line = bool(image.entrypoint) and len(image.entrypoint) == 3
    return case.found(
        "mixed-command-forms",
        f"The shell runs “{script}” alone: what follows it ({left}) is not handed on.",
        (f"the image's {case.command.keyword}: {' '.join(words[: len(image.entrypoint) or None])}", case.ended()),
        hint="Instead of the image's own ENTRYPOINT: as a list, it is given the words of CMD."
        if by_line
        else "Instead of the image's own line: a list needs no shell, and a shell takes one string.",
        fix=()
        if not simple
        else (written("ENTRYPOINT", simple),)
        if by_line
        else (written(case.command.keyword, (*simple, *words[3:])),),
    )


def _shell_words(case: Case, keyword: str, words: Sequence[str]) -> Failure | None:
    """Words that mean something to a shell only, in a list, which no shell reads."""
    found = next((word for word in words if word in _OPERATORS), "")
    unknown = f'exec: "{words[0]}": executable file not found' if words else ""
    if unknown and unknown in case.evidence.start_error and (words[0] in _BUILTINS or _ASSIGNMENT.fullmatch(words[0])):
        return _as_line(case, keyword, words, words[0], unknown)
    if found and not is_shell(words[0]) and not case.evidence.start_error:
        return _as_line(case, keyword, words, found, case.ended())
    return None


def _as_line(case: Case, keyword: str, words: Sequence[str], word: str, proof: str) -> Failure:
    given = [one for one in words if _ASSIGNMENT.fullmatch(one)] if _ASSIGNMENT.fullmatch(word) else []
    fix = (f"ENV {' '.join(given)}", written(keyword, words[len(given) :])) if given else (_line(keyword, words),)
    return case.found(
        "mixed-command-forms",
        f"{keyword} is a list, which no shell reads: “{word}” is taken for "
        + ("the name of a program." if case.evidence.start_error else f"an argument of {words[0]}."),
        (proof, f"the image's {keyword}: {written(keyword, words).partition(' ')[2]}"),
        hint="Instead of the image's own line: a variable is ENV's to set."
        if given
        else "Instead of the image's own line: without brackets a shell reads it."
        + (" WORKDIR is better than cd." if "cd" in words else ""),
        fix=fix,
    )


def _literal_variable(case: Case, keyword: str, words: Sequence[str]) -> Failure | None:
    """A variable in a list stays as it is written; the program's last words name it."""
    for word in words[1:]:
        match = _VARIABLE.search(word)
        line = next((line.strip() for line in reversed(case.evidence.errors) if line.strip()), "")
        if match is None or match[0] not in line or not case.evidence.exit_code:
            continue
        name = match[1] or match[2]
        return case.found(
            "mixed-command-forms",
            f"{keyword} is a list, which no shell reads: {match[0]} stays as it is written.",
            (line, case.ended(), f"the image's {keyword}: {written(keyword, words).partition(' ')[2]}"),
            hint="Instead of the image's own line: without brackets a shell puts the value in.",
            fix=(*_default(case, name), _line(keyword, words)),
        )
    return None


def _default(case: Case, name: str) -> tuple[str, ...]:
    """A value for PORT where nobody sets it."""
    port = default_port(case) if name == "PORT" and name not in case.environment else ""
    return (f"ENV PORT={port}",) if port else ()


def _line(keyword: str, words: Sequence[str]) -> str:
    """The words as a shell line, whose last program takes the shell's place, so that it hears the stop signal."""
    shown = [word if word in _OPERATORS else f'"{word}"' if "$" in word else shlex.quote(word) for word in words]
    last = max((at for at, word in enumerate(words) if word in _OPERATORS), default=-1) + 1
    if shown[last : last + 1] not in (["exec"], []):
        shown.insert(last, "exec")
    return f"{keyword} {' '.join(shown)}"
