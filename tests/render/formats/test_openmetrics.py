"""What a dashboard reads, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from imgcompare.comparison.spread import spread
from imgcompare.console.style import Style
from imgcompare.model import Document, Gate, Repeated, Report, Variant, Verdict
from imgcompare.reports.collection import collect
from tests.support.rendered import render
from tests.support.reports import report, variant

MakeReport = Callable[..., Report]
STYLE = Style(width=80, color=False, ascii_only=False)


def samples(document: Document) -> dict[tuple[str, str], float]:
    """Values by name and variant, as an independent parser reads them."""
    parse: Callable[[str], Iterable[Metric]] = text_string_to_metric_families
    return {
        (one.name, one.labels["variant"]): one.value
        for each in parse(render(document, "openmetrics", STYLE))
        for one in each.samples
    }


def test_the_numbers_of_a_report(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """Bytes, seconds and verdicts are those of the report; what was not measured has no sample."""
    gate = Gate(name="uncompressed_size", subject="single-stage", limit=1, actual=9, passed=False)
    found = samples(make_report(single, tutorial, gates=(gate,)))
    assert single.image is not None
    assert found["imgcompare_image_uncompressed_bytes", "single-stage"] == single.image.uncompressed_size
    assert found["imgcompare_works", "single-stage"] == 1
    assert found["imgcompare_works", "tutorial"] == 0
    assert found["imgcompare_gate_passed", "single-stage"] == 0
    assert ("imgcompare_ready_seconds", "tutorial") not in found


def test_what_was_measured_several_times(make_report: MakeReport, single: Variant) -> None:
    """The least, the middle, the greatest and the deviation, each a family of its own; one value has none."""
    again = Repeated(ready_s=spread([0.4, 0.41, 0.45]), memory_bytes=spread([7]))
    found = samples(make_report(replace(single, repeated=again)))
    ready = [found[f"imgcompare_ready_{field}_seconds", "single-stage"] for field in ("minimum", "median", "maximum")]
    assert ready == [0.4, 0.41, 0.45]
    assert found["imgcompare_memory_minimum_bytes", "single-stage"] == 7
    assert ("imgcompare_memory_deviation_bytes", "single-stage") not in found
    assert ("imgcompare_cached_build_median_seconds", "single-stage") not in found


def test_what_was_skipped_has_no_sample(make_report: MakeReport, single: Variant) -> None:
    """Nothing is known of it, so nothing is told: no zero that a graph would draw."""
    skipped = replace(single, name="other", verdict=Verdict.NOT_CHECKED, skipped="no base")
    assert {variant for _, variant in samples(make_report(single, skipped))} == {"single-stage"}
    assert samples(collect([], created="now")) == {}


@given(st.text(max_size=30))
def test_any_name_is_a_label(name: str) -> None:
    """Quotes, backslashes and line ends in names break no line."""
    renamed = replace(report(variant("slim")), scenario=name)
    assert len(samples(renamed)) > 3
