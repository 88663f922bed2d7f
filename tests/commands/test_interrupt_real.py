"""Signals at every stage of a run: it ends with 130 or 143, keeps what was finished, and leaves nothing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import VARIANT_LABEL

if TYPE_CHECKING:
    from tests.support.projects import Project, Proxy

BASE = "python:3.11-slim"
SLEEP = "import time; time.sleep({:d})"


@pytest.mark.parametrize(
    ("request_held", "number"),
    [
        ("GET /info", signal.SIGINT),
        ("GET /images/python:3.11-slim/json", signal.SIGTERM),
        ("POST /grpc", signal.SIGINT),
        ("GET /images/sha256:", signal.SIGTERM),
        ("POST /containers/create", signal.SIGINT),
        ("POST /containers/create", signal.SIGTERM),
        ("POST /containers/[^/]+/start", signal.SIGINT),
        ("GET /containers/[^/]+/json", signal.SIGTERM),
        ("GET /images/get", signal.SIGTERM),
        ("DELETE /containers/", signal.SIGINT),
    ],
)
def test_a_signal_while_the_engine_is_asked_something(
    project: Project, proxy: Proxy, tmp_path: Path, request_held: str, number: signal.Signals
) -> None:
    """Whatever is asked for, a container to be made too, the run ends with the signal's code and leaves nothing."""
    proxy.hold(request_held)
    proxy.alter(b'"Driver":"overlay2"', b'"Driver":"overlay?"')  # so that images are exported, not read from its files
    running = project.start("run", *project.stages("works"), DOCKER_HOST=proxy.url, XDG_CACHE_HOME=str(tmp_path / "c"))
    proxy.wait(running)
    running.send(number)
    running.wait_for("^Stopping: ")
    proxy.let_go()
    result = running.end()
    assert result.code == 128 + number
    assert "Error: interrupted" in result.stderr
    assert result.stderr.count("Stopping: ") == 1
    for report in project.saved():
        assert report["passed"] is False or report["variants"][0]["verdict"] == "works"


@pytest.mark.parametrize(
    ("request_held", "number"),
    [
        ("POST /containers/[^/]+/exec", signal.SIGINT),
        ("POST /exec/[^/]+/start", signal.SIGTERM),
        ("POST /containers/[^/]+/stop", signal.SIGINT),
        ("POST /containers/create[?]name=imgcompare-hardened", signal.SIGTERM),
        ("POST /containers/imgcompare-hardened[^/]+/start", signal.SIGINT),
    ],
)
def test_a_signal_while_more_is_measured(
    project: Project, proxy: Proxy, request_held: str, number: signal.Signals
) -> None:
    """The same holds for what was asked for besides: a HEALTHCHECK under way, a stop, a run with restrictions."""
    arguments = project.stages("works")
    text = (project.folder / "Dockerfile").read_text()
    project.write({"Dockerfile": f"{text}HEALTHCHECK CMD python -c '{SLEEP.format(1)}'\n"})
    proxy.hold(request_held)
    running = project.start("run", *arguments, "--health", "--stop", "--hardened", DOCKER_HOST=proxy.url)
    proxy.wait(running)
    running.send(number)
    running.wait_for("^Stopping: ")
    proxy.let_go()
    assert running.end().code == 128 + number


def test_a_signal_does_not_wait_for_a_healthcheck(project: Project) -> None:
    """One that takes its time is left to its container, which goes."""
    arguments = project.stages("works")
    text = (project.folder / "Dockerfile").read_text()
    project.write({"Dockerfile": f"{text}HEALTHCHECK --timeout=10m CMD python -c '{SLEEP.format(600)}'\n"})
    running = project.start("run", *arguments, "--health", "--timeout", "600")
    running.wait_for("waiting for its HEALTHCHECK")
    running.send(signal.SIGINT)
    assert running.end().code == 130


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_signal_in_a_build_step_ends_the_step(project: Project, builder: str) -> None:
    """The build is cancelled in the engine too: what the step runs is gone, and no container of it stays."""
    seconds = 100_000 + os.getpid() % 50_000 * 2 + (builder == "classic")
    project.write({"Dockerfile": f"FROM {BASE}\nRUN python -c '{SLEEP.format(seconds)}'\n"})
    running = project.start("run", "Dockerfile", "--builder", builder)
    _until(lambda: _is_running(SLEEP.format(seconds)))
    running.send(signal.SIGINT)
    result = running.end()
    assert result.code == 130
    _until(lambda: not _is_running(SLEEP.format(seconds)))
    (report,) = project.saved()
    assert report["variants"][0]["failure"]["code"] == "interrupted"
    assert "see `imgcompare report`" in result.stderr
    assert "interrupted" in project("report").stdout


def test_a_signal_ends_the_build_of_an_inspected_dockerfile(project: Project) -> None:
    """A build for `inspect` or `diff` is cancelled as one for `run` is, not waited for; no report is promised."""
    seconds = 200_000 + os.getpid() % 50_000
    project.write({"Dockerfile": f"FROM {BASE}\nRUN python -c '{SLEEP.format(seconds)}'\n"})
    running = project.start("inspect", "Dockerfile")
    _until(lambda: _is_running(SLEEP.format(seconds)))
    running.send(signal.SIGINT)
    result = running.end()
    assert result.code == 130
    assert result.stderr.endswith("Error: interrupted\n")
    _until(lambda: not _is_running(SLEEP.format(seconds)))


def test_a_signal_in_a_check_keeps_what_was_finished(project: Project) -> None:
    """The variant that was done is in the report, on stdout too; the one that was not is said to be interrupted."""
    running = project.start("run", *project.stages("works", "sleeps"), "--json")
    running.wait_for("^works: ✓")
    running.wait_for("^sleeps: check: waiting")
    running.send(signal.SIGTERM)
    result = running.end()
    assert result.code == 143
    assert result.variant("works")["verdict"] == "works"
    assert result.variant("sleeps")["failure"]["stage"] == "run"
    assert result.variant("sleeps")["verdict"] == "not_checked"
    assert result.variant("sleeps")["failure"]["code"] == "interrupted"
    assert result.report["passed"] is False
    assert project.saved() == [result.report]
    assert project("report", "--json").report == result.report


def test_a_second_signal_leaves_at_once_and_clean_removes_the_rest(
    project: Project, proxy: Proxy, client: docker.DockerClient
) -> None:
    """Someone in a hurry is let go; the container that the engine makes afterwards stands in the ledger."""
    proxy.hold("POST /containers/create")
    running = project.start("run", *project.stages("works"), DOCKER_HOST=proxy.url)
    proxy.wait(running)
    running.send(signal.SIGINT)
    running.wait_for("^Stopping: ")
    running.send(signal.SIGINT)
    result = running.end()
    assert result.code == 130
    assert "Left at once; `imgcompare clean` removes what is left." in result.stderr
    proxy.let_go()
    _until(lambda: _containers(client, project))
    assert "Removed 1 container(s)" in project("clean").stderr
    assert _containers(client, project) == []
    assert project.ledgers() == []


def test_ctrl_c_in_a_terminal_restores_it(project: Project) -> None:
    """The live view is gone, the cursor is back, and the message stands on a line of its own."""
    process, terminal, shown = _waiting_in_a_terminal(project)
    os.write(terminal, b"\x03")
    while data := _read(terminal):
        shown += data
    os.close(terminal)
    assert process.wait() == 130
    assert b"Traceback" not in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"\x1b[2KError: interrupted\r\n" in shown


def test_a_terminal_that_closes_leaves_no_container(project: Project, client: docker.DockerClient) -> None:
    """Nobody sees it any more: all the more it has to clean up."""
    process, terminal, _ = _waiting_in_a_terminal(project)
    assert _containers(client, project)
    os.close(terminal)
    process.wait()
    assert _containers(client, project) == []


def _waiting_in_a_terminal(project: Project) -> tuple[subprocess.Popen[bytes], int, bytes]:
    """A run in a terminal of its own that waits for its route, the terminal's other side, and what it has shown."""
    arguments = project.stages("sleeps")
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        # These tests may themselves run under `nohup`.
        ["env", "--default-signal=HUP", "setsid", "--ctty", sys.executable, "-m", "imgcompare", "run", *arguments],
        cwd=project.folder,
        env=project.environ | {"TERM": "xterm"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    shown = b""
    while b"waiting for /" not in shown:
        shown += os.read(terminal, 4096)
    return process, terminal, shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other side of a terminal has closed
        return b""


def _containers(client: docker.DockerClient, project: Project) -> list[Any]:
    """The containers of this project's runs, known by the run id that their report or ledger is named after."""
    runs = {path.stem for path in [*project.ledgers(), *(project.folder / ".imgcompare/runs").glob("*.json")]}
    found = client.containers.list(all=True, filters={"label": VARIANT_LABEL}, ignore_removed=True)
    return [container for container in found if any(run in str(container.name) for run in runs)]


def _is_running(text: str) -> bool:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in line and b"imgcompare" not in line:
                return True
    return False


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.1)
