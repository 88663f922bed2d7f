"""An engine on another machine, over ssh: its socket, and ports of its loopback, as Unix sockets of this machine.

One connection of the user's own ssh(1) carries everything, so that their configuration, keys, agent and known hosts
count, and nothing but an SSH server is needed on the other side. Sockets are forwarded as of OpenSSH 6.7
(https://www.openssh.com/txt/release-6.7).
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from imgcompare.errors import EngineError, NoEngineError
from imgcompare.text.printable import printable

DEFAULT_SOCKET = "/var/run/docker.sock"

_CONNECT_TIMEOUT_S = 10
_READY_TIMEOUT_S = 30.0
_FORWARD_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 5.0
_POLL_S = 0.02
_LONGEST_FOLDER = 55
# A question cannot be answered below a live display; what the user's configuration would add is not wanted here.
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(_CONNECT_TIMEOUT_S),
    "ControlMaster": "yes",
    "ControlPersist": "no",
    "ExitOnForwardFailure": "yes",
    "LogLevel": "INFO",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "ServerAliveInterval": "15",
}


class Tunnel:
    """A connection to the machine of an ``ssh://[user@]host[:port][/socket]`` URL, until ``close``.

    ``engine`` is the path of a socket here that leads to the engine's. Raises NoEngineError when there is no way.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder = Path(tempfile.mkdtemp(prefix="imgcompare-", dir=_short_folder()))
        self._destination = [*(["-p", str(parts.port)] if parts.port else []), *_login(parts.username)]
        self._destination += ["--", _host(parts)]
        self._log = self._folder / "log"
        self._ports: dict[int, str] = {}
        self._lock = threading.Lock()
        self.engine = str(self._folder / "engine")
        try:
            self._process = self._start(f"{self.engine}:{parts.path or DEFAULT_SOCKET}")
            self._wait(url)
        except BaseException:
            self.close()
            raise

    def port(self, port: int) -> str:
        """Return the path of a socket here that leads to a port of that machine's loopback. Raises EngineError."""
        with self._lock:
            if port not in self._ports:
                path = str(self._folder / str(port))
                command = ["ssh", "-O", "forward", *self._control(), "-L", f"{path}:127.0.0.1:{port}"]
                try:
                    subprocess.run(
                        [*command, *self._destination],
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        timeout=_FORWARD_TIMEOUT_S,
                        check=True,
                    )
                except (subprocess.SubprocessError, OSError) as exc:
                    raise EngineError(
                        f"ssh does not forward port {port} of the engine's machine: {self.last_words() or exc}",
                        hint="The SSH server has to allow it: AllowTcpForwarding in its sshd_config.",
                    ) from exc
                self._ports[port] = path
            return self._ports[port]

    def last_words(self) -> str:
        """Return the last line that ssh wrote, "" where there is none."""
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((printable(line, limit=300).strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def close(self) -> None:
        """End the connection; nothing of it stays."""
        if process := getattr(self, "_process", None):
            process.stdin.close()
            try:
                process.wait(_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, forward: str) -> subprocess.Popen[bytes]:
        options = [f"-o{name}={value}" for name, value in _OPTIONS.items()]
        # `cat` ends when we do, however that is, and the connection with it; ^C is for us, not for ssh.
        command = ["ssh", *options, *self._control(), "-L", forward, *self._destination, "cat"]
        with self._log.open("wb") as log:
            try:
                return subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
                )
            except OSError as exc:
                raise NoEngineError(
                    f"ssh cannot be started: {exc.strerror}", hint="Install an SSH client (openssh-client)."
                ) from exc

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not _listens(self.engine):
            if self._process.poll() is not None or time.monotonic() > deadline:
                host = self._destination[-1]
                raise NoEngineError(
                    f"no way to {printable(url, limit=200)}: {self.last_words() or 'ssh does not get through'}",
                    hint=f"`ssh {printable(host, limit=100)} true` has to work without a question: see to the key, the "
                    "agent and the host's key.",
                )
            time.sleep(_POLL_S)

    def _control(self) -> list[str]:
        return ["-S", str(self._folder / "control")]


def _short_folder() -> str:
    """A folder for sockets, whose paths may have no more than about 100 bytes (unix(7))."""
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - mkdtemp follows


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _host(parts: SplitResult) -> str:
    """The host as it was written: urllib makes it lower case, which an alias of ssh_config(5) need not be."""
    name, place = parts.hostname or "", parts.netloc.rpartition("@")[2]
    at = place.lower().find(name)
    return place[at : at + len(name)]


def _login(user: str | None) -> list[str]:
    return ["-l", unquote(user)] if user else []


_tunnels: dict[str, Tunnel] = {}
_lock = threading.Lock()


def tunnel(url: str) -> Tunnel:
    """Return this process's one tunnel to the machine of an ``ssh://`` URL, which is there until the process ends.

    Raises NoEngineError.
    """
    with _lock:
        if url not in _tunnels:
            _tunnels[url] = Tunnel(url)
            atexit.register(_tunnels[url].close)
        return _tunnels[url]
