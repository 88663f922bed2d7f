"""``run --watch``: when a run begins, when it is cancelled, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from imgcompare.cli.watching import watch
from imgcompare.model import Report
from imgcompare.run.sources import State, look, sources_of
from tests.support.projects import Offline, Running
from tests.support.shop import Shop

A: State = {"a": (1,)}
B: State = {"a": (2,)}
C: State = {"a": (3,)}


@dataclass
class Film:
    """What is seen at each look, and what happens meanwhile; runs end after ``lasts`` pauses."""

    looks: list[State]
    lasts: int = 0
    told: list[str] = field(default_factory=list)
    _left: int = 0

    def show(self) -> list[str]:
        """Watch until there is nothing more to be seen."""
        watch(lambda: self.look, self.start, self.pause, self.told.append)
        return self.told

    def look(self) -> State:
        """The next one."""
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def start(self) -> Film:
        """Begin a run."""
        self.told.append("run")
        self._left = self.lasts
        return self

    def is_running(self) -> bool:
        """Whether pauses are left."""
        return self._left > 0

    def cancel(self) -> None:
        """Tell it, if there is something to cancel."""
        if self._left:
            self.told.append("cancelled")
        self._left = 0

    def pause(self, seconds: float) -> bool:
        """No time goes by; it ends with the last look."""
        self.told.append(f"{seconds:g}")
        self._left = max(0, self._left - 1)
        return len(self.looks) > 1


WATCHING = "Watching for changes; Ctrl-C ends."
CHANGED = "Changed: a. Running again."


def test_it_runs_again_after_a_change() -> None:
    """It says that it waits once a run has ended, and runs anew when what changed has been still for 0.3 s."""
    told = Film([A, A, A, B, B, B, B]).show()
    assert told == ["run", WATCHING, "0.2", "0.2", CHANGED, "0.3", "run", WATCHING, "0.2"]


def test_a_change_during_a_run_cancels_it() -> None:
    """What it would tell is of what was."""
    assert Film([A, A, B, B, B, B], lasts=9).show() == ["run", "0.2", CHANGED, "cancelled", "0.3", "run", "0.2"]


def test_several_changes_are_one() -> None:
    """A checkout writes many files: the run begins after the last of them."""
    told = Film([A, B, C, A, C, C, C, C]).show()
    assert told[:7] == ["run", CHANGED, "0.3", "0.3", "0.3", "0.3", "run"]


def test_it_ends_while_a_run_is_on_or_while_it_waits() -> None:
    """Nothing more is begun."""
    assert Film([A], lasts=9).show() == ["run", "0.2"]
    assert Film([A, B], lasts=0).show() == ["run", CHANGED, "0.3"]


def test_each_run_is_a_whole_one(shop: Shop) -> None:
    """On an engine: what has changed is built anew, and each run's report is of what was there as it began."""
    config = shop.config()
    sources = sources_of([config], [], shop.folder / ".imgcompare")
    reports: list[Report] = []
    told: list[str] = []

    class Done:
        """A run that has ended when it is looked at."""

        def __init__(self) -> None:
            reports.append(shop.run(config).report)

        def is_running(self) -> bool:
            return False

        def cancel(self) -> None:
            pass

    def pause(_: float) -> bool:
        if (app := shop.folder / "app.py").read_text() != "print(1)\n":
            app.write_text("print(1)\n")
        return len(reports) < 2

    watch(lambda: lambda: look(sources), Done, pause, told.append)
    assert told == [WATCHING, "Changed: {}. Running again.".format(os.path.relpath(shop.folder / "app.py")), WATCHING]
    assert all(report.passed for report in reports)
    assert len({report.variants[0].source.context_digest for report in reports}) == 2


@pytest.fixture
def project(offline: Offline) -> Offline:
    """A project whose Dockerfile cannot be used."""
    (offline.folder / "Dockerfile").write_text("# nothing\n")
    (offline.folder / "imgcompare.toml").write_text('variants = ["Dockerfile"]\n')
    return offline


def watching(project: Offline, **environ: str) -> Running:
    """The command under way."""
    return Running(
        subprocess.Popen(
            [sys.executable, "-m", "imgcompare", "run", "--watch"],
            cwd=project.folder,
            env=project.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def test_mistakes_are_shown_and_watching_goes_on(project: Offline) -> None:
    """In a Dockerfile, in the settings, and an engine that is not there; Ctrl-C ends it, with the code of that."""
    running = watching(project)
    running.wait_for("has no instruction")
    running.wait_for("Watching for changes")
    (project.folder / "imgcompare.toml").write_text('variants = ["Dockerfile"]\nrouet = "/"\n')
    running.wait_for("Changed: imgcompare.toml. Running again")
    running.wait_for("unknown key 'rouet'.*")
    (project.folder / "imgcompare.toml").write_text('variants = ["Dockerfile"]\nroute = "/"\n')
    (project.folder / "Dockerfile").write_text("FROM scratch\n")
    running.wait_for("d.sock")
    running.send(signal.SIGINT)
    ended = running.end()
    assert (ended.code, ended.stdout) == (130, "")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_under_way_is_stopped(project: Offline, number: signal.Signals) -> None:
    """By a change, after which the next asks the engine again; by a signal, which ends both: nobody is left to wait."""
    (project.folder / "Dockerfile").write_text("FROM scratch\n")
    path = project.folder / "home" / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        running = watching(project, DOCKER_HOST=f"unix://{path}")
        first, _ = mute.accept()
        (project.folder / "Dockerfile").write_text("FROM scratch\nCMD x\n")
        second, _ = mute.accept()
        with first, second:
            assert "Stopping: removing what this run made" in running.stderr
            assert "interrupted" not in running.stderr  # by our own edit: that is no error
            running.send(number)
            ended = running.end()
            second.settimeout(10)
            while second.recv(1 << 16):  # until the run's own end of it is closed
                pass
    assert (ended.code, ended.stdout) == (128 + number, "")
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("Error: interrupted") == 1


def test_a_wrong_command_line_ends_it(project: Offline) -> None:
    """No change of a file mends that; and what is written once does not go with what runs again and again."""
    for arguments, said in (
        (["--comparison", "other"], "other"),
        (["-o", "r.html"], "does not go with --format, --json, -o"),
        (["--json"], "does not go with"),
        (["--open"], "does not go with"),
        (["--keep"], "does not go with"),
    ):
        done = project("run", "--watch", *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
