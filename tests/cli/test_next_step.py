"""What a run says is next, and the page in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from imgcompare.cli.next_step import next_step
from imgcompare.model import Saving, SavingKind, Shrunk, Source, Verdict
from imgcompare.reports.collection import collect
from imgcompare.reports.store import prepare, save
from tests.support.reports import report, variant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Offline

BIG, SLIM = variant("big", 900), variant("slim", 100)


def next_of(*variants: str, configured: bool = False, has_baseline: bool = False) -> str:
    """The first words of the next step of a report of two variants, or of those named."""
    made = report(*(each for each in (BIG, SLIM) if not variants or each.name in variants))
    told = next_step(made, configured=configured, has_baseline=has_baseline) or ""
    return told.partition("   ")[0]


def test_the_difference_is_next_and_in_a_project_the_baseline() -> None:
    """Two images ask why; a project's sizes ask to be kept; a single image asks to be written down."""
    assert next_of() == "Next: imgcompare diff big slim"
    assert next_of(configured=True) == "Next: imgcompare baseline update"
    assert next_of(configured=True, has_baseline=True) == "Next: imgcompare diff big slim"
    assert next_of("big") == "Next: imgcompare init"
    assert next_of("big", configured=True) == "Next: imgcompare baseline update"


def test_what_was_shrunk_goes_into_the_project_and_its_ci() -> None:
    """The smaller Dockerfile is kept small from then on; where settings are there already, the difference is shown."""
    written = Shrunk(result="slim", before="FROM x\n", written="Dockerfile.slim")
    made = report(BIG, SLIM, shrunk=written)
    told = next_step(made, configured=False, has_baseline=False) or ""
    assert told.startswith("Next: imgcompare init --ci github ")
    assert (next_step(made, configured=True, has_baseline=False) or "").startswith("Next: imgcompare diff big slim ")


def test_what_can_be_made_smaller_is_told_with_it() -> None:
    """Then the report itself names the command."""
    saving = Saving(kind=SavingKind.BUILD_TOOLS, saved_bytes=500)
    fat = replace(variant("big", 900, savings=(saving,)), source=Source(dockerfile="Dockerfile"), shrink="x")
    assert next_step(report(fat), configured=False, has_baseline=False) is None


def test_nothing_is_next_to_what_is_broken_but_to_mend_it() -> None:
    """The mend command stands with the failure; several comparisons are looked at as a page."""
    broken = report(BIG, replace(SLIM, verdict=Verdict.BROKEN))
    assert next_step(broken, configured=True, has_baseline=False) is None
    assert "--open" in (next_step(collect([broken], created="now"), configured=True, has_baseline=False) or "")


def test_names_that_a_shell_would_take_apart_are_not_typed_out() -> None:
    """What is to be typed can be typed."""
    odd = replace(variant("slim", 100), name="a b")
    assert "--open" in (next_step(report(BIG, odd), configured=False, has_baseline=False) or "")


def test_the_page_opens_in_the_browser(offline: Offline, tmp_path: Path) -> None:
    """BROWSER is asked first, as everywhere; without one, the page is there all the same and its place is told."""
    save(report(BIG, SLIM), prepare(offline.folder), "20260101T000000000-aaaaaa")
    opened = offline("report", "--open", BROWSER="echo", TMPDIR=str(tmp_path))
    (page,) = tmp_path.glob("imgcompare-*.html")
    assert (opened.returncode, page.as_uri() in opened.stdout, page.stat().st_mode & 0o077) == (0, True, 0)
    assert "<html" in page.read_text(encoding="utf-8")
    page.unlink()
    alone = offline("report", "--open", TMPDIR=str(tmp_path), PATH="/nowhere")
    assert (alone.returncode, "No browser was found" in alone.stderr) == (0, True)
