"""One plain HTTP request to where a route is published, everything read of its reply bounded."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from imgcompare import __version__
from imgcompare.check.asked import GET, Asking
from imgcompare.engine.interface import Published

BODY_LIMIT_BYTES = 1 << 20
_CONNECT_S = 2.0
_SLICE_S = 0.1


class Reply(Struct, frozen=True):
    """One HTTP reply: at most BODY_LIMIT_BYTES of its body, and the seconds from the request to the last byte read."""

    status: int
    body: bytes
    truncated: bool
    duration_s: float
    location: str = ""
    content_type: str = ""


class NoReply(Struct, frozen=True):
    """A request that got no whole reply, and why, in a few words; ``received`` counts the bytes that came of one.

    ``timed_out`` says that the connection was taken and still open when the time was over, ``closed`` that it was taken
    and closed without a byte.
    """

    reason: str
    timed_out: bool = False
    received: int = 0
    closed: bool = False


def request(
    at: Published,
    route: str,
    *,
    limit_s: float,
    idle: Callable[[int], bool] | None = None,
    asking: Asking = GET,
) -> Reply | NoReply:
    """Ask the route where it is published: no proxy, no redirect, no compression, ``limit_s`` for all of it.

    ``idle`` is called now and then while nothing comes, with the bytes that have come; it says whether to give up.
    """
    began = time.monotonic()
    stream: _Bounded | None = None
    try:
        with _connected(at, min(limit_s, _CONNECT_S)) as sock:
            stream = _Bounded(sock, began + limit_s, idle)
            sock.sendall(_request_bytes(at, route, asking))
            return _reply(stream, began, asking.method)
    except TimeoutError:
        return NoReply(_timed_out(stream), timed_out=stream is not None, received=stream.received if stream else 0)
    except (OSError, http.client.HTTPException) as exc:
        return NoReply(_reason(exc), received=stream.received if stream else 0)


def _reply(stream: _Bounded, began: float, method: str) -> Reply | NoReply:
    reader = io.BufferedReader(stream)
    if not reader.peek(1):  # as of most requests while a server is waited for: they are to cost little
        return NoReply("the connection was closed without a reply", closed=True)
    # Of a socket it asks for nothing but makefile().
    response = http.client.HTTPResponse(_Opened(reader), method=method)  # type: ignore[arg-type]
    response.begin()
    body = _read_body(response)
    if response.length and len(body) <= BODY_LIMIT_BYTES:
        reason = f"the reply ended {response.length} bytes before its Content-Length"
        return NoReply(reason, received=stream.received)
    return Reply(
        status=response.status,
        body=body[:BODY_LIMIT_BYTES],
        truncated=len(body) > BODY_LIMIT_BYTES,
        duration_s=time.monotonic() - began,
        location=response.headers.get("Location", "") if 300 <= response.status < 400 else "",
        content_type=response.headers.get("Content-Type", ""),
    )


def _timed_out(stream: _Bounded | None) -> str:
    if stream is None:
        return "no connection was made in time"
    if stream.received:
        return f"a reply was begun ({stream.received} bytes) and not finished"
    return "it takes connections and sends nothing"


def _reason(exc: Exception) -> str:
    match exc:
        case http.client.HTTPException():
            return f"what came is no HTTP reply ({type(exc).__name__})"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ConnectionError():
            return "the connection was reset"
        case OSError():
            return exc.strerror or type(exc).__name__
    raise exc


def _read_body(response: http.client.HTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= BODY_LIMIT_BYTES and (part := response.read1(1 << 16)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _connected(at: Published, timeout_s: float) -> socket.socket:
    numeric = not at.host.strip("0123456789.")
    if not (at.socket or numeric):
        return socket.create_connection((at.host, at.port), timeout=timeout_s)
    sock = socket.socket(socket.AF_UNIX if at.socket else socket.AF_INET)
    try:
        sock.settimeout(timeout_s)
        sock.connect(at.socket or (at.host, at.port))
    except BaseException:
        sock.close()
        raise
    return sock


def authority(at: Published) -> str:
    """Host and port as a URL has them (RFC 3986 §3.2.2)."""
    return f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}"


@lru_cache(maxsize=64)
def _request_bytes(at: Published, route: str, asking: Asking) -> bytes:
    given = {name.lower() for name, _ in asking.headers}
    own = (("Host", authority(at)), ("User-Agent", f"imgcompare/{__version__}"), ("Accept", "*/*"))
    headers = [(name, value) for name, value in own if name.lower() not in given]
    headers += [("Accept-Encoding", "identity"), ("Connection", "close"), *asking.headers]
    if asking.body or not asking.is_safe:
        headers.append(("Content-Length", str(len(asking.body))))
    lines = [f"{asking.method} {route} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + asking.body


class _Opened(NamedTuple):
    """What reads a socket, in the place of the socket."""

    reader: io.BufferedReader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self.reader


class _Bounded(io.RawIOBase):
    """A socket as http.client wants it, with one deadline for all reads: a server that drips cannot hold us."""

    def __init__(self, sock: socket.socket, deadline: float, idle: Callable[[int], bool] | None) -> None:
        self._sock = sock
        self._deadline = deadline
        self._idle = idle
        self.received = 0

    def readable(self) -> bool:
        return True

    # typeshed's own buffer type exists only there.
    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while (remaining := self._deadline - time.monotonic()) > 0:
            self._sock.settimeout(min(remaining, _SLICE_S) if self._idle else remaining)
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                if self._idle and self._idle(self.received):
                    raise ConnectionResetError("it never got there") from None
                continue
            self.received += count
            return count
        raise TimeoutError
