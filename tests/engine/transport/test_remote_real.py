"""Engines on another machine: over ssh everything is as here, over TCP ports are published only where it was asked for.

The other machine is one for whoever looks: mounts, network and processes of its own, and an SSH server.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Imgcompare
from tests.support.programs import installed

if TYPE_CHECKING:
    from tests.support.engines import OtherEngine

pytestmark = [
    pytest.mark.timeout(900),  # the first of these tests may have a root filesystem to make
    pytest.mark.parametrize("other_engine", ["docker 26"], indirect=True),
]

PORT = 8000
WORKS = f"""\
FROM scratch
COPY busybox /bin/busybox
COPY index.html /www/index.html
EXPOSE {PORT}
CMD ["/bin/busybox", "httpd", "-f", "-p", "{PORT}", "-h", "/www"]
"""
LISTENS_NOT = f'{WORKS}CMD ["/bin/busybox", "sleep", "600"]\n'
_HOST = "ssh://root@Builder/mnt/socket"
_SSHD = """\
HostKey /mnt/host_key
AuthorizedKeysFile /mnt/authorized_keys
StrictModes no
UsePAM no
"""
_RELAY = """
import socket, sys, threading
def pump(here, there):
    while data := here.recv(1 << 16):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
def serve(client):
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(sys.argv[1])
    for pair in (client, engine), (engine, client):
        threading.Thread(target=pump, args=pair, daemon=True).start()
listener = socket.create_server(("", 2375))
print("ready", flush=True)
while True:
    serve(listener.accept()[0])
"""


class Here(Imgcompare):
    """This machine's side: a project, and the command line with an ``ssh`` that knows the way and a key."""

    def __init__(self, project: Path, environ: dict[str, str]) -> None:
        super().__init__(_HOST, project)
        self.environ |= environ

    @property
    def left(self) -> list[str]:
        """What the command left in the folder for temporary files."""
        return sorted(path.name for path in Path(self.environ["TMPDIR"]).iterdir())


@pytest.fixture
def here(other_engine: OtherEngine, tmp_path: Path, busybox: bytes) -> Iterator[Here]:
    """A project with two Dockerfiles, and keys for the other machine, whose sshd is started for each connection."""
    ssh = installed("ssh", "openssh-client")
    for key in (other_engine.folder / "host_key", tmp_path / "key"):
        if not key.exists():
            generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(generate, check=True, stdin=subprocess.DEVNULL)
    (other_engine.folder / "sshd_config").write_text(_SSHD)
    (other_engine.folder / "authorized_keys").write_text((tmp_path / "key.pub").read_text())
    subprocess.run(other_engine.on_it("busybox", "mkdir", "-p", "/run/sshd"), check=True)
    server = other_engine.on_it("/usr/sbin/sshd", "-i", "-f", "/mnt/sshd_config")
    (tmp_path / "ssh_config").write_text(
        f"Host Builder\n ProxyCommand {shlex.join(server)} 2>/dev/null\n IdentityFile {tmp_path}/key\n"
        f"Host *\n StrictHostKeyChecking accept-new\n UserKnownHostsFile {tmp_path}/known_hosts\n IdentitiesOnly yes\n"
    )
    for folder in ("bin", "home", "project"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin/ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {tmp_path}/ssh_config "$@"\n')
    (tmp_path / "bin/ssh").chmod(0o755)
    project = tmp_path / "project"
    (project / "busybox").write_bytes(busybox)
    (project / "busybox").chmod(0o755)
    (project / "index.html").write_text("Hello!\n")
    (project / "works").write_text(WORKS)
    (project / "listens-not").write_text(LISTENS_NOT)
    with tempfile.TemporaryDirectory(prefix="imgcompare-test-") as temporary:  # short: sockets go there
        yield Here(project, _environ(tmp_path, temporary))


def _environ(tmp_path: Path, temporary: str) -> dict[str, str]:
    return {
        "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": temporary,
    }


def containers(other_engine: OtherEngine) -> list[Any]:
    """The containers on the other machine's engine."""
    command = ["docker", "--host", other_engine.url, "ps", "--all", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_over_ssh_everything_is_as_here(here: Here, other_engine: OtherEngine) -> None:
    """Built, run, checked on the other machine's loopback, measured; and nothing stays, here or there."""
    options = ("--hardened", "--stop", "--after-change", "--timeout", "3", "--rm-images")
    done = here("run", "works", "listens-not", *options, "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["engine"]["endpoint"] == "ssh://root@Builder/mnt/socket"
    works, listens_not = report["variants"]
    assert (works["verdict"], works["check"]["status_code"]) == ("works", 200)
    assert works["check"]["url"] == f"http://127.0.0.1:{works['run']['host_port']}/"
    assert works["check"]["body_excerpt"] == "Hello!"
    assert (works["hardened"]["works"], works["not_measured"]) == (True, [])
    assert works["run"]["killed"] is True
    assert works["image"]["wasted_bytes"] == 0
    assert (listens_not["verdict"], listens_not["failure"]["code"]) == ("broken", "never-listens")
    assert containers(other_engine) == []
    assert here.left == []


def test_what_looks_at_engines_and_images_goes_by_ssh_too(here: Here) -> None:
    """doctor, engine status and inspect; a docker context leads there as well."""
    assert here("run", "works", "--quiet").returncode == 0
    (reference,) = {
        variant["image"]["reference"] for variant in json.loads(here("report", "--json").stdout)["variants"]
    }
    inspected = here("inspect", reference, "--json")
    assert json.loads(inspected.stdout)["layer_count"] == 2, inspected.stderr
    assert "✓ engine" in here("doctor").stdout
    digest = hashlib.sha256(b"builder").hexdigest()
    context = here.project.parent / f"home/.docker/contexts/meta/{digest}/meta.json"
    context.parent.mkdir(parents=True)
    endpoint = {"docker": {"Host": here.environ["DOCKER_HOST"]}}
    context.write_text(json.dumps({"Name": "builder", "Endpoints": endpoint}))
    status = json.loads(here("engine", "status", "--json", DOCKER_HOST="", DOCKER_CONTEXT="builder").stdout)
    assert status["endpoint"] == here.environ["DOCKER_HOST"]
    assert here("clean").returncode == 0
    assert here.left == []


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://root@Builder/mnt/none", "ssh does not reach its socket there: connect failed"),
        ("ssh://nobody@Builder/mnt/socket", "Permission denied"),
        ("ssh://root@nowhere.invalid", "Could not resolve hostname nowhere.invalid"),
    ],
)
def test_no_way_to_an_engine_is_said_as_ssh_says_it(here: Here, host: str, words: str) -> None:
    """Exit 3 before anything is built, no question, nothing left."""
    done = here("run", "works", DOCKER_HOST=host)
    assert done.returncode == 3, done.stderr
    assert words in done.stderr
    assert host in done.stderr
    assert here.left == []


def test_without_ssh_there_is_no_way(here: Here) -> None:
    """The client that is missing is named."""
    done = here("run", "works", PATH=str(here.project))
    assert done.returncode == 3
    assert "ssh cannot be started: No such file or directory" in done.stderr


@pytest.mark.parametrize(("number", "left"), [(signal.SIGINT, False), (signal.SIGKILL, True)])
def test_an_end_of_ours_is_an_end_of_the_connection(
    here: Here, other_engine: OtherEngine, number: signal.Signals, left: bool
) -> None:
    """^C removes the container by ssh before it hangs up; even a killed run leaves no ssh behind."""
    with here.start("run", "listens-not", "--timeout", "60") as process:
        assert process.stderr is not None
        assert any("waiting for / on port" in line for line in process.stderr)
        (folder,) = here.left
        before = ssh_of(folder)
        process.send_signal(number)
        process.communicate()
    assert before
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    deadline = time.monotonic() + 10
    while (ours := ssh_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ours == []
    assert bool(containers(other_engine)) is left
    if left:  # the next run proves it dead and removes what it left
        assert here("run", "works", "--quiet").returncode == 0
        assert containers(other_engine) == []


def ssh_of(folder: str) -> list[str]:
    """The process ids of the ssh whose sockets are in that folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if f"/{folder}/control" in (process / "cmdline").read_text(errors="replace"):
                found.append(process.name)
    return found


@contextmanager
def engine_by_tcp(other_engine: OtherEngine) -> Iterator[str]:
    """The engine at an address of its machine that is not its loopback."""
    subprocess.run(other_engine.inside("ip", "address", "replace", "192.0.2.1/32", "dev", "lo"), check=True)
    socket = other_engine.url.removeprefix("unix://")
    with subprocess.Popen(
        other_engine.inside(sys.executable, "-c", _RELAY, socket), stdout=subprocess.PIPE, text=True
    ) as relay:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
        try:
            yield "tcp://192.0.2.1:2375"
        finally:
            relay.kill()


def test_by_tcp_ports_are_published_only_where_it_was_asked_for(here: Here, other_engine: OtherEngine) -> None:
    """On the engine's loopback nobody reaches them, so that is refused; asked for, they are at the engine's host."""
    with engine_by_tcp(other_engine) as url:
        environ = {**here.environ, "DOCKER_HOST": url}
        run = [sys.executable, "-m", "imgcompare", "run", "works", "--rm-images", "--json"]
        command = other_engine.inside("env", *(f"{name}={value}" for name, value in environ.items()), *run)
        refused = subprocess.run(command, cwd=here.project, capture_output=True, text=True, check=False)
        assert refused.returncode == 3
        assert "--publish-address 0.0.0.0" in refused.stderr
        command += ["--publish-address", "0.0.0.0"]
        done = subprocess.run(command, cwd=here.project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (works,) = json.loads(done.stdout)["variants"]
    assert works["check"]["url"] == f"http://192.0.2.1:{works['run']['host_port']}/"
    assert containers(other_engine) == []
