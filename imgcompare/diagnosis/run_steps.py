"""Pure: what the last lines of a failed RUN step say of pip, apt-get and the shell, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable

from imgcompare.diagnosis.debian_packages import no_debian_package
from imgcompare.diagnosis.downloads import unreached
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.step_fixes import (
    Fix,
    above_step,
    argument_out_of_sight,
    as_root,
    in_context,
    rewritten_step,
)
from imgcompare.diagnosis.unread_files import no_project_file, no_requirements
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure
from imgcompare.regex import regex

_LAST_LINES = 12
_LAST_FEW = 4
_INSTALL = r"\b(apt(?:-get)?(?:\s+-\S+)*\s+(?:install|upgrade|dist-upgrade))\b(?!.*\s(?:-y|--yes|--assume-yes)\b)"
_SOURCE = r"(^RUN\s+(?:--\S+\s+)*|(?:^|&&|;)\s*)source(?=\s)"
# Debian's packages of programs that builds call, by the program's name; compilers are better had in a full image.
_TOOLS = {
    **{name: name for name in ("bzip2", "curl", "git", "gnupg", "jq", "make", "unzip", "wget", "xz-utils")},
    "gpg": "gnupg",
    "ssh": "openssh-client",
    "xz": "xz-utils",
}
_PIP = {"pipenv": "pipenv", "poetry": "poetry", "uv": "uv"}


def failed_step(case: Case) -> Failure | None:
    """Why a RUN step ended with an error; None where its own words have to do."""
    words = re.search(r"\bRUN (.*)", next(iter(case.evidence.observed.evidence), ""))
    if words is None:
        return None
    for pattern, explain in _SAID:
        for line in reversed(case.evidence.log[-_LAST_LINES:]):
            if match := pattern.search(line.strip()):
                return explain(case, line.strip(), match, words[1])
    return _argument_out_of_sight(case, words[1])


def _argument_out_of_sight(case: Case, step: str) -> Failure | None:
    """An ARG above the first FROM is FROM's alone; a stage has to ask for it by name."""
    name = argument_out_of_sight(case, step)
    if not name:
        return None
    fix = above_step(case, step, f"ARG {name}")
    return case.found(
        "variable-not-set",
        f"The step uses {name}, which has no value there: ARG {name} stands above the first FROM, for FROM alone.",
        (f"step RUN {step}", _last(case)),
        hint="Above that step: a stage has to ask for what is declared above FROM.",
        fix=fix.lines,
        spot=fix.spot,
    )


def _no_distribution(case: Case, line: str, match: re.Match[str], step: str) -> Failure:
    """Pip's resolver found no such project, or none of its versions that fits."""
    wanted = match["wanted"].strip()
    if wanted.endswith("=") and (found := _argument_out_of_sight(case, step)):
        return found
    if offline := unreached(case):
        return offline
    lines = case.evidence.log[-_LAST_LINES:]
    versions = next((one.strip() for one in lines if "(from versions:" in one), "")
    newer = next((one.strip() for one in lines if "require a different python version" in one), "")
    if "from versions: none" in versions:
        message, hint = (
            f"pip finds no package {wanted}.",
            "See how it is spelt, and whether this machine reaches its index.",
        )
    elif newer and _names_version(newer, wanted):
        message, hint = (
            f"{wanted} is for another Python than this stage's.",
            "Take a base image with that Python, or an older version of the package.",
        )
    else:
        message = f"pip finds no {wanted} for this Python and machine, but other versions."
        hint = "Ask for one of the versions it lists."
    return case.found("package-not-found", message, (newer, versions, line), hint=hint)


def _names_version(ignored: str, wanted: str) -> bool:
    """Whether the version asked for is among those that pip ignored: ``6.0 Requires-Python >=3.12; …``."""
    version = re.search(r"==\s*([\w.]+)", wanted)
    return bool(version and re.search(rf"(?:: |; ){re.escape(version[1])} Requires-Python", ignored))


def _last(case: Case) -> str:
    return next((line.strip() for line in reversed(case.evidence.log) if line.strip()), "")


def _no_command(case: Case, line: str, match: re.Match[str], step: str) -> Failure | None:
    name = match["name"]
    if line != _last(case) and " code 127" not in case.evidence.observed.message and "Cannot find" not in line:
        return None
    hint, fix = "Install what brings it in this stage, above that step, or see whether its name is right.", ""
    if name == "source" and (dotted := rewritten_step(case, step, _SOURCE, r"\1.")).lines:
        return case.found(
            "command-not-found",
            "The step calls source, which bash knows and /bin/sh does not.",
            (line, f"step RUN {step}"),
            hint="Instead of that step: /bin/sh knows `.` in its place.",
            fix=dotted.lines,
            spot=dotted.spot,
        )
    if name == "source":
        hint = "/bin/sh knows `.` in its place; a virtual environment needs neither: ENV PATH=/opt/venv/bin:$PATH"
    elif name == "apk":
        hint = "apk is Alpine's; this base image is of another distribution, on Debian and Ubuntu it is apt-get."
    elif name in {"apt", "apt-get"}:
        hint = "apt-get is Debian's and Ubuntu's; this base image is of another distribution, on Alpine it is apk add."
    elif name in _TOOLS:
        packages = f"--no-install-recommends {_TOOLS[name]}"
        fix = f"RUN apt-get update && apt-get install -y {packages} && rm -rf /var/lib/apt/lists/*"
        hint = "Above that step, on Debian and Ubuntu; best in a stage of its own, if only the build needs it."
    elif name in _PIP:
        fix, hint = f"RUN pip install --no-cache-dir {_PIP[name]}", "Above that step."
    if "/" in name:
        return None
    return case.found(
        "command-not-found",
        f"The step calls {name}, and this stage has no such program.",
        (line, f"step RUN {step}"),
        hint=hint,
        fix=(fix,) if fix else (),
        spot=Spot(instruction=case.written_as("RUN", step), above=True),
    )


def _denied(case: Case, line: str, _match: re.Match[str], step: str) -> Failure | None:
    """By whom the step runs, or the script that it starts without the bit for it; None where neither is seen."""
    if line not in [one.strip() for one in case.evidence.log[-_LAST_FEW:]]:
        return None
    script = re.search(r"sh: (?:\d+: )?(\S+): Permission denied$", line)
    if (user := _user_of(case, step)) and script is None:
        by_root = as_root(case, step)
        return case.found(
            "permission-denied",
            f"The step runs as {user}, who may not do that.",
            (line, f"step RUN {step}", f"USER {user} stands above it"),
            hint="Instead of that step; or move it above USER, or USER below it."
            if by_root.lines
            else "Move that step above USER, or USER below it.",
            fix=by_root.lines,
            spot=by_root.spot,
        )
    if script is None:
        return None
    if in_context(case, script[1]) and (fix := above_step(case, step, f"RUN chmod 755 {script[1]}")).lines:
        return case.found(
            "permission-denied",
            f"{script[1]} is not marked as executable, so it cannot be started.",
            (line, f"step RUN {step}"),
            hint="Above that step; or start it by its interpreter (RUN sh SCRIPT).",
            fix=fix.lines,
            spot=fix.spot,
        )
    return case.found(
        "permission-denied",
        f"{script[1]} is not marked as executable, or is a folder, so it cannot be started.",
        (line, f"step RUN {step}"),
        hint="Start it by its interpreter (RUN sh SCRIPT), or after: RUN chmod 755 SCRIPT",
    )


def _user_of(case: Case, step: str) -> str:
    """The USER above a step of the stages that make the image, "" for root or a step of another stage."""
    user = ""
    for stage in case.written:
        for instruction in stage.instructions:
            if instruction.keyword == "USER":
                user = instruction.text.partition(":")[0]
            if instruction.keyword == "RUN" and instruction.text.split() == step.split():
                return "" if user in {"root", "0"} else user
    return ""


def _asked(case: Case, line: str, _match: re.Match[str], step: str) -> Failure:
    fix = rewritten_step(case, step, _INSTALL, r"\1 -y")
    return case.found(
        "build-failed",
        "apt-get asks whether to go on, and nobody answers while an image is built.",
        (f"step RUN {step}", line),
        hint="Instead of that step: -y answers for you." if fix.lines else "Add -y: apt-get install -y …",
        fix=fix.lines,
        spot=fix.spot,
    )


def _of_the_distribution(case: Case, line: str, _match: re.Match[str], step: str) -> Failure:
    fix = above_step(case, step, "ENV PIP_BREAK_SYSTEM_PACKAGES=1")
    return case.found(
        "build-failed",
        "This Python belongs to the distribution, and pip may not install into it.",
        (f"step RUN {step}", line),
        hint="Above that step, where the image is for this one app; or install into a virtual environment: "
        "RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install …",
        fix=fix.lines,
        spot=fix.spot,
    )


def _past_a_stand_in(case: Case, line: str, _match: re.Match[str], step: str) -> Failure:
    """Uv's ``--system`` passes environments by, and finds the distribution's own Python behind them."""
    named = re.search(r"(?:^|/)python(?::|$)", case.base) is not None
    fix = Fix() if named else above_step(case, step, "ENV UV_BREAK_SYSTEM_PACKAGES=1")
    return case.found(
        "build-failed",
        "uv --system passes by /usr/local, which is a virtual environment in a stand-in, and finds the distribution's "
        "Python: on the official image this step has another."
        if named
        else "This Python belongs to the distribution, and uv may not install into it.",
        (f"step RUN {step}", line),
        hint="On the stand-in, name the interpreter: uv pip install --python /usr/local/bin/python …"
        if named
        else "Above that step, where the image is for this one app; or install into a virtual environment: RUN uv venv "
        "/opt/venv",
        fix=fix.lines,
        spot=fix.spot,
    )


def _another_python(case: Case, line: str, match: re.Match[str], step: str) -> Failure:
    """What pipenv, poetry and uv say of a project that is written for another Python than the stage's."""
    wanted = match["pipenv"] or match["poetry"] or match["uv"]
    renamed = re.sub(r"(?<=python:)3\.\d+(?:\.\d+)?", match["pipenv"], case.base) if match["pipenv"] else case.base
    return case.found(
        "build-failed",
        f"The project asks for Python {wanted}, and this stage has another.",
        (line, f"step RUN {step}", f"the base image: {case.base}" if case.base else ""),
        hint="Begin with an image of that Python, or let the project ask for this one.",
        fix=(f"FROM {renamed}",) if renamed != case.base and len(case.written) == 1 else (),
    )


def _not_reached(case: Case, _line: str, _match: re.Match[str], _step: str) -> Failure | None:
    return unreached(case)


_SAID: tuple[tuple[re.Pattern[str], Callable[[Case, str, re.Match[str], str], Failure | None]], ...] = (
    (regex(r"No matching distribution found for (?P<wanted>.+)"), _no_distribution),
    (regex(r"E: Unable to locate package (?P<package>\S+)"), no_debian_package),
    (regex(r"E: Package '(?P<package>\S+)' has no installation candidate"), no_debian_package),
    (
        regex(r"^(?:/\S*/)?(?:ba|da|a)?sh: (?:line \d+: |\d+: )?(?P<name>[^:\s]+): (?:command )?not found$"),
        _no_command,
    ),
    (regex(r"Cannot find command '(?P<name>[\w.-]+)' - do you have"), _no_command),
    (regex(r"Do you want to continue\? \[Y/n\] Abort"), _asked),
    (regex(r"error: externally-managed-environment|hint: See PEP 668"), _of_the_distribution),
    (regex(r"The interpreter at `/usr` is externally managed"), _past_a_stand_in),
    (
        regex(r"Could not open requirements file: .*No such file or directory: '(?P<name>[^']+)'"),
        no_requirements,
    ),
    (
        regex(
            r"Readme path `(/[^`]+)` does not exist|Readme file does not exist: ([\w./-]+)"
            r"|Unable to find lockfile at `([^`]+)`|No `(pyproject\.toml)` found in current directory"
            r"|Poetry could not find a (pyproject\.toml) file in|(Pipfile(?:\.lock)?) not found!"
            r"|^(/\S+) does not contain any element$|No file/folder found for package ([\w.-]+)"
        ),
        no_project_file,
    ),
    (regex(r"(?:Permission denied|are you root\?)"), _denied),
    (
        regex(
            r"Warning: Python (?P<pipenv>3\.\d+)(?:\.\d+)? was not found on your system"
            r"|The currently activated Python version [\d.]+ is not supported by the project \((?P<poetry>[^)]+)\)"
            r"|incompatible with the project's Python requirement: `(?P<uv>[^`]+)`"
        ),
        _another_python,
    ),
    (regex(r"Could not resolve host|failed to lookup address information|dns error"), _not_reached),
)
