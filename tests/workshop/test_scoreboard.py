"""The room's reports as one: who counts, in which order, and how files that arrive are followed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from imgcompare.cli.main import cli
from imgcompare.errors import UsageError
from imgcompare.model import Collection, Failure, Gate, Report, Source, Stage, Variant, Verdict
from imgcompare.workshop import scoreboard
from imgcompare.workshop.scoreboard import By, HandedIn, Room, board
from tests.support import reports


def handed(
    who: str, size: int, *, exercise: str = "one-word", limit: int = 300, broken: bool = False, created: str = ""
) -> HandedIn:
    """A report of one person's image of one exercise."""
    variant = reports.variant("yours", size)
    if broken:
        failure = Failure(stage=Stage.RUN, code="binds-loopback", message="m", hint="the fix", fix=("CMD x",))
        variant = replace(variant, verdict=Verdict.BROKEN, failure=failure, mend="imgcompare mend x")
    gate = Gate(name="uncompressed_size", subject="yours", limit=limit, actual=size, passed=size <= limit)
    return HandedIn(
        who,
        reports.report(variant, scenario=exercise, gates=(gate,), created=created or "2026-11-28T14:00:00Z"),
    )


def names(report: Report) -> list[str]:
    """Who is on it, in order."""
    return [variant.name for variant in report.variants]


def test_smallest_that_reaches_the_goals_comes_first_and_broken_ones_last() -> None:
    """However small: what does not work never wins, and what misses a goal stands behind those that reach it."""
    whole = board([handed("bo", 250), handed("cy", 900), handed("di", 10, broken=True), handed("ana", 200)])
    (one,) = whole.comparisons
    assert names(one) == ["ana", "bo", "cy", "di"]
    assert one.comparison.smallest_working == "ana"
    assert one.baseline == "cy"
    assert one.description.endswith("2 of 4 reached the goals.")
    assert [(gate.subject, gate.passed) for gate in one.gates] == [
        ("ana", True),
        ("bo", True),
        ("cy", False),
        ("di", True),
    ]
    assert "ana, bo, cy, di" in whole.notes[0]


def test_each_exercise_is_a_comparison_and_the_newest_of_each_person_counts() -> None:
    """Who goes on working hands in again; older files may stay where they are."""
    whole = board(
        [
            handed("ana", 200, created="2026-11-28T14:05:00Z"),
            handed("ana", 900, created="2026-11-28T14:00:00Z"),
            handed("ana", 100, exercise="three-ports"),
        ]
    )
    assert [report.scenario for report in whole.comparisons] == ["one-word", "three-ports"]
    image = whole.comparisons[0].variants[0].image
    assert image
    assert image.uncompressed_size == 200


def test_board_tells_what_is_broken_and_not_what_mends_it() -> None:
    """The others are still at it; and what only its maker looks into is left out."""
    (one,) = board([handed("di", 10, broken=True)]).comparisons
    failure = one.variants[0].failure
    assert failure
    assert failure.code == "binds-loopback"
    assert failure == Failure(stage=failure.stage, code=failure.code, message=failure.message)
    assert failure.message.startswith("the app listens on the container's own loopback")
    assert one.variants[0].mend == ""
    assert not one.passed
    image = one.variants[0].image
    assert image
    assert image.tree == ()
    assert image.layers == ()
    assert one.variants[0].source == Source()


def test_engines_that_differ_are_told_by_whose_they_are() -> None:
    """Numbers are comparable only where they are of one kind."""
    other = handed("bo", 250)
    assert isinstance(other.document, Report)
    document = replace(other.document, engine=replace(other.document.engine, version="99"))
    notes = board([handed("ana", 200), HandedIn("bo", document)]).notes
    assert any("Engines differ" in note and "for bo" in note for note in notes)


def test_several_variants_of_one_person_stand_beside_each_other() -> None:
    """A report of `imgcompare run` can be handed in, too."""
    both = reports.report(reports.variant("slim", 100), reports.variant("full", 900))
    (one,) = board([HandedIn("ana", both)]).comparisons
    assert names(one) == ["ana/slim", "ana/full"]


@pytest.mark.parametrize(("by", "who"), [(By.NAME, "ana"), (By.FOLDER, "room")])
def test_people_are_named_by_their_file_or_its_folder(by: By, who: str, tmp_path: Path) -> None:
    """`ana.two.json` is ana's as well."""
    assert by.of(tmp_path / "room/ana.two.json") == who


def test_files_are_followed_as_they_come_change_and_go(tmp_path: Path) -> None:
    """Each is read once; one that is not whole yet holds nobody up, and hidden folders are not looked into."""
    room = Room((tmp_path,), By.NAME)
    assert not room.look()
    write(tmp_path / "ana.json", handed("ana", 200))
    (tmp_path / "bo.json").write_text("{")
    (tmp_path / ".exercise").mkdir()
    write(tmp_path / ".exercise/cy.json", handed("cy", 200))
    assert room.look()
    assert [each.who for each in room.handed_in] == ["ana"]
    assert ["bo.json" in error.message for error in room.unread] == [True]
    assert not room.look()
    write(tmp_path / "bo.json", handed("bo", 250))
    assert room.look()
    assert not room.unread
    (tmp_path / "ana.json").unlink()
    assert room.look()
    assert [each.who for each in room.handed_in] == ["bo"]


def test_watching_publishes_again_when_something_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once at its start, once for each change, and never for nothing."""
    write(tmp_path / "ana.json", handed("ana", 200))
    published: list[Collection] = []
    arriving = iter([None, handed("bo", 100), None])

    def next_second(_seconds: float) -> None:
        if (new := next(arriving, "end")) == "end":
            raise KeyboardInterrupt
        if isinstance(new, HandedIn):
            write(tmp_path / f"{new.who}.json", new)

    monkeypatch.setattr("imgcompare.workshop.scoreboard.time.sleep", next_second)
    with pytest.raises(KeyboardInterrupt):
        scoreboard.watch(Room((tmp_path,), By.NAME), published.append, lambda _text: None)
    assert [names(one.comparisons[0]) for one in published] == [["ana"], ["bo", "ana"]]


def test_command_writes_a_page_that_stays_small_and_is_unfolded(tmp_path: Path) -> None:
    """One page for the projector, whatever was handed in."""
    for number in range(20):
        write(tmp_path / f"who-{number}.json", handed(f"who-{number}", 100 + number, broken=number % 5 == 4))
    page = tmp_path / "board.html"
    done = CliRunner().invoke(cli, ["merge", "--by", "name", str(tmp_path), "-o", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert all(f"who-{number}" in text for number in range(20))
    assert '<details class="whole" open>' in text
    assert len(text) < 300_000
    assert "refresh" not in text


def test_nothing_handed_in_and_what_is_damaged_are_said(tmp_path: Path) -> None:
    """Each with the next step; --watch needs a file to write."""
    with pytest.raises(UsageError, match="no report yet"):
        board([])
    (tmp_path / "bo.json").write_text("{")
    done = CliRunner().invoke(cli, ["merge", "--by", "name", str(tmp_path)])
    assert isinstance(done.exception, UsageError)
    assert "bo.json" in done.exception.message
    for arguments in (["merge", "--watch", str(tmp_path)], ["merge", "--by", "name", "--watch", str(tmp_path)]):
        assert CliRunner().invoke(cli, arguments).exit_code == 2


def write(path: Path, one: HandedIn) -> None:
    """Hand it in."""
    path.write_bytes(msgspec.json.encode(one.document))


def test_variants_keep_what_the_table_shows() -> None:
    """Size, pull, readiness and verdict are those of the report that was handed in."""
    one = handed("ana", 200)
    assert isinstance(one.document, Report)
    before: Variant = one.document.variants[0]
    after = board([one]).comparisons[0].variants[0]
    assert (after.check, after.run, after.build) == (before.check, before.run, before.build)
