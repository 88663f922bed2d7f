"""Pure: a file of the application that is named like a module, and is imported in that one's place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import is_own
from imgcompare.diagnosis.traceback import LastError
from imgcompare.model import Failure
from imgcompare.regex import regex

_CANNOT_IMPORT = regex(
    r"cannot import name '\w+' from (?:partially initialized module )?'(?P<module>[\w.]+)' "
    r"(?:\([a-z ]+\) )?\((?:consider renaming ')?(?P<file>/[^)']+)"
)
_NO_ATTRIBUTE = regex(r"(?:partially initialized )?module '(?P<module>\w+)' has no attribute '\w+'")
_NO_PART = regex(r"No module named '(?P<module>\w+)\.[\w.]+'(?:; '\w+' is not a package)?")


def shadowed_module(case: Case) -> Failure | None:
    """Why an import brings the application's own file: what it should bring has the same name."""
    error = case.last_error
    if error is None:
        return None
    for kind, pattern in (
        ("ImportError", _CANNOT_IMPORT),
        ("AttributeError", _NO_ATTRIBUTE),
        ("ModuleNotFoundError", _NO_PART),
    ):
        match = pattern.match(error.text) if error.kind == kind else None
        if match is None:
            continue
        name = match["module"].partition(".")[0]
        file = match["file"] if "file" in pattern.groupindex else next(own_files(case, name), "")
        if file and is_own(dirname(file)) and (_is_elsewhere(case, name) or _imports_itself(error, file, name)):
            return told(case, name, file, error.line)
    return None


def told(case: Case, name: str, file: str, line: str) -> Failure:
    """The cause in words."""
    whose = "Python's own" if name in sys.stdlib_module_names else "the installed"
    return case.found(
        "shadowed-module",
        f"{file} is named like {whose} module {name}, and is imported in its place.",
        (line, case.ended()),
        hint="Give the file, or the folder, another name, and use that in imports and in CMD.",
    )


def own_files(case: Case, name: str) -> Iterator[str]:
    """The application's own module of a name, in the folders that Python looks into before all others."""
    script = next((word for word in case.command.words[1:2] if word.endswith(".py")), "")
    beside = dirname(normpath(join(case.working_dir, script))) if script else case.working_dir
    for folder in (beside, *filter(None, case.environment.get("PYTHONPATH", "").split(":"))):
        for file in (f"{folder.rstrip('/')}/{name}.py", f"{folder.rstrip('/')}/{name}/__init__.py"):
            if case.view and case.view.file(file) and is_own(folder):
                yield file


def _is_elsewhere(case: Case, name: str) -> bool:
    """Whether a module of that name is Python's own, or installed."""
    return name in sys.stdlib_module_names or any(
        not is_own(place) for place in (case.view.modules(name) if case.view else ())
    )


def _imports_itself(error: LastError, file: str, name: str) -> bool:
    """Whether a file imports from a module of its own name: it means another one."""
    return error.files[-1:] == (file,) and file.endswith(f"/{name}.py")
