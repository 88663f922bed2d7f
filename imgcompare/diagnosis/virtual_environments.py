"""Pure: a virtual environment whose Python is not there, or in a folder that the image's user may not enter.

An environment has no Python of its own: its ``bin/python`` is a link to the one that made it, which uv and pyenv keep
in the home of whoever ran them.
"""

from __future__ import annotations

from posixpath import dirname

from imgcompare.diagnosis.access import closed_folders, lost
from imgcompare.diagnosis.evidence import Case
from imgcompare.model import Failure

_SYSTEM = {"", "/", "/usr", "/usr/local"}


def no_python(case: Case, environment: str, *proof: str) -> Failure | None:
    """Why nothing can be run by the environment's Python; None where it is there and may be run."""
    view, python = case.view, f"{environment}/bin/python"
    if view is None or view.entry(python) is None:
        return None
    if target := lost(view, python):
        return _left_behind(case, environment, target, proof)
    if closed := closed_folders(case, python):
        return _closed(case, environment, closed, proof)
    return None


def _left_behind(case: Case, environment: str, target: str, proof: tuple[str, ...]) -> Failure:
    prefix = dirname(dirname(target))
    own = prefix in _SYSTEM
    source = None if own else next((name for name, stage in case.stages.items() if stage.file(target)), None)
    closed = [folder for folder in closed_folders(case, target) if folder != prefix]
    fix = (f"COPY --from={source} {prefix} {prefix}",) if source else ()
    if source and closed:
        fix = (*fix, f"RUN chmod a+x {' '.join(closed)}")
    return case.found(
        "moved-virtualenv",
        f"The virtual environment {environment} is run by {target}, which was left behind where it was made.",
        (
            *proof,
            f"{environment}/bin/python leads to {target}, which is in no layer of this image",
            f"stage {source} has it: {target}" if source else "",
        ),
        hint="Begin both stages with the same Python image, so that Python is at the same place in both."
        if own
        else ("Into the last stage, above CMD; or " if fix else "Copy that Python to the same place, too; or ")
        + f"make the environment with the image's own Python{_instead(target)}.",
        fix=fix,
    )


def _instead(target: str) -> str:
    """How to make the tool take the image's own Python."""
    if "/uv/" in target:
        return ": ENV UV_PYTHON_DOWNLOADS=never where it is made"
    return ": python -m venv, by /usr/local/bin/python" if "/.pyenv/" in target else ""


def _closed(case: Case, environment: str, closed: list[str], proof: tuple[str, ...]) -> Failure:
    entry = case.view.file(f"{environment}/bin/python") if case.view else None
    target = f"/{entry.path}" if entry else ""
    return case.found(
        "permission-denied",
        f"The program runs as {case.user}, who may not enter {closed[0]}: the Python of {environment} lies below it.",
        (
            *proof,
            f"the image's USER: {case.user}",
            f"{environment}/bin/python leads to {target}",
            *case.modes(*closed),
        ),
        hint="Above USER; better still, keep that Python where everybody may go"
        + (": ENV UV_PYTHON_INSTALL_DIR=/opt/python above the step that installs it." if "/uv/" in target else "."),
        fix=(f"RUN chmod a+x {' '.join(closed)}",),
    )
