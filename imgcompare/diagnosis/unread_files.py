"""Pure: files that an installing step reads and does not find, and where the build context has them."""

from __future__ import annotations

import re

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.step_fixes import (
    Fix,
    above_step,
    in_context,
    nearly_in_context,
    of_project,
    rewritten_step,
)
from imgcompare.model import Failure


def no_requirements(case: Case, line: str, match: re.Match[str], step: str) -> Failure:
    """The file is in the context and was not copied, or its name is nearly that of one that is."""
    name = match["name"]
    there, near = in_context(case, name), nearly_in_context(case, name)
    fix = Fix()
    if there:
        fix = above_step(case, step, f"COPY {there} {name if '/' in name else './'}")
    elif near:
        fix = rewritten_step(case, step, rf"(?<![\w./-]){re.escape(name)}(?![\w./-])", near)
    return case.found(
        "build-failed",
        f"pip does not find the requirements file {name}: "
        + (f"the build context has {near}." if near and not there else "it was not copied, or to another folder."),
        (f"step RUN {step}", line, f"the build context has {there or near}" if there or near else ""),
        hint=("Above that step." if there else "Instead of that step.")
        if fix.lines
        else "Above that step: COPY requirements.txt . (and see that .dockerignore does not name it).",
        fix=fix.lines,
        spot=fix.spot,
    )


def no_project_file(case: Case, line: str, match: re.Match[str], step: str) -> Failure:
    """A file of the project that poetry, uv, pipenv or hatchling read: it may be in the context and not copied."""
    name = next(filter(None, match.groups()))
    there = of_project(case, name)
    target = name if "/" in name else "./" if there in case.context() else f"./{name}"
    fix = above_step(case, step, f"COPY {there} {target}") if there else Fix()
    return case.found(
        "build-failed",
        f"That step needs {name}, which is not there"
        + (": it was not copied, or to another folder." if there else "."),
        (f"step RUN {step}", line.strip(), f"the build context has {there}" if there else ""),
        hint="Above that step."
        if fix.lines
        else "Copy it above that step, and see that .dockerignore does not name it.",
        fix=fix.lines,
        spot=fix.spot,
    )
