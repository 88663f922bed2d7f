"""Engines that promise HTTP/2 and do not keep to it: each build ends with an error of ours, and nothing hangs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from imgcompare.engine.build.control import SOLVE, STATUS
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built, Endpoint
from imgcompare.engine.transport.grpc import CANCELLED, GrpcError, ServerCall, server
from imgcompare.engine.transport.http2 import Connection
from imgcompare.engine.transport.protobuf import mapping
from imgcompare.errors import EngineError, EngineLostError, NoBuildKitError
from tests.support.builds import written_context

VERSION = {"ApiVersion": "1.41", "Os": "linux", "Version": "1", "Components": [{"Name": "Engine"}]}
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
Serve = Callable[[socket.socket], None]


class FakeEngine:
    """Answers as an engine does until it is asked for HTTP/2; then ``serve`` has the connection, by its path."""

    def __init__(self, folder: Path, serve: dict[str, Serve], *, pings: bool = True) -> None:
        self.path = folder / "engine.sock"
        self.serve, self.pings = serve, pings
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self.socket.accept()[0],), daemon=True).start()

    def _answer(self, wire: socket.socket) -> None:
        with wire, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := wire.recv(4096)):
                    return
                head += part
            path = head.split(b" ")[1].decode()
            kind = path.rpartition("/")[2].partition("?")[0]
            if kind in self.serve:
                self.serve[kind](wire)
            elif "version" in path or "ping" in path:
                body = json.dumps(VERSION).encode() if self.pings or "version" in path else b""
                if "ping" in path and not self.pings:
                    threading.Event().wait(30)
                wire.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
                )
            else:
                wire.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Callable[..., SdkEngine]]:
    """Start an engine with those servers; everything is closed in the end."""
    opened: list[FakeEngine | SdkEngine] = []

    def start(serve: dict[str, Serve], *, pings: bool = True) -> SdkEngine:
        engine = FakeEngine(tmp_path, serve, pings=pings)
        client = SdkEngine(Endpoint(url=f"unix://{engine.path}", source="the test"), timeout_s=1)
        opened.extend((client, engine))
        return client

    yield start
    for each in opened:
        each.close()


def build(engine: SdkEngine, folder: Path) -> Built | BuildFailed:
    """Build with BuildKit, and no other way."""
    context = written_context(folder / "context", {"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a"})
    return engine.build(BuildRequest(context=context, tag="x:1", builder="buildkit"), lambda _: None)


def speaking(handlers: Mapping[str, Callable[[ServerCall], None]]) -> Serve:
    """Switch to HTTP/2 and serve those calls until the peer goes."""

    def serve(wire: socket.socket) -> None:
        wire.sendall(SWITCH)
        with closing(Connection(wire, accept=server(handlers))) as connection:
            while connection.is_open:
                threading.Event().wait(0.01)

    return serve


def listening(wire: socket.socket) -> None:
    """Take a session and ask it for nothing."""
    wire.sendall(SWITCH)
    with suppress(OSError):
        while wire.recv(4096):
            pass


def nothing(call: ServerCall) -> None:
    """Tell of nothing that goes on."""


def solved(call: ServerCall) -> None:
    """Answer with an image at once."""
    call.send(mapping(1, {"containerimage.digest": "sha256:1"}))


def test_a_build_over_it_is_a_build(fake: Callable[..., SdkEngine], tmp_path: Path) -> None:
    """The fake itself: an engine that keeps to HTTP/2 gives an image."""
    calls = {SOLVE: solved, STATUS: nothing}
    built = build(fake({"grpc": speaking(calls), "session": listening}), tmp_path)
    assert isinstance(built, Built)
    assert built.image == "sha256:1"


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"\xff" * 5000,
        b"\0\0\0\4\0\0\0\0\0" + b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 70_000,
        b"\0\0\0\4\0\0\0\0\0" * 3 + b"\0\0\4\7\0\0\0\0\0",
    ],
)
def test_garbage_in_place_of_http2_is_a_lost_engine(
    fake: Callable[..., SdkEngine], tmp_path: Path, behind: bytes
) -> None:
    """Nothing, another protocol, frames that are none, one of 16 MB, a broken goodbye."""

    def serve(wire: socket.socket) -> None:
        wire.sendall(SWITCH + behind)

    with pytest.raises(EngineLostError):
        build(fake({"grpc": serve, "session": listening}), tmp_path)


def test_an_engine_that_drops_the_connection_in_a_build_is_lost(fake: Callable[..., SdkEngine], tmp_path: Path) -> None:
    """In the middle of a call, whichever of both connections it was waiting on."""

    def drop(wire: socket.socket) -> None:
        def vanish(call: ServerCall) -> None:
            wire.shutdown(socket.SHUT_RDWR)

        speaking({SOLVE: vanish, STATUS: nothing})(wire)

    with pytest.raises(EngineLostError):
        build(fake({"grpc": drop, "session": listening}), tmp_path)


def test_an_engine_that_falls_silent_is_noticed(fake: Callable[..., SdkEngine], tmp_path: Path) -> None:
    """A step may be silent for an hour; an engine that answers nothing else either is frozen."""

    def silent(call: ServerCall) -> None:
        threading.Event().wait(20)

    calls = {SOLVE: silent, STATUS: silent}
    with pytest.raises(EngineLostError, match="does not answer in time"):
        build(fake({"grpc": speaking(calls), "session": listening}, pings=False), tmp_path)


def test_an_image_that_is_none_is_no_image(fake: Callable[..., SdkEngine], tmp_path: Path) -> None:
    """An answer without a digest, or one that cannot be decoded, is an engine's fault; a cancelled one nobody's."""

    def cancelled(call: ServerCall) -> None:
        raise GrpcError(CANCELLED, "context canceled")

    for answer, error in (
        (lambda call: call.send(b""), EngineLostError),
        (lambda call: call.send(b"\xff\xff"), EngineLostError),
        (cancelled, EngineError),
    ):
        for socket_file in tmp_path.glob("engine.sock"):
            socket_file.unlink()
        engine = fake({"grpc": speaking({SOLVE: answer, STATUS: nothing}), "session": listening})
        with pytest.raises(error):
            build(engine, tmp_path)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"", b"garbage\r\n\r\n", b"x" * 100_000])
def test_a_proxy_that_lets_no_connection_be_upgraded_is_told(
    fake: Callable[..., SdkEngine], tmp_path: Path, answer: bytes
) -> None:
    """Where BuildKit was demanded and the API's own way is not there either, with the way out."""

    def refuse(wire: socket.socket) -> None:
        wire.sendall(answer)

    with pytest.raises((NoBuildKitError, EngineError)):
        build(fake({"grpc": refuse, "session": refuse}), tmp_path)


def test_cancelling_ends_a_build_at_once(fake: Callable[..., SdkEngine], tmp_path: Path) -> None:
    """From another thread, in the middle of a call that would never end."""
    begun = threading.Event()

    def endless(call: ServerCall) -> None:
        begun.set()
        threading.Event().wait(20)

    engine = fake({"grpc": speaking({SOLVE: endless, STATUS: nothing}), "session": listening})

    def cancel() -> None:
        assert begun.wait(10)
        engine.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(EngineError, match="cancelled"):
        build(engine, tmp_path)
