"""Charts are sums: pieces add up to the bar, steps lead from one total to the other."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from imgcompare.model import Build, Image, Step, Variant
from imgcompare.render.formats import html_charts
from tests.support.rendered import MakeReport, MakeVariant


def image(variant: Variant, **contents: int) -> Variant:
    """The variant with bytes of these categories."""
    sized = replace(cast("Image", variant.image), contents=contents, uncompressed_size=sum(contents.values()))
    return replace(variant, image=sized)


def test_a_bar_is_all_of_its_image(make_variant: MakeVariant) -> None:
    """Pieces touch, begin with what is yours, and end at the image's share of the largest; no category is dropped."""
    variant = image(make_variant("a"), caches=10, application=30, novel=10)
    spans = html_charts.contents_bar(cast("Image", variant.image), largest=100)
    assert [(span.start, span.width, span.kind, span.label) for span in spans] == [
        (0, 30, "application", "application: 30 B, 60 %"),
        (30, 10, "caches", "caches and docs: 10 B, 20 %"),
        (40, 10, "other", "novel: 10 B, 20 %"),
    ]


def test_a_waterfall_leads_from_the_baseline_to_the_variant(make_variant: MakeVariant, make_report: MakeReport) -> None:
    """Each step starts where the one before it ended, whichever way it goes; both totals stand on the same scale."""
    before = image(make_variant("before"), system_packages=60, build_tools=40)
    after = image(make_variant("after"), system_packages=20, build_tools=0, python_packages=5)
    ((variant, _, steps),) = html_charts.compared(make_report(before, after))
    assert variant is after
    assert [(step.name, step.text, step.span.start, step.span.width, step.span.kind) for step in steps] == [
        ("before", "100 B", 0, 100, "total"),
        ("build tools", "−40 B", 60, 40, "less"),
        ("system packages", "−40 B", 20, 40, "less"),
        ("Python packages", "+5 B", 20, 5, "more"),
        ("after", "25 B", 0, 25, "total"),
    ]


def test_what_was_not_measured_has_no_waterfall(make_variant: MakeVariant, make_report: MakeReport) -> None:
    """A variant without an image, or a baseline without one, has nothing to be held against."""
    whole, without = make_variant("whole"), make_variant("without", image=None)
    assert list(html_charts.compared(make_report(whole, without))) == []
    assert list(html_charts.compared(make_report(without, whole))) == []


def test_a_timeline_is_build_start_and_check(make_variant: MakeVariant) -> None:
    """One after the other; steps that ran at once are scaled to the build's time, told as they were; one is longest."""
    steps = tuple(
        Step(name=name, duration_s=took, cached=cached)
        for name, took, cached in [("a", 2, False), ("b", 9, True), ("c", 6, False)]
    )
    variant = make_variant("a", ready=1.0)
    variant = replace(variant, build=Build(duration_s=4, step_count=3, cached_step_count=1, steps=steps))
    assert html_charts.duration(variant) == 5.004
    assert [(span.start, span.width, span.kind, span.label) for span in html_charts.timeline(variant, longest=10)] == [
        (0, 10, "build-0", "a: 2.0 s"),
        (10, 30, "longest", "c: 6.0 s"),
        (40, 10, "start", "start: 1.0 s"),
        (50, 0.04, "check", "check: 4 ms"),
    ]


def test_ticks_are_round(make_variant: MakeVariant) -> None:
    """At most six, on multiples of 1, 2 or 5; where nothing took time there are none."""
    assert html_charts.time_axis(72.4).ticks == (
        (0, "0 s"),
        (27.624, "20 s"),
        (55.249, "40 s"),
        (82.873, "60 s"),
    )
    assert [text for _, text in html_charts.time_axis(0.31).ticks] == ["0 s", "0.1 s", "0.2 s", "0.3 s"]
    assert html_charts.time_axis(0).ticks == ()
