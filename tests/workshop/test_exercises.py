"""Exercises without an engine: what their files hold, attendees' folders, hints, and how goals are judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from imgcompare.cli.main import cli
from imgcompare.console.style import Style
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.dockerfile.parser import parse
from imgcompare.errors import UsageError
from imgcompare.model import AfterChange, Failure, Gate, Hardened, Report, Security, Stage, Variant, Verdict
from imgcompare.run.opening import Connection
from imgcompare.workshop import pages
from imgcompare.workshop.attempt import open_attempt, solved_in, start
from imgcompare.workshop.catalog import after, bundled, exercises, find_exercise, showing
from imgcompare.workshop.check import check
from imgcompare.workshop.exercise import DOCKERFILE, SOLUTION, Goal, read_exercise
from imgcompare.workshop.goals import judge, solved
from tests.support import reports
from tests.support.fake_engine import App
from tests.support.shop import BASE, Shop

PLAIN = Style(width=100, color=False, ascii_only=False)
SMALLEST = """
title = "Mine"
task = "Mend it."
app = "app"
hints = ["a", "b", "c"]
[goal]
"""


def report(variant: Variant, *gates: Gate) -> Report:
    """A report of one variant."""
    return reports.report(variant, gates=gates)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with one exercise of one's own."""
    folder = tmp_path / "exercises/mine"
    (folder / "app").mkdir(parents=True)
    (folder / "app/app.py").write_text("print()\n")
    (folder / "exercise.toml").write_text(SMALLEST)
    (folder / DOCKERFILE).write_text("FROM scratch\n")
    (folder / SOLUTION).write_text("FROM scratch\nCOPY app /\n")
    return folder


def test_there_are_enough_and_the_first_three_are_short() -> None:
    """At least twelve, in an order in which a beginner needs five minutes for each of the first three."""
    there = list(exercises().values())
    assert len(there) >= 12
    assert [each.minutes for each in there[:3]] == [5, 5, 5]
    assert len({each.order for each in there}) == len(there)


@pytest.mark.parametrize("name", exercises())
def test_last_hint_is_a_line_of_the_solution_that_the_start_lacks(name: str) -> None:
    """Whoever takes all hints can go on; and no Dockerfile to be mended holds the answer, or says what is wrong."""
    folder, exercise = find_exercise(name), exercises()[name]
    before, solution = (folder / DOCKERFILE).read_text(), (folder / SOLUTION).read_text()
    line = exercise.hints[-1].partition("   #")[0]
    assert line in solution.splitlines()
    assert line not in before.splitlines() or name == "every-change", "there, only its place counts"
    assert "#" not in before
    for text in (before, solution):
        parse(text, name)


def test_codes_and_exercises_name_each_other() -> None:
    """``explain CODE`` names the exercises that show it, and each code of an exercise can be explained."""
    for name, exercise in exercises().items():
        for code in exercise.shows:
            assert name in showing(code)
            done = CliRunner().invoke(cli, ["explain", code])
            assert f"imgcompare exercise start {name}" in done.output
    assert {code for each in exercises().values() for code in each.shows} <= EXPLANATIONS.keys()
    assert showing("no-such-code") == ()


def test_each_but_the_last_leads_to_another() -> None:
    """After one is solved, the next is named; after the last, and after one's own, none is."""
    names = list(exercises())
    assert [after(name) for name in names] == [*names[1:], None]
    assert after("mine") is None


def test_one_of_your_own_is_a_folder_with_one_file(mine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stands in a folder of one's own can be listed and started like the bundled ones."""
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(cli, ["exercise", "list", "--exercises", "exercises", "--json"])
    assert [each["name"] for each in json.loads(listed.output)["exercises"]] == ["mine"]
    started = CliRunner(env={"COLUMNS": "300"}).invoke(cli, ["exercise", "start", "mine", "--exercises", "exercises"])
    assert started.exit_code == 0, started.output
    *_, check, hint, solution = started.output.splitlines()
    assert check.index("builds") == hint.index("gives") == solution.index("shows")
    assert (tmp_path / "mine/app/app.py").is_file()
    assert not (tmp_path / "mine" / SOLUTION).exists(), "not where it is seen at once"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("nonsense = 1\n", "unknown field `nonsense`"),
        ("max_size = 'huge'\n", "huge"),
        ("without = ['no-such']\n", "no-such"),
        ("[[", "end of document"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(mine: Path, change: str, told: str) -> None:
    """Who writes an exercise learns what is wrong in which file."""
    file = mine / "exercise.toml"
    file.write_text(SMALLEST + change)
    with pytest.raises(UsageError) as caught:
        read_exercise(file)
    assert str(file) in caught.value.message
    assert told in caught.value.message


def test_hints_come_one_by_one_and_stay(tmp_path: Path) -> None:
    """The first call gives one, the third all, a fourth no more; the folder remembers."""
    folder = tmp_path / "work"
    attempt = start(find_exercise("one-word"), folder)
    shown = [pages.hints(attempt := attempt.hint(), PLAIN) for _ in range(4)]
    assert [text.count("Hint ") for text in shown] == [1, 2, 3, 3]
    assert "FROM python:3.11-slim" not in shown[1]
    assert shown[2].splitlines()[-1].strip() == "FROM python:3.11-slim"
    assert open_attempt(folder).progress.hints == 3


def test_solution_is_shown_or_put_in_place_and_nothing_is_lost(tmp_path: Path) -> None:
    """--apply keeps what somebody has written."""
    folder = tmp_path / "work"
    attempt = start(find_exercise("one-word"), folder)
    (folder / DOCKERFILE).write_text("FROM mine\n")
    assert (kept := attempt.apply_solution()).read_text() == "FROM mine\n"
    assert kept.parent == folder
    assert (folder / DOCKERFILE).read_text() == (bundled() / "one-word" / SOLUTION).read_text()


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    """Starting goes into a new or empty folder only, and leaves nothing half-made beside it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work/notes.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        start(find_exercise("one-word"), tmp_path / "work")
    (tmp_path / "empty").mkdir()
    before = (tmp_path / "empty").stat().st_ino
    start(find_exercise("one-word"), tmp_path / "empty")
    assert (tmp_path / "empty").stat().st_ino == before, "a shell may be in it"
    assert (tmp_path / "empty/.exercise/progress.json").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"work", "empty"}


def test_no_folder_of_an_exercise_is_told_what_makes_one(tmp_path: Path) -> None:
    """Checking anywhere else ends with the next step, and damaged progress is called that."""
    with pytest.raises(UsageError, match="no folder of an exercise"):
        open_attempt(tmp_path)
    start(find_exercise("one-word"), tmp_path / "one-word")
    assert solved_in(tmp_path, exercises()) == {"one-word": False}
    (tmp_path / "one-word/.exercise/progress.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        open_attempt(tmp_path / "one-word")


def test_names_that_are_nearly_right_are_asked_about() -> None:
    """A typing error costs one more try."""
    with pytest.raises(UsageError) as caught:
        find_exercise("one-wrd")
    assert "'one-word'" in (caught.value.hint or "")


def test_goals_of_a_working_image_are_judged_by_what_was_measured() -> None:
    """Each goal has its own measure, and says what was seen."""
    goal = Goal(
        non_root=True, stops_within=1.0, healthy=True, hardened=True, keeps_cache=True, without=("development-server",)
    )
    fine = reports.variant("yours")
    assert fine.image
    assert fine.run
    fine = replace(
        fine,
        image=replace(
            fine.image,
            user="10001",
            security=Security(runs_as_root=False, shells=1, compilers=0, package_managers=1, setuid_files=0),
        ),
        run=replace(fine.run, health="healthy", stopped_after_s=0.4, killed=False),
        hardened=Hardened(works=True, restrictions=("read-only root",)),
        after_change=AfterChange(changed_file="app.py", duration_s=1, step_count=5, rebuilt_steps=("[5/5] COPY a b",)),
    )
    limit = Gate(name="uncompressed_size", subject="yours", limit=300_000_000, actual=250_000_000, passed=True)
    reached = judge(goal, report(fine, limit))
    assert solved(reached), reached
    assert len(reached) == 8
    assert fine.run
    worse = replace(
        fine,
        run=replace(fine.run, health=None, stopped_after_s=10.1, killed=True),
        after_change=AfterChange(
            changed_file="app.py", duration_s=9, step_count=5, rebuilt_steps=("[4/5] RUN pip install x",)
        ),
    )
    missed = {each.goal: each.seen for each in judge(goal, report(worse, limit)) if each.met is False}
    assert missed == {
        "stops within 1.0 s": "10.1 s, and had to be killed",
        "has a HEALTHCHECK that passes": "there is none",
        "a change of the app runs no RUN step again": "again: [4/5] RUN pip install x",
    }


def test_what_a_broken_image_hides_is_not_called_missed() -> None:
    """Nobody knows whether it would stop in time; that it is broken is said once, by code and without its fix."""
    failure = Failure(stage=Stage.CHECK, code="binds-loopback", message="m", hint="--host=0.0.0.0", fix=("CMD x",))
    broken = Variant(name="yours", source=reports.variant("yours").source, verdict=Verdict.BROKEN, failure=failure)
    reached = judge(Goal(stops_within=1.0, hardened=True, non_root=True), report(broken))
    assert [each.met for each in reached] == [False, None, None, None]
    assert "binds-loopback" in reached[0].seen
    assert "0.0.0.0" not in "".join(each.seen for each in reached)
    assert not solved(reached)


@pytest.mark.parametrize(("load", "tries"), [(0.0, 1), (1000.0, 2)])
def test_a_busy_machine_gets_more_time(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: float, tries: int
) -> None:
    """An app that nothing is seen of in time says nothing of its Dockerfile where a room's apps all start at once."""
    source = tmp_path / "source"
    (source / "app").mkdir(parents=True)
    (source / "exercise.toml").write_text(SMALLEST.replace("[goal]", "timeout_s = 0.5\n[goal]"))
    for name in (DOCKERFILE, SOLUTION):
        (source / name).write_text(f'FROM {BASE}\nEXPOSE 5000\nCMD ["sleeps"]\n')
    shop.engine.apps["sleeps"] = App(silent=True)
    shop.open_as_the_engine(monkeypatch)
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    checked = check(start(source, tmp_path / "mine"), Connection(), shop.told)
    assert checked.report.variants[0].verdict == Verdict.BROKEN
    assert len(shop.engine.told("start")) == tries
    assert [note for note in shop.told.notes if "busy" in note] == shop.told.notes[: tries - 1]
