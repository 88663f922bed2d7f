"""Whatever way an image's layers are read, the numbers are the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildRequest, Built, Endpoint, EngineImage
from imgcompare.image.archive import read_archive
from imgcompare.image.cache import ImageCache
from imgcompare.run.build import BuiltVariant
from imgcompare.run.ledger import Ledger
from imgcompare.run.measure import measure_images
from imgcompare.run.plan import make_plan
from imgcompare.run.read_images import _from_store
from imgcompare.run.resources import Workbench
from tests.support.builds import written_context

TAG = "imgcompare/test-measuring:latest"
DOCKERFILE = b"""\
FROM python:3.11-slim
RUN mkdir -p /a/b && echo one > /a/b/one && ln /a/b/one /a/hard && ln -s /etc /a/soft && chmod 4755 /a/b/one
RUN rm /a/b/one && echo two > "/a/$(printf 'caf\\351')" && mkfifo /a/fifo && head -c 3000000 /dev/zero > /a/zeros
"""


@pytest.fixture
def engine(engine_url: str) -> Iterator[SdkEngine]:
    """The real engine."""
    engine = SdkEngine(Endpoint(url=engine_url, source="the test"))
    yield engine
    engine.remove_image(TAG)
    engine.close()


@pytest.fixture
def bench(engine: SdkEngine, tmp_path: Path) -> Iterator[Workbench]:
    """What reading images needs, with a cache of its own."""
    bench = Workbench(
        engine=engine,
        progress=QuietProgress(),
        ledger=Ledger(tmp_path / "ledger", "run", engine="e", endpoint="unix:///x"),
        cache=ImageCache(tmp_path / "cache"),
        save=lambda _: None,
        created="2026-01-31T12:00:00Z",
    )
    yield bench
    bench.ledger.close(left=False)


def build(engine: SdkEngine, folder: Path) -> EngineImage:
    """The image of the Dockerfile above."""
    context = written_context(folder, {"Dockerfile": DOCKERFILE})
    built = engine.build(BuildRequest(context=context, tag=TAG), lambda _: None)
    assert isinstance(built, Built)
    image = engine.image(built.image)
    assert image is not None
    return image


def test_the_engines_store_gives_what_the_export_gives(engine: SdkEngine, bench: Workbench, tmp_path: Path) -> None:
    """Config, layers, sizes and file counts are equal to the byte: hard links, FIFOs and odd names included."""
    key = build(engine, tmp_path).image
    exported = read_archive(engine.export([key])).find(key)
    assert len(exported.layers) >= 3
    assert _from_store([key], {}, bench) == ({key: exported} if engine.layer_store() else {})


def test_an_image_is_read_while_others_are_still_built(engine: SdkEngine, bench: Workbench, tmp_path: Path) -> None:
    """Where the engine's store can be read nothing waits for the last build; elsewhere one export has them all."""
    image = build(engine, tmp_path)
    known_before_the_next: list[bool] = []

    def builds() -> Iterator[tuple[str, BuiltVariant]]:
        yield "first", BuiltVariant(image=image, build=None, stand_ins=())
        known_before_the_next.append(bench.cache.image(image.image, None) is not None)
        yield "second", BuiltVariant(image=image, build=None, stand_ins=("python:3.11-slim",))

    variants = tuple(VariantSpec(name=name, image=TAG) for name in ("first", "second"))
    plan = make_plan(Config(scenario="", context=Path(), variants=variants), "run")
    measured = measure_images(plan, builds(), bench).all()
    assert known_before_the_next == [engine.layer_store() is not None]
    assert measured["first"].uncompressed_size > 3_000_000
    assert replace(measured["second"], stand_ins=()) == measured["first"]
