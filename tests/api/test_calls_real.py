"""The calls and the fixture as a program and a foreign project use them, on a real engine."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import imgcompare
from imgcompare.errors import UsageError
from imgcompare.model import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Project

TEST = """
def test_the_image_works_and_is_lean(image):
    assert image.works, image.failure
    assert 0 < image.compressed_size < image.uncompressed_size < 900_000_000
    assert image.layer_count > 1 and image.user == ""
    assert "libc6" in image.packages and "gcc-99" not in image.packages
"""


def test_a_program_compares_and_inspects(
    project: Project, monkeypatch: pytest.MonkeyPatch, containers: list[str], engine_url: str
) -> None:
    """``compare`` returns the report that the command would, from any thread; a broken variant is no exception."""
    project.stages("works", "exits")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, project.environ[name])
    monkeypatch.chdir(project.folder)

    def compare() -> imgcompare.model.Report:
        return imgcompare.compare("Dockerfile:works", "Dockerfile:exits", host=engine_url)

    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(compare).result()
    assert {variant.name: variant.verdict for variant in report.variants} == {
        "works": Verdict.WORKS,
        "exits": Verdict.BROKEN,
    }
    works = report.variants[0].image
    assert works is not None
    assert imgcompare.inspect(works.reference, host=engine_url).image_id == works.image_id
    with pytest.raises(UsageError):
        imgcompare.compare("Dockerfile:nothing", host=engine_url)
    with pytest.raises(AttributeError):
        getattr(imgcompare, "compares")  # noqa: B009 - what is not there is to be asked for


def test_a_foreign_project_tests_its_image(project: Project, tmp_path: Path) -> None:
    """A project that has pytest and imgcompare writes tests of its image, and no configuration where defaults fit."""
    project.stages("works")
    project.write({"test_image.py": TEST})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_image.py"],
        cwd=project.folder,
        env=project.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
