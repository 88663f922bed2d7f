"""Waiting for a route and checking it, against real servers on loopback, good and hostile."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.check.request import BODY_LIMIT_BYTES, NoReply, Reply, request
from imgcompare.check.route import Exited, Ready, Silent, check_route, json_digest, judge, wait_until_ready
from imgcompare.engine.interface import Captured, ContainerState, Executed, Listener, Log, Published, Stopped
from imgcompare.errors import EngineError
from imgcompare.model import Expectation


@contextmanager
def serving(answer: Callable[[socket.socket, bytes], None]) -> Iterator[Published]:
    """A server on loopback that reads a request's head and then does what ``answer`` does."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    answer(connection, connection.recv(65536))
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Published(*listener.getsockname())
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)
        assert not thread.is_alive()


def replying(data: bytes) -> Callable[[socket.socket, bytes], None]:
    """Answer every request with these bytes."""
    return lambda connection, _head: connection.sendall(data)


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole HTTP reply."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


class FakeContainer:
    """A container whose states are given one after the other; the last one stays."""

    name = "fake"
    kept = False

    def __init__(self, *states: ContainerState) -> None:
        self._states = itertools.chain(states, itertools.repeat(states[-1]))

    def start(self) -> None:
        """Nothing to start."""

    def published(self) -> Published | None:
        """No port of its own."""
        return None

    def state(self) -> ContainerState:
        """The next state."""
        return next(self._states)

    def log(self, lines: int = 200) -> Log:
        """An empty log."""
        return Log()

    def listening(self) -> Sequence[Listener] | None:
        """Nobody can look."""
        return None

    def lives(self) -> bool:
        """Nobody can see."""
        return False

    def reached(self) -> bool | None:
        """Nobody can see."""
        return None

    def own_names(self) -> Sequence[str]:
        """No name that matters."""
        return ()

    def head(self, path: str) -> bytes | None:
        """No files."""
        return None

    def capture(self, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
        """Nobody asks for this here."""
        raise NotImplementedError

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """Nothing runs in it."""
        raise NotImplementedError

    def stop(self, grace_s: int) -> Stopped:
        """Nothing to stop."""
        raise NotImplementedError

    def keep(self) -> None:
        """Nothing to keep."""

    def fill(self, count: int) -> None:
        """Hold any amount."""

    def memory_bytes(self) -> int | None:
        """Unknown."""
        return None


RUNNING = ContainerState(running=True)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def nowhere() -> Published:
    """A place where nothing listens."""
    return Published("127.0.0.1", free_port())


def never() -> bool:
    """Nobody cancels."""
    return False


def wait(at: Published, *states: ContainerState, timeout_s: float = 5, status: int = 200) -> Ready | Exited | Silent:
    """Wait for the route ``/`` of a fake container."""
    return wait_until_ready(
        FakeContainer(*(states or (RUNNING,))), at, "/", Expectation(status=status), timeout_s, never
    )


def test_a_good_reply_is_read_whole() -> None:
    """Status and body of a plain reply arrive as they were sent."""
    with serving(replying(http(b"Hello, Docker!"))) as at:
        reply = request(at, "/", limit_s=5)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.truncated) == (200, b"Hello, Docker!", False)


def test_the_request_asks_for_the_route_uncompressed_and_for_one_reply() -> None:
    """The server sees the route, identity encoding, our name and a connection that ends."""
    seen: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        connection.sendall(http(b""))

    with serving(answer) as at:
        request(at, "/api?x=1", limit_s=5)
    head = seen[0].decode()
    assert head.startswith("GET /api?x=1 HTTP/1.1\r\n")
    assert "Accept-Encoding: identity\r\n" in head
    assert "Connection: close\r\n" in head
    assert f"Host: 127.0.0.1:{at.port}\r\n" in head


def test_proxies_from_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable cannot send the check somewhere else."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with serving(replying(http(b"direct"))) as at:
        assert isinstance(request(at, "/", limit_s=5), Reply)


def test_a_body_that_is_compressed_all_the_same_is_not_unpacked() -> None:
    """Ten gigabytes of zeros are the ten megabytes that were sent, cut at the cap; what is shown is text."""
    packed = zlib.compress(bytes(4 << 20), 9, wbits=31)
    bomb = packed * (10 * BODY_LIMIT_BYTES // len(packed))
    with serving(replying(http(bomb, headers="Content-Encoding: gzip\r\nContent-Type: text/html\r\n"))) as at:
        reply = request(at, "/", limit_s=30)
    assert isinstance(reply, Reply)
    assert (reply.body, reply.truncated) == (bomb[:BODY_LIMIT_BYTES], True)
    assert "does not contain" in judge(reply, Expectation(body="Hello"))


def test_an_endless_body_is_cut_at_the_cap() -> None:
    """A body without end is read up to the cap and marked truncated."""

    def answer(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    with serving(answer) as at:
        reply = request(at, "/", limit_s=30)
    assert isinstance(reply, Reply)
    assert (len(reply.body), reply.truncated) == (BODY_LIMIT_BYTES, True)


@pytest.mark.parametrize("prefix", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_a_dripping_server_is_left_at_the_deadline(prefix: bytes) -> None:
    """One byte at a time, in the body or in a header, cannot hold the check beyond its time."""

    def answer(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(prefix)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with serving(answer) as at:
        reply = request(at, "/", limit_s=0.5)
    assert isinstance(reply, NoReply)
    assert reply.timed_out
    assert reply.reason == f"a reply was begun ({reply.received} bytes) and not finished"


def test_a_reply_cut_before_its_content_length_is_no_reply() -> None:
    """A connection closed in the middle of the body is said to be that."""
    with serving(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as at:
        reply = request(at, "/", limit_s=5)
    assert reply == NoReply("the reply ended 96 bytes before its Content-Length", received=44)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the connection was closed without a reply"),
        (b"SSH-2.0-OpenSSH\r\n", "what came is no HTTP reply (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "what came is no HTTP reply (IncompleteRead)"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n", "what came is no HTTP reply (HTTPException)"),
    ],
)
def test_what_is_no_http_reply_is_named(data: bytes, reason: str) -> None:
    """Garbage, silence and oversized heads are reasons, not tracebacks."""
    with serving(replying(data)) as at:
        reply = request(at, "/", limit_s=5)
    assert isinstance(reply, NoReply)
    assert (reply.reason, bool(reply.received)) == (reason, bool(data))


def test_a_refused_connection_is_named() -> None:
    """Nothing listening is a reason."""
    assert request(nowhere(), "/", limit_s=5) == NoReply("the connection was refused")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_reply_or_a_reason(data: bytes) -> None:
    """Whatever a server sends, the answer is a value."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "create_connection", lambda *_args, **_kw: ours)
            assert isinstance(request(Published("127.0.0.1", 1), "/", limit_s=5), Reply | NoReply)


def test_redirects_are_reported_and_not_followed() -> None:
    """A redirect loop is one reply with its status and where it points."""
    with serving(replying(http(b"", "302 Found", "Location: /again\r\n"))) as at:
        check, problem, *_ = check_route(at, "/", Expectation())
    assert (check.passed, check.status_code) == (False, 302)
    assert problem == "the reply has status 302 (to /again; redirects are not followed), expected 200"


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/login?next=/", "/login?next=/"),
        ("login", "/a/login"),
        ("http://127.0.0.1:{port}/b", "/b"),
        ("http://127.0.0.1:{port}", "/"),
        ("/a/", ""),
        ("https://127.0.0.1:{port}/b", ""),
        ("http://127.0.0.1:1/b", ""),
        ("http://example.com/b", ""),
        ("//example.com/b", ""),
        ("http://[", ""),
        ("/caf\u00e9", ""),
    ],
)
def test_where_a_redirect_leads_to_is_a_route_to_ask(location: str, leads_to: str) -> None:
    """One of the same app, and another than the one asked; what is elsewhere, or speaks TLS, is none of ours."""
    listener: list[Published] = []

    def answer(connection: socket.socket, _head: bytes) -> None:
        there = location.format(port=listener[0].port)
        connection.sendall(http(b"", "302 Found", f"Location: {there}\r\n"))

    with serving(answer) as at:
        listener.append(at)
        assert check_route(at, "/a/", Expectation()).leads_to == leads_to


def test_a_body_that_is_not_utf8_is_shown_with_replacements() -> None:
    """Bytes are kept for the digest and decoded with replacement for people."""
    with serving(replying(http(b"caf\xe9 \x1b[31mred"))) as at:
        check, problem, *_ = check_route(at, "/", Expectation(body="caf"))
    assert (check.passed, problem, check.body_excerpt) == (True, "", "caf\ufffd red")


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        (Expectation(), ""),
        (Expectation(body="Docker"), ""),
        (Expectation(body="docker"), "the body “Hello, Docker!” does not contain “docker”"),
        (Expectation(body_pattern=r"^Hello, \w+!$"), ""),
        (Expectation(body_pattern=r"\d"), r"the body “Hello, Docker!” does not match the pattern “\d”"),
        (Expectation(status=204), "the reply has status 200, expected 204"),
    ],
)
def test_a_reply_is_held_against_what_was_declared(expected: Expectation, problem: str) -> None:
    """Status, text and pattern each pass and fail with both values named."""
    assert judge(Reply(200, b"Hello, Docker!", truncated=False, duration_s=0), expected) == problem


def test_ready_means_an_http_reply() -> None:
    """A server that first closes connections, then answers, is ready at its first reply."""
    attempts = itertools.count()

    def answer(connection: socket.socket, _head: bytes) -> None:
        if next(attempts) >= 3:
            connection.sendall(http(b"", "404 Not Found"))

    with serving(answer) as at:
        assert isinstance(wait(at), Ready)
    assert next(attempts) == 4


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Timeout"])
def test_a_proxy_is_asked_again_until_what_is_behind_it_listens(status: str) -> None:
    """It starts beside it, in one container; what it still says after a while is its reply."""
    replies = iter([http(b"", status)] * 2 + [http(b"")])
    with serving(lambda connection, _head: connection.sendall(next(replies))) as at:
        found = wait(at)
    assert isinstance(found, Ready)
    assert found.reply.status == 200
    with serving(replying(http(b"", status))) as at:
        found = wait(at, timeout_s=0.4)
        assert isinstance(wait(at, status=int(status[:3])), Ready)
    assert isinstance(found, Ready)
    assert found.reply.status == int(status[:3])


def test_503_is_asked_again_unless_it_is_expected() -> None:
    """A server that says it is not ready yet is waited for; one that is meant to say so is ready."""
    replies = iter([http(b"", "503 Service Unavailable")] * 2 + [http(b"")])
    with serving(lambda connection, _head: connection.sendall(next(replies))) as at:
        assert isinstance(wait(at), Ready)
    with serving(replying(http(b"", "503 Service Unavailable"))) as at:
        assert isinstance(wait(at, status=503), Ready)
        assert wait(at, timeout_s=0.3) == Silent(0.3, "the server kept answering 503", listens=True)


def test_an_exit_ends_the_wait_at_once() -> None:
    """The wait is over when the container is, long before the timeout."""
    ended = ContainerState(running=False, exit_code=3)
    result = wait(nowhere(), RUNNING, RUNNING, ended, timeout_s=3600)
    assert isinstance(result, Exited)
    assert result.state == ended


class Living(FakeContainer):
    """A container whose process is seen, for one look."""

    def __init__(self, *states: ContainerState) -> None:
        super().__init__(*states)
        self.seen = iter([True])

    def lives(self) -> bool:
        """Once."""
        return next(self.seen, False)


def test_the_engine_is_not_asked_of_a_container_that_is_seen_to_live() -> None:
    """It is once the process is not seen any more; what it says then is the truth."""
    ended = ContainerState(running=False, exit_code=3)
    living = Living(ended)
    result = wait_until_ready(living, nowhere(), "/", Expectation(), 3600, never)
    assert isinstance(result, Exited)
    assert result.after_s >= 0.5, "it was not seen at the first look"


def test_silence_ends_at_the_timeout_with_the_last_reason() -> None:
    """What never listens is silent, and what the last attempt met is said."""
    assert wait(nowhere(), timeout_s=0.2) == Silent(0.2, "the connection was refused")


def test_a_cancelled_wait_raises() -> None:
    """An interrupted run does not sit out the timeout."""
    with pytest.raises(EngineError):
        wait_until_ready(FakeContainer(RUNNING), nowhere(), "/", Expectation(), 3600, lambda: True)


class Unreached(FakeContainer):
    """A container that listens and has nothing of the first connection."""

    def __init__(self) -> None:
        super().__init__(RUNNING)
        self.answers = itertools.chain([False], itertools.repeat(True))

    def reached(self) -> bool | None:
        """Not at first."""
        return next(self.answers)


def test_a_connection_that_never_got_there_is_made_anew() -> None:
    """What was lost while the way to the container was being made does not cost the whole timeout."""
    attempts = itertools.count()

    def answer(connection: socket.socket, _head: bytes) -> None:
        if next(attempts) == 0:
            connection.recv(1)  # says nothing until the client has given up
        else:
            connection.sendall(http(b""))

    with serving(answer) as at:
        assert isinstance(wait_until_ready(Unreached(), at, "/", Expectation(), 30, never), Ready)
    assert next(attempts) == 2


def _said(body: bytes, content_type: str = "application/json", *, truncated: bool = False) -> Reply:
    return Reply(status=200, body=body, truncated=truncated, duration_s=0.0, content_type=content_type)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a": 1, "b": [1, 2]}', b'{"b":[1,2],"a":1}\n', True),
        (b'"gr\xc3\xbc\xc3\x9f dich"', b'"gr\\u00fc\\u00df dich"', True),
        (b"[1, 2]", b"[2, 1]", False),
        (b'{"a": 1}', b'{"a": "1"}', False),
        (b'{"a": null}', b"{}", False),
        (b"1", b"true", False),
    ],
)
def test_json_that_means_the_same_has_the_same_digest(one: bytes, other: bytes, same: bool) -> None:
    """White space, the order of keys and how a character is written mean nothing; all else does."""
    assert (json_digest(_said(one)) == json_digest(_said(other, "application/problem+json; charset=utf-8"))) is same


@pytest.mark.parametrize(
    "reply",
    [
        _said(b"{}", "text/plain"),
        _said(b"{}", ""),
        _said(b"{}", truncated=True),
        _said(b"{"),
        _said(b""),
        _said(b"\xff"),
        _said(b"NaN"),
        _said(b"1e999"),
        _said(b"9" * 5000),
        _said(b'{"a": 1, "a": 2}'),
        _said(b"[" * 200_000),
        _said(b'{"a":' * 200_000),
    ],
    ids=lambda reply: f"{reply.content_type} {reply.body[:12]!r}",
)
def test_what_is_not_json_for_certain_has_no_json_digest(reply: Reply) -> None:
    """Another type, a body that was cut, damaged or hostile: such a reply is compared byte by byte."""
    assert json_digest(reply) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_keeps_its_digest_however_it_is_written(value: object) -> None:
    """Indented and in another order or packed: the digest is one."""
    packed, loose = json.dumps(value, separators=(",", ":")), json.dumps(value, indent=3, sort_keys=True)
    assert json_digest(_said(packed.encode())) == json_digest(_said(loose.encode())) is not None


def test_a_socket_that_leads_there_is_asked_in_place_of_the_address(tmp_path: Path) -> None:
    """What is published on another machine's loopback is asked for by its own name, through a socket here."""
    heads: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            heads.append(connection.recv(65536))
            connection.sendall(http(b"from afar"))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "4711"))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        at = Published("127.0.0.1", 4711, str(tmp_path / "4711"))
        check, problem, *_ = check_route(at, "/hello", Expectation(body="from afar"))
        thread.join()
    assert (check.passed, problem, check.url) == (True, "", "http://127.0.0.1:4711/hello")
    assert b"\r\nHost: 127.0.0.1:4711\r\n" in heads[0]
    assert request(at, "/", limit_s=5) == NoReply("the connection was refused")
    assert request(Published("127.0.0.1", 1, str(tmp_path / "none")), "/", limit_s=5) == NoReply(
        "No such file or directory"
    )


def test_an_ipv6_address_is_written_in_brackets() -> None:
    """As a URL wants it (RFC 3986 §3.2.2)."""
    check, *_ = check_route(Published("::1", free_port()), "/", Expectation())
    assert check.url.startswith("http://[::1]:")
