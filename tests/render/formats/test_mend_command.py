"""A broken variant's text ends with the command that mends it, where there is one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Failure, Stage, Verdict
from tests.support.rendered import render
from tests.support.reports import report, variant

FAILURE = Failure(stage=Stage.RUN, code="unknown", message="It broke.")
COMMAND = "imgcompare mend Dockerfile --expect-body 'a  b'"


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_the_command_is_told_to_be_copied(format: str) -> None:
    """Whole, every space of it; and nothing is said of mending what has no certain fix."""
    broken = replace(variant("slim"), verdict=Verdict.BROKEN, failure=FAILURE)
    style = Style(width=80, color=False, ascii_only=False)
    shown = render(report(variant("full"), replace(broken, mend=COMMAND)), format, style)
    assert COMMAND in shown.replace("&#39;", "'")
    assert "imgcompare mend" not in render(report(variant("full"), broken), format, style)
