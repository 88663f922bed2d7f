"""What a scenario declares broken, what it leaves out and what it teaches, as they look."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from imgcompare.comparison.compare import passed
from imgcompare.console.style import Style
from imgcompare.model import Failure, Report, Stage, Variant, Verdict
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]
CODE = "missing-python-module"


def page(report: Report, width: int, *, ascii_only: bool = False) -> str:
    """The page at a width."""
    return render(report, "table", Style(width=width, color=False, ascii_only=ascii_only), ())


@pytest.fixture
def broken(make_variant: MakeVariant) -> Callable[..., Variant]:
    """A function that makes a tutorial's variant that breaks, declared to do so as it is told."""
    failure = Failure(
        stage=Stage.RUN,
        code=CODE,
        message="The image has no Flask.",
        hint="Take it along.",
        evidence=("ModuleNotFoundError: No module named 'flask'",),
    )

    def make(expected_failure: str | None) -> Variant:
        made = make_variant("tutorial", 222_100_000, layers=3, build=(8.5, 3, 5), ready=None, memory=None)
        return replace(made, verdict=Verdict.BROKEN, check=None, failure=failure, expected_failure=expected_failure)

    return make


@pytest.fixture
def declared(make_report: MakeReport, make_variant: MakeVariant, broken: Callable[..., Variant]) -> Report:
    """A scenario whose variants are all as declared, one of them left out."""
    out = make_variant("alpine", verdict=Verdict.NOT_CHECKED, build=(0, 0, 0), skipped="cannot pull python:3.11-alpine")
    return make_report(
        make_variant("single", 233_100_000),
        broken(CODE),
        make_variant("mended", 227_400_000),
        replace(out, image=None, build=None, run=None, check=None),
        scenario="slim-to-slim",
        description="A slim builder and a slim runtime.",
        notes=("Take along what pip installed.",),
    )


def test_140_columns(declared: Report) -> None:
    """The verdict says that it is broken as it should be, and why; what was left out has its reason."""
    assert (
        page(declared, 140)
        == """\
imgcompare · slim-to-slim · Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64
A slim builder and a slim runtime.

Variant   Unpacked                                Change  Layers  Build Cached   Ready  Check  Verdict
single    233.1 MB ███████████████████████████  baseline       6  2.2 s    0/9  0.52 s  ✓ 200  works
tutorial  222.1 MB █████████████████████████▊     −4.7 %       3  8.5 s    3/5       –  ✗ run  ✗ broken (as expected: \
missing-python-module)
mended    227.4 MB ██████████████████████████▍    −2.4 %       6  2.2 s    0/9  0.52 s  ✓ 200  works
alpine           –                                     –       –      –      –       –  –      skipped

mended is the smallest image that works: 5.7 MB (2.4 %) less than single; tutorial is smaller still, but broken.

✗ tutorial is broken (as expected: missing-python-module)
    The image has no Flask.
      ModuleNotFoundError: No module named 'flask'
    Next  Take it along.
    More  imgcompare explain missing-python-module

alpine was skipped: cannot pull python:3.11-alpine

What to learn
· Take along what pip installed.
"""
    )


def test_80_columns(declared: Report) -> None:
    """Where the code does not fit into the table, it stands below it."""
    assert (
        page(declared, 80)
        == """\
imgcompare · slim-to-slim
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64
A slim builder and a slim runtime.

Variant   Unpacked            Change  Layers   Ready  Check  Verdict
single    233.1 MB ███████  baseline       6  0.52 s  ✓ 200  works
tutorial  222.1 MB ██████▋    −4.7 %       3       –  ✗ run  ✗ broken (expected)
mended    227.4 MB ██████▉    −2.4 %       6  0.52 s  ✓ 200  works
alpine           –                 –       –       –  –      skipped

mended is the smallest image that works: 5.7 MB (2.4 %) less than single;
tutorial is smaller still, but broken.

✗ tutorial is broken (as expected: missing-python-module)
    The image has no Flask.
      ModuleNotFoundError: No module named 'flask'
    Next  Take it along.
    More  imgcompare explain missing-python-module

alpine was skipped: cannot pull python:3.11-alpine

What to learn
· Take along what pip installed.
"""
    )


def test_60_columns_in_ascii(declared: Report) -> None:
    """A narrow terminal without Unicode tells the same."""
    assert (
        page(declared, 60, ascii_only=True)
        == """\
imgcompare - slim-to-slim
Docker Engine 20.10.24 (own engine, overlay2, BuildKit)
linux/amd64
A slim builder and a slim runtime.

Variant   Unpacked    Change  Check   Verdict
single    233.1 MB  baseline  ok 200  works
tutorial  222.1 MB    -4.7 %  x run   x broken (expected)
mended    227.4 MB    -2.4 %  ok 200  works
alpine           -         -  -       skipped

mended is the smallest image that works: 5.7 MB (2.4 %) less
than single; tutorial is smaller still, but broken.

x tutorial is broken (as expected: missing-python-module)
    The image has no Flask.
      ModuleNotFoundError: No module named 'flask'
    Next  Take it along.
    More  imgcompare explain missing-python-module

alpine was skipped: cannot pull python:3.11-alpine

What to learn
- Take along what pip installed.
"""
    )


def test_what_is_not_as_declared_is_told_clearly(
    make_report: MakeReport, make_variant: MakeVariant, broken: Callable[..., Variant]
) -> None:
    """One breaks in another way than declared, one works: neither passes, and each says what was declared."""
    report = make_report(
        make_variant("single"), broken("wrong-port"), make_variant("mended", expected_failure="wrong-port")
    )
    text = page(report, 140)
    assert not passed(report.variants)
    assert " ✗ missing-python-module  ✗ broken, not as declared\n" in text
    assert " ✓ 200                    ✗ works, not as declared\n" in text
    assert "\n✗ tutorial is declared to break as wrong-port, but is broken: missing-python-module\n" in text
    assert "\n✗ mended is declared to break as wrong-port, but works\n" in text
    assert page(report, 80).count("✗ not as declared\n") == 2


@pytest.mark.parametrize("format_", ["table", "markdown", "html"])
def test_every_page_says_what_was_left_out_and_what_is_as_expected(declared: Report, format_: str) -> None:
    """No format passes over a variant in silence."""
    text = re.sub("</?span[^>]*>", "", render(declared, format_, Style(width=100, color=False, ascii_only=False)))
    assert "alpine was skipped: cannot pull python:3.11-alpine" in text
    assert "tutorial is broken (as expected: missing-python-module)" in text
    assert "Take along what pip installed." in text


def test_a_comparison_of_nothing_has_not_passed(declared: Report) -> None:
    """Where every variant was left out, there is no result to be content with."""
    (left_out,) = (v for v in declared.variants if v.skipped)
    assert passed(declared.variants)
    assert not passed((left_out,))
    assert "No variant was checked" in page(replace(declared, variants=(left_out, left_out)), 100)
