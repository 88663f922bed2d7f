"""Faults that really happen: the engine dies or freezes under a run, many runs at once, a bare environment."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import Endpoint
from imgcompare.engine.own import processes
from imgcompare.engine.own.import_image import import_root
from imgcompare.errors import EngineLostError
from imgcompare.image.cache import ImageCache
from imgcompare.run import cleanup
from imgcompare.run.blueprints import draw_blueprints
from imgcompare.run.ledger import Ledger
from imgcompare.run.pipeline import run_comparison
from imgcompare.run.plan import make_plan
from imgcompare.run.resources import Workbench
from tests.support.projects import ours

if TYPE_CHECKING:
    from tests.support.projects import Project

BASE = "python:3.11-slim"
FILES = {
    "building.Dockerfile": 'FROM tiny:1\nRUN ["/bin/sleep", "3600"]\n',
    "done.Dockerfile": 'FROM tiny:1\nEXPOSE 80\nCMD ["/bin/sleep", "0"]\n',
    "running.Dockerfile": 'FROM tiny:1\nEXPOSE 80\nSTOPSIGNAL SIGKILL\nCMD ["/bin/sleep", "3600"]\n',
}


_WASTE = '"if=/dev/zero", "of=/waste", "bs=1M", "count=100"'


class OwnEngine:
    """An engine of this module's own, in a state folder of its own, that may be killed; its disk may be a small one."""

    def __init__(self, project: Project, *, disk: str = "") -> None:
        self._project = project
        self.folder = Path(tempfile.mkdtemp(prefix="imgc-", dir="/tmp"))
        self.environ = {"XDG_STATE_HOME": str(self.folder), "DOCKER_HOST": ""}
        if disk:
            self._start_on(disk)
        else:
            self.start()
        self.url = str(self._facts()["endpoint"])
        import_root(Path(self.url.removeprefix("unix://")), "tiny:1", iter([_tiny_root()]), [])

    def start(self) -> None:
        """Start it, or start it again."""
        assert self._project("engine", "start", **self.environ).code == 0

    def _start_on(self, disk: str) -> None:
        """Start it with its data on a memory disk of that size, which nothing but the engine sees."""
        small, state = self.folder / "small", self.folder / "imgcompare/engine"
        small.mkdir()
        state.mkdir(parents=True)
        (state / "data").symlink_to(small)
        script = f'mount -t tmpfs -o size={disk} tmpfs {small} && exec "$@"'
        command = [sys.executable, "-m", "imgcompare", "engine", "start"]
        subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", *command],
            env=self._project.environ | self.environ,
            stdin=subprocess.DEVNULL,
            check=True,
        )

    def signal(self, number: signal.Signals) -> None:
        """Send dockerd a signal."""
        facts = self._facts()["own_engine"]
        assert isinstance(facts, dict)
        processes.send(facts["pid"], number)

    def stop(self) -> None:
        """End it and remove its data."""
        self._project("engine", "stop", **self.environ)
        shutil.rmtree(self.folder)

    def containers(self) -> list[str]:
        """The names of all its containers."""
        with closing(docker.DockerClient(self.url)) as client:
            return [str(container.name) for container in client.containers.list(all=True)]

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = json.loads(self._project("engine", "status", "--json", **self.environ).stdout)
        return facts


@pytest.fixture(scope="module")
def own(lasting_project: Project) -> Iterator[OwnEngine]:
    """The engine of this module."""
    engine = OwnEngine(lasting_project)
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def cramped(lasting_project: Project) -> Iterator[OwnEngine]:
    """An engine with a disk of 24 MB."""
    engine = OwnEngine(lasting_project, disk="24m")
    yield engine
    engine.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_dies_in_a_build_keeps_what_was_finished(
    project: Project, own: OwnEngine, number: signal.Signals
) -> None:
    """Exit code 4 and what broke; the variant that was done is in the report, the other one is interrupted."""
    project.write(FILES)
    running = project.start("run", "done.Dockerfile", "building.Dockerfile", "--json", **own.environ)
    running.wait_for("^done: ✗ exits-at-once")
    running.wait_for(r"^building: build: .*RUN \[")
    own.signal(number)
    result = running.end()
    own.start()
    assert result.code == 4
    assert re.search(
        r"Error: the connection to the engine at unix:\S+ \(imgcompare's own engine\) broke: \w", result.stderr
    )
    assert "prematurely" not in result.stderr
    assert "Could not remove" not in result.stderr
    assert result.variant("done")["failure"]["code"] == "exits-at-once"
    assert result.variant("building")["failure"]["code"] == "interrupted"
    assert project.saved() == [result.report]
    assert own.containers() == []


def test_a_container_that_outlives_its_engine_is_named_and_cleaned_later(project: Project, own: OwnEngine) -> None:
    """The run cannot remove it and says so; once the engine is there again, the next run does."""
    project.write(FILES)
    running = project.start("run", "running.Dockerfile", **own.environ)
    running.wait_for("^running: check: waiting")
    (name,) = own.containers()
    own.signal(signal.SIGKILL)
    result = running.end()
    assert result.code == 4
    assert f"Could not remove {name}: `imgcompare clean` will, once the engine answers." in result.stderr
    again = project("run", "done.Dockerfile", **own.environ)
    assert "Starting imgcompare's own engine." in again.stderr
    assert "Removed 1 container(s) that a killed run had left." in again.stderr
    assert own.containers() == []


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_engine_whose_disk_is_full_gives_no_verdict(project: Project, cramped: OwnEngine, builder: str) -> None:
    """In a build as in a run: whose disk is full is said, exit code 4; what was finished keeps its verdict."""
    project.write(
        {
            "done.Dockerfile": FILES["done.Dockerfile"],
            "build.Dockerfile": f'FROM tiny:1\nRUN ["/bin/dd", {_WASTE}]\nEXPOSE 80\n',
            "start.Dockerfile": f'FROM tiny:1\nEXPOSE 80\nCMD ["/bin/dd", {_WASTE}]\n',
        }
    )
    for name in ("build", "start"):
        result = project(
            "run", "done.Dockerfile", f"{name}.Dockerfile", "--json", "--builder", builder, **cramped.environ
        )
        assert result.code == 4, result.stderr
        assert "Error: the engine's disk is full" in result.stderr
        assert "Next: Free space where the engine keeps its data" in result.stderr
        assert result.variant("done")["failure"]["code"] == "exits-at-once"
        assert result.variant(name)["verdict"] == "not_checked"
        assert result.variant(name)["failure"]["code"] == "engine-failed"
        assert cramped.containers() == []


def test_a_frozen_engine_does_not_hold_a_run_for_ever(project: Project, own: OwnEngine, tmp_path: Path) -> None:
    """Its connections stay open and nothing comes: after the time an answer may take, the run ends with what it has."""
    project.write(FILES)
    variants = tuple(VariantSpec(name=n, dockerfile=project.folder / f"{n}.Dockerfile") for n in ("done", "building"))
    plan = make_plan(Config(scenario="run", context=project.folder, variants=variants), "frozen")
    with closing(SdkEngine(Endpoint(url=own.url, source="the tests"), timeout_s=2)) as engine:
        ledger = Ledger(tmp_path / "ledgers", "frozen", engine=engine.identity(), endpoint=own.url)
        bench = Workbench(
            engine=engine,
            progress=_FreezesAfter("done", own),
            ledger=ledger,
            cache=ImageCache(tmp_path / "cache"),
            save=lambda _report: None,
            created="2026-01-01T00:00:00Z",
        )
        try:
            outcome = run_comparison(plan, draw_blueprints(plan), bench)
        finally:
            own.signal(signal.SIGCONT)
        assert isinstance(outcome.error, EngineLostError)
        assert "does not answer in time" in outcome.error.message
        codes = {variant.name: variant.failure.code for variant in outcome.report.variants if variant.failure}
        assert codes == {"done": "exits-at-once", "building": "interrupted"}
        assert cleanup.sweep(engine, ledger) == []
        ledger.close(left=False)
    assert own.containers() == []


class _FreezesAfter(QuietProgress):
    """Freezes the engine as soon as a variant is finished."""

    def __init__(self, subject: str, own: OwnEngine) -> None:
        self._subject = subject
        self._own = own

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Freeze it if that was the one."""
        if subject == self._subject:
            self._own.signal(signal.SIGSTOP)


# Each look at the clock finds it ten years ahead, ten years behind, or right.
_JUMPING_CLOCK = """
import datetime as module, itertools, time
jumps = itertools.cycle((3e8, -3e8, 0.0))
now = time.time
time.time = lambda: now() + next(jumps)
class Jumping(module.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
module.datetime = Jumping
"""


def test_a_clock_that_jumps_changes_no_number_and_removes_nothing(
    project: Project, client: docker.DockerClient
) -> None:
    """Times are measured by another clock, and what a living run made is its own, however old it seems to be."""
    (project.folder / "clock").mkdir()
    (project.folder / "clock/sitecustomize.py").write_text(_JUMPING_CLOCK)
    arguments = project.stages("works", "sleeps")
    living = project.start("run", "Dockerfile:sleeps")
    living.wait_for("^sleeps: check: waiting")
    jumping = {"PYTHONPATH": str(project.folder / "clock")}
    for _ in range(2):
        result = project("run", arguments[0], "--json", "--stop", "--timeout", "30", **jumping)
        assert result.code == 0, result.stderr
        run, build = result.variant("works")["run"], result.variant("works")["build"]
        assert 0 < run["ready_after_s"] < 30
        assert 0 <= run["stopped_after_s"] < 30
        assert 0 < build["duration_s"] < 60
    assert project("report", "--json").report == result.report
    project("clean", **jumping)
    assert any(name.endswith("-sleeps") for name in ours(client))
    living.send(signal.SIGINT)
    assert living.end().code == 130


def test_runs_at_once_do_not_touch_each_other(project: Project) -> None:
    """Six processes in one folder: every one ends well, with a report and containers of its own."""
    arguments = project.stages("works")
    together = [project.start("run", *arguments, "--json") for _ in range(6)]
    results = [running.end() for running in together]
    assert [result.code for result in results] == [0] * 6, [result.stderr for result in results]
    assert all("Removed" not in result.stderr for result in results)
    assert len(project.saved()) == 6
    assert len({result.variant("works")["image"]["image_id"] for result in results}) == 1
    assert "0 container(s) and 1 image(s)" in project("clean").stderr
    assert project.ledgers() == []


@pytest.mark.parametrize(
    "environ",
    [
        {"COLUMNS": "20"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C"},
        {"NO_COLOR": "1", "COLUMNS": "200"},
        {"TERM": "dumb", "COLUMNS": "0"},
        {"FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_any_terminal_shows_the_report(lasting_project: Project, environ: dict[str, str]) -> None:
    """Narrow, without colour or with few characters: the verdicts are there, and nothing fails to be written."""
    arguments = lasting_project.stages("works", "exits")
    result = lasting_project("run", *arguments, **environ)
    assert result.code == 1
    assert "works" in result.stdout
    assert "exits-at-once" in result.stdout
    assert ("\x1b[" in result.stdout) == ("FORCE_COLOR" in environ)
    if "COLUMNS" in environ and environ["COLUMNS"] != "0":
        assert max(map(len, result.stdout.splitlines())) <= int(environ["COLUMNS"])
    if "PYTHONIOENCODING" in environ or "LC_ALL" in environ:
        assert (result.stdout + result.stderr).isascii()


def test_an_empty_environment_is_enough(project: Project, engine_url: str) -> None:
    """`env -i`, as in some CI systems and cron: no HOME, no PATH, no locale."""
    arguments = project.stages("works")
    done = subprocess.run(
        [sys.executable, "-m", "imgcompare", "run", *arguments, "--json", "--host", engine_url],
        cwd=project.folder,
        env={name: str(project.folder / "home") for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] is True
    assert b"Traceback" not in done.stderr
    cleaned = project("clean", XDG_STATE_HOME=str(project.folder / "home"))
    assert "1 image(s)" in cleaned.stderr


def test_a_home_that_cannot_be_written_is_said(project: Project) -> None:
    """A read-only home, as in hardened containers: the next step is there, and taking it is enough."""
    arguments = project.stages("works")
    (project.folder / "file").write_text("")
    environ = {"HOME": str(project.folder / "file"), "XDG_CACHE_HOME": ""}
    result = project("run", *arguments, **environ)
    assert result.code == 2
    assert "Point XDG_STATE_HOME at a folder that can be written" in result.stderr
    assert project("run", *arguments, **environ, XDG_STATE_HOME=str(project.folder / "home")).code == 0
    project("clean", XDG_STATE_HOME=str(project.folder / "home"))


def test_a_killed_run_leaves_no_half_report(project: Project) -> None:
    """Whenever it is killed, what is saved is a whole report or none; `report` shows it."""
    arguments = project.stages("works", "exits", "sleeps")
    for _ in range(3):
        running = project.start("run", *arguments, "-o", "out.json", "--json")
        running.wait_for("^(works|exits): [✓✗]")
        running.send(signal.SIGKILL)
        running.end()
    assert not (project.folder / "out.json").exists()
    reports = sorted((project.folder / ".imgcompare/runs").glob("*.json"))
    assert all(json.loads(path.read_bytes())["schema_version"] == 1 for path in reports)
    assert project("clean").code == 0
    assert project.ledgers() == []


def test_a_full_disk_under_the_reports_loses_nothing(project: Project) -> None:
    """Where the report cannot be saved, that is said once, also to who wants no progress; the report is printed."""
    arguments = project.stages("works", "exits")
    runs = project.folder / ".imgcompare/runs"
    runs.mkdir(parents=True)
    script = 'mount -t tmpfs -o size=4k tmpfs "$1" && echo x > "$1/full" && shift && exec "$@"'
    command = [sys.executable, "-m", "imgcompare", "run", *arguments, "--json", "--quiet"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", runs, *command],
        cwd=project.folder,
        env=project.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert [variant["verdict"] for variant in json.loads(done.stdout)["variants"]] == ["works", "broken"]
    assert done.stderr.startswith("The report is not saved: cannot write")
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def _tiny_root() -> bytes:
    """The tar of a root filesystem that holds ``sleep``, ``dd`` and their libraries, taken from this machine."""
    listed = subprocess.run(["ldd", "/bin/sleep", "/bin/dd"], capture_output=True, text=True, check=True).stdout
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        libraries = re.findall(r"(?:=> |^\t)(/\S+)", listed, re.MULTILINE)
        for path in dict.fromkeys(["/bin/sleep", "/bin/dd", *libraries]):
            member = tar.gettarinfo(os.path.realpath(path), arcname=path)
            with Path(path).open("rb") as file:
                tar.addfile(member, file)
    return archive.getvalue()
