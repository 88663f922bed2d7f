"""``imgcompare setup`` and ``imgcompare engine`` as a user types them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def state(imgcompare: Command) -> Iterator[str]:
    """A state folder, short enough for sockets; the own engine in it is stopped at the end."""
    root = tempfile.mkdtemp(prefix="imgc-", dir="/tmp")
    yield root
    imgcompare("engine", "stop", XDG_STATE_HOME=root)
    shutil.rmtree(root)


def test_setup_with_an_engine_that_is_ready_changes_nothing(imgcompare: Command, engine_url: str, state: str) -> None:
    """An engine with the base images is used as it is, and no other is made."""
    done = imgcompare("setup", XDG_STATE_HOME=state)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == f"Ready: {engine_url} (DOCKER_HOST). Next: imgcompare run"
    assert list(Path(state).iterdir()) == []


@pytest.mark.parametrize("tag", ["python:3.11-alpine", "node:20", "python:2.7", "python"])
def test_setup_refuses_a_stand_in_that_cannot_be_made_before_it_starts(
    imgcompare: Command, state: str, tag: str
) -> None:
    """Nothing is started, and nothing is made, for what will fail at the end."""
    done = imgcompare("setup", "--stand-in", "python:3.11", "--stand-in", tag, XDG_STATE_HOME=state)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no stand-in can be made for {tag}: only for python:3.X")
    assert list(Path(state).iterdir()) == []


def test_status_names_the_endpoint_and_where_it_came_from(imgcompare: Command, engine_url: str, state: str) -> None:
    """Scripts read the endpoint from the JSON, people the same from the text."""
    facts = json.loads(imgcompare("engine", "status", "--json", XDG_STATE_HOME=state).stdout)
    assert (facts["endpoint"], facts["source"], facts["running"]) == (engine_url, "DOCKER_HOST", True)
    assert facts["version"]
    assert facts["preferred"] is False
    assert facts["own_engine"]["running"] is False
    text = imgcompare("engine", "status", XDG_STATE_HOME=state).stdout
    assert text.startswith(f"Engine in use: {engine_url}\n  from:  DOCKER_HOST\n")


def test_status_of_an_engine_that_does_not_answer_is_an_answer(imgcompare: Command, state: str) -> None:
    """What is wrong stands in the status; nothing else is put in the place of what was named."""
    done = imgcompare("engine", "status", "--json", XDG_STATE_HOME=state, DOCKER_HOST="unix:///nowhere")
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert (facts["endpoint"], facts["running"]) == (None, False)
    assert "unix:///nowhere (DOCKER_HOST) does not answer" in facts["problem"]


def test_the_own_engine_is_used_from_start_to_stop(imgcompare: Command, state: str) -> None:
    """Starting it by hand means wanting it: it goes before the well-known sockets until it is stopped."""
    environ = {"XDG_STATE_HOME": state, "DOCKER_HOST": ""}
    started = imgcompare("engine", "start", **environ)
    assert started.returncode == 0, started.stderr
    facts = json.loads(imgcompare("engine", "status", "--json", **environ).stdout)
    assert facts["endpoint"] == f"unix://{state}/imgcompare/engine/docker.sock"
    assert (facts["private"], facts["running"], facts["preferred"]) == (True, True, True)
    assert imgcompare("engine", "stop", **environ).stderr.endswith("imgcompare's own engine is stopped.\n")
    assert imgcompare("engine", "stop", **environ).stderr == "imgcompare's own engine was not running.\n"
