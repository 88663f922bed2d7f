"""Pure: a script that a shell read and that is none for it: Windows line ends, or another language's text."""

from __future__ import annotations

from imgcompare.diagnosis.command import script_of
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.file_head import interpreter_line
from imgcompare.diagnosis.unrunnable import BYTE_ORDER_MARK, byte_order_mark
from imgcompare.model import Failure
from imgcompare.regex import regex

_LAST_LINES = 8
# What shells and programs say of a word that ends in a carriage return, which logs do not show.
_BY_CARRIAGE_RETURN = regex(
    r"^:? ?(?:command )?not found$|: Illegal option -$|: -: invalid option|: invalid option name|\\r'|\$'\\r'"
    r"|: (?:command )?not found$|[Ss]yntax error"
)
# dash, BusyBox and bash, of Python's own words at the beginning of a line.
_PYTHON_WORD = regex(r"^\S*: (?:line )?\d+: (?:import|from|def|class|@\w+): (?:command )?not found$")


def misread_script(case: Case) -> Failure | None:
    """Why a shell understands a script otherwise than it is meant; the script's first bytes must show it."""
    script = script_of(case.command, case.working_dir, case.environment)
    path = next((path for path in script if path in case.evidence.heads), None)
    if path is None or not case.evidence.exit_code:
        return None
    head = case.evidence.heads[path]
    for line in reversed(case.evidence.errors[-_LAST_LINES:]):
        if b"\r\n" in head and _BY_CARRIAGE_RETURN.search(line):
            return _windows_line_ends(case, path, line)
        if _PYTHON_WORD.match(line) and not _says_its_interpreter(head):
            return _python(case, path, line)
    return None


def _says_its_interpreter(head: bytes) -> bool:
    """Whether the first line of a script names a shell, so that a shell is right to read it."""
    return any("sh" in word.rpartition("/")[2] for word in interpreter_line(head)[:1])


def _windows_line_ends(case: Case, path: str, line: str) -> Failure:
    return case.found(
        "script-cannot-run",
        f"{path} has Windows line ends: to the shell that reads it, each line's last word ends in “\\r”.",
        (line.strip(), case.ended(), f"lines of {path} end in \\r"),
        hint="After it was copied, above USER; better still, save it with Unix line ends (.gitattributes: *.sh text "
        "eol=lf).",
        fix=(f"RUN sed -i 's/\\r$//' {path}",),
    )


def _python(case: Case, path: str, line: str) -> Failure:
    words, image = case.command.words, case.evidence.image
    by_path = image is not None and words[:1] and case.program_path(words[0]) == path
    if by_path and case.evidence.heads[path].startswith(BYTE_ORDER_MARK):
        return byte_order_mark(case, path, line)
    return case.found(
        "script-cannot-run",
        f"{path} is a Python program, and a shell reads it"
        + (": it has no first line that names its interpreter." if by_path else "."),
        (line.strip(), case.ended()),
        hint="Above USER, after it was copied; or start it by python in CMD."
        if by_path
        else "Start it by python in place of the shell.",
        fix=(f"RUN sed -i '1i #!/usr/bin/env python3' {path}",) if by_path else (),
    )
