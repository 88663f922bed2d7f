"""Requests to an engine's HTTP API: one session a thread, bounded answers, our own errors, and a way to stop it all.

The API: https://docs.docker.com/reference/api/engine/. Paths are given without the version prefix.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from imgcompare.engine.transport.dial import UpgradeRefusedError, dial, upgrade
from imgcompare.engine.transport.errors import CLIENT_ERRORS, place, translate
from imgcompare.engine.transport.open_sockets import Wires
from imgcompare.errors import (
    EngineError,
    EngineRefusedError,
    ImgcompareError,
    NoBuildKitError,
    NoEngineError,
    UsageError,
)
from imgcompare.regex import regex
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from socket import socket

    from requests import Response, Session

    from imgcompare.engine.interface import Endpoint
    from imgcompare.engine.transport.http2 import Connection, Stream

# From 1.52 on some inspect fields are gone, so a newer engine is spoken to in the newest version we know.
TESTED_API_VERSION = "1.51"

_ANSWER_LIMIT = 16 << 20
_REFUSAL_LIMIT = 64 << 10
_READ_BYTES = 64 << 10
_UPGRADE_TIMEOUT_S = 10.0
_VERSION = regex(r"[0-9]{1,4}\.[0-9]{1,4}")


class Link(Struct, frozen=True):
    """A session that reaches the engine, and the URL under which it does."""

    session: Session
    url: str


class Api:
    """The engine behind one endpoint; safe to call from several threads.

    ``connect`` makes a Link of its own for each thread and each stream, as a session is not for several threads.
    """

    def __init__(
        self, endpoint: Endpoint, connect: Callable[[], Link], *, timeout_s: float, version: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self._connect = connect
        self._timeout_s = timeout_s
        self._wanted_version = version
        self._wires = Wires()
        self._threads = threading.local()
        self._links: list[Link] = []

    @cached_property
    def server(self) -> dict[str, Any]:
        """The engine's answer to ``GET /version``, which is the first contact. Raises NoEngineError."""
        try:
            answer = self._ask("GET", "/version", cleanup=True)
        except EngineRefusedError as exc:
            raise NoEngineError(
                f"no engine answers at {place(self.endpoint)}: {exc.message}",
                hint="Compare its address, port and TLS settings with the engine's.",
            ) from exc
        if not isinstance(answer, dict) or not _VERSION.fullmatch(str(answer.get("ApiVersion"))):
            raise NoEngineError(f"what answers at {place(self.endpoint)} is no container engine")
        return answer

    @cached_property
    def version(self) -> str:
        """The API version spoken: DOCKER_API_VERSION, or the highest that both sides know.

        "auto" of the Docker SDK takes the server's highest, whatever that one means.
        """
        server = self.server
        if self._wanted_version:
            if not _VERSION.fullmatch(self._wanted_version):
                raise UsageError(
                    f"DOCKER_API_VERSION is {printable(self._wanted_version, limit=40)!r}",
                    hint=f"Write a version such as {TESTED_API_VERSION}, or unset it.",
                )
            return self._wanted_version
        highest: str = min(server["ApiVersion"], TESTED_API_VERSION, key=_parts)
        lowest = str(server.get("MinAPIVersion"))
        return max(highest, lowest, key=_parts) if _VERSION.fullmatch(lowest) else highest

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        cleanup: bool = False,
        timeout_s: float | None = None,
    ) -> Any:
        """Return the JSON of an answer, None for an empty one. Raises EngineRefusedError, EngineLostError.

        ``cleanup`` lets the call through after ``cancel``.
        """
        request = {"params": params, "json": body, "timeout": timeout_s or self._timeout_s}
        return self._ask(method, f"/v{self.version}{path}", cleanup=cleanup, **request)

    def get(self, path: str, *, params: Mapping[str, Any] | None = None, cleanup: bool = False) -> dict[str, Any]:
        """Return the JSON object at ``path``. Raises as ``call`` does, and EngineError when it is anything else."""
        answer = self.call("GET", path, params=params, cleanup=cleanup)
        if not isinstance(answer, dict):
            raise EngineError(f"the engine's answer to GET {path} is no JSON object")
        return answer

    def read(self, path: str, *, params: Mapping[str, Any], limit: int) -> tuple[bytes, bool]:
        """Return at most ``limit`` bytes of an answer, and whether that is all of it."""
        with self._translated():
            return self._fetch("GET", f"/v{self.version}{path}", limit=limit, params=params)

    def post(self, path: str, *, body: Mapping[str, Any], limit: int) -> bytes:
        """Return at most ``limit`` bytes of the answer to a POST. Raises as ``call`` does."""
        with self._translated():
            return self._fetch("POST", f"/v{self.version}{path}", limit=limit, json=body)[0]

    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        silence_s: float | None = None,
        body: Iterable[bytes] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        chunk_bytes: int | None = None,
    ) -> Iterator[bytes]:
        """Yield an answer as it comes, or in pieces filled up to ``chunk_bytes``.

        ``silence_s`` bounds each wait for data; None waits for as long as the engine answers other requests.
        ``cancel`` ends it with EngineError, wherever it is.
        """
        path = f"/v{self.version}{path}"
        with self._translated():
            link = self._connect()
            with (
                closing(link.session),
                self._wires.watching(link.session, link.url) as cut,
                self._pulse(cut),
            ):
                response = link.session.request(
                    method,
                    link.url + path,
                    params=params,
                    data=body,
                    # An engine of version 29.5 can hang on builds over kept connections (testcontainers-node#1361).
                    headers={**(headers or {}), "Connection": "close"},
                    timeout=(self._timeout_s, silence_s),
                    allow_redirects=False,
                    stream=True,
                )
                with closing(response):
                    _refuse(response, method, path, time.monotonic() + self._timeout_s)
                    yield from _pieces(response, chunk_bytes)
                    self.stop_if_cancelled()

    @contextmanager
    def http2(
        self, path: str, *, headers: Sequence[tuple[str, str]] = (), accept: Callable[[Stream], None] | None = None
    ) -> Iterator[Connection]:
        """Yield an HTTP/2 connection to ``path``, on which the engine is the client where ``accept`` takes its streams.

        Raises NoBuildKitError where that cannot be had. ``cancel`` ends it as it ends a stream.
        """
        # Only a build needs it, and a cached one is over before others have imported it.
        from imgcompare.engine.transport.http2 import Connection  # noqa: PLC0415

        with self._translated():
            wire, received = self._upgrade(f"/v{self.version}{path}", headers)
            with (
                wire,
                self._wires.holding(wire) as cut,
                self._pulse(cut),
                closing(Connection(wire, accept=accept, received=received)) as connection,
            ):
                yield connection
                self.stop_if_cancelled()

    def cancel(self) -> None:
        """Break off every stream; from now on only calls with ``cleanup`` go through. From any thread, or a signal."""
        self._wires.cut()

    def stop_if_cancelled(self) -> None:
        """Raise EngineError after ``cancel``."""
        if self._wires.is_cut:
            raise EngineError("cancelled")

    def close(self) -> None:
        """Close the sessions of all threads."""
        while self._links:
            self._links.pop().session.close()

    def _upgrade(self, path: str, headers: Sequence[tuple[str, str]]) -> tuple[socket, bytes]:
        try:
            return upgrade(dial(self.endpoint, min(self._timeout_s, _UPGRADE_TIMEOUT_S)), path, headers)
        except (UpgradeRefusedError, OSError) as exc:
            self.stop_if_cancelled()
            reason = printable(str(exc), limit=200)
            raise NoBuildKitError(
                f"the engine at {place(self.endpoint)} speaks no HTTP/2 for builds: {reason}",
                hint="A proxy in between may not let the connection be upgraded: name the engine itself with --host.",
            ) from exc

    def _ask(self, method: str, path: str, *, cleanup: bool = False, **request: Any) -> Any:
        with self._translated(cleanup=cleanup):
            data, whole = self._fetch(method, path, limit=_ANSWER_LIMIT, **request)
            if not whole:
                raise EngineError(f"the engine's answer to {method} {path} is longer than {_ANSWER_LIMIT} bytes")
            return json.loads(data) if data.strip() else None

    def _fetch(self, method: str, path: str, *, limit: int, **request: Any) -> tuple[bytes, bool]:
        """Send a request on this thread's session; at most ``limit`` bytes in bounded time, even if they drip."""
        link = self._link()
        request.setdefault("timeout", self._timeout_s)
        deadline = time.monotonic() + request["timeout"]
        response = link.session.request(method, link.url + path, allow_redirects=False, stream=True, **request)
        with closing(response):
            _refuse(response, method, path, deadline)
            return _read(response, limit, deadline)

    def _link(self) -> Link:
        link: Link | None = getattr(self._threads, "link", None)
        if link is None:
            link = self._threads.link = self._connect()
            self._links.append(link)
        return link

    @contextmanager
    def _pulse(self, cut: Callable[[], None]) -> Iterator[None]:
        """Break a stream off once the engine answers nothing else either: a frozen one keeps its connections open.

        A step may rightly be silent for an hour, so silence alone says nothing.
        """
        done, frozen = threading.Event(), threading.Event()

        def watch() -> None:
            while not done.wait(self._timeout_s / 2):
                try:
                    self._ping(self._timeout_s / 2)
                except CLIENT_ERRORS:
                    frozen.set()
                    cut()
                    return

        threading.Thread(target=watch, daemon=True, name="engine-pulse").start()
        try:
            yield
        except CLIENT_ERRORS as exc:
            if frozen.is_set():
                raise TimeoutError from exc
            raise
        finally:
            done.set()

    def _ping(self, timeout_s: float) -> None:
        link = self._connect()
        with closing(link.session):
            link.session.get(f"{link.url}/_ping", timeout=timeout_s, allow_redirects=False).close()

    @contextmanager
    def _translated(self, *, cleanup: bool = False) -> Iterator[None]:
        """Let nothing but our own errors out."""
        if not cleanup:
            self.stop_if_cancelled()
        try:
            yield
        except ImgcompareError:
            raise
        except CLIENT_ERRORS as exc:
            if self._wires.is_cut and not cleanup:
                raise EngineError("cancelled") from exc
            raise translate(exc, self.endpoint, met="server" in vars(self)) from exc


def _refuse(response: Response, method: str, path: str, deadline: float) -> None:
    """Raise EngineRefusedError for an answer that is an error; 304 means that it is so already."""
    status = response.status_code
    if 200 <= status < 300 or status == 304:
        return
    data, _ = _read(response, _REFUSAL_LIMIT, deadline)
    text = data.decode(errors="replace")
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        text = text or response.reason
    text = printable(text, limit=500)
    raise EngineRefusedError(f"{text} (the engine's answer {status} to {method} {path})", status=status, text=text)


def _read(response: Response, limit: int, deadline: float) -> tuple[bytes, bool]:
    """Read at most ``limit`` bytes until ``deadline`` (monotonic seconds); also tells whether that was all."""
    data = bytearray()
    for chunk in response.iter_content(min(limit, _READ_BYTES)):
        data += chunk
        if len(data) > limit:
            return bytes(data[:limit]), False
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(data), True


def _pieces(response: Response, chunk_bytes: int | None) -> Iterator[bytes]:
    """The pieces of a chunked body come as the engine sent them, which is 32 KiB each in an export of gigabytes."""
    if chunk_bytes is None:
        yield from response.iter_content(_READ_BYTES)
        return
    while piece := response.raw.read(chunk_bytes):
        yield piece


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
