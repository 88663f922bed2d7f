"""`imgcompare doctor` on a real engine."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from imgcompare.commands.doctor import doctor
from imgcompare.engine.endpoint.find import find_engine
from imgcompare.engine.interface import Endpoint
from imgcompare.setup.doctor import ask_registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with an empty home."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def test_a_ready_machine_is_found_ready(engine_url: str, tmp_path: Path) -> None:
    """With an engine that has the base images, a run would work: exit code 0, and nothing is left behind."""
    result = CliRunner().invoke(doctor, ["--host", engine_url, "--json"], catch_exceptions=False)
    answer = json.loads(result.stdout)
    found = {finding["name"]: finding for finding in answer["findings"]}
    assert result.exit_code == 0, result.output
    assert answer["ready"] is True
    assert engine_url in found["engine"]["text"]
    assert "--host" in found["engine"]["text"]
    for name in ("engine", "image store", "base image python:3.11", "base image python:3.11-slim", "report folder"):
        assert found[name]["ok"] is True, found[name]
    assert list(tmp_path.iterdir()) == []


def test_the_findings_are_a_table_for_people(engine_url: str) -> None:
    """Each finding has one line that begins with its mark; the last line is the answer."""
    result = CliRunner().invoke(doctor, ["--host", engine_url], catch_exceptions=False)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("✓ engine")
    assert lines[-1] == "Nothing found keeps a run from working."


def test_a_dead_engine_is_exit_code_3(tmp_path: Path) -> None:
    """A named engine that does not answer is a cross with its URL, in ASCII where only that can be shown."""
    result = CliRunner(env={"LC_ALL": "C"}).invoke(doctor, ["--host", f"unix://{tmp_path}/d.sock"])
    assert result.exit_code == 3
    assert result.stdout.startswith("x engine")
    assert result.stdout.isascii()
    assert f"unix://{tmp_path}/d.sock (--host) does not answer" in result.stdout


def test_the_real_engine_is_found_through_the_environment(engine_url: str, tmp_path: Path) -> None:
    """The endpoint that DOCKER_HOST names answers the probe over a real engine's socket."""
    environ = {"DOCKER_HOST": engine_url, "PATH": os.environ["PATH"]}
    endpoint = find_engine(start_own=False, environ=environ, home=tmp_path)
    assert endpoint == Endpoint(url=engine_url, source="DOCKER_HOST")


def test_the_real_engine_can_be_asked_for_its_registry(engine_url: str) -> None:
    """A Docker engine says whether its registry answers, and why not; it never leaves the question open."""
    assert ask_registry(Endpoint(url=engine_url, source="test")) is not None
