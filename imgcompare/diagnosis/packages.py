"""Pure: Python packages that do not fit together, files that may not be touched, and applications not found."""

from __future__ import annotations

import re

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.last_words import LastError, last_error
from imgcompare.image.distributions import Distribution
from imgcompare.model import Failure

_CANNOT_IMPORT = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)' \((?P<file>/[^)]+)\)")
_DENIED = re.compile(r"\[Errno 13\] Permission denied: '(?P<path>/[^']+)'")
_NO_APPLICATION = re.compile(
    r"Error: Could not locate a Flask application\."
    r"|Error: Could not import '(?P<flask>[\w.]+)'\."
    r"|(?:Error: )?Failed to find (?:attribute '\w+'|Flask application or factory) in (?:module )?'(?P<module>[\w.]+)'"
    r"|.*Error loading ASGI app\. (?:Could not import module|Attribute \"\w+\" not found in module) \"(?P<asgi>[\w.]+)"
    r"|\S*python[\d.]*: can't open file '(?P<script>[^']+)': \[Errno 2\]"
)
_SITE = "-packages/"


def incompatible(case: Case) -> Failure | None:
    """A package that imports what the installed version of another one does not have."""
    error = last_error(case.evidence.errors)
    match = _CANNOT_IMPORT.search(error.text) if error and error.kind == "ImportError" else None
    if error is None or match is None or not _failed(case) or "circular import" in error.text:
        return None
    if _SITE not in match["file"]:
        return None
    importer = error.files[-1] if error.files else ""
    user, used = _owner(case, importer), _owner(case, match["file"])
    told = f"{used.name} {used.version}" if used else match["module"].partition(".")[0]
    by = f"{user.name} {user.version}" if user else importer or "the program"
    major = used.version.partition(".")[0] if used else ""
    return case.found(
        "incompatible-packages",
        f"{by} imports {match['name']} from {match['module']}, which the installed {told} does not have.",
        (error.line, case.ended(), f"it is imported by {importer}" if importer else ""),
        hint=f"Above CMD, or better as a line of requirements.txt: a version of {used.name if used else 'it'} from the "
        "time of the package that needs it.",
        fix=(f'RUN pip install --no-cache-dir "{used.name}<{major}"',)
        if used and major.isdecimal() and major != "0"
        else (),
    )


def _owner(case: Case, file: str) -> Distribution | None:
    """The distribution whose package a file lies in, by name and folder."""
    folder, marker, rest = file.rpartition(_SITE)
    if case.view is None or not marker:
        return None
    top = rest.partition("/")[0].removesuffix(".py").lower().replace("_", "-")
    place = f"{folder}{_SITE.rstrip('/')}"
    return next((one for one in case.view.distributions if one.name == top and one.location == place), None)


def permission(case: Case) -> Failure | None:
    """A program that is not root and touched what it may not."""
    error = last_error(case.evidence.errors)
    match = _DENIED.search(error.text) if error and error.kind == "PermissionError" else None
    if error is None or match is None or not _failed(case) or case.user == "root":
        return None
    return _denied(case, error, match["path"])


def _denied(case: Case, error: LastError, path: str) -> Failure | None:
    view = case.view
    if view is None:
        return None
    target = path.rstrip("/")
    entry = view.file(target)
    while entry is None and target:  # what is to be made needs its folder
        target = target.rpartition("/")[0]
        entry = view.file(target) if target else None
    if entry is None or not target:
        return None
    user = next((one for one in view.users if case.user in {one.name, str(one.uid)}), None)
    uid = str(user.uid) if user else case.user
    if uid == str(entry.uid):
        return None
    return case.found(
        "permission-denied",
        f"The program runs as {case.user} and may not touch {path}: {target} belongs to user {entry.uid}.",
        (
            error.line,
            case.ended(),
            f"the image's USER: {case.user}",
            f"{target}: user {entry.uid}, mode {entry.mode & 0o7777:04o}",
        ),
        hint="Above USER; give it only what it has to write, or a volume for it.",
        fix=(f"RUN chown {case.user} {target}",),
    )


def no_application(case: Case) -> Failure | None:
    """A server that did not find the application it was told to serve."""
    if not _failed(case):
        return None
    line = next((line for line in reversed(case.evidence.errors[-8:]) if _NO_APPLICATION.match(line)), None)
    match = _NO_APPLICATION.match(line) if line else None
    if line is None or match is None:
        return None
    named = next(filter(None, match.groups()), "")
    here = case.view.modules(named.partition(".")[0]) if case.view and named and "/" not in named else []
    setting = case.environment.get("FLASK_APP")
    proof = (
        line,
        case.ended(),
        f"the image's WORKDIR: {case.working_dir}",
        f"FLASK_APP={setting}" if setting else "FLASK_APP is not set" if "Flask" in line else "",
        f"this image has {named}: {here[0]}" if here else "",
    )
    found = _flask_files(case) if "Could not locate" in line else []
    fix = _fix(case, here, named, found)
    return case.found(
        "application-not-found",
        "The server does not find the application: "
        + (
            f"what it was told to serve is {named}."
            if named
            else f"nobody says where it is, and {case.working_dir} has no app.py or wsgi.py."
        ),
        proof,
        hint="Above CMD, in the last stage."
        if fix
        else "See what the command names, WORKDIR, and what COPY takes and where it puts it.",
        fix=fix,
    )


def _fix(case: Case, here: list[str], named: str, found: list[str]) -> tuple[str, ...]:
    if here and here[0] != case.working_dir and _SITE not in f"{here[0]}/" and named:
        return (f"WORKDIR {here[0]}",)
    if len(found) == 1:
        module = found[0].removeprefix(case.working_dir.rstrip("/") + "/").removesuffix(".py").replace("/", ".")
        return (f"ENV FLASK_APP={module}",)
    return ()


def _flask_files(case: Case) -> list[str]:
    """The wsgi.py, else the app.py, below the working directory."""
    if case.view is None:
        return []
    below = f"{case.working_dir.rstrip('/')}/"
    for name in ("wsgi.py", "app.py"):
        if found := [
            path
            for path in case.view.named(name)
            if path.startswith(below) and _SITE not in path and "/lib/" not in path
        ]:
            return found
    return []


def _failed(case: Case) -> bool:
    """Whether the program ended with an error, or the server says that a request did."""
    return bool(case.evidence.exit_code) or (case.evidence.status_code or 0) >= 500
