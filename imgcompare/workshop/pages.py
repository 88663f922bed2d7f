"""What is told of exercises in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from imgcompare.console.style import Style
from imgcompare.model import SCHEMA_VERSION
from imgcompare.render.cells.grid import Cell, Column, Grid, Tone
from imgcompare.render.page import Page
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes
from imgcompare.workshop.attempt import Attempt
from imgcompare.workshop.catalog import after
from imgcompare.workshop.check import Checked
from imgcompare.workshop.exercise import HINTS, Exercise
from imgcompare.workshop.goals import Reached

_INDENT = "  "
_COLUMNS = (
    Column(key="mark", title=""),
    Column(key="name", title="Exercise"),
    Column(key="minutes", title="Minutes", right=True),
    Column(key="title", title="What it is about"),
)


def listed(exercises: Mapping[str, Exercise], solved: Mapping[str, bool], style: Style) -> str:
    """Return the list, in the order that teaches; ``solved`` tells of those that were started in this folder."""
    page = Page(style)
    marks: dict[bool | None, str] = {True: "✓", False: "·", None: " "}
    rows = tuple(
        (
            Cell(text=marks[solved.get(name)], tone="good"),
            Cell(text=name),
            Cell(text=str(each.minutes)),
            Cell(text=printable(each.title, limit=200)),
        )
        for name, each in exercises.items()
    )
    if not page.whole(Grid(_COLUMNS, rows)):
        for name, each in exercises.items():
            page.say(f"{name} ({each.minutes} min): {printable(each.title, limit=200)}", hang=2)
    page.gap()
    page.say(f"Begin with the first: imgcompare exercise start {next(iter(exercises))}", hang=2)
    return page.text()


def to_json(exercises: Mapping[str, Exercise], solved: Mapping[str, bool]) -> str:
    """Return the list as JSON; ``solved`` is null for what was not started in this folder."""
    listed: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "exercises": [
            {
                "name": name,
                "title": each.title,
                "minutes": each.minutes,
                "task": " ".join(each.task.split()),
                "shows": each.shows,
                "goal": msgspec.to_builtins(each.goal),
                "solved": solved.get(name),
            }
            for name, each in exercises.items()
        ],
    }
    return msgspec.json.format(msgspec.json.encode(listed), indent=2).decode() + "\n"


def started(attempt: Attempt, style: Style) -> str:
    """Return the task, where to work, and what comes next."""
    page = Page(style)
    exercise = attempt.exercise
    page.say(f"{attempt.progress.exercise}: {printable(exercise.title, limit=200)}", "strong")
    page.say(printable(" ".join(exercise.task.split()), limit=2000), lead=_INDENT)
    page.gap()
    page.say(f"Edit {printable(str(attempt.dockerfile))}, then:", lead=_INDENT)
    longest = len(f"imgcompare exercise solution{_shown(attempt.folder)}")
    for command, about in (
        ("check", "builds and runs it, and says what is left to do"),
        ("hint", f"gives the first of {HINTS} hints"),
        ("solution", "shows one that reaches every goal"),
    ):
        told = f"imgcompare exercise {command}{_shown(attempt.folder)}".ljust(longest)
        page.say(f"{told}   {about}", lead=_INDENT * 2, hang=6)
    return page.text()


def checked(check: Checked, style: Style) -> str:
    """Return every goal with what was seen, the container's last words where it is broken, and the next step."""
    page = Page(style)
    attempt = check.attempt
    page.say(f"{attempt.progress.exercise}: {printable(attempt.exercise.title, limit=200)}", "strong")
    columns = (Column(key="mark", title=""), Column(key="goal", title=""), Column(key="seen", title=""))
    rows = tuple(_row(each) for each in check.reached)
    if not page.whole(Grid(columns, rows)):
        for mark, goal, seen in rows:
            page.say(f"{mark.text.strip()} {goal.text}: {seen.text}", mark.tone, lead=_INDENT, hang=4)
    failure = check.report.variants[0].failure
    if failure:
        page.gap()
        for line in failure.evidence[:1]:
            page.quote(printable(line, limit=400), _INDENT * 2)
    page.gap()
    _next(page, check)
    return page.text()


def hints(attempt: Attempt, style: Style) -> str:
    """Return the hints taken so far, the newest last."""
    page = Page(style)
    taken = attempt.exercise.hints[: attempt.progress.hints]
    for number, hint in enumerate(taken, 1):
        newest = number == len(taken)
        page.say(f"Hint {number} of {HINTS}", "strong" if newest else "dim")
        if number == HINTS:
            page.copyable(printable(hint, limit=2000), _INDENT)
        else:
            page.say(printable(hint, limit=2000), "plain" if newest else "dim", lead=_INDENT)
    return page.text()


def _row(reached: Reached) -> tuple[Cell, ...]:
    marks: dict[bool | None, tuple[str, Tone]] = {True: ("✓", "good"), False: ("✗", "bad"), None: ("?", "dim")}
    mark, tone = marks[reached.met]
    return Cell(text=f"{_INDENT}{mark}", tone=tone), Cell(text=reached.goal), Cell(text=reached.seen, tone="dim")


def _next(page: Page, check: Checked) -> None:
    attempt, met = check.attempt, sum(bool(each.met) for each in check.reached)
    if check.solved:
        image = check.report.variants[0].image
        size = f", {format_bytes(image.uncompressed_size)}" if image else ""
        page.say(f"Solved{size}.", "good")
        following = after(attempt.progress.exercise)
        page.say(f"Next: imgcompare exercise {f'start {following}' if following else 'list'}")
        return
    page.say(f"{met} of {len(check.reached)} goals are reached.")
    failure = check.report.variants[0].failure
    if failure:
        page.say(f"What that means: imgcompare explain {failure.code} (it tells what mends it, too)", hang=2)
    if attempt.progress.hints < HINTS:
        left = f"{attempt.progress.hints} of {HINTS} taken"
        page.say(f"A hint: imgcompare exercise hint{_shown(attempt.folder)} ({left})", hang=2)
    else:
        page.say(f"One way: imgcompare exercise solution{_shown(attempt.folder)}", hang=2)


def _shown(folder: Path) -> str:
    """The folder as an argument of a command; nothing for the current one."""
    return "" if folder == Path() else f" {printable(str(folder))}"
