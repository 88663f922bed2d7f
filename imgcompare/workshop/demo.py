"""The demo: act after act on a terminal, each with a question before its answer, built ahead while somebody speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.errors import UsageError
from imgcompare.model import Report
from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.render.cells.sentences import engine, footnotes
from imgcompare.render.page import Page
from imgcompare.render.registry import RenderContext, render
from imgcompare.reports.files import write_atomically
from imgcompare.run.opening import Connection
from imgcompare.workshop.acts import CLOSING, Act
from imgcompare.workshop.ahead import run_ahead
from imgcompare.workshop.answers import only

_INDENT = "  "


class Room(Struct, frozen=True, kw_only=True):
    """The screen: what writes to it, what it can show, and what waits until the speaker goes on.

    ``pages`` is a folder for a page of each act that was answered, for a projector beside it.
    """

    write: Callable[[str], None]
    pause: Callable[[str], None]
    style: Style
    pages: Path | None = None


def beginning(every: Sequence[Act], name: str | None) -> Sequence[Act]:
    """Return the acts from one on. Raises UsageError where there is none of that name or number."""
    if name is None:
        return every
    for number, act in enumerate(every, 1):
        if name in {act.name, str(number)}:
            return every[number - 1 :]
    raise UsageError(f"there is no act {name!r}", hint=f"The acts are: {', '.join(act.name for act in every)}.")


def play(every: Sequence[Act], first: str | None, connection: Connection, room: Room) -> None:
    """Play the acts from one on. Raises what keeps a comparison from being run."""
    played = beginning(every, first)
    if room.pages is not None:
        _make(room.pages)
    told: set[str] = set()
    with run_ahead((act.errand for act in played), connection) as ahead:
        for act in played:
            number = len(every) - len(played) + played.index(act) + 1
            room.write(_asked(act, f"Act {number} of {len(every)}", room.style))
            room.pause("Enter: the answer")
            if not ahead.ready(act.errand):
                room.write(_line("Still being built, one moment …", room.style))
            report = ahead.report(act.errand)
            room.write(_answered(act, report, told, room.style))
            if room.pages is not None:
                path = room.pages / f"{number}-{act.name}.html"
                write_atomically(path, _page(act, report))
                room.write(_line(f"{_INDENT}On the projector: {path}", room.style))
            room.pause("Enter: go on" if act is not played[-1] else "Enter: the end")
    room.write(_closing(room.style))


def listed(every: Sequence[Act], style: Style) -> str:
    """Return the acts with their titles."""
    page = Page(style)
    columns = (Column(key="number", title=""), Column(key="name", title=""), Column(key="title", title=""))
    rows = tuple(
        (Cell(text=str(number)), Cell(text=act.name), Cell(text=act.title)) for number, act in enumerate(every, 1)
    )
    if not page.whole(Grid(columns, rows)):
        for number, act in enumerate(every, 1):
            page.say(f"{number} {act.name}: {act.title}", hang=2)
    page.gap()
    page.say(f"Begin with one of them: imgcompare demo --from {every[1].name}", hang=2)
    return page.text()


def notes(every: Sequence[Act], style: Style) -> str:
    """Return the speaker's notes, act by act, for a screen that the room does not see."""
    page = Page(style)
    for number, act in enumerate(every, 1):
        page.say(f"{number}. {act.title} ({act.name})", "strong")
        page.say(act.question, lead="   Ask   ")
        page.say(act.notes, lead="   Note  ")
        page.say(act.lesson, lead="   Say   ")
        page.gap()
    return page.text()


def _asked(act: Act, place: str, style: Style) -> str:
    page = Page(style)
    page.gap()
    page.say(f"{place} · {act.title}", "strong")
    page.gap()
    page.say(act.says, lead=_INDENT)
    if act.dockerfile is not None:
        page.gap()
        for line in instructions(act.dockerfile.read_text(encoding="utf-8")):
            page.quote(line, _INDENT * 2, "plain") if line else page.gap()
    page.gap()
    page.say(act.question, "strong", lead="? ")
    return page.text()


def instructions(dockerfile: str) -> list[str]:
    """Return a Dockerfile's lines without comments, which give the answer away; an empty one before each stage."""
    lines: list[str] = []
    for line in dockerfile.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("FROM ") and lines:
            lines.append("")
        lines.append(line)
    return lines


def _answered(act: Act, report: Report, told: set[str], style: Style) -> str:
    """The answer; what has to be known to trust the numbers is ``told`` once."""
    page = Page(style)
    page.gap()
    act.answer(page, report)
    page.gap()
    page.say(act.lesson, lead="→ ")
    stand_ins = (note for note in footnotes(only(report, act.shows)) if "stand-in" in note)
    remarks = (f"Measured now, on {engine(report.engine)}.", *stand_ins)
    for remark in dict.fromkeys(each for each in remarks if each not in told):
        told.add(remark)
        page.say(remark, "dim", lead=_INDENT)
    return page.text()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"cannot make {folder}: {exc.strerror}", hint="Name another folder: --pages DIR") from exc


def _page(act: Act, report: Report) -> str:
    """The act's page for the projector: its variants, and what to take home."""
    shown = replace(only(report, act.shows), scenario=act.title, description=act.says, notes=(act.lesson,))
    style = Style(width=100, color=False, ascii_only=False)
    return render(shown, "html", RenderContext(style=style, projector=True))


def _line(text: str, style: Style) -> str:
    page = Page(style)
    page.say(text, "dim")
    return page.text()


def _closing(style: Style) -> str:
    page = Page(style)
    page.gap()
    page.say("What next", "strong")
    for line in CLOSING:
        page.say(line, lead=_INDENT, hang=4)
    return page.text()
