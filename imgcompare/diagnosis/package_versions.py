"""Pure: Python packages that do not fit together, and files that may not be touched."""

from __future__ import annotations

from imgcompare.analysis.python_distributions import Distribution
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.installing import install_lines
from imgcompare.diagnosis.interpreter import python_of
from imgcompare.diagnosis.traceback import LastError
from imgcompare.model import Failure
from imgcompare.regex import regex

_CANNOT_IMPORT = regex(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)' \((?P<file>/[^)]+)\)")
_DENIED = regex(r"\[Errno 13\] Permission denied: '(?P<path>/[^']+)'")
_NO_ATTRIBUTE = regex(r"(?:module '(?P<module>[\w.]+)'|'(?P<kind>\w+)' object) has no attribute '(?P<name>\w+)'")
_SITE = "-packages/"
# What was taken away, and the versions that have it: https://flask.palletsprojects.com/en/stable/changes/#version-2-3-0
_REMOVED = {
    ("flask", name): ("flask<2.3", "werkzeug<3")
    for name in ("before_first_request", "env", "json_decoder", "json_encoder", "session_cookie_name")
}


def incompatible(case: Case) -> Failure | None:
    """A package that imports what the installed version of another one does not have."""
    error = case.last_error
    if error and error.kind == "AttributeError":
        return _without(case, error)
    match = _CANNOT_IMPORT.search(error.text) if error and error.kind == "ImportError" else None
    if error is None or match is None or "circular import" in error.text:
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
        fix=install_lines(case, f'"{used.name}<{major}"', python_of(case, error.files))
        if used and major.isdecimal() and major != "0"
        else (),
    )


def _without(case: Case, error: LastError) -> Failure | None:
    """A package that uses what a module, or the class that is named like one, does not have any more.

    Of the application's own code it may as well be a mistake, unless it is known to have been taken away.
    """
    match = _NO_ATTRIBUTE.match(error.text)
    if match is None or case.view is None or not error.files:
        return None
    name = (match["module"] or match["kind"]).partition(".")[0].lower()
    used = next((one for one in case.view.distributions if one.name == name), None)
    user = _owner(case, error.files[-1])
    removed = _REMOVED.get((name, match["name"]), ())
    if used is None or user == used or (user is None and not removed):
        return None
    by = f"{user.name} {user.version}" if user else error.files[-1]
    return case.found(
        "incompatible-packages",
        f"{by} uses {match['name']} of {used.name}, which the installed {used.name} {used.version} does not have.",
        (error.line, case.ended(), f"it is used by {error.files[-1]}"),
        hint="Above CMD, or better as lines of requirements.txt: versions from the time of what needs it."
        if removed
        else f"Pin the version of {used.name} that has it, beside the package that needs it.",
        fix=install_lines(case, " ".join(f'"{one}"' for one in removed), python_of(case, error.files))
        if removed
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
    error = case.last_error
    match = _DENIED.search(error.text) if error and error.kind == "PermissionError" else None
    if error is None or match is None or case.user == "root":
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
