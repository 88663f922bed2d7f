"""The demo without an engine: its acts, where it may begin, and what it tells when a run cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from imgcompare.cli.main import cli
from imgcompare.console.style import Style
from imgcompare.errors import NoEngineError, UsageError
from imgcompare.run.opening import Connection
from imgcompare.workshop.acts import ACTS, Act
from imgcompare.workshop.ahead import Errand
from imgcompare.workshop.demo import Room, beginning, instructions, play


def test_acts_can_be_begun_with_by_name_or_number() -> None:
    """After a break, or for the second half of a talk."""
    assert beginning(ACTS, None) == ACTS
    assert beginning(ACTS, "why") == beginning(ACTS, "3") == ACTS[2:]
    with pytest.raises(UsageError) as caught:
        beginning(ACTS, "eleven")
    assert "mended" in (caught.value.hint or "")


@pytest.mark.parametrize("found", ACTS, ids=lambda act: act.name)
def test_every_act_asks_and_has_its_files(found: Act) -> None:
    """Each has a question, a lesson and notes, and names Dockerfiles that are there."""
    assert found.question.endswith("?")
    assert found.lesson
    assert found.notes
    assert all(path.is_file() for path in found.errand.variants.values())
    assert found.errand.context.is_dir()


def test_dockerfiles_are_shown_without_the_comments_that_give_the_answer_away() -> None:
    """The room must find the mistake by itself; stages stay apart."""
    text = "# Breaks as: x\n\nFROM a AS b\n# Here it breaks.\nCOPY . .\n\nFROM c\n"
    assert instructions(text) == ["FROM a AS b", "COPY . .", "", "FROM c"]


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_list_and_notes_fit_the_terminal(columns: str) -> None:
    """For the speaker's own screen, however small."""
    for option in ("--list", "--notes"):
        done = CliRunner().invoke(cli, ["demo", option], env={"COLUMNS": columns})
        assert done.exit_code == 0
        assert all(act.name in done.output for act in ACTS)
        assert max(map(len, done.output.splitlines())) <= int(columns)


def test_an_engine_that_is_not_there_ends_it_as_it_ends_a_run(tmp_path: Path) -> None:
    """What the background found is told as if the demo had found it: which engine, and exit code 3."""
    shown: list[str] = []
    room = Room(write=shown.append, pause=lambda _prompt: None, style=Style(100, color=False, ascii_only=False))
    with pytest.raises(NoEngineError) as caught:
        play(ACTS, "7", Connection(host=f"unix://{tmp_path}/none.sock"), room)
    assert f"{tmp_path}/none.sock" in caught.value.message
    assert ACTS[-1].question in shown[0]


def test_where_to_run_and_what_to_measure_reach_the_run(tmp_path: Path) -> None:
    """The engine that was named is the one that is asked."""
    errand = Errand(name="x", variants={"a": tmp_path / "A"}, context=tmp_path, body="Hello", measure=("--stop",))
    assert errand.arguments(Connection(host="unix:///x"), Path("r.json")) == [
        *("run", "--quiet", "--build-context", str(tmp_path), "--expect-body", "Hello", "--stop"),
        *("--host", "unix:///x", "--json", "-o", "r.json", f"a={tmp_path}/A"),
    ]
