"""The cells that every format shares."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from imgcompare.model import Check, Expectation, Failure, Hardened, Report, Stage, Variant, Verdict
from imgcompare.render.cells.comparison import build_grid
from imgcompare.render.cells.grid import Cell, Grid

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]


def cells(grid: Grid, key: str) -> list[Cell]:
    """One column's cells."""
    place = [column.key for column in grid.columns].index(key)
    return [row[place] for row in grid.rows]


def test_columns_of_a_comparison(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """Every column with a value is there, in the order of the story; what was not measured has none."""
    grid = build_grid(make_report(single, multi))
    assert [column.title for column in grid.columns] == [
        "Variant", "Unpacked", "", "Change", "Layers", "Build", "Cached", "Ready", "Memory", "Check", "Verdict",
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["single-stage", "957.2 MB", "", "baseline", "7", "3.1 s", "0/6", "0.41 s", "41.2 MB", "✓ 200", "works"],
        ["multi-stage", "199.4 MB", "", "−79 %", "6", "2.2 s", "9/9", "0.52 s", "38.9 MB", "✓ 200", "works"],
    ]
    assert [cell.share for cell in cells(grid, "bar")] == [1.0, 199.4 / 957.2]


def test_one_variant_has_nothing_to_compare(make_report: MakeReport, multi: Variant) -> None:
    """A single variant has neither bar nor change."""
    assert not {"bar", "change"} & {column.key for column in build_grid(make_report(multi)).columns}


def test_compressed_size_appears_when_known(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """The size of a pull has its column as soon as one variant knows it."""
    assert multi.image
    sized = replace(multi.image, compressed_size=67_900_000)
    known = replace(multi, image=replace(sized, compressed_size_exact=True))
    estimated = replace(multi, name="estimated", image=replace(sized, compressed_size_exact=False))
    assert [cell.text for cell in cells(build_grid(make_report(single, known, estimated)), "compressed_size")] == [
        "–",
        "67.9 MB",
        "≈ 67.9 MB",
    ]


def test_broken_variant(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A broken variant says why, in short too, and its smaller size is no good news."""
    grid = build_grid(make_report(single, tutorial))
    assert cells(grid, "check")[1] == Cell(text="✗ exits-at-once", short="✗ run", tone="bad")
    assert cells(grid, "verdict")[1] == Cell(text="broken", tone="bad")
    assert cells(grid, "change")[1] == Cell(text="−84 %", tone="plain")
    assert cells(grid, "ready")[1] == Cell(text="–", tone="dim")
    assert cells(grid, "build")[1] == Cell(text="1 min 12 s", short="72 s")


def test_wrong_status_is_the_short_reason(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """A reply of the wrong status shows the status where the code has no room; a wrong body shows the stage."""
    failure = Failure(stage=Stage.CHECK, code="wrong-response", message="Status 500, not 200.")
    check = Check(passed=False, url="http://127.0.0.1:1/", expected=Expectation(), status_code=500)
    status = make_variant("a", verdict=Verdict.BROKEN, check=check, failure=failure)
    body = replace(status, name="b", check=replace(check, status_code=200))
    assert [cell.short for cell in cells(build_grid(make_report(status, body)), "check")] == ["✗ 500", "✗ check"]


def test_nothing_was_built(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Variants of which nothing is known keep their name, reason and verdict."""
    failure = Failure(stage=Stage.BUILD, code="build-failed", message="Step 2 failed.")
    made = make_variant("a", verdict=Verdict.BROKEN, image=None, check=None, failure=failure)
    empty = replace(made, build=None, run=None)
    grid = build_grid(make_report(empty, replace(empty, name="b")))
    assert [[cell.text for cell in row] for row in grid.rows][1] == ["b", "–", "", "–", "✗ build-failed", "broken"]


def test_not_checked(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """A variant that nobody checked is neither good nor bad."""
    grid = build_grid(make_report(make_variant("a", verdict=Verdict.NOT_CHECKED, check=None)))
    assert cells(grid, "check") == [Cell(text="–", tone="dim")]
    assert cells(grid, "verdict") == [Cell(text="not checked", tone="dim")]


def test_hostile_names_are_plain_text(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Escapes, controls and bidi characters never reach a cell, and a name never vanishes."""
    report = make_report(make_variant("a\x1b[2J\x1b]0;x\x07\u202eb\nc"), make_variant("\x1b[31m"))
    assert [cell.text for cell in cells(build_grid(report), "variant")] == ["ab c", "(no name)"]


def test_what_was_measured_on_request_has_a_column(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """A HEALTHCHECK's verdict, and how long a stop took; having to be killed is bad news."""
    assert single.run
    assert multi.run
    deaf = replace(single, run=replace(single.run, stopped_after_s=10.0, killed=True, health="starting"))
    polite = replace(multi, run=replace(multi.run, stopped_after_s=0.21, health="healthy", healthy_after_s=0.62))
    grid = build_grid(make_report(deaf, polite))
    assert [column.title for column in grid.columns][-4:] == ["Health", "Stop", "Check", "Verdict"]
    assert cells(grid, "health") == [
        Cell(text="✗ starting", short="✗", tone="bad"),
        Cell(text="✓ 0.62 s", tone="good"),
    ]
    assert cells(grid, "stop") == [
        Cell(text="✗ 10.0 s killed", short="✗ 10.0 s", tone="bad"),
        Cell(text="0.21 s"),
    ]


def test_hardened_names_what_breaks_it(make_report: MakeReport, make_variant: MakeVariant, single: Variant) -> None:
    """One restriction, or none of them alone."""
    names = ("read-only root", "1 CPU")
    told = [
        cells(build_grid(make_report(single, make_variant("b", 1, hardened=hardened))), "hardened")[1]
        for hardened in (
            Hardened(works=True, restrictions=names),
            Hardened(works=False, restrictions=names, broken_by="1 CPU"),
            Hardened(works=False, restrictions=names),
        )
    ]
    assert told == [
        Cell(text="✓", tone="good"),
        Cell(text="✗ 1 CPU", tone="bad"),
        Cell(text="✗ all together", tone="bad"),
    ]
