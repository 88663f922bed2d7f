"""What changed since a stored baseline, as people read it."""

from __future__ import annotations

import pytest

from imgcompare.comparison.baseline import EMPTY, merge
from imgcompare.console.style import Style
from imgcompare.model import Against, AgainstRow, Entry, PackageCounts
from imgcompare.render.cells.against import told_packages, told_row
from imgcompare.render.pages.baseline import render as render_baseline
from imgcompare.render.pages.baseline import render_update
from tests.support.rendered import render
from tests.support.reports import report, variant

STYLE = Style(width=80, color=False, ascii_only=False)


def row(delta: int | None, own: int | None = None, layers: int | None = 0) -> AgainstRow:
    """The row of a variant that was 100 MB."""
    return AgainstRow(
        variant="slim",
        entry=Entry.BOTH,
        uncompressed_before=100_000_000,
        uncompressed_delta=delta,
        own_delta=own,
        layer_delta=layers,
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (row(1_200_000, 0), "slim: +1.2 MB (+1.2 %), own 0 B, base +1.2 MB"),
        (row(-50_000_000, -60_000_000, -1), "slim: −50.0 MB (−50 %), own −60.0 MB, base +10.0 MB; 1 layer fewer"),
        (row(1_000_000, None, 2), "slim: +1.0 MB (+1.0 %); 2 layers more"),
        (row(0, 0), "slim: as large as stored, 100.0 MB"),
        (row(0, 5_000_000), "slim: 0 B (0 %), own +5.0 MB, base −5.0 MB"),
        (row(None), "slim: has no image now, stored with 100.0 MB"),
        (AgainstRow(variant="slim", entry=Entry.NEW), "slim: new, not stored yet"),
        (AgainstRow(variant="slim", entry=Entry.MISSING, uncompressed_before=9), "slim: missing now, stored with 9 B"),
    ],
)
def test_a_row_says_what_became_of_a_variant(given: AgainstRow, text: str) -> None:
    """Our own bytes are told from the base's: a new base is not ours."""
    assert told_row(given) == text


def test_packages_are_named_up_to_a_number() -> None:
    """Changed ones first: they are what is looked for."""
    counts = PackageCounts(added=("a 1", "b 2", "c 3"), removed=("d 4",), changed=("ssl 3.0.1 → 3.0.2",))
    assert told_packages(counts, most=2) == "ssl 3.0.1 → 3.0.2; added a 1, b 2 and 1 more; removed d 4"
    assert told_packages(PackageCounts()) == ""


def test_the_block_in_the_table() -> None:
    """It stands between the answer and the gates; what comes from files is printed without its escapes."""
    held = Against(
        source="imgcompare.baseline\x1b[2J.json",
        recorded="2026-01-31T12:00:00Z",
        rows=(row(1_200_000, 0), AgainstRow(variant="new\x1b]0;x\x07", entry=Entry.NEW)),
        notes=("Another engine than then: \x1b[31mred, now blue.",),
    )
    assert render(report(variant("slim"), against=held), "table", STYLE).endswith(
        "\n\nAgainst imgcompare.baseline.json (2026-01-31):\n"
        "  slim: +1.2 MB (+1.2 %), own 0 B, base +1.2 MB\n"
        "  new: new, not stored yet\n"
        "  Another engine than then: red, now blue.\n"
    )


def test_a_baseline_as_a_page() -> None:
    """Each comparison with its images and who recorded them."""
    stored = merge(
        EMPTY, [report(variant("slim", 4_000_000, own_size=150_000, stand_ins=("python:3.11",)))], prune=False
    )
    assert render_baseline(stored, STYLE) == (
        "default, recorded 2025-11-21 by imgcompare 0.1.0 on Docker Engine 20.10.24\n"
        "Variant  Unpacked     Own  Pull  Layers  Packages  Platform\n"
        "slim       4.0 MB  150 kB     –       6         0  linux/amd64\n"
        "Base images were stand-ins: python:3.11.\n"
    )
    assert render_baseline(EMPTY, STYLE) == "Nothing is stored in it.\n"


def test_what_an_update_changed() -> None:
    """Each variant of the report, and what it does not have."""
    old = merge(
        EMPTY, [report(variant("a", 1_000_000), variant("gone", 2)), report(variant("x"), scenario="o")], prune=False
    )
    now = report(variant("a", 3_000_000), variant("b", 5))
    new = merge(old, [now], prune=False)
    assert render_update("b.json", old, new, [now], STYLE, prune=False) == (
        "default:\n"
        "  a: +2.0 MB (+200 %)\n"
        "  b: recorded, 5 B\n"
        "  gone: not in this run, kept (--prune removes it)\n"
        "b.json: written.\n"
    )
    pruned = merge(old, [now], prune=True)
    assert render_update("b.json", old, pruned, [now], STYLE, prune=True).endswith(
        "  gone: removed\no: removed\nb.json: written.\n"
    )
    assert render_update("b.json", new, new, [now], STYLE, prune=False).endswith("b.json: as it was.\n")
