"""One container from before it exists to after it is gone, over the engine's API.

The API: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import time
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from posixpath import dirname, join
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from imgcompare.engine.client.container_config import container_config
from imgcompare.engine.client.exec import capture, execute
from imgcompare.engine.client.file_head import first_file
from imgcompare.engine.client.listeners import TABLES, is_reached, listeners, read_tables
from imgcompare.engine.client.logs import STDERR, demultiplex, frames, joined
from imgcompare.engine.client.memory import groups_of, memory_in_use, without_inactive
from imgcompare.engine.client.remove import find, remove
from imgcompare.engine.interface import (
    LOOPBACK,
    SCHEME,
    Captured,
    ContainerSpec,
    ContainerState,
    Executed,
    Listener,
    Log,
    Published,
    Stopped,
    is_local,
)
from imgcompare.engine.transport.faults import engine_fault
from imgcompare.engine.transport.ssh_tunnel import tunnel
from imgcompare.errors import EngineError, EngineRefusedError, PortTakenError, UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgcompare.engine.client.api import Api

_LOG_BYTES = 64 << 10
# A json-file log holds what has no newline in entries of 16 KiB, and each counts as a line: four fill the cap.
_LOG_ENTRIES = 4
_MAX_LINKS = 8
# A file's tar header, extensions of long names before it, and 4 KiB of the file.
_ARCHIVE_BYTES = 16 << 10
_PORT_WAIT_S = 5.0
_CREATE_WAIT_S = 5.0
_POLL_S = 0.05
_KILLED = 128 + 9

_PORT_TAKEN = regex(r"port is already allocated|address already in use", re.IGNORECASE)
# What the image is to blame for: a program that is missing or cannot run, an unknown user, a bad working directory.
_CANNOT_START = regex(
    r"OCI runtime|executable file not found|no such file or directory|exec format error|not a directory"
    r"|unable to find user|no matching entries in passwd",
    re.IGNORECASE,
)


class SdkContainer:
    """A container that is created, used and removed once; ``create`` comes first and ``remove`` last."""

    def __init__(self, api: Api, spec: ContainerSpec) -> None:
        self._api = api
        self._spec = spec
        self._asked = self._created = False
        self._start_error = ""
        self._kept = False
        self._as_started: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name it was given before it existed."""
        return self._spec.name

    def create(self) -> None:
        """Create it. Raises EngineError, then it was not created."""
        self._api.stop_if_cancelled()
        self._asked = True
        try:
            self._api.call("POST", "/containers/create", params={"name": self.name}, body=container_config(self._spec))
        except EngineRefusedError:
            self._asked = False
            raise
        self._created = True
        if self._spec.options.files:
            self._put({each.path: (each.content, each.mode) for each in self._spec.options.files})

    def start(self) -> None:
        """Start it. Raises EngineError, PortTakenError for a host port that is taken, UsageError for no network."""
        try:
            self._api.call("POST", f"{self._path}/start")
        except EngineRefusedError as exc:
            if _PORT_TAKEN.search(exc.text) and self._spec.host_port is not None:
                raise self._port_taken(self._spec.host_port) from exc
            network = self._spec.options.network
            if network and exc.status == 404 and f"network {network} not found" in exc.text:
                raise UsageError(
                    f"the engine has no network {printable(network, limit=80)}",
                    hint="`docker network ls` lists its own.",
                ) from exc
            if fault := engine_fault(exc.text):
                raise fault from exc
            if not _CANNOT_START.search(exc.text):
                raise
            self._start_error = exc.text

    def published(self) -> Published | None:
        """Where its port is published, and the way there from here; None where it has ended. Raises EngineError."""
        port = self._host_port()
        if port is None:
            return None
        endpoint, address = self._api.endpoint, ip_address(self._spec.publish_address)
        url = urlsplit(endpoint.url)
        if url.scheme == SCHEME:
            return Published(LOOPBACK, port, tunnel(endpoint.url).port(port))
        if not is_local(endpoint):
            return Published(url.hostname or "", port)
        return Published(LOOPBACK if address.is_unspecified else str(address), port)

    def _host_port(self) -> int | None:
        """The published port; the engine may tell it a moment after the start (docker-py#2792), so wait a little."""
        deadline = time.monotonic() + _PORT_WAIT_S
        while self._spec.container_port is not None:
            found = self._found() or {}
            ports = found.get("NetworkSettings", {}).get("Ports") or {}
            for binding in ports.get(f"{self._spec.container_port}/tcp") or ():
                if binding.get("HostPort") not in {None, "", "0"}:
                    self._as_started = found
                    return int(binding["HostPort"])
            if not found.get("State", {}).get("Running") or time.monotonic() > deadline:
                return None
            time.sleep(_POLL_S)
        return None

    def state(self) -> ContainerState:
        """Its state now; of one that somebody removed, that."""
        found = self._found()
        if found is None:
            return ContainerState(running=False, error="the container is gone: something else removed it")
        state = found.get("State", {})
        error = self._start_error or printable(str(state.get("Error") or ""), limit=500)
        ended = state.get("Status") not in {"created", "configured", "initialized"} or bool(error)
        running = bool(state.get("Running"))
        return ContainerState(
            running=running,
            exit_code=state.get("ExitCode") if ended and not running else None,
            oom_killed=bool(state.get("OOMKilled")),
            error=error,
            health=str((state.get("Health") or {}).get("Status") or ""),
        )

    def log(self, lines: int = 200) -> Log:
        """The last lines of its log; what is of stderr is told by the frames, as the engine itself would."""
        parts: list[tuple[int, bytes]] = []
        for entries in (lines, min(lines, _LOG_ENTRIES)):
            params = {"stdout": 1, "stderr": 1, "tail": entries}
            data, whole = self._api.read(f"{self._path}/logs", params=params, limit=_LOG_BYTES)
            parts = list(frames(data))
            if whole:
                break
        of_stderr = [part for part in parts if part[0] == STDERR]
        both, errors = (printable_lines(joined(some).decode(errors="replace")) for some in (parts, of_stderr))
        return Log(tuple(both[-lines:]), tuple(errors[-lines:]))

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """Run a command in it as the engine runs its HEALTHCHECK: same user, environment and folder."""
        return execute(self._api, self.name, command, timeout_s)

    def capture(self, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
        """Run a command in it in the same way, and take what it writes to standard output, up to a limit."""
        return capture(self._api, self.name, command, timeout_s, limit_bytes)

    def stop(self, grace_s: int) -> Stopped:
        """Send its image's stop signal, wait until it has ended, and kill it after ``grace_s`` seconds.

        The engine answers some tenths of a second after the end, which it spends on tidying up: its own note of when
        that was is nearer to the truth, unless its clock is another's (an engine in a virtual machine).
        """
        sent, began = time.time(), time.monotonic()
        for _ in self._api.stream("POST", f"{self._path}/stop", params={"t": grace_s}):
            pass
        elapsed = time.monotonic() - began
        state = self._inspect().get("State", {})
        ended = _seconds(state.get("FinishedAt")) - sent
        return Stopped(
            ended if 0 <= ended <= elapsed else elapsed, elapsed >= grace_s and state.get("ExitCode") == _KILLED
        )

    @property
    def kept(self) -> bool:
        """Whether it stays."""
        return self._kept

    def keep(self) -> None:
        """Leave it up when its ``with`` block ends well."""
        self._kept = True

    def listening(self) -> Sequence[Listener] | None:
        """The TCP sockets that wait for connections inside it, sorted: from its process's own tables, else by `cat`."""
        found = self._inspect()
        tables = read_tables(found.get("State", {}).get("Pid") or 0, str(found.get("Id") or ""))
        if tables is None:
            with suppress(EngineRefusedError):
                tables = self._output("cat", *TABLES).decode("ascii", "replace")
        return listeners(tables) if tables else None

    def lives(self) -> bool:
        """Whether its first process is seen to live: by its control groups, which it leaves when it ends."""
        found = self._as_started
        return bool(groups_of(found.get("State", {}).get("Pid") or 0, str(found.get("Id") or "")))

    def reached(self) -> bool | None:
        """Whether anybody is connected to its port, by its process's own tables alone: asking starts nothing in it."""
        found = self._found() or {}
        tables = read_tables(found.get("State", {}).get("Pid") or 0, str(found.get("Id") or ""))
        port = self._spec.container_port
        return is_reached(tables, port) if tables and port is not None else None

    def own_names(self) -> Sequence[str]:
        """What it is called where it runs: its host name, the start of its id, its name, its addresses."""
        found = self._as_started or self._inspect()
        networks = found.get("NetworkSettings") or {}
        ends = [networks, *(networks.get("Networks") or {}).values()]
        named = (found.get("Config") or {}).get("Hostname"), str(found.get("Id") or "")[:12], self.name
        addresses = (end.get(key) for end in ends for key in ("IPAddress", "GlobalIPv6Address", "MacAddress"))
        return tuple(dict.fromkeys(str(name) for name in (*named, *addresses) if name))

    def head(self, path: str) -> bytes | None:
        """The first 4 KiB of the file at an absolute path, links followed; None where there is no such file."""
        for _ in range(_MAX_LINKS):
            raw = path.encode("utf-8", "surrogateescape")
            try:
                data, _whole = self._api.read(f"{self._path}/archive", params={"path": raw}, limit=_ARCHIVE_BYTES)
            except EngineRefusedError:
                return None
            found = first_file(data)
            if found is None or isinstance(found, bytes):
                return found
            path = join(dirname(path), found)
        return None

    def fill(self, count: int) -> None:
        """Write a file of so many bytes, which no file system makes smaller, into its root folder."""
        self._put({"/.imgcompare-fill": (os.urandom(count), 0o644)})

    def _put(self, files: Mapping[str, tuple[bytes, int]]) -> None:
        """Write files into it, by their paths: content and mode."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, (content, mode) in files.items():
                file = tarfile.TarInfo(path.lstrip("/"))
                file.size, file.mode = len(content), mode
                tar.addfile(file, io.BytesIO(content))
        for _ in self._api.stream("PUT", f"{self._path}/archive", params={"path": "/"}, body=archive.getvalue()):
            pass

    def memory_bytes(self) -> int | None:
        """Memory in use without the page cache's inactive part: from its control group, else as the engine tells it."""
        found = self._as_started or self._inspect()
        read = memory_in_use(found.get("State", {}).get("Pid") or 0, str(found.get("Id") or ""))
        if read is not None:
            return read
        answer = self._api.get(f"{self._path}/stats", params={"stream": "false", "one-shot": "true"})
        memory = answer.get("memory_stats") or {}
        usage, details = memory.get("usage"), memory.get("stats") or {}
        if not isinstance(usage, int) or usage == 0:
            return None
        return without_inactive(usage, details.get("total_inactive_file", details.get("inactive_file", 0)))

    def remove(self) -> None:
        """Remove it by force with its volumes, also when the answer to ``create`` never came.

        Raises EngineError, naming it, when the engine cannot be made to.
        """
        if self._created:
            remove(self._api, self.name)
        elif self._asked:
            self._remove_unanswered()

    def _remove_unanswered(self) -> None:
        """A request cut off may still be carried out: look a while for what it makes, by name and by all our labels."""
        deadline = time.monotonic() + _CREATE_WAIT_S
        while True:
            found = find(self._api, self.name)
            if found is not None:
                labels = (found.get("Config") or {}).get("Labels") or {}
                if self._spec.labels.items() <= labels.items():
                    remove(self._api, self.name)
                return
            if time.monotonic() > deadline:
                return
            time.sleep(4 * _POLL_S)

    @property
    def _path(self) -> str:
        return f"/containers/{quote(self.name, safe='')}"

    def _output(self, *command: str) -> bytes:
        """What a command prints inside it, at most 64 KiB. Raises EngineError."""
        made = self._api.call("POST", f"{self._path}/exec", body={"Cmd": command, "AttachStdout": True})
        return demultiplex(self._api.post(f"/exec/{quote(str(made['Id']), safe='')}/start", body={}, limit=_LOG_BYTES))

    def _found(self) -> dict[str, Any] | None:
        """What the engine knows of it; None where somebody removed it."""
        try:
            return self._inspect()
        except EngineRefusedError as exc:
            if exc.status != 404:
                raise
            return None

    def _inspect(self) -> dict[str, Any]:
        return self._api.get(f"{self._path}/json")

    def _port_taken(self, port: int) -> PortTakenError:
        holder = "something else"
        with suppress(EngineError):
            for other in self._api.call("GET", "/containers/json"):
                if any(published.get("PublicPort") == port for published in other.get("Ports") or ()):
                    holder = f"the container {printable(', '.join(other.get('Names') or ()).lstrip('/'), limit=100)}"
        return PortTakenError(
            f"host port {port} is taken by {holder}",
            hint="Free it, or name another with --host-port; without --host-port the engine picks a free one.",
        )


def _seconds(time_told: Any) -> float:
    """An RFC 3339 time as seconds since 1970, 0 for anything else."""
    try:
        return datetime.fromisoformat(time_told).timestamp()
    except (TypeError, ValueError):
        return 0.0
