"""Pure: a program that could not be started: not there, not allowed, or not for this machine."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath

from imgcompare.diagnosis.command import written
from imgcompare.diagnosis.command_words import one_string
from imgcompare.diagnosis.copy_fixes import copy_lines
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import View
from imgcompare.diagnosis.installing import install_lines
from imgcompare.diagnosis.interpreter import python_of
from imgcompare.diagnosis.modules import nothing_taken, take_from
from imgcompare.diagnosis.unrunnable import Refusal, dangling, needs_more, not_allowed, wrong_format
from imgcompare.diagnosis.unseen_modules import others_home
from imgcompare.image.tarheader import REGULAR
from imgcompare.model import Failure
from imgcompare.regex import regex

_NOT_FOUND = regex(
    r'exec: "(?P<go>[^"]*)": executable file not found'
    r"|executable file [`'\"]?(?P<crun>[^`'\"]+)[`'\"]? not found"
    r"|^(?:/\S*/)?(?:ba|da|a)?sh: (?:\d+: |line \d+: )?(?:exec: )?(?P<sh>[^:]+): (?:command )?not found"
    r"|^[^\s:]+: (?:\d+|line \d+): (?:exec: )?(?P<script>[^:\s]+): (?:command )?not found$"
)
_NOT_FOUND_CODE = 127  # of a shell's script, whose words another program may use as well
_NO_FILE = regex(
    r'exec: "(?P<go>[^"]*)": stat [^:]*: no such file or directory'
    r"|exec (?P<kernel>[^\s:]*/[^:]*): no such file or directory"
)
_DENIED = regex(
    r'exec: "(?P<go>[^"]*)": (?:stat [^:]*: )?(?:permission denied|is a directory)'
    r"|exec (?P<kernel>[^\s:]*/[^:]*): permission denied"
    r"|^(?:/\S*/)?(?:ba|da|a)?sh: (?:\d+: |line \d+: )?(?:exec: )?(?P<sh>[^:\s]+): [Pp]ermission denied"
)
_FORMAT = regex(
    r"exec (?P<kernel>[^\s:]*/[^:]*): exec format error"
    r"|exec container process `(?P<crun>[^`]*/[^`]*)`: Exec format error"
    r"|(?P<sh>/[^:\s]*): (?:cannot execute binary file: )?[Ee]xec format error"
)
_NO_USER = regex(r"unable to find user (?P<user>[^:]+): no matching entries in passwd")
# Commands that are named as their package, or nearly, and that a Dockerfile for Python starts.
_PACKAGES = {
    **{name: name for name in ("celery", "daphne", "flask", "gunicorn", "hypercorn", "uvicorn")},
    "django-admin": "django",
    "waitress-serve": "waitress",
}


def cannot_start(case: Case) -> Failure | None:
    """Why a program could not be started."""
    lines = [case.evidence.start_error] if case.evidence.start_error else list(case.evidence.errors[-1:])
    if not case.evidence.start_error and not case.evidence.exit_code:
        return None
    for pattern, explain in _REFUSALS:
        for line in lines:
            match = pattern.search(line)
            if match and (match.lastgroup != "script" or case.evidence.exit_code == _NOT_FOUND_CODE):
                program = next(filter(None, match.groups()), "")
                path = normpath(join("/", case.working_dir, program)) if "/" in program else ""
                return explain(case, Refusal(_short(line, match[0]), program, path))
    return None


def _not_found(case: Case, refusal: Refusal) -> Failure | None:
    program = refusal.program
    if _is_a_line(case, refusal):
        return one_string(case, refusal.line, refusal.program)
    if case.view is None:
        return case.found(
            "executable-not-found",
            f"The program {program} is not on the image's PATH.",
            (refusal.line,),
            hint="See that the last stage has it, in a folder of PATH.",
        )
    if there := case.program_path(program):  # a shell says so, too, of what needs an interpreter that is not there
        return _no_file(case, Refusal(refusal.line, program, there))
    return (
        _in_working_dir(case, refusal)
        or _off_path(case, refusal)
        or _left_behind(case, refusal)
        or _nowhere(case, refusal)
    )


def _is_a_line(case: Case, refusal: Refusal) -> bool:
    """Whether what was to be started is a program with its arguments in one string, and no file of that name."""
    there = case.view and any(map(case.view.file, filter(None, (refusal.program, refusal.path))))
    return re.search(r"\s", refusal.program.strip()) is not None and not there


def _in_working_dir(case: Case, refusal: Refusal) -> Failure | None:
    """A bare name is looked for on PATH alone, and not where the program starts."""
    path = normpath(join("/", case.working_dir, refusal.program))
    entry = case.view.file(path) if case.view and "/" not in refusal.program else None
    image = case.evidence.image
    if entry is None or entry.kind != REGULAR or image is None or case.command.in_shell:
        return None
    by_python = ["python"] if path.endswith(".py") and python_of(case) else []
    words = [*by_python, path, *(image.entrypoint or image.cmd)[1:]]
    mode = () if entry.mode & 0o111 or by_python else (f"RUN chmod 755 {path}",)
    return case.found(
        "executable-not-found",
        f"{refusal.program} is in {case.working_dir}, and a program without a slash is looked for on PATH alone.",
        (refusal.line, f"this image has it: {path}", f"PATH={case.environment.get('PATH', '')}"),
        hint=f"Instead of the image's own {case.command.keyword}: with the folder before the name.",
        fix=(*mode, written(case.command.keyword, words)),
    )


def _off_path(case: Case, refusal: Refusal) -> Failure | None:
    """It is in the image, in a folder that PATH does not name."""
    assert case.view is not None  # noqa: S101 - asked only where there are files
    name = refusal.program.rpartition("/")[2]
    path = next((path for path in case.view.named(name) if case.view.is_executable(path)), None)
    if path is None or "/" in refusal.program or dirname(path).rpartition("/")[2] not in {"bin", "sbin"}:
        return None
    folder, python = dirname(path), python_of(case)
    if python and folder.endswith("/.local/bin") and not _is_at_home(case, folder):
        return others_home(case, name, path, (refusal.line, f"this image has it: {path}"), python)
    return case.found(
        "executable-not-found",
        f"The program {name} is in {folder}, and PATH does not name that folder.",
        (refusal.line, f"this image has it: {path}", f"PATH={case.environment.get('PATH', '')}"),
        hint="Above CMD, in the last stage.",
        fix=(f"ENV PATH={folder}:$PATH",),
    )


def _is_at_home(case: Case, folder: str) -> bool:
    """Whether a folder lies in the home of the user who runs the program."""
    users = case.view.users if case.view else ()
    home = next((one.home for one in users if case.user in {one.name, str(one.uid)}), "")
    return bool(home) and folder.startswith(f"{home.rstrip('/')}/")


def _left_behind(case: Case, refusal: Refusal) -> Failure | None:
    """A stage or another variant has it."""
    name = refusal.program.rpartition("/")[2]
    here = "/" in refusal.program and case.view is not None and case.view.named(name)
    for words, view in case.elsewhere():
        path = _program_in(view, refusal.place, name)
        if path is None:
            continue
        source = view.name if words.startswith("stage ") else None
        return case.found(
            "executable-not-found",
            f"The program {name} is in {words} at {path}"
            + (f", and this image has nothing at {refusal.place}." if here else " and in no layer of this image."),
            (refusal.line, f"{words} has it: {path}", "" if source else nothing_taken(case)),
            hint="Into the last stage, above CMD."
            if source
            else take_from(case) or f"Install what brings {name} in this image, too.",
            fix=_with_packages(case, source, view, path) if source else _install(case, name),
        )
    return None


def _program_in(view: View, program: str, name: str) -> str | None:
    paths = [path for path in view.named(name) if view.is_executable(path)]
    if program in paths:
        return program
    return next((path for path in paths if dirname(path).rpartition("/")[2] in {"bin", "sbin"} or "/" in program), None)


def _with_packages(case: Case, source: str, view: View, path: str) -> tuple[str, ...]:
    """The program's line, and before it that of the packages beside it, where the image lacks them."""
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
    if "/" in name:
        return _no_such_path(case, refusal)
    fix = _install(case, name)
    return case.found(
        "executable-not-found",
        f"There is no program {name}, neither on the image's PATH nor elsewhere in it.",
        (
            refusal.line,
            f"PATH={case.environment.get('PATH', '')}",
            nothing_taken(case) if name in _PACKAGES else "",
        ),
        hint=take_from(case) or "Above CMD, or better as a line of the requirements that the image installs."
        if name in _PACKAGES
        else "Install what brings it in the last stage, or see whether its name is right.",
        fix=fix,
    )


def _no_such_path(case: Case, refusal: Refusal) -> Failure:
    """A path with nothing at it; the same name may be elsewhere."""
    path = refusal.path
    same = case.view.named(path.rpartition("/")[2])[:1] if case.view else []
    return case.found(
        "executable-not-found",
        f"There is no {path} in the image"
        + (f": {same[0].rpartition('/')[2]} is in {dirname(same[0])}." if same else "."),
        (
            refusal.line,
            f"the image's WORKDIR: {case.working_dir}" if not refusal.program.startswith("/") else "",
            *(f"this image has {one}" for one in same),
        ),
        hint="Only a shell knows ~: write the whole path."
        if refusal.program.startswith("~")
        else "See what COPY takes and where it puts it, and what the command names.",
    )


def _install(case: Case, name: str) -> tuple[str, ...]:
    """The line that brings a command which a well-known package of Python's has."""
    package = _PACKAGES.get(name)
    return install_lines(case, package) if package and not case.forgotten else ()


def _no_file(case: Case, refusal: Refusal) -> Failure | None:
    """The kernel says so of a file that is there when what it needs to run is not."""
    program = refusal.place
    view = case.view
    if _is_a_line(case, refusal):
        return one_string(case, refusal.line, refusal.program)
    if view is None:
        return None
    if view.file(program) is None:
        if view.entry(program) is not None:
            return dangling(case, refusal, view)
        if program == case.command.shell:
            return _no_shell(case, refusal)
        if view.named(program.rpartition("/")[2]) and not any(other.file(program) for _, other in case.elsewhere()):
            return _no_such_path(case, refusal)
        return _left_behind(case, refusal) or _nowhere(case, refusal)
    return needs_more(case, refusal, view)


def _denied(case: Case, refusal: Refusal) -> Failure | None:
    """Shells say so of a bare name, too, which they found on PATH."""
    place = refusal.path or case.program_path(refusal.program) or ""
    return not_allowed(case, Refusal(refusal.line, refusal.program, place))


def _no_shell(case: Case, refusal: Refusal) -> Failure:
    """An image without a shell (from scratch, distroless), and a command that is a line for one."""
    words, keyword = case.command.words, case.command.keyword
    return case.found(
        "executable-not-found",
        f"{keyword} is a line for a shell, and this image has no {refusal.program}.",
        (refusal.line, f"the image's {keyword} begins with {refusal.program} -c"),
        hint="Instead of the image's own line: a list needs no shell."
        if words
        else "Write the command as a list, which needs no shell: one program and its arguments.",
        fix=(written(keyword, words),) if words else (),
    )


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
    (_FORMAT, wrong_format),
    (_NOT_FOUND, _not_found),
)
