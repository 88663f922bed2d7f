"""The fixture where there is nothing to build: what a test run says, without any engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imgcompare.api.pytest_plugin import BuiltImage
from tests.support.reports import variant


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", "Dockerfile does not exist"),
        ("imgcompare_container_port = x\n", "imgcompare_container_port is no number: 'x'"),
        ("imgcompare_route = x\n", "the route 'x' is no path"),
    ],
)
def test_what_keeps_an_image_from_being_built_is_said_in_words(tmp_path: Path, settings: str, told: str) -> None:
    """The sentence and the next step, none of imgcompare's own lines."""
    (tmp_path / "test_it.py").write_text("def test_it(image):\n    assert image.works\n")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{settings}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": "unix:///nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stdout
    assert "Traceback" not in done.stdout
    assert "imgcompare/run" not in done.stdout


def test_an_assertion_that_fails_shows_the_image() -> None:
    """Not the address of an object."""
    assert repr(BuiltImage(variant("app", 926_600_000))) == "<image of shop:app: works, 926.6 MB unpacked>"
