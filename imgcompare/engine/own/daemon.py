"""imgcompare's own engine: a dockerd beside any other, with data, socket and network bridge of its own.

Everything lives under the user's state folder (``$XDG_STATE_HOME/imgcompare/engine``), so another state folder is
another engine. Its containerd is its own too: dockerd would otherwise use the machine's, or wait for a dead one.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import platformdirs
from msgspec import Struct

from imgcompare.engine.own import bridge, cgroups, processes, wheels
from imgcompare.engine.own.host import as_root, find_program, install_programs, programs_missing, run_as_root
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection
from imgcompare.errors import NoEngineError
from imgcompare.text.printable import printable, printable_lines

__all__ = ["PrivateStatus", "install_programs", "programs_missing", "set_preferred", "start", "status", "stop"]

_PING_TIMEOUT_S = 2.0
_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 20.0  # dockerd gives its containers 15 s
_BIRTH_S = 1.0
_POLL_S = 0.05
_SOCKET_PATH_LIMIT = 107  # bytes of sun_path without its final NUL, unix(7)
_NEEDED = ("dockerd", "containerd", "runc", "iptables", "ip")

# For each container the engine's programs are started a dozen times, dockerd itself twice: fewer garbage collections
# are a tenth less processor time for it. https://pkg.go.dev/runtime/debug#SetGCPercent
_GO_ENVIRONMENT = "GOGC=400"

Say = Callable[[str], None]


class PrivateStatus(Struct, frozen=True, kw_only=True):
    """The own engine's state now: ``endpoint`` is its URL whether it runs or not, ``log`` the path of its log."""

    running: bool
    endpoint: str
    preferred: bool
    log: str
    version: str | None = None

    @property
    def pid(self) -> int | None:
        """Its process, looked for among all there are: none of those who only want to use it waits for that."""
        return next(iter(_Place(Path(self.log).parent).dockerd()), None)


class _Place(Struct, frozen=True):
    """Where the engine keeps its things, and what its processes are recognised by."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        return self.folder / "exec/containerd.sock"

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    @property
    def preferred(self) -> Path:
        return self.folder / "preferred"

    @property
    def name(self) -> str:
        """A name for what must be unique on the machine; as a network device's it may have 15 characters."""
        return f"imgc-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:8]}"

    def dockerd(self) -> list[int]:
        return processes.find("dockerd", "--data-root", str(self.folder / "data"))

    def containerd(self) -> list[int]:
        return processes.find("containerd", "--config", str(self.folder / "containerd.toml"))

    def shims(self) -> list[int]:
        return processes.find("containerd-shim-runc-v2", "-namespace", self.name)


def _place() -> _Place:
    return _Place(platformdirs.user_state_path("imgcompare").absolute() / "engine")


def status() -> PrivateStatus:
    """Return the own engine's state; nothing is created or changed."""
    place = _place()
    version = _version(place)
    return PrivateStatus(
        running=version is not None,
        endpoint=f"unix://{place.socket}",
        preferred=place.preferred.exists(),
        log=str(place.log),
        version=version,
    )


def set_preferred(preferred: bool) -> None:
    """Have this engine used before the well-known sockets, or no longer; a flag or variable still goes first."""
    place = _place()
    if preferred:
        _make_folder(place)
        place.preferred.touch()
    else:
        place.preferred.unlink(missing_ok=True)


def start(say: Say) -> PrivateStatus:
    """Start the own engine unless it runs, and return once it answers. Raises NoEngineError with its last log lines."""
    place = _place()
    _check_paths(place)
    if missing := [name for name in _NEEDED if find_program(name) is None]:
        raise NoEngineError(
            f"imgcompare's own engine cannot start: {', '.join(missing)} not installed",
            hint="`imgcompare setup` installs what is missing.",
        )
    _make_folder(place)
    with _locked(place, say):
        if _version(place) is None:
            say("Starting imgcompare's own engine.")
            _clear(place)
            cgroups.ensure()
            bridge.ensure(place.name)
            _start_containerd(place)
            _start_dockerd(place)
        if place.wheels.is_dir():
            wheels.serve(place.name, place.wheels)
    return status()


def fresh_folder(name: str) -> Path:
    """Make an empty folder beside the engine's data, for what is to be put in its place once it is whole."""
    place = _place()
    _make_folder(place)
    return Path(mkdtemp(prefix=f"{name}-", dir=place.folder))


def offer_wheels(fresh: Path, say: Say) -> dict[str, str]:
    """Offer the wheels in a folder to builds, in the place of any before; return what pip has to be told."""
    place = _place()
    with _locked(place, say):
        wheels.stop(place.wheels)
        shutil.rmtree(place.wheels, ignore_errors=True)
        fresh.rename(place.wheels)
        wheels.serve(place.name, place.wheels)
    return wheels.variables(place.name)


def stop(say: Say) -> bool:
    """Stop the own engine with its containers and remove its bridge, socket and preference; False if none was running.

    Its images stay. Raises NoEngineError when a process cannot be ended.
    """
    place = _place()
    if not place.folder.exists():
        return False
    with _locked(place, say):
        alive = bool(place.dockerd() or place.containerd() or place.shims())
        if alive:
            say("Stopping imgcompare's own engine.")
        _clear(place)
        if bridge.exists(place.name):
            bridge.remove(place.name)
        place.preferred.unlink(missing_ok=True)
    return alive


def _make_folder(place: _Place) -> None:
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        place.folder.chmod(0o700)
    except OSError as exc:
        raise NoEngineError(
            f"the folder of imgcompare's own engine, {place.folder}, cannot be made: {exc.strerror}",
            hint="Set XDG_STATE_HOME to a folder that can be written.",
        ) from exc


def _check_paths(place: _Place) -> None:
    for path in (place.socket, place.containerd_socket):
        length = len(os.fsencode(path)) + len(".ttrpc")  # containerd adds this for its second socket
        if length > _SOCKET_PATH_LIMIT:
            raise NoEngineError(
                f"the own engine's socket path is too long: {length} bytes, at most {_SOCKET_PATH_LIMIT} work: {path}",
                hint="Set XDG_STATE_HOME to a folder with a shorter path.",
            )


@contextmanager
def _locked(place: _Place, say: Say) -> Iterator[None]:
    """Hold the engine's lock; it ends with the process, so a killed one leaves nothing behind."""
    with (place.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another imgcompare is starting or stopping the engine; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _version(place: _Place) -> str | None:
    """The version of the engine that answers on our socket, None when none does."""
    connection = UnixHTTPConnection(place.socket, timeout=_PING_TIMEOUT_S)
    try:
        connection.request("GET", "/version", headers={"Connection": "close"})
        reply = connection.getresponse()
        body = json.loads(reply.read(1 << 20)) if reply.status == http.client.OK else {}
        return printable(str(body["Version"]), limit=80) if "Version" in body else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _clear(place: _Place) -> None:
    """End what is left of an earlier engine, its containers included; unmount, and remove its socket and pid files.

    After a SIGKILL of dockerd, containerd, its shims and the containers live on, and the pid file may name a stranger.
    """
    if not wheels.stop(place.wheels):
        raise NoEngineError("what serves the wheels of imgcompare's own engine does not end")
    if not processes.terminate(place.dockerd, grace_s=_STOP_GRACE_S):
        raise NoEngineError(f"dockerd, process {place.dockerd()}, does not end", hint=f"Its log: {place.log}")
    for shim in place.shims():
        for container in processes.children(shim):
            processes.send(container, signal.SIGKILL)
    if not (
        processes.terminate(place.shims, grace_s=2.0) and processes.terminate(place.containerd, grace_s=_STOP_GRACE_S)
    ):
        raise NoEngineError("containerd, or a container, of imgcompare's own engine does not end")
    if mounts := mount_points(Path("/proc/self/mounts").read_bytes(), place.folder):
        run_as_root(["umount", *map(str, mounts)], "unmounting what a killed engine left")
    stale = [path for path in (place.socket, place.pid_file, place.containerd_socket) if path.exists()]
    if stale:
        run_as_root(["rm", "-f", *map(str, stale)], "removing the sockets of an earlier engine")


def mount_points(mounts: bytes, folder: Path) -> list[Path]:
    """Return the mount points below ``folder`` in the text of /proc/self/mounts (proc(5)), the last mounted first."""
    paths = [
        # White space and backslashes in a path are written as three octal digits.
        Path(os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), line.split()[1])))
        for line in mounts.splitlines()
    ]
    return [path for path in reversed(paths) if path.is_relative_to(folder)]


def _start_containerd(place: _Place) -> None:
    """Start containerd with nothing of the machine's configuration, and wait until its socket is there."""
    root, state = place.folder / "data/containerd", place.folder / "exec/containerd"
    state.parent.mkdir(exist_ok=True)  # containerd's would be closed to a user who reaches root through sudo
    # https://github.com/containerd/containerd/blob/main/docs/man/containerd-config.toml.5.md
    config = (
        "version = 2\n"
        f"root = {json.dumps(str(root))}\n"
        f"state = {json.dumps(str(state))}\n"
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f"[grpc]\naddress = {json.dumps(str(place.containerd_socket))}\n"
        f'[plugins."io.containerd.internal.v1.opt"]\npath = {json.dumps(str(root / "opt"))}\n'
    )
    (place.folder / "containerd.toml").write_text(config, encoding="utf-8")
    _launch(place, ["containerd", "--config", str(place.folder / "containerd.toml")], fresh_log=True)
    _wait(place, "containerd", place.containerd, place.containerd_socket.exists)


def _start_dockerd(place: _Place) -> None:
    # Its own file: the machine's /etc/docker/daemon.json may name the folders and sockets of the other engine.
    (place.folder / "daemon.json").write_text("{}\n", encoding="utf-8")
    arguments = {
        "--data-root": place.folder / "data",
        "--exec-root": place.folder / "exec",
        "--pidfile": place.pid_file,
        "--config-file": place.folder / "daemon.json",
        "--host": f"unix://{place.socket}",
        "--group": os.getgid(),
        "--containerd": place.containerd_socket,
        "--containerd-namespace": place.name,
        "--containerd-plugins-namespace": f"{place.name}-plugins",
        "--bridge": place.name,
    }
    # The firewall is bridge.py's: dockerd would rewrite the chains of every other Docker engine on the machine.
    own_firewall = ("--iptables=false", "--ip6tables=false")
    _launch(place, ["dockerd", *own_firewall, *(str(part) for pair in arguments.items() for part in pair)])
    _wait(place, "dockerd", place.dockerd, lambda: _version(place) is not None)
    if os.getuid():
        run_as_root(["chown", f"{os.getuid()}:{os.getgid()}", str(place.socket)], "giving you the engine's socket")
    place.socket.chmod(0o600)


def _launch(place: _Place, argv: list[str], *, fresh_log: bool = False) -> None:
    """Start a program in a session of its own, so that neither Ctrl-C nor the terminal's end reaches it."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if fresh_log else os.O_APPEND)
    log = os.open(place.log, flags, 0o600)
    try:
        command = as_root(["setsid", "--fork", "env", _GO_ENVIRONMENT, *argv])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    finally:
        os.close(log)
    if done.returncode:
        raise _not_started(place, argv[0], f"exit code {done.returncode}")


def _wait(place: _Place, program: str, alive: Callable[[], list[int]], ready: Callable[[], bool]) -> None:
    started = time.monotonic()
    while not ready():
        waited = time.monotonic() - started
        # In its first moments the process still carries the name of what starts it.
        if waited > _BIRTH_S and not alive():
            raise _not_started(place, program, "it ended at once")
        if waited > _START_TIMEOUT_S:
            _clear(place)
            raise _not_started(place, program, f"no answer within {_START_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)


def _not_started(place: _Place, program: str, reason: str) -> NoEngineError:
    lines = printable_lines(place.log.read_text(encoding="utf-8", errors="replace")[-4000:], limit=300)
    return NoEngineError(
        "\n  ".join([f"imgcompare's own engine did not start: {program}: {reason}. The end of its log:", *lines[-6:]]),
        hint=f"The whole log: {place.log}. Another engine can be named with --host URL or DOCKER_HOST.",
    )
