"""A file's content is read once more from an engine, and only as it was compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.analysis.analyse import analyse
from imgcompare.analysis.diff_content import ContentDifference
from imgcompare.analysis.diff_images import LoadedImage
from imgcompare.console.progress import QuietProgress
from imgcompare.errors import UsageError
from imgcompare.image.archive import read_archive
from imgcompare.run.file_versions import compare_files
from imgcompare.run.opening import Connection
from tests.support.fake_engine import FakeEngine

NAMES = ("shop:1", "shop:2")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine with two images, which differ in a file."""
    engine = FakeEngine()
    engine.add_base("shop:1", conf=b"port: 80\n", same=b"1\n")
    engine.add_base("shop:2", conf=b"port: 81\n", same=b"1\n", large=b"x" * (2 << 20))

    @contextmanager
    def working(_connection: Connection, _progress: object) -> Iterator[FakeEngine]:
        yield engine

    monkeypatch.setattr("imgcompare.run.file_versions.working_engine", working)
    return engine


def loaded(engine: FakeEngine, name: str) -> LoadedImage:
    """An image as it is when it is compared."""
    found = engine.image(name)
    assert found
    archived = read_archive(engine.export([found.image])).find(found.image)
    return LoadedImage(name=name, archived=archived, image=replace(analyse(archived, None), reference=name))


def compared(images: list[LoadedImage], folder: Path, path: str) -> ContentDifference:
    """How a file differs."""
    texts = [f"image:{name}" for name in NAMES]
    (found,) = compare_files(texts, images, [path], folder, Connection(), QuietProgress())
    return found


def test_a_file_of_images_on_an_engine(engine: FakeEngine, tmp_path: Path) -> None:
    """It is exported once more for what is shown, and for nothing else: neither what is the same nor what is large."""
    images = [loaded(engine, name) for name in NAMES]
    exports = len(engine.told("export"))
    assert compared(images, tmp_path, "/base/same").kind == "same"
    assert compared(images, tmp_path, "/base/large").not_shown == "more than 1 MiB"
    assert len(engine.told("export")) == exports
    assert compared(images, tmp_path, "/base/conf").lines == ("@@ -1 +1 @@", "-port: 80", "+port: 81")
    assert len(engine.told("export")) > exports


def test_an_image_that_is_another_one_meanwhile_is_not_shown_in_its_place(engine: FakeEngine, tmp_path: Path) -> None:
    """Its name was moved, or it is gone: what was compared is not there any more."""
    images = [loaded(engine, name) for name in NAMES]
    engine.add_base("shop:2", conf=b"port: 82\n")
    with pytest.raises(UsageError, match=r"shop:2 has changed meanwhile: its base/conf is gone"):
        compared(images, tmp_path, "base/conf")
