"""What shrink found, in words and in every format: the answer, the proof, what each habit was worth, the change."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Finding, Proof, Report, Saving, SavingKind, Shrunk, Source
from imgcompare.render.cells import savings, shrunk
from imgcompare.render.registry import RenderContext, render
from tests.support.reports import report, variant

PROOF = Proof(
    passed=True,
    findings=(
        Finding(name="replies", passed=True, what="routes with the same reply", compared=2),
        Finding(name="imports", passed=True, what="modules that can be imported", compared=232),
        Finding(name="packages", passed=True, what="Debian packages that are not for building", compared=0),
    ),
    exempt=("pip",),
)
SAVINGS = (
    Saving(kind=SavingKind.FULL_BASE, saved_bytes=400_000_000),
    Saving(kind=SavingKind.PACKAGE_LISTS, saved_bytes=87_300_000, layer=3, dockerfile_line=6),
    Saving(kind=SavingKind.BYTECODE, saved_bytes=25_000_000, layer=4),
    Saving(kind=SavingKind.UNWANTED_FILES, saved_bytes=1_000_000, layer=5, dockerfile_line=9, folders=(".git", "venv")),
)
MADE = Shrunk(
    result="multi-stage",
    before="FROM a\n",
    after="FROM b\n",
    diff="--- Dockerfile\n+++ Dockerfile.multi-stage\n@@ -1 +1 @@\n-FROM a\n+    FROM b\n",
    written="Dockerfile.multi-stage",
    refused=("slim: it does not build",),
    unproved=("what is opened lazily",),
)


def shrunken(made: Shrunk = MADE) -> Report:
    """The report of a shrink."""
    original = variant("original", 800_000_000, savings=SAVINGS)
    smaller = replace(variant("multi-stage", 200_000_000), proof=PROOF)
    return report(original, *([smaller] if made.result else []), shrunk=made)


def test_the_answer_and_what_it_rests_on() -> None:
    """What was not there to compare is not counted among the proof."""
    found = shrunken()
    assert shrunk.answer(found) == (
        "multi-stage is proved to do what the original does, and 600.0 MB (75 %) smaller; written to "
        "Dockerfile.multi-stage."
    )
    assert shrunk.proved(found) == ("multi-stage: replies 2 · imports 232",)
    assert shrunk.exempt(found) == "Left out on purpose: pip."
    assert shrunk.remarks(MADE) == ("Not used: slim: it does not build", "Not proved: what is opened lazily.")


def test_nothing_to_gain_and_nothing_proved_are_two_answers() -> None:
    """Without a candidate that was dropped there was nothing to gain."""
    nothing = replace(MADE, result=None, refused=())
    assert shrunk.answer(shrunken(nothing)).startswith("Nothing to gain")
    assert shrunk.answer(shrunken(replace(nothing, refused=("slim: x",)))).startswith("No smaller Dockerfile")


def test_what_each_habit_was_worth() -> None:
    """By Dockerfile line, without what is of use to somebody."""
    assert savings.told_savings(savings.worth(shrunken())) == (
        "400.0 MB · FROM · build tools of the base image: its slim variant has none",
        "87.3 MB · line 6 · package lists, left behind",
        "1.0 MB · line 9 · copied though nobody wants it: .git, venv (lines for .dockerignore)",
    )


def test_a_lone_dockerfile_is_told_the_three_greatest() -> None:
    """One that works, built from a Dockerfile; not of several, nor of an image that exists."""
    lone = replace(
        variant("a", 800_000_000, savings=SAVINGS),
        source=Source(dockerfile="Dockerfile"),
        shrink="imgcompare shrink Dockerfile --route /x",
    )
    assert [one.kind for one in savings.greatest(report(lone))] == [
        SavingKind.FULL_BASE,
        SavingKind.PACKAGE_LISTS,
        SavingKind.UNWANTED_FILES,
    ]
    assert savings.command(report(lone)) == "imgcompare shrink Dockerfile --route /x"
    assert savings.greatest(report(lone, variant("b"))) == ()
    little = replace(lone, image=variant("a", 800_000_000, savings=SAVINGS[3:]).image)
    assert savings.greatest(report(little)) == ()
    assert savings.greatest(report(replace(lone, source=Source(image="x")))) == ()


@pytest.mark.parametrize("format_", ["table", "markdown", "html"])
def test_every_format_for_people_tells_it(format_: str) -> None:
    """The answer, the proof, and the change as it is written, its spaces too."""
    context = RenderContext(style=Style(width=100, color=False, ascii_only=False))
    text = render(shrunken(), format_, context).replace("\N{NO-BREAK SPACE}", " ")
    assert "is proved to do what the original does" in text
    assert "left behind" in text
    assert "slim: it does not build" in text
    if format_ == "html":
        assert "is as the original in all of this" in text
    else:
        assert "+    FROM b" in text
