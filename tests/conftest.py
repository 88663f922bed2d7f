"""Fixtures every test may use: a real engine with base images, and a home of the test's own."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck

from tests.support import forked, homes
from tests.support.homes import SHARED

# How long an example takes says how busy the machine is. The fast tests try a quarter of the examples.
_ANY_MACHINE = hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.register_profile("whole", _ANY_MACHINE)
hypothesis.settings.register_profile("fast", _ANY_MACHINE, max_examples=25)
hypothesis.settings.load_profile("whole")
pytest.register_assert_rewrite("tests.support.contract")
pytest_plugins = [
    "tests.support.engines",
    "tests.support.forge",
    "tests.support.images",
    "tests.support.projects",
    "tests.support.rendered",
    "tests.support.shop",
]

_IMGCOMPARE = (sys.executable, "-m", "imgcompare")
_MARKED_BY = {"engine_url": "engine", "browser": "browser"}
"""The fixtures that everything of their kind stands on, and the mark of the tests that do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs an engine or a browser by the fixtures that it asks for, its fixtures' own included.

    With those first, which take longest, processes that share the modules out end at about the same time.
    """
    for item in items:
        for name in _MARKED_BY.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(_MARKED_BY[name])
    items.sort(key=lambda item: not any(item.iter_markers("engine")))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case without its bytes: they need not be the same in each process (gzip writes the time)."""
    return argname if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all processes of this run share, and let Ctrl-C reach what they start.

    A shell's background job ignores it, and so would each command that a test sends it to.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="imgcompare-tests-")
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for rubbish from now on, and not among what was collected: thousands of tests, all of which stay."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engine, if it was started for this run; all processes that used it have ended."""
    forked.end()
    if not hasattr(config, "workerinput"):
        shared = Path(os.environ.pop(SHARED))
        if (shared / "started").exists():
            subprocess.run([*_IMGCOMPARE, "engine", "stop"], check=True, stdin=subprocess.DEVNULL)
        shutil.rmtree(shared)


@pytest.fixture(scope="session")
def engine_url(pytestconfig: pytest.Config) -> str:
    """The endpoint of a real engine that has the base images; where there is none, one is set up and stopped again.

    ``IMGCOMPARE_TEST_HOST`` names another engine to test against.
    """
    if host := os.environ.get("IMGCOMPARE_TEST_HOST"):
        return host
    shared = Path(os.environ[SHARED])
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of this run may be setting it up
        ran_before = _status()["running"]
        with capture.global_and_fixture_disabled():  # setting a bare machine up takes a minute or two: show it
            subprocess.run([*_IMGCOMPARE, "setup", "--yes"], check=True, stdin=subprocess.DEVNULL)
        status = _status()
        if status["private"] and not ran_before:
            (shared / "started").touch()
    return str(status["endpoint"])


def _status() -> dict[str, object]:
    done = subprocess.run([*_IMGCOMPARE, "engine", "status", "--json"], stdout=subprocess.PIPE, check=False)
    status: dict[str, object] = json.loads(done.stdout)
    return status


class Imgcompare:
    """Runs the command line as a user does, in a project folder and with a home of its own."""

    def __init__(self, engine_url: str, project: Path) -> None:
        self.project = project
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(project / "home"),
            "DOCKER_HOST": engine_url,
            "PYTHONWARNINGS": "error",
        }
        homes.note(project / "home")

    def __call__(self, *arguments: str, timeout_s: float = 180, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run to the end, output captured."""
        return forked.run(arguments, self.project, self.environ | environ, timeout_s)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start and leave running."""
        return subprocess.Popen(
            [*_IMGCOMPARE, *arguments],
            cwd=self.project,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, files: dict[str, str]) -> None:
        """Write files of the project."""
        for name, text in files.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def imgcompare_in(engine_url: str) -> Callable[[Path], Imgcompare]:
    """Makes the command line on the real engine for a folder, with a home below it."""

    def make(folder: Path) -> Imgcompare:
        (folder / "home").mkdir()
        return Imgcompare(engine_url, folder)

    return make


@pytest.fixture
def imgcompare(imgcompare_in: Callable[[Path], Imgcompare], tmp_path: Path) -> Iterator[Imgcompare]:
    """The command line on the real engine, in an empty folder; what its runs kept is removed afterwards."""
    command = imgcompare_in(tmp_path)
    yield command
    command("clean")


def docker(engine_url: str, *arguments: str) -> str:
    """What the docker CLI says of the same engine: the second opinion of the tests."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["docker", "--host", engine_url, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def containers(engine_url: str) -> Sequence[str]:
    """Names of the containers on the engine before the test."""
    return docker(engine_url, "ps", "-a", "--format", "{{.Names}}").split()
