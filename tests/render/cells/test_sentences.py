"""The one sentence, and what stands at the foot of the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from imgcompare.diagnosis import observed
from imgcompare.errors import EngineError
from imgcompare.model import Companion, Failure, Gate, Report, Stage, Variant, Verdict
from imgcompare.render.cells import sentences
from imgcompare.reports.collection import collect
from tests.support.reports import report, variant

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]


@pytest.mark.parametrize(
    ("sizes", "broken", "baseline", "sentence"),
    [
        ({"a": 957, "b": 199}, "", "a", "b is the smallest image that works: 758.0 MB (79 %) less than a."),
        ({"a": 957, "b": 199}, "", "b", "b, the baseline, is the smallest image that works: "
         "a is 758.0 MB (+381 %) larger."),
        ({"a": 2500, "b": 199}, "", "b", "b, the baseline, is the smallest image that works: "
         "a is 2.30 GB (× 13) larger."),
        ({"a": 957, "b": 199, "c": 400}, "", "c", "b is the smallest image that works: 201.0 MB (50 %) less than c."),
        ({"a": 957, "b": 199, "c": 400}, "c", "c", "b is the smallest image that works: 758.0 MB (79 %) less than a."),
        (
            {"a": 957, "b": 199, "c": 150},
            "c",
            "a",
            "b is the smallest image that works: 758.0 MB (79 %) less than a; c is smaller still, but broken.",
        ),
        (
            {"a": 957, "b": 199, "c": 150, "d": 100},
            "cd",
            "a",
            "b is the smallest image that works: 758.0 MB (79 %) less than a; c and d are smaller still, but broken.",
        ),
        ({"a": 957, "b": 199}, "b", "a", "a, the baseline, is the only image that works: 957.0 MB; "
         "b is smaller still, but broken."),
        ({"a": 957, "b": 199}, "a", "a", "b is the only image that works: 199.0 MB."),
        ({"a": 199, "b": 199}, "", "a", "a, the baseline, is the smallest image that works, as large as b: 199.0 MB."),
        ({"a": 957, "b": 199}, "ab", "a", "No variant works, so there is no smallest image to name."),
        ({"a": 957}, "", "a", "a works; its image is 957.0 MB unpacked, in 6 layers."),
        ({"a": 957}, "a", "a", "a is broken; its image is 957.0 MB unpacked, in 6 layers."),
    ],
)  # fmt: skip
def test_headline(
    make_report: MakeReport,
    make_variant: MakeVariant,
    sizes: dict[str, int],
    broken: str,
    baseline: str,
    sentence: str,
) -> None:
    """The sentence names the smallest image that works and never a broken one, whatever is the baseline."""
    variants = [
        make_variant(name, size * 10**6, verdict=Verdict.BROKEN if name in broken else Verdict.WORKS)
        for name, size in sizes.items()
    ]
    assert sentences.headline(make_report(*variants, baseline=baseline)) == sentence


def test_headline_never_follows_a_report_that_crowns_a_broken_one(
    make_report: MakeReport, single: Variant, tutorial: Variant
) -> None:
    """A damaged report that names a broken winner is not believed."""
    report = make_report(single, tutorial)
    forged = replace(report, comparison=replace(report.comparison, smallest_working="tutorial"))
    assert sentences.headline(forged) == "No variant works, so there is no smallest image to name."


def test_headline_without_measurements(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """A run that was cut short before the images were measured does not say that nothing works."""
    variants = [replace(make_variant("a"), image=None), make_variant("b", verdict=Verdict.NOT_CHECKED)]
    sentence = "The images that work were not measured, so there is no smallest one to name."
    assert sentences.headline(make_report(*variants)) == sentence


def test_headline_without_checks(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Unchecked images win nothing."""
    variants = [make_variant(name, verdict=Verdict.NOT_CHECKED) for name in "ab"]
    sentence = "No variant was checked, so there is no smallest image that works."
    assert sentences.headline(make_report(*variants)) == sentence


def test_headline_of_a_run_that_was_cut_short(
    make_report: MakeReport, make_variant: MakeVariant, single: Variant, multi: Variant
) -> None:
    """What was not finished may work too, and may be smaller: it is named, with the reason."""
    failure = observed.cut_short(Stage.BUILD, EngineError("interrupted"))
    unfinished = make_variant("c", verdict=Verdict.NOT_CHECKED, image=None, check=None, failure=failure)
    alone, both = make_report(multi, unfinished), make_report(single, multi, unfinished)
    assert sentences.headline(alone) == "multi-stage, the baseline, is the only image known to work: 199.4 MB."
    assert sentences.headline(both) == (
        "multi-stage is the smallest image known to work: 757.8 MB (79 %) less than single-stage."
    )
    assert sentences.left_out(both) == ("c was not finished: interrupted",)
    assert sentences.unsettled(both) == ()


def test_what_could_not_be_checked_has_its_block(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """With the way out, and under no word of a broken one; beside a broken one the heading tells of that."""
    failure = Failure(stage=Stage.RUN, code="host-port-taken", message="Host port 5000 is taken.", hint="Free it.")
    taken = make_variant("c", verdict=Verdict.NOT_CHECKED, image=None, check=None, failure=failure)
    alone, broken = make_report(taken), make_variant("d", verdict=Verdict.BROKEN)
    assert (sentences.unsettled(alone), sentences.left_out(alone)) == ((taken,), ())
    assert sentences.failure_title(taken) == "c was not checked: host-port-taken"
    assert sentences.unsettled_title(alone) == "What was not checked"
    assert sentences.unsettled_title(make_report(taken, broken)) == "What is broken"


def test_headline_of_a_variant_without_image(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """A single variant that was not built has no size."""
    variant = make_variant("a", verdict=Verdict.BROKEN, image=None)
    assert sentences.headline(make_report(variant)) == "a is broken; there is no image to measure."


def test_engine_details(make_report: MakeReport, single: Variant) -> None:
    """The line says whose engine it was, how it stores images and what built them."""
    info = make_report(single).engine
    assert sentences.engine(info) == "Docker Engine 20.10.24 (own engine, overlay2, BuildKit)"
    other = replace(info, private=False, image_store="containerd", storage_driver="", builder="classic")
    assert sentences.engine(other) == "Docker Engine 20.10.24 (containerd image store, classic builder)"
    assert sentences.platform(info) == "linux/amd64"


def test_failed_gates_show_both_values(make_report: MakeReport, single: Variant) -> None:
    """A gate that fails says what was measured and what the limit is, in their unit; one that holds says nothing."""
    gates = (
        Gate(name="uncompressed_size", subject="single-stage", limit=500e6, actual=957.2e6, passed=False),
        Gate(
            name="ready_after_s", subject="single-stage", limit=2, actual=None, passed=False, reason="it never answered"
        ),
        Gate(name="layer_count", subject="single-stage", limit=20, actual=7, passed=True),
        Gate(name="saving_ratio", subject="slim", limit=0.5, actual=0.4999, passed=False, at_least=True),
        Gate(name="growth_bytes", subject="slim", limit=0, actual=1, passed=False),
        Gate(name="works", subject="slim", limit=1, actual=0, passed=False, at_least=True),
    )
    assert sentences.failed_gates(make_report(single, gates=gates)) == (
        "single-stage: Unpacked 957.2 MB (limit ≤ 500.0 MB)",
        "single-stage: Ready not measured: it never answered (limit ≤ 2.0 s)",
        "slim: Saving 49.99 % (limit ≥ 50 %)",
        "slim: Growth 1 B (limit ≤ 0 B)",
        "slim: Works broken (limit must work)",
    )


@pytest.mark.parametrize(
    ("name", "actual", "limit", "told"),
    [
        ("saving_ratio", 0.691287, 0.70, "69 % ≥ 70 %"),
        ("saving_ratio", 0.691287, 0.699, "69 % ≥ 69.9 %"),
        ("saving_ratio", 0.691287, 0.6913, "69.1287 % ≥ 69.13 %"),
        ("saving_ratio", 0.691287, 0.691, "69.1287 % ≥ 69.1 %"),
        ("saving_ratio", 0.69, 0.69, "69 % ≥ 69 %"),
        ("wasted_ratio", 0.0014, 0.0001, "0.1 % ≤ 0.01 %"),
        ("growth_ratio", 0.0196, 0.02, "1.96 % ≤ 2 %"),
        ("growth_ratio", 0.0, 0.0, "0 % ≤ 0 %"),
        ("uncompressed_size", 720_030_000, 720_020_000, "720,030,000 B ≤ 720,020,000 B"),
        ("uncompressed_size", 720_010_000, 720_020_000, "720.0 MB ≤ 720.0 MB"),
        ("ready_after_s", 2.04, 2.0, "2.04 s ≤ 2 s"),
    ],
)
def test_a_gate_never_seems_to_be_judged_wrong(name: str, actual: float, limit: float, told: str) -> None:
    """Where rounding would make both values equal, or the limit another, they are told with more figures."""
    at_least = name == "saving_ratio"
    passed = actual >= limit if at_least else actual <= limit
    gate = Gate(name=name, subject="slim", limit=limit, actual=actual, passed=passed, at_least=at_least)
    assert f"{sentences.gate_actual(gate)} {sentences.gate_limit(gate)}" == told


def test_footnotes(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """Stand-in bases, replies that differ and replies that were cut are said; without them nothing is."""
    assert sentences.footnotes(make_report(single, multi)) == ()
    assert single.image
    assert multi.image
    assert multi.check
    one = replace(single, image=replace(single.image, stand_ins=("python:3.11", "python:3.11-slim")))
    other = replace(
        multi,
        image=replace(multi.image, stand_ins=("python:3.11-slim",)),
        check=replace(multi.check, body_sha256="c" * 64, body_excerpt="Hello\nat 12:00!", body_truncated=True),
    )
    assert sentences.footnotes(make_report(one, other)) == (
        "Base images are stand-ins made from the distribution's packages: python:3.11, python:3.11-slim.",
        "The replies differ, as the expectation allows: single-stage “Hello, Docker!”; multi-stage “Hello at 12:00!”.",
        "The reply was longer than what is read, and compared as far as it was read: multi-stage.",
    )


def test_headline_of_several_tells_what_is_broken_on_purpose() -> None:
    """Nobody reads "passed" beside images that do not start: they are as declared, and counted."""
    failure = Failure(stage=Stage.RUN, code="wrong-port", message="m")
    tutorial = replace(variant("tutorial"), verdict=Verdict.BROKEN, failure=failure, expected_failure="wrong-port")
    one = report(variant("slim"), tutorial, scenario="ports")
    two = report(variant("slim"), scenario="web", passed=False)
    whole = collect([one, one], created="2025-11-21T08:00:00Z")
    expected = "2 of 2 comparisons as declared. 2 images work, 2 are broken on purpose."
    assert sentences.collection_headline(whole) == expected
    whole = collect([one, two], created="2025-11-21T08:00:00Z")
    expected = "1 of 2 comparisons as declared; not: web. 2 images work, 1 is broken on purpose."
    assert sentences.collection_headline(whole) == expected


def test_headline_of_several_counts_what_is_missing() -> None:
    """Two that passed are not all of three; without any, there was nothing to run."""
    good, bad = report(variant("slim"), scenario="web"), report(variant("slim"), scenario="api", passed=False)
    whole = collect([good, bad], created="2025-11-21T08:00:00Z")
    assert sentences.collection_headline(whole) == "1 of 2 comparisons passed; not: api."
    cut = replace(whole, missing=("admin", "blog"))
    assert sentences.collection_headline(cut) == "1 of 4 comparisons passed; not: api; not run: admin, blog."
    empty = collect([], created="2025-11-21T08:00:00Z")
    assert sentences.collection_headline(empty) == "There was nothing to run."
    assert sentences.collection_headline(replace(empty, missing=("a",))) == "0 of 1 comparisons passed; not run: a."


def test_what_a_companion_did_not_do_stands_beside_it() -> None:
    """With its image, unless that was built here and its name tells nothing."""
    slow = Companion(name="db", image="postgres:15", note="it did not serve within 5 s")
    built = Companion(name="worker", image="imgcompare/shop-worker:1", note="it ended with exit code 1")
    beside = (slow, Companion(name="cache", image="redis:7"), built)
    assert sentences.footnotes(report(replace(variant("slim"), companions=beside)))[-1] == (
        "Each variant ran beside db (postgres:15; it did not serve within 5 s), cache (redis:7), "
        "worker (it ended with exit code 1), of its own."
    )
