"""Pure: a build that failed, looked at from the stage whose step it was.

That is often not the one that was to be built: what a step lacks, its own stage lacks, and a fix of its base is one of
that stage's FROM.
"""

from __future__ import annotations

from msgspec.structs import replace

from imgcompare.diagnosis.evidence import Case
from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.model import Stage
from imgcompare.regex import regex

_STEP = regex(r"\b(?P<keyword>RUN|COPY|ADD) (?P<words>.*)")


def from_the_failed_stage(case: Case) -> Case:
    """The same case with the stage of the failed step, its base and what it stands on, as what is to be mended.

    Where one of several stages has the step and it cannot be told which, nothing is known of its base.
    """
    if case.evidence.observed.stage is not Stage.BUILD or case.document is None or not case.chains:
        return case
    stage = _failed_stage(case, case.document)
    if stage is not None and stage.index < len(case.chains):
        base, written = case.chains[stage.index]
        return replace(case, base=base, written=written, target=stage.label)
    return replace(case, base="", written=()) if len(case.chains) > 1 else case


def its_from(case: Case) -> str:
    """Where the FROM is that a fix of the base is for, as a sentence; "" where the Dockerfile has but one."""
    if case.document is None or len(case.document.stages) == 1 or not case.written:
        return ""
    lowest = case.document.stages[case.written[0].index]
    return f"Instead of the FROM of stage {lowest.label}, in line {lowest.instructions[0].line}. "


def _failed_stage(case: Case, document: Document) -> DocumentStage | None:
    """By the name that the builder gives the step, else the only stage that has it; None where that is not known."""
    if told := case.told_stage():
        return told
    step = _STEP.search(next(iter(case.evidence.observed.evidence), ""))
    written = case.written_as(step["keyword"], step["words"]) if step else None
    return document.stage_of(written) if written else None
