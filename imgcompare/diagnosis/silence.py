"""Pure: a program that ended without a word, in an image that has no shell to look with."""

from __future__ import annotations

from msgspec.structs import replace

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.interpreter import python_of
from imgcompare.model import Failure


def nothing_said(case: Case) -> Failure | None:
    """What was observed, with a next step that works in this image."""
    observed = case.evidence.observed
    if case.view is None or not case.evidence.exit_code or case.evidence.log or observed.code != "unknown":
        return None
    if case.view.file("/bin/sh") is not None:
        return None
    python = python_of(case)
    return replace(
        observed,
        evidence=(*observed.evidence, "the image has no /bin/sh"),
        hint=f"It has no shell, but Python to look with: docker run --rm -it --entrypoint {python.path} IMAGE"
        if python
        else "It has no shell to look with: imgcompare inspect IMAGE shows what is in it; build it on an image with a "
        "shell to try it.",
    )
