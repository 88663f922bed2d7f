"""Pure: a module that is installed in the image, where the Python that runs does not look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import basename

from imgcompare.diagnosis.command import rewritten
from imgcompare.diagnosis.copy_fixes import copied
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.interpreter import Python, version_of
from imgcompare.diagnosis.traceback import LastError
from imgcompare.diagnosis.virtual_environments import no_python
from imgcompare.dockerfile.parser import Instruction, StageInfo
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure
from imgcompare.regex import regex

_PYTHON = regex(r"python[\d.]*")


def unseen(case: Case, error: LastError, name: str, places: list[str], python: Python | None) -> Failure | None:
    """It is installed in this image, and this Python does not look there."""
    place = places[0]
    proof = (
        error.line,
        case.ended(),
        f"this image has it: {case.view.module_path(place, name) if case.view else place}",
        _told(python),
    )
    if python is None:
        return contradiction(case, error, name, place)
    there = (found for found in places if _within(found, python.prefix) and version_of(found) == python.version)
    if (seen := next(there, None)) is not None:
        return contradiction(case, error, name, seen)
    home = next(
        (user for user in (case.view.users if case.view else ()) if _within(place, f"{user.home}/.local")), None
    )
    if "/.local/lib/" in place and case.user not in {home.name if home else "", str(home.uid) if home else ""}:
        return others_home(case, name, place, proof, python)
    if version_of(place) and python.version and version_of(place) != python.version:
        return _other_version(case, name, place, proof, python)
    environment = next(
        (folder for folder in (case.view.environments if case.view else ()) if _within(place, folder)), None
    )
    if environment and (found := no_python(case, environment, *proof)):
        return found
    if environment and environment != python.prefix and _begins_path(case, environment):
        return _started_by_path(case, name, environment, proof)
    if environment and environment != python.prefix:
        return case.found(
            "virtualenv-not-used",
            f"{name} is installed in the virtual environment {environment}, and the program is run by another Python.",
            proof,
            hint="Above CMD, in the last stage: the programs of the environment then come before all others.",
            fix=(f"ENV PATH={environment}/bin:$PATH",),
        )
    return contradiction(case, error, name, place)


def _begins_path(case: Case, environment: str) -> bool:
    """Whether PATH names the environment's programs before all others."""
    return case.environment.get("PATH", "").partition(":")[0] == f"{environment}/bin"


def _started_by_path(case: Case, name: str, environment: str, proof: tuple[str, ...]) -> Failure:
    """The environment comes first on PATH, and the command names another Python by its path."""
    image, words, own = case.evidence.image, case.command.words, f"{environment}/bin/python"
    by_path = image is not None and not case.command.in_shell and words[:1] and _PYTHON.fullmatch(basename(words[0]))
    return case.found(
        "virtualenv-not-used",
        f"{name} is installed in the virtual environment {environment}, and the program is run by another Python.",
        (*proof, f"PATH begins with {environment}/bin"),
        hint=f"Instead of the image's own line: {own} is the Python that has it."
        if by_path
        else f"PATH is right; let the program be run by {own}.",
        fix=rewritten(image, (own, *words[1:])) if image and by_path and words[0].startswith("/") else (),
    )


def others_home(case: Case, name: str, place: str, proof: tuple[str, ...], python: Python) -> Failure:
    """What lies in the home of another user than the program's, for whom alone ``pip install --user`` put it there."""
    home = place.partition("/.local/")[0]
    proof = (*proof, f"the image runs as {case.user}, whose Python does not look into {home}")
    fix: tuple[str, ...] = ()
    hint = "Install without --user, so that the packages belong to everybody."
    spot = Spot(instruction=None)
    if own := next(_user_installs(case.written), None):
        fix, hint = (_for_everybody(own),), "Instead of the line with --user: the packages then belong to everybody."
        spot = Spot(instruction=case.written_as("RUN", own.text))
    for source, view in case.stages.items():
        if view.modules(name) and copied(case, source, f"{home}/.local"):
            fix = (f"COPY --from={source} {home}/.local {python.prefix}",)
            hint = f"Instead of the line that copies it to {home}: {python.prefix} is for all users."
            spot = Spot(instruction=case.copied_to(f"{home}/.local"))
    return case.found(
        "user-site-as-other-user",
        f"{name} was installed with --user into the home of somebody else than the user who runs the program.",
        proof,
        hint=hint,
        fix=fix,
        spot=spot,
    )


def _user_installs(stages: Sequence[StageInfo]) -> Iterator[Instruction]:
    """The RUNs that install with --user."""
    for instruction in (one for stage in stages for one in stage.instructions):
        if instruction.keyword == "RUN" and re.search(r"pip3? .*install .*--user\b", instruction.text):
            yield instruction


def _for_everybody(install: Instruction) -> str:
    return "RUN " + re.sub(r"\s--user\b", "", install.text)


def _other_version(case: Case, name: str, place: str, proof: tuple[str, ...], python: Python) -> Failure:
    """The packages are for another minor version: copy them to the right folder if they fit, else change the base."""
    wanted = version_of(place)
    for source, view in case.stages.items():
        for found in view.modules(name):
            if version_of(found) == python.version:
                return case.found(
                    "python-version-mismatch",
                    f"{name} lies where Python {wanted} looks; the image runs Python {python.version}.",
                    (*proof, f"stage {source} has it for Python {python.version}: {found}"),
                    hint=f"Instead of the line that copies to {place}.",
                    fix=(f"COPY --from={source} {found} {python.site}",),
                    spot=Spot(instruction=case.copied_to(place)),
                )
    base = case.base
    renamed = re.sub(rf"(python:){re.escape(python.version)}(?=[.\-]|$)(?:\.\d+)?", rf"\g<1>{wanted}", base)
    return case.found(
        "python-version-mismatch",
        f"{name} is installed for Python {wanted}; the image runs Python {python.version}.",
        proof,
        hint="Give all stages the same Python version: packages of one are invisible to another, and compiled ones "
        "would not run.",
        fix=(f"FROM {renamed}",) if renamed != base else (),
    )


def contradiction(case: Case, error: LastError, name: str, place: str) -> Failure:
    """The program says that it is missing, and it is where it should be: more is wrong than can be seen."""
    return case.found(
        "unknown",
        f"Python does not find {name}, although it is in {place}; why cannot be told from outside.",
        (error.line, case.ended()),
        hint="Look at PYTHONPATH and at the permissions of that folder.",
    )


def _told(python: Python | None) -> str:
    return f"the program is run by {python.path}, Python {python.version or 'of unknown version'}" if python else ""


def _within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder."""
    return path.startswith(f"{folder.rstrip('/')}/")
