"""Whatever way an image's layers are read, the numbers are the same."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from imgcompare.engine import BuildRequest, Built, Endpoint
from imgcompare.engine.sdk import SdkEngine
from imgcompare.image.archive import read_archive
from imgcompare.image.cache import ImageCache
from imgcompare.ledger import Ledger
from imgcompare.measuring import _from_store
from imgcompare.progress import QuietProgress
from imgcompare.workbench import Workbench

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


def context() -> Iterator[bytes]:
    """A build context that is a Dockerfile."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        file = tarfile.TarInfo("Dockerfile")
        file.size = len(DOCKERFILE)
        tar.addfile(file, io.BytesIO(DOCKERFILE))
    yield stream.getvalue()


def test_the_engines_store_gives_what_the_export_gives(
    engine: SdkEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Config, layers, sizes and file counts are equal to the byte: hard links, FIFOs and odd names included."""
    built = engine.build(BuildRequest(context=context, dockerfile="Dockerfile", tag=TAG), lambda _: None)
    assert isinstance(built, Built)
    bench = Workbench(
        engine=engine,
        progress=QuietProgress(),
        ledger=Ledger(tmp_path_factory.mktemp("ledger"), "run", engine="e", endpoint="unix:///x"),
        cache=ImageCache(None),
        save=lambda _: None,
        created="2026-01-31T12:00:00Z",
    )
    exported = read_archive(engine.export([built.image])).find(built.image)
    stored = _from_store([built.image], bench)
    bench.ledger.close(left=False)
    assert len(exported.layers) >= 3
    assert stored == ({built.image: exported} if engine.layer_store() else {})
