"""The story of a run, on the fake engine: what fails is told, what was finished is kept, nothing is left."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.check.ports import Listens
from imgcompare.config.variants import VariantSpec
from imgcompare.diagnosis import observed
from imgcompare.engine.interface import STAND_IN_LABEL, BuildFailed, BuildRequest, Built, Published
from imgcompare.engine.options import BuildOptions, CacheEntry
from imgcompare.errors import (
    EngineLostError,
    EngineRefusedError,
    ImageFormatError,
    InternalError,
    InterruptedRunError,
)
from imgcompare.model import Report, Stage, Verdict
from imgcompare.reports.store import load, prepare, saved_runs
from imgcompare.run import find_port
from imgcompare.run.ledger import IMAGE
from imgcompare.run.opening import Connection, opened
from imgcompare.run.pipeline import Outcome
from imgcompare.run.plan import make_plan
from imgcompare.run.session import perform
from imgcompare.run.several import perform_all, side_by_side
from tests.support.fake_engine import App, FakeContainer
from tests.support.shop import BASE, RUN_ID, Shop, by_name

pytestmark = pytest.mark.timeout(60, method="thread")  # a run that waits for ever is what many are about


def verdicts(report: Report) -> dict[str, str]:
    """The verdict of each variant, and the code of what is wrong with it."""
    return {v.name: v.failure.code if v.failure else str(v.verdict) for v in report.variants}


def refused(text: str = "no space left") -> EngineRefusedError:
    """What the engine answers to a request that it will not carry out."""
    return EngineRefusedError(f"{text} (the engine's answer)", status=500, text=text)


def test_every_variant_is_built_run_checked_and_measured(shop: Shop) -> None:
    """One table in the order that was asked for, from images that were read whole; nothing is left but the images."""
    shop.engine.apps["big"] = App()
    (shop.folder / "big").write_bytes(b"x" * 50_000)
    specs = [shop.dockerfile("b", "COPY big /", cmd="big"), shop.dockerfile("a")]
    outcome = shop.run(shop.config(*specs))
    assert outcome.error is None
    assert verdicts(outcome.report) == {"b": "works", "a": "works"}
    b, a = outcome.report.variants
    assert b.image
    assert a.image
    assert b.image.uncompressed_size > a.image.uncompressed_size + 50_000
    assert b.image.layer_count == a.image.layer_count + 1
    assert a.check
    assert (a.check.status_code, a.check.body_excerpt) == (200, "Hello, Docker!")
    assert a.run
    assert a.run.memory_bytes == 20 << 20
    assert outcome.report.comparison.smallest_working == "a"
    assert outcome.report.passed
    assert shop.saved[-1] == outcome.report
    assert shop.left() == []
    assert len(shop.engine.tags) == 3


@pytest.mark.parametrize(
    ("times", "whole", "builds", "verdict"),
    [(0, True, 1, "works"), (1, True, 2, "works"), (1, False, 2, "works"), (9, True, 3, "image-gone")],
)
def test_an_image_that_another_run_takes_away_is_built_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, times: int, whole: bool, builds: int, verdict: str
) -> None:
    """Whether all of it is gone or our tag alone; not for ever, and what is told of the build is that of the first."""
    engine, build = shop.engine, shop.engine.build
    left = [None] * times

    def taken_away(request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
        built = build(request, progress)
        assert isinstance(built, Built)
        if left:
            left.pop()
            del engine.tags[request.tag]
            if whole:
                del engine.images[built.image]
        return built

    monkeypatch.setattr(engine, "build", taken_away)
    (variant,) = shop.run(shop.config(shop.dockerfile("a"))).report.variants
    assert (variant.failure.code if variant.failure else variant.verdict) == verdict
    assert len(engine.told("build")) == builds
    assert variant.build
    assert variant.build.cached_step_count == 0


def test_a_lone_dockerfile_is_told_what_makes_it_smaller(shop: Shop) -> None:
    """With the options that it was built and asked with: without them the command would try something else."""
    spec = shop.dockerfile("a")
    alone = shop.run(replace(shop.config(spec), route="/", timeout_s=9.0)).report.variants[0].shrink
    assert alone.startswith("imgcompare shrink ")
    assert f" --build-context {shop.folder} " in alone
    assert alone.endswith(" --timeout 9")
    assert {one.shrink for one in shop.run(shop.config(spec, shop.dockerfile("b"))).report.variants} == {""}


def test_a_broken_one_is_data_and_the_others_go_on(shop: Shop) -> None:
    """By whatever it breaks: at its build, at its start, by its reply, in silence."""
    shop.engine.apps |= {
        "missing": App(error='exec: "missing": executable file not found in $PATH'),
        "wrong": App(status=500),
        "silent": App(silent=True),
    }
    specs = [
        shop.dockerfile("works"),
        shop.dockerfile("build", "RUN exit 9"),
        *(shop.dockerfile(name, cmd=name) for name in ("ends", "missing", "wrong", "silent")),
    ]
    outcome = shop.run(shop.config(*specs, timeout_s=0.5))
    assert outcome.error is None
    assert not outcome.report.passed
    assert verdicts(outcome.report) == {
        "works": "works",
        "build": "build-failed",
        "ends": "exits-at-once",
        "missing": "executable-not-found",
        "wrong": "wrong-response",
        "silent": "never-listens",
    }
    found = by_name(outcome.report)
    assert {name for name, each in found.items() if each.image is None} == {"build"}
    assert outcome.report.comparison.smallest_working == "works"
    assert shop.left() == []


def test_a_port_that_nobody_named_is_looked_for(shop: Shop) -> None:
    """Where several are exposed, what listens is asked; where nobody can look, there is no verdict on the variant."""
    shop.engine.apps["unseen"] = App(unseen=True)
    shop.engine.apps["quiet"] = App(silent=True)
    two = "EXPOSE 6000"
    specs = [shop.dockerfile(name, two, cmd=name) for name in ("works", "unseen", "quiet", "ends")]
    found = by_name(shop.run(shop.config(*specs, timeout_s=1.0)).report)
    assert {name: (str(each.verdict), each.failure and each.failure.code) for name, each in found.items()} == {
        "works": ("works", None),
        "unseen": ("not_checked", "no-port"),
        "quiet": ("broken", "never-listens"),
        "ends": ("broken", "exits-at-once"),
    }
    assert found["works"].run
    assert found["works"].run.container_port == 5000
    assert shop.left() == []


def test_what_listens_only_after_the_first_look_is_asked_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that comes up long before the app is not taken for all there is."""
    monkeypatch.setattr(FakeContainer, "published", published_but_for(7000))
    monkeypatch.setattr(find_port, "find_ports", lambda *_: Listens((7000,), 0.1))
    found = by_name(shop.run(shop.config(shop.dockerfile("works", "EXPOSE 7000"), timeout_s=1.0)).report)
    assert (found["works"].verdict, found["works"].run and found["works"].run.container_port) == ("works", 5000)


def published_but_for(port: int) -> Callable[[FakeContainer], Published | None]:
    """Where the fake's port is published; that port leads nowhere."""
    told = FakeContainer.published

    def published(self: FakeContainer) -> Published | None:
        at = told(self)
        return Published("127.0.0.1", 9) if at and self.spec.container_port == port else at

    return published


def test_a_fault_of_ours_ends_the_run_at_once(shop: Shop) -> None:
    """Where the first of three in a row raises what nobody expects, the others are not waited for: they would not come.

    The report is saved, and the traceback told.
    """
    shop.engine.fail("build", "a", ValueError("of ours"))
    shop.engine.hold("build", "b")
    shop.engine.hold("build", "c")
    outcome = shop.run(shop.config(jobs=1))
    assert isinstance(outcome.error, InternalError)
    assert outcome.error.exit_code == 4
    assert "ValueError: of ours" in outcome.error.message
    assert "build_variant" in outcome.error.details
    assert set(verdicts(outcome.report).values()) == {"interrupted"}
    assert shop.saved[-1] == outcome.report
    assert shop.left() == []


@pytest.mark.parametrize("kind", ["create", "start", "published", "memory", "log"])
def test_a_fault_of_ours_keeps_what_was_finished(shop: Shop, kind: str) -> None:
    """Wherever it is raised, the variant that was done by then is in the report."""
    shop.engine.take_turns([("remove", "a"), (kind, "b")])
    shop.engine.fail(kind, "b", ValueError("of ours"))
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b")))
    assert isinstance(outcome.error, InternalError)
    assert verdicts(outcome.report) == {"a": "works", "b": "interrupted"}
    assert shop.left() == []


@pytest.mark.parametrize("kind", ["build", "create", "start", "published", "memory", "log", "remove"])
def test_what_the_engine_cannot_do_is_no_verdict_on_any(shop: Shop, kind: str) -> None:
    """Its words are told with the variant, which is not called broken; the others are compared, and the run says so."""
    shop.engine.fail(kind, "b", refused())
    outcome = shop.run()
    assert isinstance(outcome.error, EngineRefusedError)
    assert verdicts(outcome.report) == {"a": "works", "b": "engine-failed", "c": "works"}
    b = by_name(outcome.report)["b"]
    assert b.failure
    assert (b.verdict, b.failure.message[:13]) == (Verdict.NOT_CHECKED, "No space left")
    assert shop.saved[-1] == outcome.report


def test_what_the_engine_refuses_of_an_image_breaks_that_variant_alone(shop: Shop) -> None:
    """A config that cannot be run is the image's fault: a verdict, and no error of the run."""
    shop.engine.fail("create", "b", EngineRefusedError("no command", status=400, text="no command specified"))
    outcome = shop.run()
    assert outcome.error is None
    assert verdicts(outcome.report) == {"a": "works", "b": "engine-error", "c": "works"}
    assert by_name(outcome.report)["b"].verdict is Verdict.BROKEN


def test_a_container_that_cannot_be_removed_is_told_and_removed_by_the_next_run(shop: Shop) -> None:
    """It is named at the end, and its ledger stays for whoever comes next."""
    shop.engine.fail("remove", "b", refused("device busy"))
    shop.run()
    (left,) = shop.engine.containers
    assert left.endswith("-b")
    assert [note for note in shop.told.notes if left in note and "imgcompare clean" in note]
    assert left in shop.written_down()
    shop.engine.heal()
    shop.run(run_id="20260131T120001000-abcdef")
    assert shop.left() == []
    assert any(note.startswith("Removed 1 container(s)") for note in shop.told.notes)


@pytest.mark.parametrize("kind", ["build", "create", "start", "published", "memory", "log", "remove"])
def test_an_engine_that_is_lost_ends_the_run(shop: Shop, kind: str) -> None:
    """At whatever call: what was finished is kept, and the loss is what the run ends with."""
    shop.engine.take_turns([("remove", "a"), ("build", "b")])
    shop.engine.fail(kind, "b", EngineLostError("the engine is gone"))
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b")))
    assert isinstance(outcome.error, EngineLostError)
    assert verdicts(outcome.report) == {"a": "works", "b": "interrupted"}
    assert shop.saved[-1] == outcome.report
    assert not outcome.report.passed


def test_an_engine_that_is_lost_at_the_export_keeps_every_verdict(shop: Shop) -> None:
    """All was checked by then: only the sizes are missing."""
    shop.engine.fail("export", "", EngineLostError("the engine is gone"))
    outcome = shop.run()
    assert isinstance(outcome.error, EngineLostError)
    assert verdicts(outcome.report) == dict.fromkeys("abc", "works")
    assert [variant.image for variant in outcome.report.variants] == [None] * 3


def test_a_damaged_export_is_told_as_such(shop: Shop) -> None:
    """Bytes that are no archive end the run with what is wrong with them, not with a traceback."""
    shop.engine.damage_exports()
    outcome = shop.run()
    assert isinstance(outcome.error, ImageFormatError)
    assert verdicts(outcome.report) == dict.fromkeys("abc", "works")
    assert all("its sizes: " in " ".join(variant.not_measured) for variant in outcome.report.variants)


@pytest.mark.parametrize("order", list(permutations("abc")), ids="".join)
def test_whoever_is_first_the_report_is_the_same(shop: Shop, order: tuple[str, ...]) -> None:
    """Variants are in the order that was asked for, and each is saved as it is finished."""
    shop.engine.take_turns([("remove", name) for name in order])
    outcome = shop.run()
    assert list(verdicts(outcome.report).items()) == [("a", "works"), ("b", "works"), ("c", "works")]
    known = [{v.name for v in report.variants if v.verdict is Verdict.WORKS} for report in shop.saved]
    assert all(earlier <= later for earlier, later in pairwise(known))
    assert known[-1] == set("abc")
    assert shop.left() == []


_STEPS = ("build", "create", "start", "remove")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([name for name in "abc" for _ in _STEPS]))
def test_however_workers_race_the_report_is_the_same(shop: Shop, order: list[str]) -> None:
    """Their calls to the engine interleaved in any order: one that breaks, one that ends, one that works."""
    shop.engine.heal()
    done = dict.fromkeys("abc", 0)
    turns = []
    for name in order:
        turns.append((_STEPS[done[name]], name))
        done[name] += 1
    shop.engine.take_turns(turns)
    shop.engine.fail("start", "b", refused())
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b"), shop.dockerfile("c", cmd="ends")))
    assert isinstance(outcome.error, EngineRefusedError)
    assert list(verdicts(outcome.report).items()) == [("a", "works"), ("b", "engine-failed"), ("c", "exits-at-once")]
    assert all(variant.image for variant in outcome.report.variants)
    assert shop.left() == []


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_at_a_time_than_jobs(shop: Shop, jobs: int) -> None:
    """The next build begins when a worker is free."""
    for name in "abc":
        shop.engine.hold("build", name)
    with running(shop, jobs=jobs) as outcome:
        for name in "abc"[:jobs]:
            shop.engine.wait_for("build", name)
        assert len(shop.engine.told("build")) == jobs
        for name in "abc":
            shop.engine.let_go("build", name)
    assert outcome().error is None
    assert verdicts(outcome().report) == dict.fromkeys("abc", "works")


@contextmanager
def running(shop: Shop, **options: object) -> Iterator[Callable[[], Outcome]]:
    """A run under way in another thread, which has ended when the block has; it gives the outcome."""
    config = shop.config(**options)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(shop.run, config)
        yield future.result


@pytest.mark.parametrize(("kind", "subject"), [("build", "b"), ("start", "b"), ("memory", "b"), ("export", "")])
def test_a_signal_ends_a_run_with_what_it_has(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, subject: str
) -> None:
    """Whatever is under way is broken off; the report is saved, and the containers are gone."""
    shop.open_as_the_engine(monkeypatch)
    shop.engine.hold(kind, subject)

    def interrupt() -> None:
        for name in "ac":
            shop.engine.wait_for("remove", name)
        shop.engine.wait_for(kind, subject)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    outcome = perform(shop.config(), Connection(), shop.told, prepare(tmp_path))
    thread.join()
    assert isinstance(outcome.error, InterruptedRunError)
    assert outcome.error.exit_code == 130
    assert verdicts(outcome.report) == {"a": "works", "b": "works" if kind == "export" else "interrupted", "c": "works"}
    (saved,) = saved_runs(tmp_path)
    assert load(saved) == outcome.report
    assert shop.left() == []
    assert shop.engine.closed


def test_a_second_run_reads_no_image_again(shop: Shop) -> None:
    """Every step comes from the builder's cache, and every number from ours."""
    first = shop.run()
    exports = len(shop.engine.told("export"))
    assert exports
    second = shop.run()
    assert len(shop.engine.told("export")) == exports
    assert [v.image for v in second.report.variants] == [v.image for v in first.report.variants]
    builds = [variant.build for variant in second.report.variants]
    assert all(build and build.cached_step_count == build.step_count for build in builds)


@pytest.mark.parametrize("rm_images", [True, False])
def test_images_of_companions_go_where_none_are_to_stay(shop: Shop, rm_images: bool) -> None:
    """They are the run's own, as its ledger says; a tag that is not in there is somebody else's."""
    plan = make_plan(shop.config(rm_images=rm_images), RUN_ID)
    tag, strange = f"{plan.repository}:companion-db", f"{plan.repository}-other:companion-db"
    with opened(plan, shop.engine, shop.told, save=shop.saved.append) as bench:
        for name in (tag, strange):
            shop.engine.tags[name] = shop.engine.tags[BASE]
        bench.ledger.record(IMAGE, tag, kept=not rm_images)
    assert (tag in shop.engine.tags, strange in shop.engine.tags, BASE in shop.engine.tags) == (
        not rm_images,
        True,
        True,
    )


def test_bases_are_pulled_where_they_are_missing(shop: Shop) -> None:
    """Each once, however many stand on it; one that cannot be had breaks only those that do, or leaves them out."""
    shop.engine.registry["far:1"] = shop.engine.images[shop.engine.tags[BASE]]
    specs = [
        shop.dockerfile("a", base="far:1"),
        shop.dockerfile("b", base="far:1"),
        shop.dockerfile("c", base="none:1"),
        shop.dockerfile("d"),
    ]
    outcome = shop.run(shop.config(*specs))
    assert shop.engine.told("pull").count("far:1") == 1
    assert verdicts(outcome.report) == {"a": "works", "b": "works", "c": "image-unavailable", "d": "works"}
    assert by_name(outcome.report)["c"].verdict == "not_checked"
    skipping = shop.run(shop.config(*specs, skip_unavailable=True))
    assert by_name(skipping.report)["c"].skipped
    assert skipping.report.passed


def test_pull_asks_for_newer_bases_but_for_stand_ins(shop: Shop) -> None:
    """A stand-in is of this machine: no registry has it."""
    shop.engine.registry[BASE] = shop.engine.images[shop.engine.tags[BASE]]
    shop.engine.add_base("python:3.11", labels={STAND_IN_LABEL: "python:3.11"})
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b", base="python:3.11"), pull=True))
    assert shop.engine.told("pull") == [BASE]
    assert verdicts(outcome.report) == {"a": "works", "b": "works"}
    image = by_name(outcome.report)["b"].image
    assert image
    assert image.stand_ins == ("python:3.11",)


def test_an_image_is_compared_without_being_built(shop: Shop) -> None:
    """It is run and measured as it is, and stays."""
    shop.run(shop.config(shop.dockerfile("a")))
    (tag,) = [tag for tag in shop.engine.tags if tag != BASE]
    outcome = shop.run(shop.config(VariantSpec(name="made", image=tag), shop.dockerfile("b"), rm_images=True))
    assert verdicts(outcome.report) == {"made": "works", "b": "works"}
    assert by_name(outcome.report)["made"].build is None
    assert sorted(shop.engine.tags) == sorted([tag, BASE])


def test_containers_are_kept_when_asked_for(shop: Shop) -> None:
    """Those that work, with a ledger that `imgcompare clean` goes by."""
    outcome = shop.run(shop.config(shop.dockerfile("a"), shop.dockerfile("b", cmd="ends"), keep=True))
    (container,) = shop.engine.containers.values()
    assert container.name.endswith("-a")
    assert container.state().running
    assert container.name in shop.written_down()
    assert verdicts(outcome.report) == {"a": "works", "b": "exits-at-once"}


def test_a_port_that_nobody_named_is_found(shop: Shop) -> None:
    """The image is started once to see where it listens, and asked there."""
    shop.engine.apps["odd"] = App(port=8123)
    path = shop.folder / "odd.Dockerfile"
    path.write_text(f'FROM {BASE}\nCMD ["odd"]\n')
    outcome = shop.run(shop.config(VariantSpec(name="odd", dockerfile=path)))
    run = by_name(outcome.report)["odd"].run
    assert run
    assert run.container_port == 8123
    assert shop.left() == []


def test_stopping_and_hardening_tell_more_and_break_nothing(shop: Shop) -> None:
    """What the engine refuses of it is a note beside the variant, which works."""
    shop.engine.apps["deaf"] = App(deaf=True)
    shop.engine.fail("stop", "c", refused("not now"))
    specs = [shop.dockerfile("a"), shop.dockerfile("b", cmd="deaf"), shop.dockerfile("c")]
    outcome = shop.run(shop.config(*specs, stop=True, hardened=True))
    found = by_name(outcome.report)
    assert verdicts(outcome.report) == dict.fromkeys("abc", "works")
    runs = [variant.run for variant in found.values()]
    assert [(run.killed, run.stopped_after_s) for run in runs if run] == [(False, 0.1), (True, 10.0), (None, None)]
    assert all(variant.hardened for variant in found.values())
    assert found["c"].not_measured == ("stopping it: not now (the engine's answer)",)
    assert shop.left() == []


def test_comparisons_end_with_the_one_that_loses_the_engine(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is whole and the second is as far as it came; the third is not begun."""
    shop.open_as_the_engine(monkeypatch)
    configs = [shop.config(shop.dockerfile(name), jobs=1) for name in "abc"]
    shop.engine.fail("start", "b", EngineLostError("the engine is gone"))
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    assert isinstance(outcome.error, EngineLostError)
    assert [verdicts(report) for report in outcome.collection.comparisons] == [{"a": "works"}, {"b": "interrupted"}]
    (saved,) = saved_runs(tmp_path)
    assert load(saved) == outcome.collection


def test_comparisons_go_side_by_side_and_are_told_in_their_order(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the variants under way leave room for; the report is as if they had come one after another."""
    shop.open_as_the_engine(monkeypatch)
    configs = [
        replace(shop.config(shop.dockerfile(name), shop.dockerfile(f"{name}-2"), jobs=4), scenario=name)
        for name in "abcde"
    ]
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    assert outcome.error is None
    assert [report.scenario for report in outcome.collection.comparisons] == list("abcde")
    assert all(set(verdicts(report).values()) == {"works"} for report in outcome.collection.comparisons)
    (saved,) = saved_runs(tmp_path)
    assert load(saved) == outcome.collection
    assert shop.left() == []


def test_a_signal_ends_comparisons_side_by_side(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was finished is kept, what was under way is broken off and says why, and what had not begun does not."""
    shop.open_as_the_engine(monkeypatch)
    shop.engine.hold("start", "b")

    def interrupt() -> None:
        for name in "acd":
            shop.engine.wait_for("remove", name)
        shop.engine.wait_for("start", "b")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    configs = [shop.config(shop.dockerfile(name), jobs=2) for name in "abcd"]
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    thread.join()
    assert isinstance(outcome.error, InterruptedRunError)
    found = [verdicts(report) for report in outcome.collection.comparisons]
    assert found == [{"a": "works"}, {"b": "interrupted"}, {"c": "works"}, {"d": "works"}]
    failure = by_name(outcome.collection.comparisons[1])["b"].failure
    assert failure
    assert failure.message == observed.cut_short(Stage.RUN, outcome.error).message
    (saved,) = saved_runs(tmp_path)
    assert load(saved) == outcome.collection
    assert shop.left() == []
    assert shop.engine.closed


def test_comparisons_side_by_side_end_for_the_same_reason(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is cut off because another lost the engine says so."""
    shop.open_as_the_engine(monkeypatch)
    for name in "ab":
        shop.engine.hold("start", name)
    shop.engine.fail("start", "b", EngineLostError("the engine is gone"))

    def let_go() -> None:
        for name in "ab":
            shop.engine.wait_for("start", name)
        shop.engine.let_go("start", "b")

    thread = threading.Thread(target=let_go)
    thread.start()
    configs = [shop.config(shop.dockerfile(name), jobs=2) for name in "ab"]
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    thread.join()
    assert isinstance(outcome.error, EngineLostError)
    found = [report.variants[0].failure for report in outcome.collection.comparisons]
    assert len({failure.message for failure in found if failure}) == 1
    assert len(found) == 2
    assert set(shop.left()) == shop.written_down()


def test_comparisons_that_were_begun_go_on_beside_one_that_the_engine_failed(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it could not do for one variant is no verdict on another's; what has not begun by then does not begin."""
    shop.open_as_the_engine(monkeypatch)
    shop.engine.fail("start", "a", refused())
    shop.engine.hold("start", "b")

    def let_go() -> None:
        shop.engine.wait_for("remove", "a")
        shop.engine.wait_for("start", "b")
        shop.engine.let_go("start", "b")

    thread = threading.Thread(target=let_go)
    thread.start()
    configs = [shop.config(shop.dockerfile(name), jobs=2) for name in "ab"]
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    thread.join()
    assert outcome.error is not None
    assert [verdicts(report) for report in outcome.collection.comparisons] == [{"a": "engine-failed"}, {"b": "works"}]
    shop.engine.fail("start", "a", refused())
    configs = [shop.config(shop.dockerfile(name), jobs=1) for name in "ab"]
    outcome = perform_all(configs, Connection(), shop.told, prepare(tmp_path))
    assert [verdicts(report) for report in outcome.collection.comparisons] == [{"a": "engine-failed"}]
    assert shop.left() == []


@pytest.mark.parametrize(
    ("changes", "at_once"),
    [
        ({}, 2),
        ({"jobs": 1}, 1),
        ({"jobs": 9}, 4),
        ({"host_port": 8000}, 1),
        ({"keep": True}, 1),
        ({"runs": 3}, 1),
        ({"build": BuildOptions(cache_to=(CacheEntry(type="local", attributes=(("dest", "cache"),)),))}, 1),
    ],
)
def test_comparisons_side_by_side_keep_to_the_jobs(shop: Shop, changes: dict[str, Any], at_once: int) -> None:
    """All variants under way together are no more than those of one comparison may be; some want to be alone."""
    config = shop.config(shop.dockerfile("a"), shop.dockerfile("b"), **{"jobs": 4, **changes})
    assert side_by_side([make_plan(config, "run"), make_plan(config, "run")]) == at_once


def test_a_report_that_cannot_be_saved_is_told_once(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is made all the same."""
    shop.open_as_the_engine(monkeypatch)
    (tmp_path / "runs").write_text("no folder")
    monkeypatch.setattr("imgcompare.reports.history.prune", lambda _folder: None)
    outcome = perform(shop.config(), Connection(), shop.told, tmp_path / "runs")
    assert outcome.report.passed
    assert len([note for note in shop.told.notes if note.startswith("The report is not saved")]) == 1
