"""The report as JUnit XML, as it is written and as a JUnit parser reads it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from junitparser import Failure as JUnitFailure
from junitparser import JUnitXml, Skipped, TestCase, TestSuite
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Collection, Failure, Gate, Report, Source, Stage, Variant, Verdict
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]
STYLE = Style(width=80, color=True, ascii_only=False)


def read(document: Report | Collection) -> list[TestSuite]:
    """The suites that a JUnit parser finds, whose counts are right."""
    found = JUnitXml.fromstring(render(document, "junit", STYLE).encode())
    suites = list(found)
    assert (found.tests, found.failures) == (sum(s.tests for s in suites), sum(s.failures for s in suites))
    for suite in suites:
        before = suite.tests, suite.failures, suite.skipped, suite.errors
        suite.update_statistics()  # type: ignore[no-untyped-call]
        assert before == (suite.tests, suite.failures, suite.skipped, suite.errors)
    return suites


def outcomes(document: Report | Collection) -> dict[str, str]:
    """How each test ended: passed, or its message."""
    return {
        f"{case.classname} {case.name}": "; ".join(
            f"{type(result).__name__}: {result.message}"
            for result in case.result
            if isinstance(result, JUnitFailure | Skipped)
        )
        or "passed"
        for suite in read(document)
        for case in suite
        if isinstance(case, TestCase)
    }


def test_as_it_is_written(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A case for each stage with its seconds; the failure has its log; what was not reached is skipped."""
    gate = Gate(name="uncompressed_size", subject="single-stage", limit=500e6, actual=957.2e6, passed=False)
    assert (
        render(make_report(single, tutorial, gates=(gate,)), "junit", STYLE)
        == """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="imgcompare" tests="7" failures="2" errors="0" skipped="1" time="75.914">
  <testsuite name="default" tests="7" failures="2" errors="0" skipped="1" time="75.914" timestamp="2025-11-21T08:00:00">
    <testcase classname="default.single-stage" name="build" time="3.100" />
    <testcase classname="default.single-stage" name="run" time="0.410" />
    <testcase classname="default.single-stage" name="check" time="0.004" />
    <testcase classname="default.tutorial" name="build" time="72.400" />
    <testcase classname="default.tutorial" name="run">
      <failure message="tutorial is broken: exits-at-once. The container exited with code 1 before its route answered.\
" type="exits-at-once">Expected: its container answers
Happened: The container exited with code 1 before its route answered.
Traceback (most recent call last):
ModuleNotFoundError: No module named 'flask'
Next: COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages</failure>
    </testcase>
    <testcase classname="default.tutorial" name="check">
      <skipped message="run failed" />
    </testcase>
    <testcase classname="default.gates" name="Unpacked of single-stage ≤ 500.0 MB">
      <failure message="single-stage: Unpacked 957.2 MB (limit ≤ 500.0 MB)" type="gate-uncompressed_size">\
Expected: Unpacked of single-stage ≤ 500.0 MB
Happened: 957.2 MB</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_a_comparison_that_passed(make_report: MakeReport, single: Variant) -> None:
    """Every case passes; an existing image was pulled, not built."""
    pulled = replace(single, source=Source(image="shop:1.4"))
    assert outcomes(make_report(pulled)) == {
        "default.single-stage pull": "passed",
        "default.single-stage run": "passed",
        "default.single-stage check": "passed",
    }


def test_what_was_declared_to_break_passes(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A variant that breaks as its scenario says is as it should be; one that works all the same is not."""
    broken = replace(tutorial, expected_failure="exits-at-once")
    works = replace(single, expected_failure="exits-at-once")
    assert outcomes(make_report(broken, works, passed=False)) == {
        "default.tutorial build": "passed",
        "default.tutorial run": "passed",
        "default.tutorial check": "Skipped: run failed",
        "default.single-stage build": "passed",
        "default.single-stage run": "passed",
        "default.single-stage check": "Failure: single-stage is declared to break as exits-at-once, but works",
    }


def test_what_was_skipped_or_cut_short(make_report: MakeReport, single: Variant) -> None:
    """A variant that was left out has skipped cases with the reason; a report that fails for nothing else has one."""
    left_out = replace(single, verdict=Verdict.NOT_CHECKED, skipped="needs BuildKit")
    cut = replace(single, name="cut", verdict=Verdict.NOT_CHECKED, build=None, run=None, check=None, image=None)
    found = outcomes(make_report(left_out, cut, passed=False))
    assert found["default.single-stage build"] == "Skipped: needs BuildKit"
    assert found["default.cut check"] == "Skipped: not checked"
    assert found["default comparison"].startswith("Failure: No variant was checked")


def test_a_failure_after_the_check(make_report: MakeReport, single: Variant) -> None:
    """An image that answers and cannot be exported fails there, and only there."""
    failure = Failure(stage=Stage.EXPORT, code="engine-error", message="No space left.")
    found = outcomes(make_report(replace(single, verdict=Verdict.BROKEN, failure=failure)))
    assert found["default.single-stage check"] == "passed"
    assert found["default.single-stage export"] == "Failure: single-stage is broken: engine-error. No space left."


def test_a_suite_for_each_comparison(make_report: MakeReport, single: Variant) -> None:
    """A collection has a suite for each; what is missing after a merge is a failure of its own."""
    reports = make_report(single, scenario="a"), make_report(single, scenario="b")
    merged = replace(collect(reports, created="now"), passed=False, notes=("Shard 2 of 3 is missing.",))
    suites = read(merged)
    assert [suite.name for suite in suites] == ["a", "b", "imgcompare"]
    assert outcomes(merged)["imgcompare collection"] == "Failure: 2 of 2 comparisons passed."
    assert "Shard 2 of 3 is missing." in render(merged, "junit", STYLE)


_TEXT = st.text(st.characters() | st.sampled_from("<>&\"']]>\x00\x0b\ufffe\uffff\ud800"), max_size=50)


@given(name=_TEXT, texts=st.lists(_TEXT, min_size=4, max_size=4), passed=st.booleans())
def test_any_text_is_clean_xml(
    make_report: MakeReport, make_variant: MakeVariant, name: str, texts: list[str], passed: bool
) -> None:
    """Characters that XML 1.0 cannot hold vanish, all others are data; it fails just where the report does."""
    failure = Failure(stage=Stage.RUN, code=texts[0], message=texts[1], hint=texts[2], evidence=(texts[3],))
    variant = make_variant(name) if passed else make_variant(name, verdict=Verdict.BROKEN, failure=failure)
    suites = read(make_report(variant, scenario=texts[0], created=texts[1]))
    assert any(suite.failures for suite in suites) is not passed
