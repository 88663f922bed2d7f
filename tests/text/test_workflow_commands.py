"""What a CI runner obeys is made harmless in whatever is printed."""

from __future__ import annotations

import io
import json
import re

import pytest

from imgcompare.cli.output import write_text
from imgcompare.console.progress import PlainProgress
from imgcompare.console.style import Style
from imgcompare.model import Stage
from imgcompare.text.workflow_commands import defuse, defuse_json, runner_listens

# As the runners' sources read a line.
OBEYED = re.compile(r"^(?:\s|\x1b\[[0-9;]*m)*::|##(?:vso|teamcity)?\[", re.MULTILINE)
COMMANDS = [
    "::set-output name=x::y",
    "  ::error::x",
    "\x1b[31m::add-mask::x",
    "log line\n::stop-commands::t",
    "text ##[group]x",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStop comment='x']",
]


@pytest.mark.parametrize("text", COMMANDS)
def test_nothing_that_a_runner_obeys_is_left(text: str) -> None:
    """A space takes its meaning away, and no other character is lost."""
    assert OBEYED.search(text)
    assert not OBEYED.search(defuse(text))
    assert defuse(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["a::b", "std::vector", "x: ::1 is an address", "## Heading", "#[x]", "http://[::1]:80/"]
)
def test_other_text_stays(text: str) -> None:
    """Colons and hashes within a line mean nothing to a runner."""
    assert defuse(text) == text


@pytest.mark.parametrize("text", COMMANDS)
def test_json_says_the_same(text: str) -> None:
    """The escape is one of JSON's own."""
    document = json.dumps({"line": text}, indent=2)
    assert not OBEYED.search(defuse_json(document))
    assert json.loads(defuse_json(document)) == {"line": text}


@pytest.mark.parametrize("runner", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", ""])
def test_stdout_is_defused_where_a_runner_listens(
    runner: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every format but the one that holds commands; elsewhere text stays as it is."""
    for name in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"):
        monkeypatch.delenv(name, raising=False)
    if runner:
        monkeypatch.setenv(runner, "true")
    assert runner_listens({runner: "true"} if runner else {}) is bool(runner)
    for text in (*COMMANDS, json.dumps(COMMANDS)):
        write_text(text)
        assert (OBEYED.search(capsys.readouterr().out) is not None) == (not runner and OBEYED.search(text) is not None)
    write_text("::error::x\n", commands=True)
    assert capsys.readouterr().out == "::error::x\n"


def test_progress_is_defused() -> None:
    """What a builder says goes to the same log."""
    stream = io.StringIO()
    progress = PlainProgress(stream, Style(width=100, color=False, ascii_only=False))
    progress.note("::set-output name=x::y")
    progress.stage("a", Stage.BUILD, "##[group]x")
    progress.finished("::b", "##vso[x]", ok=True)
    assert len(stream.getvalue().splitlines()) == 3
    assert not OBEYED.search(stream.getvalue())
