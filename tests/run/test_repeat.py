"""Start, check and build measured several times, on the fake engine."""

from __future__ import annotations

from itertools import pairwise

from imgcompare.errors import EngineRefusedError
from imgcompare.model import Repeated
from tests.support.fake_engine import App
from tests.support.shop import RUN_ID, Shop, by_name


class _Flaky(dict[str, App]):
    """Apps of which one ends at once from its third container on."""

    def __init__(self, apps: dict[str, App]) -> None:
        super().__init__(apps)
        self.asked = 0

    def __getitem__(self, name: str) -> App:
        self.asked += name == "flaky"
        return super().__getitem__("ends" if name == "flaky" and self.asked > 2 else name)


def test_every_variant_that_works_is_run_and_built_again_in_turn(shop: Shop) -> None:
    """A report with one value has nothing to repeat; with three, what is shown are the medians of three more runs."""
    specs = [shop.dockerfile("a"), shop.dockerfile("b"), shop.dockerfile("broken", cmd="ends")]
    assert all(variant.repeated is None for variant in shop.run(shop.config(*specs)).report.variants)
    outcome = shop.run(shop.config(*specs, runs=3, build_runs=2))
    assert outcome.error is None
    found = by_name(outcome.report)
    assert found["broken"].repeated is None
    for variant in (found["a"], found["b"]):
        again = variant.repeated or Repeated()
        assert again.ready_s
        assert again.response_s
        assert again.memory_bytes
        assert again.build_s
        assert [len(each.values) for each in (again.ready_s, again.response_s, again.memory_bytes)] == [3, 3, 3]
        assert len(again.build_s.values) == 2
        assert variant.run
        assert variant.check
        assert variant.run.ready_after_s == again.ready_s.median
        assert variant.check.response_time_s == again.response_s.median
        assert variant.not_measured == ()
    started = [name[-1] for name in shop.engine.told("start") if "-again-" in name]
    assert len(started) == 6
    assert all(one != other for one, other in pairwise(started)), "not in turn"
    assert shop.left() == []


def test_one_that_fails_in_a_later_run_does_not_work(shop: Shop) -> None:
    """Three of four is not enough; the run that failed is named, and there are no more of it."""
    shop.engine.apps = _Flaky({**shop.engine.apps, "flaky": App()})
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b", cmd="flaky"), runs=4))
    found = by_name(outcome.report)
    assert (found["a"].failure, found["b"].failure and found["b"].failure.code) == (None, "exits-at-once")
    assert found["b"].not_measured == ("run 2 of 4 failed, though others had not",)
    assert found["b"].repeated
    assert found["b"].repeated.ready_s
    assert len(found["b"].repeated.ready_s.values) == 1
    assert not outcome.report.passed
    assert shop.left() == []


def test_what_the_engine_refuses_is_told_and_breaks_nothing(shop: Shop) -> None:
    """What was measured by then stays."""
    shop.engine.fail(
        "start", f"imgcompare-again-3-{RUN_ID}-a", EngineRefusedError("not now", status=500, text="not now")
    )
    variant = by_name(shop.run(shop.config(shop.dockerfile("a"), runs=5)).report)["a"]
    assert (variant.verdict, variant.not_measured) == ("works", ("run 3 of 5: not now",))
    assert variant.repeated
    assert variant.repeated.ready_s
    assert len(variant.repeated.ready_s.values) == 2
    assert shop.left() == []
