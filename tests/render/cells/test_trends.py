"""The trend of sizes as columns, and in the report's page."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Variant, Verdict
from imgcompare.render.cells.trends import Point, Trend, build_runs, trends, until
from imgcompare.reports.history import PastRun, past_of
from tests.support.browser import started
from tests.support.rendered import render
from tests.support.reports import report, variant

STYLE = Style(width=100, color=False, ascii_only=False)
EVIL = "</script><img src=x onerror=alert(1)>\x1b[31m\u202e"
NOW = report(variant("slim", 150_000_000), created="2026-01-05T12:00:00Z")


def past(day: int, size: int | None, comparison: str = "default") -> PastRun:
    """A run of an earlier day; without a size, its variant is broken and has no image."""
    made = variant("slim", size or 0)
    made = made if size else replace(made, image=None, verdict=Verdict.BROKEN)
    return past_of(
        report(made, created=f"2026-01-0{day}T12:00:00Z", scenario=comparison), f"2026010{day}T120000000-abcdef"
    )


def test_a_report_s_trend_is_that_of_its_comparison_until_then() -> None:
    """Later runs, other comparisons and the report's own saved state are no points of their own."""
    runs = until(NOW, [past(3, 3), past(1, 1), past(2, 2, "shop"), past(5, 5), past(6, 6)])
    assert [(run.run[:8], run.variants[0].uncompressed_size) for run in runs] == [
        ("20260101", 1),
        ("20260103", 3),
        ("20260105", 150_000_000),
    ]
    assert [run.run for run in until(NOW, [])] == ["this one"]


def test_columns_stand_on_nought_and_leave_gaps() -> None:
    """A column as high as its share of the greatest; a run without an image has none, a broken one its colour."""
    broken = past_of(
        report(replace(variant("slim", 50_000_000), verdict=Verdict.BROKEN), created="2026-01-03T12:00:00Z"), "x"
    )
    assert trends(until(NOW, [past(1, 200_000_000), past(2, None), broken])) == (
        Trend(
            name="slim",
            text="150.0 MB, −25 % in 3 runs",
            points=(
                Point(start=0, width=4, height=100, kind="", label="2026-01-01 12:00: 200.0 MB"),
                Point(start=8, width=4, height=25, kind="bad", label="2026-01-03 12:00: 50.0 MB, broken"),
                Point(start=12, width=4, height=75, kind="", label="2026-01-05 12:00: 150.0 MB"),
            ),
        ),
    )


@pytest.mark.parametrize(("count", "width"), [(1, 4), (2, 4), (10, 4), (25, 4), (50, 2)])
def test_columns_are_narrow_however_few_they_are(count: int, width: float) -> None:
    """A chart of two runs is as calm as one of fifty; many share what room there is."""
    runs = [past_of(replace(NOW, created=f"2026-01-01T12:00:{second:02}Z")) for second in range(count)]
    (trend,) = trends(runs)
    assert [point.width for point in trend.points] == [width] * count
    assert [point.start for point in trend.points] == [width * number for number in range(count)]


def test_a_variant_that_is_new_has_no_change_to_tell() -> None:
    """One size is a size, not a change in "1 runs"; none is a dash."""
    (trend,) = trends(until(NOW, [past(1, None)]))
    assert trend.text == "150.0 MB"
    (trend,) = trends([past(1, None), past(2, None)])
    assert trend.text == "–"


def broken(one: Variant) -> Variant:
    """It does not work."""
    return replace(one, verdict=Verdict.BROKEN)


def test_the_page_draws_the_trend_and_lists_its_runs(tmp_path: Path) -> None:
    """Under its content security policy, with hostile names as text; two runs and one are no trend."""
    now = report(variant(EVIL, 5), variant("slim", 9), created="2026-01-05T12:00:00Z")
    runs = [past_of(replace(now, created=f"2026-01-0{day}T12:00:00Z"), EVIL) for day in (1, 2)]
    runs[0] = past_of(
        replace(now, created="2026-01-01T12:00:00Z", variants=tuple(broken(one) for one in now.variants)), EVIL
    )
    page = tmp_path / "page.html"
    page.write_text(render(now, "html", STYLE, past=runs), encoding="utf-8")
    with started(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.script("document.querySelectorAll('svg.trend rect:not(.hatch)').length") == 6
        filled = "[...document.querySelectorAll('svg.trend rect.bad + rect')].map((e) => getComputedStyle(e).fill)"
        assert browser.script(filled) == ['url("#hatch")'] * 2
        assert browser.script("document.querySelectorAll('#c1-trend ~ details tbody tr').length") == 3
        assert browser.script("document.querySelectorAll('img').length") == 0
        assert not browser.complaints()
    two = render(now, "html", STYLE, past=runs[:1])
    assert 'id="c1-trend"' not in two + render(now, "html", STYLE)
    assert not {"\x1b", "\u202e"} & set(page.read_text(encoding="utf-8"))


def test_a_run_is_listed_without_the_end_of_its_name() -> None:
    """What is left of it is enough for any command."""
    assert [[cell.text for cell in row] for row in build_runs([past(1, 1), past(2, None)]).rows] == [
        ["20260102T120000000", "2026-01-02 12:00", "failed", "✗ –"],
        ["20260101T120000000", "2026-01-01 12:00", "passed", "1 B"],
    ]
