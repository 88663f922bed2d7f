"""How the demo's answers are drawn, each from a report: a few numbers that a room can take in at once."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from imgcompare.comparison.compare import compare, passed
from imgcompare.model import Report, Variant
from imgcompare.render.cells import sentences
from imgcompare.render.cells.after_change import build_changes
from imgcompare.render.cells.comparison import build_grid
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, Tone
from imgcompare.render.page import Page
from imgcompare.text.printable import printable, printable_lines
from imgcompare.text.units import format_bytes, format_delta, format_seconds

SINGLE, TUTORIAL, MULTI = "single", "tutorial", "mended"
_INDENT = "  "
_CATEGORIES = 8


def sizes(*names: str) -> Callable[[Page, Report], None]:
    """The comparison's own table, of these variants, and its one sentence."""

    def draw(page: Page, report: Report) -> None:
        shown = plain(only(report, names))
        page.table(build_grid(shown))
        page.gap()
        page.say(sentences.headline(shown), "strong")

    return draw


def why(name: str) -> Callable[[Page, Report], None]:
    """What is known of a broken variant: log line, proof, and what mends it."""

    def draw(page: Page, report: Report) -> None:
        variant = _variant(report, name)
        failure = variant.failure
        if failure is None:
            page.say(f"{name} works here.")
            return
        page.say(sentences.failure_title(variant), "bad", lead="✗ ")
        page.say(printable(failure.message), lead=_INDENT)
        for line in (line for evidence in failure.evidence for line in printable_lines(evidence)):
            page.quote(line, _INDENT * 2)
        lead = f"{_INDENT}Fix  "
        for line in failure.fix:
            page.copyable(printable(line), lead)
            lead = " " * len(lead)
        if failure.hint:
            page.say(printable(failure.hint), lead=f"{_INDENT}Next ")

    return draw


def contents(before: str, after: str) -> Callable[[Page, Report], None]:
    """What the bytes of two images are, and what became of them from one to the other."""

    def draw(page: Page, report: Report) -> None:
        images = [_variant(report, name).image for name in (before, after)]
        one, two = (image.contents if image else {} for image in images)
        names = sorted(one.keys() | two.keys(), key=lambda name: -max(one.get(name, 0), two.get(name, 0)))
        columns = (
            Column(key="what", title=""),
            *(Column(key=name, title=name, right=True) for name in (before, after)),
            Column(key="change", title="Change", right=True),
        )
        rows = tuple(_category(name, one.get(name, 0), two.get(name, 0)) for name in names[:_CATEGORIES])
        page.table(Grid(columns, rows))

    return draw


def changes(*names: str) -> Callable[[Page, Report], None]:
    """What a change of the app builds again and makes servers pull."""

    def draw(page: Page, report: Report) -> None:
        kept = tuple(variant for variant in report.variants if variant.name in names)
        page.table(build_changes(replace(report, variants=kept)))

    return draw


def production(page: Page, report: Report) -> None:
    """Who runs each, whether it is watched, how it stops, and whether it works with restrictions."""
    columns = (
        Column(key="variant", title=""),
        Column(key="user", title="Runs as"),
        Column(key="health", title="Watched"),
        Column(key="stop", title="Stops in", right=True),
        Column(key="hardened", title="Hardened"),
    )
    page.table(Grid(columns, tuple(_production(variant) for variant in report.variants)))


def only(report: Report, names: tuple[str, ...]) -> Report:
    """A report of some of its variants, the first being the baseline."""
    kept = tuple(variant for variant in report.variants if variant.name in names)
    return replace(
        report, variants=kept, baseline=kept[0].name, comparison=compare(kept, kept[0].name), passed=passed(kept)
    )


def plain(report: Report) -> Report:
    """A report without what an act does not speak of."""
    variants = tuple(replace(variant, warnings=(), after_change=None) for variant in report.variants)
    return replace(report, variants=variants)


def _variant(report: Report, name: str) -> Variant:
    return next(variant for variant in report.variants if variant.name == name)


def _category(name: str, before: int, after: int) -> tuple[Cell, ...]:
    tone: Tone = "good" if after < before else "plain"
    shown = (format_bytes(count) if count else NOTHING for count in (before, after))
    change = format_delta(after - before) if after != before else "="
    return Cell(text=sentences.category_name(name)), *(Cell(text=text) for text in shown), Cell(text=change, tone=tone)


def _production(variant: Variant) -> tuple[Cell, ...]:
    run, hardened, image = variant.run, variant.hardened, variant.image
    stop = run.stopped_after_s if run else None
    killed = bool(run and run.killed)
    works = bool(hardened and hardened.works)
    cause = hardened.failure.code if hardened and hardened.failure else "broken"
    user = (image.user or "root") if image else NOTHING
    health = (run.health if run else None) or "by nobody"
    return (
        Cell(text=variant.name, tone="strong"),
        Cell(
            text=printable(user, limit=40),
            tone="bad" if image and image.security and image.security.runs_as_root else "good",
        ),
        Cell(text=health, tone="good" if health == "healthy" else "bad"),
        Cell(
            text=NOTHING if stop is None else format_seconds(stop) + (", killed" if killed else ""),
            tone="bad" if killed else "good",
        ),
        Cell(text="✓ works" if works else f"✗ {cause}", tone="good" if works else "bad"),
    )
