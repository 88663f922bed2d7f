"""The own engine on this machine, each test with a state folder, and so an engine, of its own."""

from __future__ import annotations

import http.client
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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from imgcompare.engine.own import bridge, daemon, processes
from imgcompare.engine.own.import_image import has_image, import_root
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection
from imgcompare.errors import NoEngineError


def _quiet(_text: str) -> None:
    pass


@pytest.fixture
def state(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The engine's folder under a fresh state folder, short enough for sockets; stopped and removed at the end.

    Comes after ``engine_url``, for that makes the machine one where engines run.
    """
    root = Path(tempfile.mkdtemp(prefix="imgc-", dir="/tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(root))
    yield root / "imgcompare/engine"
    daemon.stop(_quiet)
    shutil.rmtree(root)


def _socket() -> Path:
    return Path(urlsplit(daemon.status().endpoint).path)


def _ask(socket: Path, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = UnixHTTPConnection(socket, timeout=60)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def _tiny_root() -> Iterator[bytes]:
    """The tar of a root filesystem that holds ``sleep`` and the libraries it needs, taken from this machine."""
    listed = subprocess.run(["ldd", "/bin/sleep"], capture_output=True, text=True, check=True).stdout
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in ["/bin/sleep", *re.findall(r"(/\S+)", listed)]:
            member = tar.gettarinfo(os.path.realpath(path), arcname=path)
            with Path(path).open("rb") as file:
                tar.addfile(member, file)
    yield archive.getvalue()


def _firewall_of_others() -> list[str]:
    """The firewall's rules and chains but for those of the engine in this test."""
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return [
        line.partition(" [")[0]  # counters change by themselves
        for line in saved.splitlines()
        if not line.startswith("#") and daemon._place().name not in line
    ]


def _left(folder: Path) -> list[str]:
    """What of an engine in ``folder`` is still on the machine."""
    mounts = Path("/proc/self/mounts").read_text()
    lines = [" ".join(processes.command_line(int(p.name))) for p in Path("/proc").iterdir() if p.name.isdecimal()]
    found = [line for line in lines if str(folder) in line]
    found += [name for name in os.listdir("/sys/class/net") if name == daemon._place().name]  # noqa: PTH208
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    found += [line for line in rules.splitlines() if daemon._place().name in line]
    return found + [line for line in mounts.splitlines() if str(folder) in line]


def test_it_starts_once_serves_its_owner_alone_and_leaves_nothing(state: Path, engine_url: str) -> None:
    """A second start finds the first; the socket is closed to others; stopping leaves the machine, and the engine that
    was there before, as they were.
    """
    other = Path(urlsplit(engine_url).path)
    before = json.loads(_ask(other, "GET", "/info")[1])["ID"]
    rules = _firewall_of_others()
    first = daemon.start(_quiet)
    second = daemon.start(_quiet)
    assert first.running
    assert first.version
    assert first.pid == second.pid
    assert first.pid in processes.find("dockerd", "--data-root", str(state / "data"))
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "docker.sock").stat().st_mode & 0o777 == 0o600
    assert (state / "docker.sock").stat().st_uid == os.getuid()
    assert bridge.exists(daemon._place().name)
    assert _firewall_of_others() == rules
    daemon.set_preferred(True)
    assert daemon.stop(_quiet) is True
    assert daemon.stop(_quiet) is False
    assert not daemon.status().running
    assert not daemon.status().preferred
    assert _left(state) == []
    assert json.loads(_ask(other, "GET", "/info")[1])["ID"] == before


def test_two_starts_at_once_end_with_one_engine(state: Path) -> None:
    """Two runs that begin together share the engine that one of them started."""
    code = "from imgcompare.engine.own import daemon; print(daemon.start(lambda text: None).pid)"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert pids == {str(pid) for pid in processes.find("dockerd", "--data-root", str(state / "data"))}
    assert len(pids) == 1


def test_a_killed_engine_starts_again_beside_what_it_left(state: Path) -> None:
    """A pid file naming a stranger, a dead socket and a containerd still running are normal; the stranger lives on."""
    killed = daemon.start(_quiet).pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    _until(lambda: not processes.command_line(killed))
    assert processes.find("containerd", "--config", str(state / "containerd.toml"))
    assert (state / "docker.sock").exists()
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        (state / "pid").write_text(str(stranger.pid))
        assert not daemon.status().running
        again = daemon.start(_quiet)
        assert again.running
        assert again.pid not in (killed, stranger.pid)
        assert len(processes.find("containerd", "--config", str(state / "containerd.toml"))) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_stopping_after_a_kill_ends_its_containers_too(state: Path) -> None:
    """Containers outlive a killed dockerd; stopping finds them, and their mounts, by what they were started with."""
    pid = daemon.start(_quiet).pid
    assert pid is not None
    import_root(_socket(), "tiny:1", _tiny_root(), ['CMD ["/bin/sleep","4242"]'])
    container = json.loads(_ask(_socket(), "POST", "/containers/create?name=tiny", {"Image": "tiny:1"})[1])["Id"]
    assert _ask(_socket(), "POST", f"/containers/{container}/start")[0] == http.client.NO_CONTENT
    shim = processes.find("containerd-shim-runc-v2", "-id", container)
    assert [processes.command_line(child) for child in processes.children(shim[0])] == [("/bin/sleep", "4242")]
    os.kill(pid, signal.SIGKILL)
    _until(lambda: not processes.command_line(pid))
    assert daemon.stop(_quiet) is True
    assert processes.find("containerd-shim-runc-v2", "-id", container) == []
    assert processes.find("sleep", "4242") == []
    assert _left(state) == []


def test_an_import_that_breaks_off_tags_nothing(state: Path) -> None:
    """When the root filesystem's maker fails in its middle, no half image is left under the name."""
    daemon.start(_quiet)

    def broken() -> Iterator[bytes]:
        (whole,) = _tiny_root()
        yield whole[: len(whole) // 2]
        raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        import_root(_socket(), "half:1", broken(), [])
    assert not has_image(_socket(), "half:1")
    assert json.loads(_ask(_socket(), "GET", "/images/json?all=1")[1]) == []


def test_an_engine_that_cannot_start_shows_the_end_of_its_log(state: Path) -> None:
    """What dockerd itself says is the first thing needed to mend it; no process of the attempt stays."""
    state.mkdir(parents=True)
    (state / "data").write_text("in the way")
    with pytest.raises(NoEngineError, match="did not start") as caught:
        daemon.start(_quiet)
    assert "not a directory" in caught.value.message
    assert str(state / "log") in str(caught.value.hint)
    assert processes.find("dockerd", "--data-root", str(state / "data")) == []


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)
