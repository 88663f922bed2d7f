"""A project with an app that is not the sample, the command line in it, and a proxy that holds an engine's requests."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import RUN_LABEL
from tests.support import forked, homes
from tests.support.impostors import is_whole

if TYPE_CHECKING:
    from tests.conftest import Imgcompare

BASE = "python:3.11-slim"
_APP = Path(__file__).with_name("behaving_app.py")
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Result:
    """How a command ended and what it wrote; ``report`` is the JSON on stdout, empty when there is none."""

    code: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    def variant(self, name: str) -> dict[str, Any]:
        """The variant of that name in the report."""
        (found,) = (variant for variant in self.report["variants"] if variant["name"] == name)
        return dict(found)


class Running:
    """A command under way, whose stderr can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def stderr(self) -> str:
        """What it has written so far."""
        with self._news:
            return "".join(self._lines)

    def wait_for(self, pattern: str) -> None:
        """Wait until a line of stderr matches."""
        with self._news:
            found = self._news.wait_for(
                lambda: any(re.search(pattern, line) for line in self._lines) or not self._reader.is_alive(),
                _PATIENCE_S,
            )
            text = "".join(self._lines)
            assert found, f"{pattern!r} did not come in {_PATIENCE_S:g} s:\n{text}"
            assert re.search(pattern, text, re.MULTILINE), f"it ended without {pattern!r}:\n{text}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command's own process."""
        self.process.send_signal(number)

    def end(self) -> Result:
        """Wait until it ends."""
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            stdout = stream.read()
        code = self.process.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)
        return checked(code, stdout, "".join(self._lines))

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()


class Project:
    """A folder with the app in it, and the command line there; every run is held against what all runs must keep."""

    def __init__(self, command: Imgcompare, cache: Path) -> None:
        self._command = command
        self.folder = command.project
        command.environ["XDG_CACHE_HOME"] = str(cache)
        self.environ = command.environ
        self._started: list[Running] = []
        shutil.copy(_APP, self.folder / "app.py")

    def __call__(self, *arguments: str, **environ: str) -> Result:
        """Run a command to its end."""
        done = self._command(*arguments, timeout_s=280, **environ)
        return checked(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environ: str) -> Running:
        """Start a command and leave it running."""
        self._started.append(Running(self._command.start(*arguments, **environ)))
        return self._started[-1]

    def end(self) -> None:
        """End what a failed test left running."""
        for running in self._started:
            if running.process.poll() is None:
                running.send(signal.SIGKILL)
                running.end()

    def write(self, files: dict[str, str]) -> None:
        """Write files of the project."""
        self._command.write(files)

    def stages(self, *behaviours: str) -> list[str]:
        """Write a Dockerfile with a stage for each way to behave; returns the arguments that name them all."""
        text = f"FROM {BASE} AS base\nCOPY app.py /\nEXPOSE 8000\nSTOPSIGNAL SIGKILL\n"
        text += "".join(f'FROM base AS {name}\nCMD ["python", "-u", "/app.py", "{name}"]\n' for name in behaviours)
        self.write({"Dockerfile": text})
        return [f"Dockerfile:{name}" for name in behaviours]

    def saved(self) -> list[dict[str, Any]]:
        """The saved reports, oldest first; each is whole."""
        return [json.loads(path.read_bytes()) for path in sorted((self.folder / ".imgcompare/runs").glob("*"))]

    def ledgers(self) -> list[Path]:
        """The records of runs that left something."""
        return sorted(Path(self.environ["HOME"]).glob(".local/state/imgcompare/runs/*"))

    def containers(self, client: docker.DockerClient) -> set[str]:
        """The names of all containers that carry our label, but for those of other projects' runs."""
        found = ours(client)  # before the ledgers: a run's is there longer than its containers
        others = homes.runs_of_others(Path(self.environ["HOME"]))
        return {name for name, run_id in found.items() if run_id not in others}


def checked(code: int, stdout: str, stderr: str) -> Result:
    """No run shows a traceback, none dies of an unknown error, and stdout holds a whole report or nothing."""
    assert "Traceback" not in stderr, stderr
    assert code in {0, 1, 2, 3, 4, 130, 143, -signal.SIGKILL}, stderr
    assert code in {0, 1, -signal.SIGKILL} or re.search(r"^(Error|Usage|Left at once)", stderr, re.MULTILINE), stderr
    report = json.loads(stdout) if stdout.startswith("{") else {}
    if not report and code != 0 and "imgcompare" not in stdout:
        assert stdout == ""
    return Result(code, stdout, stderr, report)


@pytest.fixture(scope="session")
def client(engine_url: str) -> Iterator[docker.DockerClient]:
    """The Docker SDK on the same engine: the second opinion of the tests."""
    with closing(docker.DockerClient(engine_url, timeout=120)) as client:
        yield client


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all projects, so that the base's layers are exported once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(imgcompare: Imgcompare, cache: Path, client: docker.DockerClient) -> Iterator[Project]:
    """A project in an empty folder; after the test no container is on the engine that was not there before."""
    project = Project(imgcompare, cache)
    before = project.containers(client)
    yield project
    project.end()
    assert_gone(lambda: project.containers(client) - before)


@pytest.fixture(scope="module")
def lasting_project(
    imgcompare_in: Callable[[Path], Imgcompare],
    tmp_path_factory: pytest.TempPathFactory,
    cache: Path,
    client: docker.DockerClient,
) -> Iterator[Project]:
    """The same for a whole module, whose tests look at one run."""
    project = Project(imgcompare_in(tmp_path_factory.mktemp("project")), cache)
    before = project.containers(client)
    yield project
    project.end()
    assert_gone(lambda: project.containers(client) - before)
    project("clean")


class Offline:
    """The command line where no engine answers, in a folder in which images can be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "DOCKER_HOST": "unix:///nowhere/d.sock",
            "PYTHONWARNINGS": "error",
        }

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run to the end, output captured."""
        return forked.run(arguments, self.folder, self.environ | environ, timeout_s=120)

    def save(self, file: str, images: dict[str, list[dict[str, bytes]]], **settings: object) -> Path:
        """Write what ``docker save`` would, of images by name, each a list of layers, each files by path."""
        blobs: dict[str, bytes] = {}
        saved = []
        for name, contents in images.items():
            layers = [tar_of(content) for content in contents]
            config = {
                "os": "linux",
                "architecture": "amd64",
                "config": settings,
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(x).hexdigest()}" for x in layers]},
                "history": [{"created_by": f"COPY {next(iter(content), 'nothing')} /"} for content in contents],
            }
            document = json.dumps(config).encode()
            paths = [f"blobs/sha256/{sha256(blob).hexdigest()}" for blob in (document, *layers)]
            blobs |= zip(paths, (document, *layers), strict=True)
            saved.append({"Config": paths[0], "RepoTags": [name], "Layers": paths[1:]})
        path = self.folder / file
        path.write_bytes(tar_of(blobs | {"manifest.json": json.dumps(saved).encode()}))
        return path


def tar_of(files: dict[str, bytes]) -> bytes:
    """A tar of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def offline(tmp_path: Path) -> Offline:
    """The command line without an engine."""
    return Offline(tmp_path)


def ours(client: docker.DockerClient) -> dict[str, str]:
    """All containers that carry our label: name → run id."""
    found = client.api.containers(all=True, filters={"label": RUN_LABEL})
    return {str(name).lstrip("/"): container["Labels"][RUN_LABEL] for container in found for name in container["Names"]}


def assert_gone(left: Callable[[], Iterable[str]]) -> None:
    """What others have on the engine is there for a while; what stays is a leak."""
    deadline = time.monotonic() + 150
    found = set(left())
    while found:
        assert time.monotonic() < deadline, f"left on the engine: {found}"
        time.sleep(0.1)
        found &= set(left())


class Proxy:
    """A socket in front of the engine's that holds the first request that matches until it is let go."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self._upstream = upstream.removeprefix("unix://")
        self._pattern: re.Pattern[bytes] | None = None
        self._altered = b"", b""
        self._held = threading.Event()
        self._go = threading.Event()
        path = folder / "proxy.sock"
        self.url = f"unix://{path}"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, request: str) -> None:
        """Hold the next request whose line matches ``METHOD PATH``, the path without its version."""
        method, _, path = request.partition(" ")
        self._pattern = re.compile(rb"%b (?:/v[0-9.]+)?%b" % (method.encode(), path.encode()))

    def alter(self, old: bytes, new: bytes) -> None:
        """Replace bytes in the engine's answers by as many others."""
        assert len(old) == len(new)
        self._altered = old, new

    def wait(self, running: Running) -> None:
        """Wait until the request is held."""
        while not self._held.wait(0.1):
            assert running.process.poll() is None, f"it ended without that request:\n{running.stderr}"

    def let_go(self) -> None:
        """Pass the held request on to the engine, even if nobody waits for its answer any more."""
        self._go.set()

    def close(self) -> None:
        """Let go and accept no more."""
        self._go.set()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._server.accept()[0]
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._upstream)
                threading.Thread(target=self._pass, args=(client, engine, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(engine, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if requests and self._pattern and self._pattern.match(data) and not self._held.is_set():
                    while not is_whole(data) and (more := source.recv(1 << 16)):  # its body comes on its own
                        data += more
                    self._held.set()
                    self._go.wait()
                target.sendall(data if requests or not self._altered[0] else data.replace(*self._altered))
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        if not requests:
            source.close()
            target.close()


@pytest.fixture
def proxy(engine_url: str) -> Iterator[Proxy]:
    """A proxy in front of the engine, at a path short enough for a socket."""
    if not engine_url.startswith("unix://"):
        pytest.fail(f"these tests need the engine on a Unix socket, not at {engine_url}")
    folder = Path(tempfile.mkdtemp(prefix="imgc-", dir="/tmp"))
    proxy = Proxy(folder, engine_url)
    yield proxy
    proxy.close()
    shutil.rmtree(folder)
