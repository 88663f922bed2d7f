"""Pure: a program that could not be started: not there, not allowed, or not for this machine."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from posixpath import dirname

from imgcompare.diagnosis.command import written
from imgcompare.diagnosis.copying import copy_lines
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.interpreter import python_of
from imgcompare.diagnosis.scripts import interpreter_line, read_elf
from imgcompare.diagnosis.view import View
from imgcompare.model import Failure

_NOT_FOUND = re.compile(
    r'exec: "(?P<go>[^"]*)": executable file not found'
    r"|executable file [`'\"]?(?P<crun>[^`'\"]+)[`'\"]? not found"
    r"|^(?:/\S*/)?(?:ba|da|a)?sh: (?:\d+: |line \d+: )?(?:exec: )?(?P<sh>[^:]+): (?:command )?not found"
)
_NO_FILE = re.compile(
    r'exec: "(?P<go>[^"]*)": stat [^:]*: no such file or directory'
    r"|exec (?P<kernel>/[^:]*): no such file or directory"
)
_DENIED = re.compile(
    r'exec: "(?P<go>[^"]*)": (?:permission denied|is a directory)'
    r"|exec (?P<kernel>/[^:]*): permission denied"
    r"|^(?:/\S*/)?(?:ba|da|a)?sh: (?:\d+: |line \d+: )?(?P<sh>/[^:]*): [Pp]ermission denied"
)
_FORMAT = re.compile(r"exec (?P<kernel>/[^:]*): exec format error|(?P<sh>/[^:\s]*): [Ee]xec format error")
_NO_USER = re.compile(r"unable to find user (?P<user>[^:]+): no matching entries in passwd")
_MUSL = re.compile(r"/ld-musl-")


@dataclass(frozen=True)
class Refusal:
    """What the engine, the kernel or a shell said when the program was to be started, and of which program."""

    line: str
    program: str


def cannot_start(case: Case) -> Failure | None:
    """Why a program could not be started."""
    lines = [case.evidence.start_error] if case.evidence.start_error else list(case.evidence.errors[-1:])
    if not case.evidence.start_error and not case.evidence.exit_code:
        return None
    for pattern, explain in _REFUSALS:
        for line in lines:
            if match := pattern.search(line):
                return explain(case, Refusal(_short(line, match[0]), next(filter(None, match.groups()), "")))
    return None


def _not_found(case: Case, refusal: Refusal) -> Failure | None:
    program = refusal.program
    if re.search(r"\s", program.strip()) and not (case.view and case.view.file(program)):
        return _one_string(case, refusal)
    if case.view is None:
        return case.found(
            "executable-not-found",
            f"The program {program} is not on the image's PATH.",
            (refusal.line,),
            hint="See that the last stage has it, in a folder of PATH.",
        )
    return _off_path(case, refusal) or _left_behind(case, refusal) or _nowhere(case, refusal)


def _one_string(case: Case, refusal: Refusal) -> Failure:
    keyword = case.command.keyword
    try:
        words = shlex.split(refusal.program)
    except ValueError:
        words = refusal.program.split()
    return case.found(
        "single-string-exec",
        f"{keyword} is a list with one string in it, so the engine looks for a program of that whole name.",
        (refusal.line, f"the image's {keyword}: {written(keyword, (refusal.program,)).partition(' ')[2]}"),
        hint="Instead of the image's own line: every word is a string of its own.",
        fix=(written(keyword, words),),
    )


def _off_path(case: Case, refusal: Refusal) -> Failure | None:
    """It is in the image, in a folder that PATH does not name."""
    assert case.view is not None  # noqa: S101 - asked only where there are files
    name = refusal.program.rpartition("/")[2]
    path = next((path for path in case.view.named(name) if case.view.is_executable(path)), None)
    if path is None or "/" in refusal.program or dirname(path).rpartition("/")[2] not in {"bin", "sbin"}:
        return None
    folder = dirname(path)
    return case.found(
        "executable-not-found",
        f"The program {name} is in {folder}, and PATH does not name that folder.",
        (refusal.line, f"this image has it: {path}", f"PATH={case.environment.get('PATH', '')}"),
        hint="Above CMD, in the last stage.",
        fix=(f"ENV PATH={folder}:$PATH",),
    )


def _left_behind(case: Case, refusal: Refusal) -> Failure | None:
    """A stage or another variant has it."""
    name = refusal.program.rpartition("/")[2]
    for words, view in case.elsewhere():
        path = _program_in(view, refusal.program, name)
        if path is None:
            continue
        source = view.name if words.startswith("stage ") else None
        return case.found(
            "executable-not-found",
            f"The program {name} is in {words} at {path} and in no layer of this image.",
            (refusal.line, f"{words} has it: {path}"),
            hint="Into the last stage, above CMD." if source else f"Install what brings {name} in this image, too.",
            fix=_with_packages(case, source, view, path) if source else (),
        )
    return None


def _program_in(view: View, program: str, name: str) -> str | None:
    paths = [path for path in view.named(name) if view.is_executable(path)]
    if program in paths:
        return program
    return next((path for path in paths if dirname(path).rpartition("/")[2] in {"bin", "sbin"} or "/" in program), None)


def _with_packages(case: Case, source: str, view: View, path: str) -> tuple[str, ...]:
    """The program's line, and before it that of the packages beside it, where the image has them not."""
    prefix = dirname(dirname(path))
    site = next((one.location for one in view.distributions if one.location.startswith(f"{prefix}/lib/python3.")), None)
    line = (f"COPY --from={source} {path} {path}",)
    if site is None:
        return line
    here = {one.information for one in case.view.distributions} if case.view else set()
    lacking = [one for one in view.distributions if one.location == site and one.information not in here]
    if not lacking:
        return line
    return copy_lines(case, source, view, site, python_of(case)) or line


def _nowhere(case: Case, refusal: Refusal) -> Failure:
    name = refusal.program
    return case.found(
        "executable-not-found",
        f"There is no program {name}, neither on the image's PATH nor elsewhere in it.",
        (refusal.line, f"PATH={case.environment.get('PATH', '')}" if "/" not in name else ""),
        hint="Install what brings it in the last stage, or see whether its name is right.",
    )


def _no_file(case: Case, refusal: Refusal) -> Failure | None:
    """The kernel says so of a file that is there when what it needs to run is not."""
    program = refusal.program
    view = case.view
    if view is None:
        return None
    if view.file(program) is None:
        if view.entry(program) is not None:
            return _dangling(case, refusal, view)
        return _left_behind(case, refusal) or _nowhere(case, refusal)
    head = case.evidence.heads.get(program, b"")
    if words := interpreter_line(head):
        return _lost_interpreter(case, refusal, view, words[-1] if len(words) > 2 else words[0])
    elf = read_elf(head)
    if elf and elf.loader and view.file(elf.loader) is None:
        return _lost_loader(case, refusal, elf.loader)
    return None


def _lost_interpreter(case: Case, refusal: Refusal, view: View, interpreter: str) -> Failure | None:
    program = refusal.program
    first = f"the first line of {program} is: #!{interpreter}"
    if interpreter.endswith("\r"):
        return case.found(
            "script-cannot-run",
            f"{program} has Windows line ends, so the kernel looks for a program named “{interpreter[:-1]}\\r”.",
            (refusal.line, f"the first line of {program} ends in \\r"),
            hint="After it was copied; better still, save it with Unix line ends (.gitattributes: *.sh text eol=lf).",
            fix=(f"RUN sed -i 's/\\r$//' {program}",),
        )
    if not interpreter.startswith("/") or view.file(interpreter) is not None:
        return None
    environment = next((folder for folder in view.environments if program.startswith(f"{folder}/bin/")), None)
    if environment is None or not re.search(r"/bin/python[\d.]*$", interpreter):
        return case.found(
            "script-cannot-run",
            f"{program} asks to be run by {interpreter}, which this image has not.",
            (refusal.line, first, f"{interpreter} is in no layer of this image"),
            hint="Install that interpreter in the last stage, or write the script for one that is there, as /bin/sh.",
        )
    old = dirname(dirname(interpreter))
    source = next((name for name, stage in case.stages.items() if old in stage.environments), None)
    return case.found(
        "moved-virtualenv",
        f"The virtual environment was made at {old} and moved to {environment}: its commands look for {interpreter}.",
        (refusal.line, first, f"{interpreter} is in no layer of this image"),
        hint=f"Instead of the line that copies it to {environment}: an environment works only where it was made.",
        fix=(f"COPY --from={source} {old} {old}", f"ENV PATH={old}/bin:$PATH") if source else (),
    )


def _dangling(case: Case, refusal: Refusal, view: View) -> Failure | None:
    """A link that leads nowhere: in a virtual environment, the Python that it was made with."""
    entry = view.entry(refusal.program)
    environment = next((one for one in view.environments if refusal.program.startswith(f"{one}/bin/")), None)
    if entry is None or environment is None:
        return None
    return case.found(
        "moved-virtualenv",
        f"The virtual environment {environment} needs the Python that made it, {entry.link}, which this image has not.",
        (refusal.line, f"{refusal.program} is a link to {entry.link}"),
        hint="Begin both stages with the same Python image, so that Python is at the same place in both.",
    )


def _lost_loader(case: Case, refusal: Refusal, loader: str) -> Failure:
    musl = _MUSL.search(loader) is not None
    built, here = ("Alpine's C library (musl)", "Debian's") if musl else ("glibc, Debian's C library,", "Alpine's")
    return case.found(
        "wrong-libc",
        f"{refusal.program} was built for {built} and this image has {here if not musl else 'glibc'}.",
        (refusal.line, f"{refusal.program} asks for the loader {loader}", f"{loader} is in no layer of this image"),
        hint="Build and run on images of one family: both Debian (python:3.11, …-slim) or both Alpine.",
    )


def _denied(case: Case, refusal: Refusal) -> Failure | None:
    program = refusal.program
    view = case.view
    entry = view.file(program) if view else None
    if view is None or entry is None:
        return None
    if view.has_folder(program):
        return case.found(
            "permission-denied",
            f"{program} is a folder, and the image's {case.command.keyword} wants to start it.",
            (refusal.line, f"{program} is a folder"),
            hint="Name the program in it.",
        )
    if entry.mode & 0o111:
        return None
    return case.found(
        "permission-denied",
        f"{program} is not marked as executable, so nobody may start it.",
        (refusal.line, f"the mode of {program} is {entry.mode & 0o7777:04o}"),
        hint="After it was copied, above USER (with BuildKit, COPY --chmod=755 does it without another layer).",
        fix=(f"RUN chmod 755 {program}",),
    )


def _format(case: Case, refusal: Refusal) -> Failure | None:
    program = refusal.program
    head = case.evidence.heads.get(program, b"")
    elf = read_elf(head)
    image = case.evidence.image
    if elf and image and elf.architecture and elf.architecture != image.architecture:
        return case.found(
            "wrong-architecture",
            f"{program} is a program for {elf.architecture}, and the image is for {image.architecture}.",
            (
                refusal.line,
                f"the header of {program} says {elf.architecture}",
                f"the image's architecture: {image.architecture}",
            ),
            hint="Download or build the program for the image's architecture (in a RUN, `uname -m` names it).",
        )
    if elf and image and case.evidence.engine_architecture not in {"", image.architecture}:
        return case.found(
            "wrong-architecture",
            f"The image is for {image.architecture}, and the engine's machine is {case.evidence.engine_architecture}.",
            (refusal.line, f"the image's architecture: {image.architecture}"),
            hint=f"Build it for this machine: --platform linux/{case.evidence.engine_architecture}",
        )
    if head and not elf and not head.startswith(b"#!") and b"\0" not in head:
        return case.found(
            "script-cannot-run",
            f"{program} is a script without a first line that names its interpreter.",
            (refusal.line, f"{program} begins with: {head[:40].decode('utf-8', 'replace')}"),
            hint="Better still, write that line into the script itself.",
            fix=(f"RUN sed -i '1i #!/bin/sh' {program}",),
        )
    return None


def _no_user(case: Case, refusal: Refusal) -> Failure:
    user = refusal.program
    stage = next((name for name, view in case.stages.items() if any(one.name == user for one in view.users)), None)
    known = next((one for view in case.stages.values() for one in view.users if one.name == user), None)
    proof = (refusal.line, f"stage {stage} has it in /etc/passwd" if stage else "")
    return case.found(
        "unknown-user",
        f"The image runs as the user {user}, and its /etc/passwd has no such user.",
        proof,
        hint="Above USER, in the last stage: users of another stage are not taken over.",
        fix=(f"RUN useradd --uid {known.uid if known else 10001} {user}",),
    )


def _short(line: str, told: str) -> str:
    """The engine's words from where they name the program."""
    at = line.find(told)
    return line if at < 0 else line[at:].removesuffix(": unknown")


_REFUSALS = (
    (_NO_USER, _no_user),
    (_NO_FILE, _no_file),
    (_DENIED, _denied),
    (_FORMAT, _format),
    (_NOT_FOUND, _not_found),
)
