"""Earlier runs as people read them."""

from __future__ import annotations

from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Verdict
from imgcompare.render.pages.history import render
from imgcompare.reports.history import History, PastRun, PastVariant

STYLE = Style(width=80, color=False, ascii_only=False)


def run(number: int, comparison: str = "default", /, **sizes: int | None) -> PastRun:
    """A run in which every variant worked, or had no image."""
    return PastRun(
        run=f"20260131T12000{number}000-abcdef",
        created=f"2026-01-31T12:0{number}:00Z",
        comparison=comparison,
        passed=None not in sizes.values(),
        variants=tuple(
            PastVariant(name=name, verdict=Verdict.BROKEN if size is None else Verdict.WORKS, uncompressed_size=size)
            for name, size in sizes.items()
        ),
    )


RUNS = (
    run(1, big=1_000_000_000, slim=200_000_000),
    run(2, big=1_001_000_000, slim=300_000_000),
    run(3, big=1_000_000_000, slim=None),
    run(4, "shop\x1b[2J", web=5_000),
    run(5, big=1_000_000_000, slim=100_000_000, new=7_000),
)


def test_the_trend_of_each_variant_and_the_runs_newest_first() -> None:
    """Noise is flat, a missing size leaves a gap, one run is no trend; the comparison that ran last stands first."""
    assert render(History(runs=RUNS), STYLE) == (
        "default: 4 runs\n"
        "Variant  Trend    Newest  Since first\n"
        "big      ▄▅▄▄    1.00 GB          0 %\n"
        "slim     ▅█ ▁   100.0 MB        −50 %\n"
        "new         ▅       7 kB            –\n"
        "\n"
        "Run                 When (UTC)        Result      big      slim   new\n"
        "20260131T120005000  2026-01-31 12:05  passed  1.00 GB  100.0 MB  7 kB\n"
        "20260131T120003000  2026-01-31 12:03  failed  1.00 GB       ✗ –     –\n"
        "20260131T120002000  2026-01-31 12:02  passed  1.00 GB  300.0 MB     –\n"
        "20260131T120001000  2026-01-31 12:01  passed  1.00 GB  200.0 MB     –\n"
        "\n"
        "shop: 1 run\n"
        "Variant  Newest  Since first\n"
        "web        5 kB            –\n"
        "\n"
        "Run                 When (UTC)        Result   web\n"
        "20260131T120004000  2026-01-31 12:04  passed  5 kB\n"
    )


def test_a_narrow_page_drops_the_last_variants_first() -> None:
    """The name of a run, which other commands take, always stays."""
    text = render(History(runs=RUNS[-1:]), replace_width(55))
    assert text.endswith(
        "Run                 When (UTC)        Result      big\n20260131T120005000  2026-01-31 12:05  passed  1.00 GB\n"
    )
    assert all(len(line) <= 55 for line in text.splitlines())
    ascii_only = render(History(runs=RUNS[:3]), Style(width=80, color=False, ascii_only=True))
    assert "slim     _#     300.0 MB        +50 %\n" in ascii_only
    assert ascii_only.isascii()


def replace_width(width: int) -> Style:
    """The style with another width."""
    return Style(width=width, color=False, ascii_only=False)


def test_nothing_and_what_cannot_be_read() -> None:
    """An empty folder says what to do; a damaged run is named without its escapes."""
    assert render(History(runs=()), STYLE) == "Nothing was run here yet: `imgcompare run`.\n"
    damaged = History(runs=RUNS[:1], unreadable=("a\x1b[2J.json is no report",))
    assert render(damaged, STYLE).endswith("✗ a.json is no report\n")
    hostile = replace(RUNS[0], comparison="\u202e", created="\x1b[2J" * 9, run="\x1b")
    assert not {"\x1b", "\u202e"} & set(render(History(runs=(hostile,)), STYLE))
