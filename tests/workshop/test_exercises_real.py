"""Every bundled exercise on a real engine: it starts unsolved, and its solution solves it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imgcompare.workshop.catalog import exercises
from tests.conftest import Imgcompare, docker

pytestmark = pytest.mark.engine


def walked_through(imgcompare: Imgcompare, name: str) -> list[str]:
    """Work on an exercise as an attendee would who gives up, and return what is not as it should be."""
    wrong = []
    started = imgcompare("exercise", "start", name)
    first = imgcompare("exercise", "check", name, "-q")
    hints = [imgcompare("exercise", "hint", name) for _ in range(3)]
    applied = imgcompare("exercise", "solution", name, "--apply")
    second = imgcompare("exercise", "check", name, "-q")
    for step, done, code in (
        ("start", started, 0),
        ("unsolved", first, 1),
        ("solution", applied, 0),
        ("solved", second, 0),
    ):
        if done.returncode != code:
            wrong.append(f"{name}, {step}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    wrong += [
        f"{name}: hint {number}" for number, done in enumerate(hints, 1) if f"Hint {number} of 3" not in done.stdout
    ]
    if any(line in first.stdout for line in exercises()[name].hints[-1].splitlines()):
        wrong.append(f"{name}: the check gives the fix away")
    return wrong


def test_each_starts_unsolved_and_its_solution_solves_it(imgcompare: Imgcompare) -> None:
    """Start, check, three hints, solution, check: through the command line, several at a time."""
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
        attendee("exercise", "start", name, "mine")
        if number % 2:
            attendee("exercise", "solution", "mine", "--apply")
        rooms.append(attendee)
    with ThreadPoolExecutor(len(rooms)) as pool:
        checks = list(pool.map(lambda attendee: attendee("exercise", "check", "mine", "-q", "-o", "mine.json"), rooms))
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
