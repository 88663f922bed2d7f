"""Reports are held against the right limits, and nothing unmeasured passes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from imgcompare.comparison.gates import judge, judge_again, limits_of
from imgcompare.comparison.limits import read_limits
from imgcompare.errors import UsageError
from imgcompare.model import Against, AgainstRow, Entry, Failure, Gate, Report, Run, Shard, Stage, Verdict
from imgcompare.reports.collection import collect
from tests.support import reports


def failure(code: str) -> Failure:
    """A failure of that code."""
    return Failure(stage=Stage.RUN, code=code, message="It failed.")


def told(report: Report) -> list[tuple[str, str, float | None, bool]]:
    """The gates of a report, but for their limits."""
    return [(gate.name, gate.subject, gate.actual, gate.passed) for gate in report.gates]


@pytest.fixture
def report() -> Report:
    """Two variants that work: 1000 and 400 bytes in 6 layers, ready after 0.52 s."""
    return reports.report(
        reports.variant("big", 1000, own_size=300, compressed_size=100, wasted_bytes=100),
        reports.variant("slim", 400, own_size=150, compressed_size=50, wasted_bytes=0),
    )


@pytest.mark.parametrize(
    ("option", "holds", "fails", "gates"),
    [
        ("max-size", "1kB", "slim=399", [("uncompressed_size", "slim", 400, False)]),
        ("max-compressed-size", "100", "slim=49", [("compressed_size", "slim", 50, False)]),
        ("max-own-size", "300", "slim=149", [("own_size", "slim", 150, False)]),
        ("max-layers", "6", "slim=5", [("layer_count", "slim", 6, False)]),
        ("min-saving", "60%", "60.1%", [("saving_ratio", "slim", 0.6, False)]),
        ("max-wasted", "100", "big=99", [("wasted_bytes", "big", 100, False)]),
        ("max-wasted", "10%", "big=9.9%", [("wasted_ratio", "big", 0.1, False)]),
        ("max-ready", "520ms", "slim=0.51", [("ready_after_s", "slim", 0.52, False)]),
    ],
)
def test_each_gate_holds_at_its_limit_and_fails_beyond(
    report: Report, option: str, holds: str, fails: str, gates: list[tuple[str, str, float, bool]]
) -> None:
    """What is exactly at the limit keeps to it; a gate that fails makes the report fail."""
    held = judge(report, read_limits({option: [holds]}))
    assert held.gates
    assert all(gate.passed for gate in held.gates)
    assert held.passed
    failed = judge(report, read_limits({option: [fails]}))
    assert told(failed) == gates
    assert not failed.passed


def test_a_limit_that_names_a_variant_stands_in_place_of_the_general_one(report: Report) -> None:
    """So a large image can be allowed what the others are not; rows are in the order of options and variants."""
    judged = judge(report, read_limits({"max-layers": ["9"], "max-size": ["big=2kB", "500"]}))
    assert [(gate.name, gate.subject, gate.limit) for gate in judged.gates] == [
        ("uncompressed_size", "big", 2000),
        ("uncompressed_size", "slim", 500),
        ("layer_count", "big", 9),
        ("layer_count", "slim", 9),
    ]
    assert judged.passed


def test_what_could_not_be_measured_fails_and_says_why(report: Report) -> None:
    """Nothing unmeasured passes: no image, no base known, no answer."""
    big, slim = report.variants
    assert slim.image is not None
    unknown = replace(slim, image=replace(slim.image, own_size=None), run=None)
    none = replace(big, verdict=Verdict.BROKEN, image=None, failure=failure("build-failed"))
    limits = read_limits({"max-own-size": ["1GB"], "min-saving": ["1%"], "max-ready": ["slim=1"]})
    judged = judge(replace(report, variants=(none, unknown)), limits)
    assert [(gate.name, gate.subject, gate.reason) for gate in judged.gates] == [
        ("own_size", "big", "there is no image: build-failed"),
        ("own_size", "slim", "its base image is not known"),
        ("saving_ratio", "slim", "there is no image of big, the baseline"),
        ("ready_after_s", "slim", "it never answered"),
    ]
    assert not any(gate.passed or gate.actual is not None for gate in judged.gates)


def test_a_broken_variant_with_an_image_is_still_measured(report: Report) -> None:
    """A variant that does not answer is not excused from its size."""
    broken = replace(report.variants[1], verdict=Verdict.BROKEN, failure=failure("exits-at-once"))
    judged = judge(replace(report, variants=(report.variants[0], broken)), read_limits({"max-size": ["slim=1"]}))
    assert told(judged) == [("uncompressed_size", "slim", 400, False)]


def test_a_general_limit_passes_over_what_was_skipped_or_breaks_as_declared(report: Report) -> None:
    """They are as they should be; a limit that names them demands them all the same."""
    skipped = replace(report.variants[0], image=None, run=None, verdict=Verdict.NOT_CHECKED, skipped="no alpine here")
    declared = replace(
        report.variants[1], run=None, verdict=Verdict.BROKEN, failure=failure("no-port"), expected_failure="no-port"
    )
    some = replace(report, variants=(skipped, declared))
    general = judge(some, read_limits({"max-ready": ["1"], "max-size": ["500"]}))
    assert told(general) == [("uncompressed_size", "slim", 400, True)]
    assert general.passed
    named = judge(some, read_limits({"max-ready": ["big=1", "slim=1"]}))
    assert [gate.reason for gate in named.gates] == ["it was skipped: no alpine here", "it never answered"]
    must = judge(some, read_limits({"must-work": [""]}))
    assert told(must) == [("works", "big", None, False), ("works", "slim", 0, False)]
    assert not must.passed


def test_must_work_holds_for_what_works(report: Report) -> None:
    """The gate is a row of its own, 1 for yes."""
    assert judge(report, read_limits({"must-work": ["slim"]})).gates == (
        Gate(name="works", subject="slim", limit=1, actual=1, passed=True, at_least=True),
    )


def test_growth_is_measured_from_what_was_stored(report: Report) -> None:
    """In bytes and in parts of what it was; shrinking always holds, a new entry never does until it is recorded."""
    rows = (
        AgainstRow(variant="big", entry=Entry.BOTH, uncompressed_before=800, uncompressed_delta=200),
        AgainstRow(variant="slim", entry=Entry.NEW),
    )
    some = replace(report, against=Against(source="b.json", rows=rows))
    judged = judge(some, read_limits({"max-growth": ["30%", "100"]}))
    assert told(judged) == [
        ("growth_ratio", "big", 0.25, True),
        ("growth_bytes", "big", 200, False),
        ("growth_ratio", "slim", None, False),
        ("growth_bytes", "slim", None, False),
    ]
    assert judged.gates[2].reason == "it is not in b.json: `imgcompare baseline update` records it"
    shrunk = AgainstRow(variant="slim", entry=Entry.BOTH, uncompressed_before=500, uncompressed_delta=-100)
    smaller = replace(report, against=Against(source="b.json", rows=(shrunk,)))
    assert told(judge(smaller, read_limits({"max-growth": ["slim=0%"]}))) == [("growth_ratio", "slim", -0.2, True)]


def test_a_saved_report_is_judged_anew(report: Report) -> None:
    """The limits given later stand in place of the run's; in a collection each comparison is held to them."""
    strict = judge(report, read_limits({"max-size": ["1"]}))
    again = judge_again(strict, read_limits({"max-layers": ["9"]}))
    assert isinstance(again, Report)
    assert (again.passed, [gate.name for gate in again.gates]) == (True, ["layer_count", "layer_count"])
    both = collect([report, replace(report, scenario="other", variants=report.variants[:1])], created="")
    judged = judge_again(both, read_limits({"max-size": ["slim=1"]}))
    assert not isinstance(judged, Report)
    assert ([len(one.gates) for one in judged.comparisons], judged.passed) == ([1, 0], False)
    with pytest.raises(UsageError, match="no such variant"):
        judge_again(both, read_limits({"max-size": ["x=1"]}))


def test_no_limit_makes_up_for_what_is_missing(report: Report) -> None:
    """A merged report in which a shard is missing fails, however it is judged; an empty share has nothing to fail."""
    lost = replace(collect([report], created=""), missing=("other",), passed=False)
    assert not judge_again(lost, read_limits({"max-size": ["1GB"]})).passed
    empty = collect([], created="", shard=Shard(index=2, count=2, comparisons=("default",)))
    assert judge_again(empty, read_limits({"max-size": ["1GB"]})).passed


def test_the_limits_of_a_report_judge_it_the_same(report: Report) -> None:
    """A saved report can be judged again by what it was judged by."""
    judged = judge(report, read_limits({"max-size": ["500"], "min-saving": ["1%"], "max-ready": ["slim=0.1"]}))
    assert judge(report, limits_of(judged)) == judged


def test_run_is_a_gate_only_where_something_is_limited(report: Report) -> None:
    """Without limits a report passes as it did."""
    assert judge(report, ()).gates == ()
    assert judge(report, ()).passed
    broken = replace(report.variants[0], verdict=Verdict.BROKEN, run=Run(container_port=1, host_port=1))
    assert not judge(replace(report, variants=(broken,)), ()).passed
