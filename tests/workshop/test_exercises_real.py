"""Every bundled exercise on a real engine: it starts unsolved, and its solution solves it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imgcompare.workshop.attempt import start
from imgcompare.workshop.catalog import exercises, find_exercise
from tests.conftest import Imgcompare, docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def walked_through(imgcompare: Imgcompare, name: str) -> list[str]:
    """Check an exercise as it starts, and with its solution; return what is not as it should be."""
    attempt = start(find_exercise(name), imgcompare.project / name)
    first = imgcompare("exercise", "check", name, "-q", timeout_s=400)
    attempt.apply_solution()
    second = imgcompare("exercise", "check", name, "-q", timeout_s=400)
    wrong = [
        f"{name}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}"
        for done, code in ((first, 1), (second, 0))
        if done.returncode != code
    ]
    if any(line in first.stdout for line in attempt.exercise.hints[-1].splitlines()):
        wrong.append(f"{name}: the check gives the fix away")
    return wrong


def test_each_starts_unsolved_and_its_solution_solves_it(imgcompare: Imgcompare) -> None:
    """The goals are what the exercise teaches: not reached before, and within reach. Several at a time."""
    with ThreadPoolExecutor(4) as pool:
        wrong = [
            each for found in pool.map(lambda name: walked_through(imgcompare, name), exercises()) for each in found
        ]
    assert not wrong, "\n".join(wrong)
    listed = imgcompare("exercise", "list").stdout
    assert listed.count("✓") == len(exercises())


def test_attendees_at_one_engine_do_not_meet(
    imgcompare_in: Callable[[Path], Imgcompare], tmp_path: Path, engine_url: str
) -> None:
    """Twenty check at once, half of them with the solution: each gets its own verdict, and nothing of theirs stays."""
    rooms = []
    for number in range(20):
        folder = tmp_path / f"attendee-{number}"
        folder.mkdir()
        attendee = imgcompare_in(folder)
        name = ("nobody-answers", "three-ports")[number // 2 % 2]
        attempt = start(find_exercise(name), folder / "mine")
        if number % 2:
            attempt.apply_solution()
        rooms.append(attendee)
    with ThreadPoolExecutor(len(rooms)) as pool:
        checks = list(
            pool.map(
                lambda attendee: attendee("exercise", "check", "mine", "-q", "-o", "mine.json", timeout_s=400), rooms
            )
        )
    told = [f"attendee {number}: {done.stdout}{done.stderr}" for number, done in enumerate(checks)]
    assert [done.returncode for done in checks] == [1, 0] * 10, "\n".join(told)
    for number, done in enumerate(checks):
        code = ("binds-loopback", "wrong-port")[number // 2 % 2]
        assert (code in done.stdout) == (number % 2 == 0), told[number]
    left = docker(engine_url, "images", "--format", "{{.Repository}}") + docker(
        engine_url, "ps", "-a", "--format", "{{.Names}}"
    )
    runs = [(attendee.project / "home").rglob("runs/*") for attendee in rooms]
    assert not any(True for found in runs for _ in found), "a ledger says that something is left"
    assert "nobody-answers" not in left
    assert "three-ports" not in left
