"""The whole of ``imgcompare shrink`` on the fake engine: what is built and run how often, and what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Timer

import pytest
from msgspec import json

from imgcompare.config.variants import VariantSpec
from imgcompare.engine.interface import Captured
from imgcompare.model import Verdict
from imgcompare.remedy.desk import Desk, written
from imgcompare.remedy.shrink import Result, shrink
from imgcompare.remedy.subject import Subject
from imgcompare.run.build import BuiltVariant
from imgcompare.run.opening import Connection, opened
from imgcompare.run.plan import make_plan
from tests.support.fake_builder import Stored
from tests.support.fake_engine import App, FakeEngine
from tests.support.images import Make
from tests.support.shop import RUN_ID, Shop
from tests.support.shrinking import PROBE

LINES = 'COPY app.py /app/\nRUN pip install --no-cache-dir flask\nEXPOSE 5000\nCMD ["{}"]\n'


class Looks(dict[tuple[str, ...], Captured]):
    """Python says the same of every image that it looks into."""

    def get(self, command: Sequence[str], otherwise: Captured) -> Captured:  # type: ignore[override]
        """The answer of a Python."""
        return Captured(0, json.encode(PROBE)) if command[0] == "python3" else otherwise


@pytest.fixture
def spec(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> VariantSpec:
    """A Dockerfile on a full base whose slim one is there."""
    shop.engine.apps["sleep 3600"] = App(commands=Looks())
    for reference, files in (("python:3.11", {"usr/bin/gcc": b"x" * 90_000}), ("python:3.11-slim", {})):
        layer = Make().tar([("usr/local/bin/python", b""), *files.items()])
        shop.engine._store(Stored(layers=(layer,)), reference)

    @contextmanager
    def found(*_: object) -> Iterator[FakeEngine]:
        yield shop.engine

    monkeypatch.setattr("imgcompare.remedy.shrink.working_engine", found)
    return _written(shop, "works")


def _written(shop: Shop, app: str) -> VariantSpec:
    path = shop.folder / "Dockerfile"
    path.write_text(f"FROM python:3.11\n{LINES.format(app)}")
    return VariantSpec(name="shop", dockerfile=path)


def _shrink(shop: Shop, spec: VariantSpec, jobs: int = 4) -> Result:
    return shrink(shop.config(spec, jobs=jobs), Connection(), shop.told, None)


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_each_image_is_built_once_and_the_proved_one_is_run(shop: Shop, spec: VariantSpec, jobs: int) -> None:
    """What is looked into is what is run and kept, and nothing comes from a build of its own; one at a time, too."""
    result = _shrink(shop, spec, jobs)
    assert result.error is None
    assert result.report.shrunk
    assert result.report.shrunk.result == "slim"
    assert result.text == f"FROM python:3.11-slim\n{LINES.format('works')}"
    tags = [tag.rpartition(":")[2] for tag in shop.engine.told("build")]
    assert [tags.count(name) for name in ("original", "slim")] == [1, 1]
    slim = next(one for one in result.report.variants if one.name == "slim")
    assert slim.verdict is Verdict.WORKS
    assert slim.image
    assert shop.engine.tags[slim.image.reference] == slim.image.image_id
    left = {tag.rpartition(":")[2] for tag in shop.engine.tags if tag.startswith("imgcompare/")}
    assert (left, shop.left()) == ({"original", "slim"}, [])


def test_what_was_begun_beside_a_broken_original_is_broken_off(shop: Shop, spec: VariantSpec) -> None:
    """Its diagnosis does not wait for candidates that nobody wants now."""
    shop.engine.hold("build", ":slim")
    result = _shrink(shop, _written(shop, "ends"))
    (original,) = result.report.variants
    assert (original.verdict, result.report.shrunk) == (Verdict.BROKEN, None)
    assert {tag for tag in shop.engine.tags if tag.endswith(":slim")} == set()
    assert shop.left() == []
    assert spec.name == "shop"


def test_the_tag_is_that_of_the_image_that_is_wanted(shop: Shop, spec: VariantSpec) -> None:
    """Where a build that was only foreseen took it since, the wanted one is made again, from the cache."""
    plan = make_plan(shop.config(spec, baseline="shop"), RUN_ID)
    with opened(plan, shop.engine, shop.told) as bench, ThreadPoolExecutor(2) as pool:
        desk = Desk(plan, bench, pool, pool, pool)
        wanted = written(spec, "slim", f"FROM python:3.11-slim\n{LINES.format('works')}")
        built = desk.build(wanted)
        assert isinstance(built, BuiltVariant)
        (tag,) = built.image.tags
        desk.build(written(spec, "slim", f"FROM python:3.11-slim\nRUN late\n{LINES.format('works')}"))
        assert shop.engine.tags[tag] != built.image.image
        assert desk.settled([wanted])["slim"].image.image == shop.engine.tags[tag] == built.image.image
        assert desk.settled([wanted])["slim"].image.image == built.image.image
    assert shop.engine.told("build").count(tag) == 3


def test_what_was_seen_does_not_wait_for_the_container_to_go(shop: Shop, spec: VariantSpec) -> None:
    """Of one name two may be there, one foreseen and one that came out otherwise; in the end both are gone."""
    plan = make_plan(shop.config(spec, baseline="shop"), RUN_ID)
    with opened(plan, shop.engine, shop.told) as bench, ThreadPoolExecutor(2) as pool:
        desk = Desk(plan, bench, pool, pool, pool)
        shop.engine.hold("remove", "slim")
        for lines in (LINES, f"RUN late\n{LINES}"):
            subject = desk.unseen(written(spec, "slim", f"FROM python:3.11-slim\n{lines.format('works')}"))
            assert isinstance(subject, Subject)
            assert desk.seen(subject, ()).probe == PROBE
        assert len(shop.left()) == 2
        shop.engine.let_go("remove", "slim")
        desk.leave()
        assert shop.left() == []


def test_nothing_goes_on_behind_it(shop: Shop, spec: VariantSpec) -> None:
    """What is done meanwhile may begin more: when nothing is waited for any longer, nothing is under way."""
    plan = make_plan(shop.config(spec, baseline="shop"), RUN_ID)
    ended: list[str] = []
    with opened(plan, shop.engine, shop.told) as bench, ThreadPoolExecutor(3) as pool:
        desk = Desk(plan, bench, pool, pool, pool)
        go, begun = Event(), Event()

        def last() -> None:
            begun.set()
            go.wait(10)
            ended.append("last")

        def first() -> None:
            desk.meanwhile(last)
            begun.wait(10)
            Timer(0.05, go.set).start()
            ended.append("first")

        desk.meanwhile(first)
        begun.wait(10)
        desk.wait()
        assert ended == ["first", "last"]
