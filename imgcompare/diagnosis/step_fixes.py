"""Pure: a step of the Dockerfile written anew: its own lines, with what is wrong in them put right."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from posixpath import basename, normpath

from msgspec import Struct

from imgcompare.diagnosis.evidence import Case
from imgcompare.dockerfile.copy_sources import copied
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import replace
from imgcompare.dockerfile.parser import Instruction
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Edit
from imgcompare.regex import regex

_ROOT = ("root", "0")
_GLOBAL = regex(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)[^}]*\}|(?P<bare>[A-Za-z_]\w*))")


class Fix(Struct, frozen=True):
    """The lines of a fix and where the first of them go; none where nothing is certain."""

    lines: tuple[str, ...] = ()
    spot: Spot | None = None


def rewritten_step(case: Case, step: str, wrong: str, right: str) -> Fix:
    """The failed RUN with everything that matches ``wrong`` replaced by ``right``, its lines and comments kept."""
    run = case.written_as("RUN", step)
    if run is None or case.document is None:
        return Fix()
    source = _lines(case.document, run)
    changed = tuple(re.sub(wrong, right, line) for line in source)
    return Fix(changed, Spot(instruction=run, lines=len(changed))) if changed != source else Fix()


def as_root(case: Case, step: str) -> Fix:
    """The failed RUN between USER root and the user that it was to be run by."""
    run = case.written_as("RUN", step)
    user = user_above(case, run) if run else ""
    if run is None or case.document is None or not user:
        return Fix()
    lines = ("USER root", *_lines(case.document, run), f"USER {user}")
    return Fix(lines, Spot(instruction=run, lines=len(lines)))


def above_step(case: Case, step: str, *lines: str) -> Fix:
    """Lines above the failed RUN."""
    run = case.written_as("RUN", step)
    return Fix(lines, Spot(instruction=run, above=True, lines=len(lines))) if run else Fix()


def user_above(case: Case, instruction: Instruction) -> str:
    """Whom USER names for an instruction, as it is written; "" for root."""
    if case.document is None or (stage := case.document.stage_of(instruction)) is None:
        return ""
    stages = [stage, *case.document.parents(stage)]
    users = [one for each in reversed(stages) for one in each.instructions if one.keyword == "USER"]
    last = next((one.text for one in reversed(users) if one.line < instruction.line), "")
    return "" if last.partition(":")[0] in _ROOT else last


def argument_out_of_sight(case: Case, step: str) -> str:
    """The ARG that stands above the first FROM, that the failed RUN uses, and that its stage does not know."""
    run = case.written_as("RUN", step)
    if run is None or case.document is None or (stage := case.document.stage_of(run)) is None:
        return ""
    first = case.document.stages[0].instructions[0].line
    there = {name for one in case.document.instructions if one.line < first for name in _declared(one)}
    stages = (stage, *case.document.parents(stage))
    known = {name for each in stages for one in each.instructions for name in _declared(one)}
    used = (match["braced"] or match["bare"] for match in _GLOBAL.finditer(run.text))
    return next((name for name in used if name in there - known and f"{name}=" not in run.text), "")


def _declared(instruction: Instruction) -> set[str]:
    if instruction.keyword not in {"ARG", "ENV"}:
        return set()
    return {word.partition("=")[0] for word in instruction.text.split()}


def in_context(case: Case, name: str) -> str:
    """The file of the context that a name stands for: of that path, else the only one called so; "" if none is."""
    files = list(case.context())
    path = normpath(name).lstrip("/")
    if path in files:
        return path
    alike = [file for file in files if basename(file) == basename(path)]
    return alike[0] if len(alike) == 1 else ""


def of_project(case: Case, name: str) -> str:
    """The file or folder of the context that a project's tool misses, "" for none.

    It has to lie beside the only pyproject.toml or Pipfile.
    """
    files = list(case.context())
    folders = {posixpath.dirname(file) for file in files if basename(file) in {"pyproject.toml", "Pipfile"}}
    beside = [posixpath.join(folder, basename(name) if name.startswith("/") else normpath(name)) for folder in folders]
    there = len(beside) == 1 and any(file == beside[0] or file.startswith(f"{beside[0]}/") for file in files)
    return beside[0] if there else ""


def folder_with_all(case: Case) -> str:
    """The folder below the context that has everything that COPY takes from it; "" where none has, or several.

    The Dockerfile's own comes first. In another it is no accident only of more than one thing.
    """
    named = {normpath(one.lstrip("/")) for one in copied(case.document.instructions)} if case.document else set()
    wanted = named - {"."}
    if not wanted or any("://" in one or one.startswith("..") for one in wanted):
        return ""
    there = {path: None for file in case.context() for path in (file, *map(str, PurePosixPath(file).parents))}
    folders = [
        folder for folder in there if folder != "." and all(_has(there, posixpath.join(folder, one)) for one in wanted)
    ]
    if case.dockerfile_folder in folders:
        folders = [case.dockerfile_folder]
    elif len(folders) > 1 or len(named) < 2:
        return ""
    return posixpath.normpath(posixpath.join(case.context_folder, folders[0])) if folders else ""


def _has(there: Iterable[str], pattern: str) -> bool:
    if not any(mark in pattern for mark in "*?["):
        return pattern in there
    parts = pattern.split("/")
    return any(
        len(found) == len(parts) and all(map(fnmatchcase, found, parts)) for found in (one.split("/") for one in there)
    )


def nearly_in_context(case: Case, name: str) -> str:
    """The only file of the context whose path is nearly that one; "" where none is, or several."""
    close = difflib.get_close_matches(normpath(name).lstrip("/"), case.context(), n=2, cutoff=0.85)
    return close[0] if len(close) == 1 else ""


def from_another_stage(document: Document, wrong: str) -> tuple[Edit, ...]:
    """Every COPY --from that names no stage, with the one that is meant: named alike, or the only one with a name."""
    option = re.compile(rf"(?<=--from=){re.escape(wrong)}(?=\s)")
    copies = [one for one in document.instructions if one.keyword == "COPY" and option.search(one.text)]
    takers = {stage.name for one in copies if (stage := document.stage_of(one))}
    names = [stage.name for stage in document.stages if stage.name and stage.name not in takers]
    close = difflib.get_close_matches(wrong.lower(), names, n=2, cutoff=0.6)
    meant = close if len(close) == 1 else names
    if len(meant) != 1:
        return ()
    return tuple(
        replace(document, one, *(option.sub(meant[0], line) for line in _lines(document, one))) for one in copies
    )


def _lines(document: Document, instruction: Instruction) -> tuple[str, ...]:
    return tuple(line.removesuffix("\r") for line in document.source(instruction).removesuffix("\n").split("\n"))
