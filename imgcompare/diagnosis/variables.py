"""Pure: a program that wants an environment variable which is not set."""

from __future__ import annotations

import re

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.traceback import LastError
from imgcompare.model import Failure
from imgcompare.regex import regex

_ANY_PORT = "8000"
_UNBOUND = regex(
    r"\S+: (?:line )?\d+: (?P<name>[A-Za-z_]\w*): (?:unbound variable|parameter (?:null or )?not set(?: or null)?)"
)
# django-environ, environs and python-decouple.
_WANTED = regex(
    r'Set the (\w+) environment variable|Environment variable "(\w+)" not set|(\w+) not found\. Declare it as envvar'
)
# What a program says of a value that is empty, and of one that is not there at all, and where a line has to have the
# variable for that: ``--port=$PORT``, ``-b :$PORT`` or ``"$PORT"``, and ``--port $PORT``.
_VARIABLE = r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})"
_COMPLAINTS = (
    (regex(r"''"), regex(rf'[:="]{_VARIABLE}')),
    (regex(r"requires an argument|expected one argument"), regex(rf"(?<= )--?[\w-]+ {_VARIABLE}")),
)


def variable_not_set(case: Case) -> Failure | None:
    """Which variable the program's last words name, or its command has and nobody sets."""
    error = case.last_error
    if error and (name := _looked_up(error)):
        return _wanted(case, name, error.line)
    last = case.evidence.errors[-1] if case.evidence.errors else ""
    if not case.evidence.exit_code or not last:
        return None
    if match := _UNBOUND.match(last):
        return _wanted(case, match["name"], last)
    for complaint, place in _COMPLAINTS:
        if complaint.search(last) and (names := _in_command(case, place)):
            return _wanted(case, names[0], last, f"the image's {case.command.keyword} has ${names[0]}")
    return None


def _looked_up(error: LastError) -> str:
    """The name that ``os.environ`` did not have, or that a library for settings did not find."""
    if error.kind == "KeyError" and error.files and re.search(r"<frozen os>$|/os\.py$", error.files[-1]):
        return error.text.strip("'\"")
    match = _WANTED.search(error.text)
    return next(filter(None, match.groups()), "") if match else ""


def _in_command(case: Case, place: re.Pattern[str]) -> list[str]:
    """The variables at such places of a shell line that are neither set by it nor in the environment."""
    image = case.evidence.image
    script = (*image.entrypoint, *image.cmd)[2:3] if image and case.command.in_shell else ()
    names = [match["bare"] or match["braced"] for line in script for match in place.finditer(line)]
    return [name for name in names if name not in case.environment and not re.search(rf"\b{name}=", script[0])]


def default_port(case: Case) -> str:
    """A value for PORT, which hosts set and nobody else does: the port that EXPOSE names, any where it names none."""
    exposed = case.evidence.image.exposed_ports if case.evidence.image else ()
    return exposed[0].partition("/")[0] if len(exposed) == 1 else "" if exposed else _ANY_PORT


def _wanted(case: Case, name: str, line: str, *more: str) -> Failure | None:
    if name in case.environment:
        return None
    port = default_port(case) if name == "PORT" else ""
    return case.found(
        "variable-not-set",
        f"The program needs the environment variable {name}, and nobody sets it.",
        (line, case.ended(), *more, f"{name} is not in the container's environment"),
        hint="Above CMD: the port to listen on where the host that runs it names none."
        if port
        else f"Give it when the container runs: --env {name}=… (also of docker run). What is no secret may be an ENV.",
        fix=(f"ENV PORT={port}",) if port else (),
    )
