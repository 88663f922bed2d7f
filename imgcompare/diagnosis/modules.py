"""Pure: a program that died because Python did not find a module."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from posixpath import basename

from imgcompare.diagnosis.copy_fixes import copy_lines
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import is_own
from imgcompare.diagnosis.installing import install_lines
from imgcompare.diagnosis.interpreter import Python, python_of
from imgcompare.diagnosis.namespaces import folder_for_module, namespace
from imgcompare.diagnosis.together import listed, of_other_programs, together
from imgcompare.diagnosis.traceback import LastError
from imgcompare.diagnosis.unseen_modules import contradiction, unseen
from imgcompare.model import Failure
from imgcompare.regex import regex

_MISSING = regex(r"No module named '?([\w.]+)'?(?:;.*)?")
_PACKAGES = regex(r"(.*)/(?:site|dist)-packages(?:/|$)")
_PYTHON = regex(r"python[\d.]*")
# Distributions that are not named as what one imports from them.
_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "dateutil": "python-dateutil", "dotenv": "python-dotenv",
    "jwt": "PyJWT", "MySQLdb": "mysqlclient", "PIL": "pillow", "pkg_resources": "'setuptools<81'",
    "psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary", "sklearn": "scikit-learn", "yaml": "PyYAML",
}  # fmt: skip


# What a command names as a module (``python -m gunicorn``, ``-k uvicorn.workers.…``) and is nobody's own.
_SERVERS = {
    *("celery", "daphne", "django", "eventlet", "fastapi", "flask", "gevent", "gunicorn", "hypercorn", "streamlit"),
    *("uvicorn", "uvloop", "waitress"),
}
_SEE_COPY = "See what COPY takes and where it puts it, and what the command names."


def missing_module(case: Case) -> Failure | None:
    """Why a module was not found, as far as the files tell; with it all that other programs missed in the same way."""
    last = _missing(case, case.last_error)
    if last is None or last.code != "missing-python-module":
        return last
    found = dict.fromkeys(_names([case.last_error]), last)
    for error in of_other_programs(case):
        failure = _missing(case, error)
        if failure and failure.code == last.code:
            found = dict.fromkeys(_names([error]), failure) | found
    if len(found) == 1:
        return last
    return together(case, [*found.values()], f"Python does not find {listed([*found])}.")


def _names(errors: Iterable[LastError | None]) -> Iterator[str]:
    """What could not be imported."""
    for error in errors:
        if error and (match := _MISSING.fullmatch(error.text)):
            yield match[1].partition(".")[0]


def _missing(case: Case, error: LastError | None) -> Failure | None:
    match = _MISSING.fullmatch(error.text) if error and error.kind in {"ModuleNotFoundError", "ImportError"} else None
    if error is None or match is None:
        return None
    name = match[1].partition(".")[0]
    if case.view is None:
        return _nowhere(case, error, name)
    python = python_of(case, error.files, error.program)
    here = case.view.modules(name)
    installed = [place for place in here if _PACKAGES.search(place)]
    own = [place for place in here if is_own(place)]
    if match[1] == f"{name}.__main__" and (folder := namespace(case, name)):
        return folder_for_module(case, error.line, name, folder)
    if match[1] != name and here:
        return _part_missing(case, error, match[1], here)
    if installed:
        return unseen(case, error, name, installed, python)
    targets = [place for place in own if any(one.location == place for one in case.view.distributions)]
    if targets:
        return _in_a_target(case, error, name, targets[0])
    if own:
        return _not_on_path(case, error, name, own[0])
    return _elsewhere(case, error, name, python) or _nowhere(case, error, name)


def _in_a_target(case: Case, error: LastError, name: str, place: str) -> Failure:
    """It was installed into a folder of its own (``pip install --target``), which nobody told Python of."""
    return case.found(
        "missing-python-module",
        f"{name} is installed in {place}, a folder that Python does not look into by itself.",
        (error.line, case.ended(), f"this image has it: {case.view.module_path(place, name) if case.view else place}"),
        hint="Above CMD, in the last stage: Python then looks there, too.",
        fix=(_python_path(case, place),),
    )


def _not_on_path(case: Case, error: LastError, name: str, place: str) -> Failure:
    """The application's own module, which lies in a folder that Python does not look into.

    ``python x.py`` looks beside the script, wherever it starts; servers and ``python -m`` look where they start.
    """
    words = case.command.words
    by_script = words[:1] != () and _PYTHON.fullmatch(basename(words[0])) and words[1:2] and words[1].endswith(".py")
    here = place == case.working_dir
    looks = "beside the script" if by_script else f"in {case.working_dir}, where the program starts"
    # Where another module of the application imports it, that one was found: WORKDIR is right as it is.
    named = any(re.match(rf"(?:[\w/]*/)?{re.escape(name)}(?:[.:]|$)", word) for word in _applications(case))
    moved = bool(words) and named and not by_script and not here
    return case.found(
        "application-not-found",
        f"The module {name} is in {place}, and Python does not look there"
        + ("." if here and not by_script else f", but {looks}."),
        (error.line, case.ended(), f"this image has it: {case.view.module_path(place, name) if case.view else place}"),
        hint="Above CMD: programs start in this folder, and Python looks where it starts."
        if moved
        else "Above CMD, in the last stage: Python then looks there, too.",
        fix=(f"WORKDIR {place}" if moved else _python_path(case, place),),
    )


def _python_path(case: Case, place: str) -> str:
    return f"ENV PYTHONPATH={place}" + (":$PYTHONPATH" if case.environment.get("PYTHONPATH") else "")


def _part_missing(case: Case, error: LastError, name: str, places: list[str]) -> Failure:
    """The package is there and has no such part."""
    top = name.partition(".")[0]
    installed = any(_PACKAGES.search(place) for place in places)
    proof = (
        error.line,
        case.ended(),
        f"this image has {top}: {case.view.module_path(places[0], top) if case.view else places[0]}",
    )
    if installed:
        return case.found(
            "incompatible-packages",
            f"The installed {top} has no {name}: what imports it was written for another version.",
            (*proof, *(f"it is imported by {file}" for file in error.files[-1:])),
            hint=f"Pin the version of {top} that has it, beside the package that needs it.",
        )
    return case.found(
        "application-not-found",
        f"The application's package {top} is in the image, and its part {name} is not.",
        proof,
        hint="See that COPY takes the whole folder, and that .dockerignore leaves nothing out that is imported.",
    )


def _elsewhere(case: Case, error: LastError, name: str, python: Python | None) -> Failure | None:
    """It is in no layer of this image, but a stage or another variant has it."""
    for words, view in case.elsewhere():
        places = [place for place in view.modules(name) if _PACKAGES.search(place) or is_own(place)]
        if not places:
            continue
        place = next((found for found in places if _PACKAGES.search(found)), places[0])
        installed = _PACKAGES.search(place) is not None
        source = view.name if words.startswith("stage ") else None
        fix = copy_lines(case, source, view, place, python) if source else ()
        if source and not installed and place != "/":
            fix = (f"COPY --from={source} {place} {place}",)
        return case.found(
            "missing-python-module" if installed else "application-not-found",
            f"Python does not find {name}: it is in {words} and in no layer of this image.",
            (
                error.line,
                case.ended(),
                f"{words} has it: {view.module_path(place, name)}",
                nothing_taken(case) if not source else "",
            ),
            hint="Into the last stage, above CMD."
            if fix
            else take_from(case) or (f"Install {name} in this image, too." if installed else _SEE_COPY),
            fix=fix or (_install(case, name, python) if installed and not case.forgotten else ()),
        )
    return None


def take_from(case: Case) -> str:
    """What to do where a stage installs packages that the image never takes, "" where there is no such stage."""
    stage = case.forgotten
    return (
        f"Copy what that stage installs: COPY --from={stage} … (imgcompare explain missing-python-module)."
        if stage
        else ""
    )


def nothing_taken(case: Case) -> str:
    """The same, as evidence."""
    return f"stage {case.forgotten} installs packages, and this image takes nothing from it" if case.forgotten else ""


def _nowhere(case: Case, error: LastError, name: str) -> Failure:
    """No image that was looked into has it: the application's own by the command's words, else a package."""
    but = ", but in folders of the system" if case.view and case.view.modules(name) else ""
    seen = f"there is no {name}.py and no package {name} in any layer of this image{but}"
    if name not in _SERVERS and any(
        re.match(rf"(?:[\w/]*/)?{re.escape(name)}(?:[.:]|$)", word) for word in _applications(case)
    ):
        return case.found(
            "application-not-found",
            f"The command names the module {name}, and {seen if case.view else 'Python does not find it'}.",
            (error.line, case.ended()),
            hint=_SEE_COPY,
        )
    if name in sys.stdlib_module_names:
        return contradiction(case, error, name, "the standard library")
    return case.found(
        "missing-python-module",
        f"Python does not find {name}" + (f": it is in no layer of this image{but}." if case.view else "."),
        (error.line, case.ended(), nothing_taken(case)),
        hint=take_from(case) or "Add it to the requirements that this image installs.",
        fix=() if case.forgotten else _install(case, name, python_of(case, error.files, error.program)),
    )


def _applications(case: Case) -> tuple[str, ...]:
    """What the command and the environment name as the application."""
    named = (case.environment.get(key, "") for key in ("FLASK_APP", "DJANGO_SETTINGS_MODULE"))
    return (*case.command.words[1:], *(name for name in named if name))


def _install(case: Case, name: str, python: Python | None) -> tuple[str, ...]:
    return install_lines(case, _DISTRIBUTIONS.get(name, name.replace("_", "-")), python)
