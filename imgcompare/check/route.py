"""Wait for the route, then check it: plain HTTP to where it is published, everything read from it bounded."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from imgcompare import __version__
from imgcompare.engine.interface import Container, ContainerState, Published
from imgcompare.errors import EngineError
from imgcompare.model import Check, Expectation
from imgcompare.text.printable import printable

BODY_LIMIT_BYTES = 1 << 20
REPLY_LIMIT_S = 15.0
_EXCERPT_CHARACTERS = 200
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
_FIRST_ATTEMPT_S = 0.3


@dataclass(frozen=True)
class Reply:
    """One HTTP reply: at most BODY_LIMIT_BYTES of its body, and the seconds from the request to the last byte read."""

    status: int
    body: bytes
    truncated: bool
    duration_s: float
    location: str = ""
    content_type: str = ""


@dataclass(frozen=True)
class NoReply:
    """A request that got no whole reply, and why, in a few words."""

    reason: str
    timed_out: bool = False


@dataclass(frozen=True)
class Ready:
    """The route answered: seconds since the wait began."""

    after_s: float


@dataclass(frozen=True)
class Exited:
    """The container ended before its route answered."""

    state: ContainerState
    after_s: float


@dataclass(frozen=True)
class Silent:
    """No reply within the time given; ``reason`` is what the last try met, ``listens`` whether a server was there."""

    waited_s: float
    reason: str
    listens: bool = False


def wait_until_ready(
    container: Container,
    at: Published,
    route: str,
    expected: Expectation,
    timeout_s: float,
    cancelled: Callable[[], bool],
) -> Ready | Exited | Silent:
    """Ask until the route replies, the container exits or ``timeout_s`` is over; only an HTTP reply means ready.

    A 503 that nobody expects is a server saying that it is not ready yet (RFC 9110 §15.6.4): asked again. A request
    without an answer is given up and made anew, each time after twice as long: a packet lost while the network is being
    set up must not cost the whole timeout, and a first reply that is slow must come through.
    """
    began = time.monotonic()
    deadline = began + timeout_s
    pause = _FIRST_PAUSE_S
    patience = _FIRST_ATTEMPT_S
    look_again = began + _LONGEST_PAUSE_S
    reason, listens = "nothing listened", False
    while (remaining := deadline - time.monotonic()) > 0:
        match request(at, route, limit_s=min(patience, remaining)):
            case Reply(status=503) as reply if expected.status != reply.status:
                reason, listens = "the server kept answering 503", True
            case Reply():
                return Ready(time.monotonic() - began)
            case NoReply(why, timed_out):
                reason, listens = ("it takes connections and sends no whole reply" if timed_out else why), timed_out
                patience *= 2 if timed_out else 1
        if time.monotonic() >= look_again:  # each look costs the engine as much as the app's own start wants
            state, look_again = container.state(), time.monotonic() + _LONGEST_PAUSE_S
            if not state.running:
                return Exited(state, time.monotonic() - began)
        if cancelled():
            raise EngineError("cancelled")
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
    state = container.state()
    return Silent(timeout_s, reason, listens) if state.running else Exited(state, timeout_s)


def check_route(at: Published, route: str, expected: Expectation) -> tuple[Check, str]:
    """Request the route once and hold the reply against ``expected``; the text says what is wrong, "" if nothing."""
    url = f"http://{_authority(at)}{route}"
    reply = request(at, route, limit_s=REPLY_LIMIT_S)
    if isinstance(reply, NoReply):
        return Check(passed=False, url=url, expected=expected), reply.reason
    problem = judge(reply, expected)
    check = Check(
        passed=not problem,
        url=url,
        expected=expected,
        status_code=reply.status,
        response_time_s=reply.duration_s,
        body_excerpt=printable(
            reply.body[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace"), limit=_EXCERPT_CHARACTERS
        ),
        body_sha256=hashlib.sha256(reply.body).hexdigest(),
        body_json_sha256=json_digest(reply),
        body_truncated=reply.truncated,
    )
    return check, problem


def json_digest(reply: Reply) -> str | None:
    """Return the digest of what a whole JSON reply means, white space and the order of keys left out; else None.

    A name twice in one object has no meaning that all agree on (RFC 8259 §4), so such a reply counts as plain bytes.
    """
    subtype = reply.content_type.partition(";")[0].strip().lower().rpartition("/")[2]
    if reply.truncated or not (subtype == "json" or subtype.endswith("+json")):
        return None
    try:
        meant = json.loads(reply.body, object_pairs_hook=_without_doubles)
        canonical = json.dumps(meant, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return hashlib.sha256(canonical.encode()).hexdigest()


def judge(reply: Reply, expected: Expectation) -> str:
    """Say what is wrong with a reply in one sentence with both values, or "" when it is as expected."""
    if reply.status != expected.status:
        target = f" (to {printable(reply.location, limit=120)}; redirects are not followed)" if reply.location else ""
        return f"the reply has status {reply.status}{target}, expected {expected.status}"
    text = reply.body.decode("utf-8", "replace")
    if expected.body is not None and expected.body not in text:
        return f"the body {_quoted(text)} does not contain {_quoted(expected.body)}"
    if expected.body_pattern is not None and not re.search(expected.body_pattern, text):
        return f"the body {_quoted(text)} does not match the pattern {_quoted(expected.body_pattern)}"
    return ""


def request(at: Published, route: str, *, limit_s: float) -> Reply | NoReply:
    """GET the route from where it is published: no proxy, no redirect, no compression, ``limit_s`` for all of it."""
    began = time.monotonic()
    deadline = began + limit_s
    try:
        with _connected(at, limit_s) as sock:
            sock.sendall(_request_bytes(at, route))
            # Of a socket it asks for nothing but makefile().
            response = http.client.HTTPResponse(_Bounded(sock, deadline), method="GET")  # type: ignore[arg-type]
            response.begin()
            body = _read_body(response)
            if response.length and len(body) <= BODY_LIMIT_BYTES:
                return NoReply(f"the reply ended {response.length} bytes before its Content-Length")
            return Reply(
                status=response.status,
                body=body[:BODY_LIMIT_BYTES],
                truncated=len(body) > BODY_LIMIT_BYTES,
                duration_s=time.monotonic() - began,
                location=response.headers.get("Location", "") if 300 <= response.status < 400 else "",
                content_type=response.headers.get("Content-Type", ""),
            )
    except TimeoutError:
        return NoReply(f"no whole reply within {limit_s:.1f} s", timed_out=True)
    except http.client.HTTPException as exc:
        if isinstance(exc, http.client.RemoteDisconnected):
            return NoReply("the connection was closed without a reply")
        return NoReply(f"what came is no HTTP reply ({type(exc).__name__})")
    except ConnectionRefusedError:
        return NoReply("the connection was refused")
    except ConnectionError:
        return NoReply("the connection was reset")
    except OSError as exc:
        return NoReply(exc.strerror or type(exc).__name__)


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _read_body(response: http.client.HTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= BODY_LIMIT_BYTES and (part := response.read1(1 << 16)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _connected(at: Published, timeout_s: float) -> socket.socket:
    if not at.socket:
        return socket.create_connection((at.host, at.port), timeout=timeout_s)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout_s)
        sock.connect(at.socket)
    except BaseException:
        sock.close()
        raise
    return sock


def _authority(at: Published) -> str:
    return f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}"


def _request_bytes(at: Published, route: str) -> bytes:
    return (
        f"GET {route} HTTP/1.1\r\nHost: {_authority(at)}\r\nUser-Agent: imgcompare/{__version__}\r\n"
        "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


class _Bounded(io.RawIOBase):
    """A socket as http.client wants it, with one deadline for all reads: a server that drips cannot hold us."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    # typeshed's own buffer type exists only there.
    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)
        return self._sock.recv_into(buffer)


def _quoted(text: str) -> str:
    return f"“{printable(text, limit=80)}”"
