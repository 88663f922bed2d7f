"""The comparison is right about who wins, above all that a broken variant never does."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.comparison.compare import as_expected, compare, passed, same_body, settle, share
from imgcompare.model import (
    Change,
    Check,
    ComparisonRow,
    Expectation,
    Failure,
    Image,
    Layer,
    Source,
    Stage,
    Variant,
    Verdict,
)


def image(uncompressed: int, compressed: int | None = None, layers: int = 1) -> Image:
    """An image of these sizes."""
    return Image(
        image_id="sha256:0",
        reference="x",
        os="linux",
        architecture="amd64",
        uncompressed_size=uncompressed,
        compressed_size=compressed,
        layer_count=layers,
        history_count=layers,
        layers=(),
        user="",
        exposed_ports=(),
    )


def variant(
    name: str,
    size: int | None = None,
    *,
    verdict: Verdict = Verdict.WORKS,
    body: str | None = "Hello",
    expect: Expectation | None = None,
) -> Variant:
    """A variant with an image of ``size`` bytes, if any, that answered ``body``, if anything."""
    check = None
    if body is not None:
        check = Check(
            passed=verdict is Verdict.WORKS,
            url="http://127.0.0.1:1/",
            expected=expect or Expectation(),
            body_excerpt=body,
            body_sha256=hashlib.sha256(body.encode()).hexdigest(),
        )
    made = None if size is None else image(size)
    return Variant(name=name, source=Source(), verdict=verdict, image=made, check=check)


def broken(name: str, size: int | None = None, body: str | None = None) -> Variant:
    """A variant that does not work."""
    return variant(name, size, verdict=Verdict.BROKEN, body=body)


def test_a_broken_variant_never_wins_however_small() -> None:
    """Size alone would declare the image without its dependencies the winner."""
    variants = (variant("big", 900), broken("tiny", 1), variant("small", 200))
    assert compare(variants, "big").smallest_working == "small"


sizes = st.one_of(st.none(), st.integers(0, 10**12))


@given(st.lists(st.tuples(st.sampled_from(Verdict), sizes, st.sampled_from(["a", "b", None])), min_size=1, max_size=6))
def test_the_winner_always_works_and_nothing_smaller_does(given_: list[tuple[Verdict, int | None, str | None]]) -> None:
    """For any outcome: the winner works, has an image, answers as the reference does, and is the smallest such."""
    raw = tuple(variant(f"v{i}", size, verdict=verdict, body=body) for i, (verdict, size, body) in enumerate(given_))
    settled = settle(raw, "v0")
    smallest = compare(settled, "v0").smallest_working
    working = {v.name: v.image.uncompressed_size for v in settled if v.verdict is Verdict.WORKS and v.image}
    assert (smallest is None) == (not working)
    if smallest is not None:
        assert working[smallest] == min(working.values())
    assert settle(settled, "v0") == settled


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_equally_small_ones_the_first_wins(names: tuple[str, str]) -> None:
    """A tie is decided by the order the user gave."""
    assert compare(tuple(variant(name, 5) for name in names), "a").smallest_working == names[0]


def test_nothing_that_works_means_no_winner() -> None:
    """A variant that was not checked is no winner either."""
    variants = (broken("a", 5), variant("b", 1, verdict=Verdict.NOT_CHECKED, body=None), variant("c", None))
    assert compare(variants, "a").smallest_working is None


def test_deltas_and_ratios_are_against_the_baseline() -> None:
    """Delta is variant minus baseline, ratio variant ÷ baseline; the baseline itself is 0 and 1."""
    base = Variant(name="a", source=Source(), verdict=Verdict.WORKS, image=image(1000, 400, 7))
    other = Variant(name="b", source=Source(), verdict=Verdict.WORKS, image=image(250, 100, 6))
    assert compare((other, base), "a").rows == (
        ComparisonRow(
            variant="b",
            uncompressed_delta=-750,
            uncompressed_ratio=0.25,
            compressed_delta=-300,
            compressed_ratio=0.25,
            layer_delta=-1,
            pull_size=0,
        ),
        ComparisonRow(
            variant="a",
            uncompressed_delta=0,
            uncompressed_ratio=1.0,
            compressed_delta=0,
            compressed_ratio=1.0,
            layer_delta=0,
            pull_size=0,
        ),
    )


def test_a_broken_baseline_is_still_what_sizes_are_held_against() -> None:
    """A baseline that does not answer has a size all the same."""
    rows = compare((broken("a", 1000), variant("b", 500)), "a").rows
    assert [row.uncompressed_ratio for row in rows] == [1.0, 0.5]


@pytest.mark.parametrize(
    "variants", [(variant("a", None), variant("b", 5)), (variant("b", 5), broken("a")), (variant("b", 5),)]
)
def test_without_the_baseline_s_image_there_are_no_deltas(variants: tuple[Variant, ...]) -> None:
    """Null is said where there is nothing to hold against, for every variant."""
    assert compare(variants, "a").rows == tuple(ComparisonRow(variant=v.name) for v in variants)


def test_a_variant_without_an_image_has_an_empty_row() -> None:
    """A failed build keeps its place in the order, without numbers."""
    assert compare((variant("a", 5), broken("b")), "a").rows[1] == ComparisonRow(variant="b")


def test_an_empty_baseline_has_no_ratio() -> None:
    """``FROM scratch`` alone is 0 bytes: deltas stand, ratios are null, nothing divides by zero."""
    row = compare((variant("a", 0), variant("b", 5)), "a").rows[1]
    assert (row.uncompressed_delta, row.uncompressed_ratio) == (5, None)
    base = Variant(name="a", source=Source(), verdict=Verdict.WORKS, image=image(1, 0))
    assert compare((base,), "a").rows[0].compressed_ratio is None


def test_an_unknown_compressed_size_leaves_its_columns_null() -> None:
    """One side unknown is enough."""
    base = Variant(name="a", source=Source(), verdict=Verdict.WORKS, image=image(1000, 400))
    row = compare((base, variant("b", 500)), "a").rows[1]
    assert (row.uncompressed_delta, row.compressed_delta, row.compressed_ratio) == (-500, None, None)


@pytest.mark.parametrize(
    ("bodies", "same"),
    [(["x", "x"], True), (["x", "y"], False), (["x", None], True), ([None, None], None), (["", ""], True)],
)
def test_same_response_speaks_of_those_that_answered(bodies: list[str | None], same: bool | None) -> None:
    """Null means that nobody answered, not that they agree."""
    variants = tuple(variant(f"v{index}", 1, body=body) for index, body in enumerate(bodies))
    assert compare(variants, "v0").same_response is same


def test_a_body_that_differs_from_the_baseline_s_is_broken() -> None:
    """A smaller image that answers something else is no replacement; both bodies are shown."""
    ours, other = settle((variant("a", 9, body="Hello"), variant("b", 1, body="It works!")), "a")
    assert ours.verdict is Verdict.WORKS
    assert other.verdict is Verdict.BROKEN
    assert other.check
    assert not other.check.passed
    assert other.failure
    assert (other.failure.stage, other.failure.code) == (Stage.CHECK, "different-response")
    assert other.failure.evidence == ("a: Hello", "b: It works!")
    assert "--expect-body" in other.failure.hint


def test_a_body_that_differs_in_nothing_of_the_image_is_the_same_and_told() -> None:
    """Whose container it was, and when: each variant is held against the reference, and no other."""
    told = {("a", "b"): "its name", ("a", "c"): None}
    variants = (variant("b", body="I am 1"), variant("a", body="I am 2"), variant("c", body="I am ill"))
    b, a, c = settle(variants, "a", lambda one, other: told[one, other])
    assert b.check
    assert (b.verdict, b.check.same_but_for, b.check.passed) == (Verdict.WORKS, "its name", True)
    assert a is variants[1]
    assert c.verdict is Verdict.BROKEN
    assert compare((b, a), "a").same_response is True
    assert compare((b, a, c), "a").same_response is False


def test_the_reference_is_the_baseline_wherever_it_stands() -> None:
    """The order of variants does not decide which body is right."""
    verdicts = [v.verdict for v in settle((variant("b", 1, body="x"), variant("a", 9, body="y")), "a")]
    assert verdicts == [Verdict.BROKEN, Verdict.WORKS]


def test_when_the_baseline_is_broken_the_first_that_works_is_the_reference() -> None:
    """What a broken baseline answered (an error page, say) is no measure."""
    settled = settle((broken("a", 9, body="error"), variant("b", body="x"), variant("c", body="y")), "a")
    assert [v.verdict for v in settled] == [Verdict.BROKEN, Verdict.WORKS, Verdict.BROKEN]
    assert settled[2].failure
    assert "of b" in settled[2].failure.message


@pytest.mark.parametrize("expect", [Expectation(body="o"), Expectation(body_pattern="o"), Expectation(body="")])
def test_with_a_declared_body_bodies_may_differ(expect: Expectation) -> None:
    """Who says what a good body has in it has said that the rest may differ."""
    variants = (variant("a", body="one o'clock", expect=expect), variant("b", body="two o'clock", expect=expect))
    assert settle(variants, "a") == variants


def test_what_was_already_broken_keeps_its_own_failure() -> None:
    """A container that exited is not said to have answered something else."""
    variants = (variant("a"), broken("b"), broken("c", body="404"))
    assert settle(variants, "a") == variants


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [([Verdict.WORKS, Verdict.WORKS], True), ([Verdict.WORKS, Verdict.BROKEN], False), ([Verdict.NOT_CHECKED], False)],
)
def test_a_comparison_passes_when_every_variant_works(verdicts: list[Verdict], expected: bool) -> None:
    """What was not checked has not passed."""
    assert passed(tuple(variant(f"v{i}", verdict=verdict) for i, verdict in enumerate(verdicts))) is expected


def layered(name: str, *layers: tuple[str, int, int | None], contents: dict[str, int] | None = None) -> Variant:
    """A working variant whose image has these layers (diff_id, uncompressed and compressed size)."""
    made = image(sum(size for _, size, _ in layers), layers=len(layers))
    parts = tuple(
        Layer(diff_id=diff_id, created_by="", uncompressed_size=size, file_count=1, compressed_size=packed)
        for diff_id, size, packed in layers
    )
    return replace(variant(name, 1), image=replace(made, layers=parts, contents=contents or {}))


def test_shared_bytes_are_in_layers_that_another_variant_has() -> None:
    """A layer that an image lists twice counts twice, and is not shared with itself."""
    a = layered("a", ("base", 100, 40), ("own", 10, 4), ("own", 10, 4))
    b = layered("b", ("base", 100, 40))
    shared = [(v.image.shared_bytes, v.image.unique_bytes) for v in share((a, b, variant("c"))) if v.image]
    assert shared == [(100, 20), (100, 0)]


def test_what_is_pulled_beside_the_baseline_is_its_missing_layers() -> None:
    """A layer listed twice travels once; one of unknown size makes the sum unknown."""
    a = layered("a", ("base", 100, 40), ("a", 10, 4))
    b = layered("b", ("base", 100, 40), ("b", 20, 7), ("b", 20, 7))
    c = layered("c", ("base", 100, 40), ("c", 20, None))
    assert [row.pull_size for row in compare((a, b, c), "a").rows] == [0, 7, None]


def test_the_reasons_are_the_changes_by_category() -> None:
    """The greatest change comes first, what stayed the same is left out."""
    a = layered("a", contents={"build_tools": 500, "caches": 30, "application": 5})
    b = layered("b", contents={"build_tools": 100, "caches": 40, "application": 5})
    assert compare((a, b), "a").rows[1].reasons == (
        Change(category="build_tools", delta_bytes=-400),
        Change(category="caches", delta_bytes=10),
    )


def answering(name: str, body: str, json: str | None) -> Variant:
    """A variant that works and answers ``body``, whose digest as JSON is ``json``."""
    made = variant(name, 5, body=body)
    assert made.check
    return replace(made, check=replace(made.check, body_json_sha256=json))


def test_json_replies_are_compared_as_json() -> None:
    """Where both are JSON their meaning decides, and else their bytes."""
    packed, loose, other = (
        answering("a", '{"x":1}', "1"),
        answering("b", '{"x": 1}', "1"),
        answering("c", '{"x":2}', "2"),
    )
    plain = answering("d", '{"x":1}', None)
    assert [v.verdict for v in settle((packed, loose, other, plain), "a")] == [
        Verdict.WORKS,
        Verdict.WORKS,
        Verdict.BROKEN,
        Verdict.WORKS,
    ]
    assert compare((packed, loose), "a").same_response is True
    assert compare((packed, loose, other), "a").same_response is False
    assert loose.check
    assert plain.check
    assert not same_body(loose.check, plain.check)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (variant("a", 1), True),
        (broken("a", 1), False),
        (replace(variant("a", 1), expected_failure="x"), False),
        (replace(broken("a", 1), expected_failure="x"), False),
        (replace(broken("a", 1), expected_failure="x", failure=Failure(stage=Stage.RUN, code="x", message="")), True),
        (replace(broken("a", 1), expected_failure="x", failure=Failure(stage=Stage.RUN, code="y", message="")), False),
    ],
)
def test_what_is_declared_to_break_passes_only_when_it_breaks_so(made: Variant, expected: bool) -> None:
    """A tutorial that suddenly works, or breaks in another way, is no longer what the scenario says."""
    assert as_expected(made) is expected
    assert passed((made,)) is expected
