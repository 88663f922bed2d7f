"""gRPC over HTTP/2: both sides of it against each other, and against peers that keep to nothing."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.engine.transport.grpc import (
    MESSAGE_LIMIT,
    NOT_FOUND,
    UNIMPLEMENTED,
    UNKNOWN,
    ClientCall,
    GrpcError,
    ServerCall,
    framed,
    messages,
    raise_for_status,
    server,
    unary,
)
from imgcompare.engine.transport.http2 import Connection, Stream
from tests.support.peers import connected, serving

ECHO = {"/x.Echo/Say": unary(lambda message: message)}


def count(call: ServerCall) -> None:
    """Answer with as many messages as the request has bytes."""
    for number in range(len(call.message())):
        call.send(str(number).encode())


@pytest.mark.parametrize("size", [0, 1, 16 << 10, 65_535, 65_536, 3 << 20])
def test_a_message_of_any_size_arrives(size: int) -> None:
    """Through frames and windows far smaller than it."""
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with serving(ECHO) as client:
        assert ClientCall(client, "/x.Echo/Say", message).result() == message


def test_calls_side_by_side_do_not_mix() -> None:
    """Each of many calls on one connection gets its own answer."""
    with serving(ECHO) as client, ThreadPoolExecutor(8) as pool:
        messages = [bytes([number]) * 200_000 for number in range(24)]
        answers = pool.map(lambda message: ClientCall(client, "/x.Echo/Say", message).result(), messages)
        assert list(answers) == messages


def test_a_stream_of_answers_comes_one_by_one() -> None:
    """In order, and the iteration ends with the call."""
    with serving({"/x": count}) as client:
        assert list(ClientCall(client, "/x", b"abc")) == [b"0", b"1", b"2"]
        with pytest.raises(GrpcError, match="no message, or with several"):
            ClientCall(client, "/x", b"ab").result()


def test_a_handlers_error_is_the_callers() -> None:
    """Its code and text, whatever characters it has; other exceptions and unknown methods have codes, too."""

    def refuse(_: bytes) -> bytes:
        raise GrpcError(NOT_FOUND, "nicht da: ä%\n")

    def fail(_: bytes) -> bytes:
        raise KeyError("inside")

    with serving({"/refuse": unary(refuse), "/fail": unary(fail)}) as client:
        for path, code, text in (
            ("/refuse", NOT_FOUND, "nicht da: ä%\n"),
            ("/fail", UNKNOWN, "'inside'"),
            ("/none", UNIMPLEMENTED, "unknown method /none"),
        ):
            with pytest.raises(GrpcError) as caught:
                ClientCall(client, path, b"").result()
            assert (caught.value.code, caught.value.message) == (code, text)


def test_a_cancelled_call_ends_on_both_sides() -> None:
    """The caller's wait ends at once, and the handler's next message finds nobody."""
    begun, ended = threading.Event(), threading.Event()

    def endless(call: ServerCall) -> None:
        begun.set()
        try:
            while True:
                call.send(b"x" * 1000)
        except ConnectionError:
            ended.set()
            raise

    with serving({"/x": endless}) as client:
        call = ClientCall(client, "/x", b"")
        assert begun.wait(10)
        call.cancel()
        with pytest.raises(ConnectionError):
            list(call)
        assert ended.wait(10)


def test_who_does_not_take_its_messages_fills_no_memory() -> None:
    """A sender waits as soon as the other's window is full, and goes on when there is room."""
    sent: list[int] = []
    full = threading.Event()

    def pour(call: ServerCall) -> None:
        for number in range(100):
            call.send(b"x" * 10_000)
            sent.append(number)
            if number == 3:
                full.set()

    with serving({"/x": pour}) as client:
        call = ClientCall(client, "/x", b"")
        assert full.wait(10)
        assert len(sent) < 10
        assert sum(map(len, call)) == 1_000_000


def test_a_connection_that_ends_ends_every_call() -> None:
    """Nobody waits for an answer that cannot come."""
    ours, theirs = socket.socketpair()
    with closing(Connection(ours)) as client, closing(theirs):
        calls = [ClientCall(client, "/x", b"") for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            results = [pool.submit(call.result) for call in calls]
            theirs.shutdown(socket.SHUT_RDWR)
            for result in results:
                with pytest.raises(ConnectionError):
                    result.result(10)
        assert not client.is_open


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (framed(b"x")[:3], "cut off"),
        (b"\1" + framed(b"x")[1:], "compressed"),
        (b"\0" + (MESSAGE_LIMIT + 1).to_bytes(4, "big") + b"x", "a message of 33554433 bytes"),
    ],
)
def test_messages_that_are_none_are_refused(sent: bytes, text: str) -> None:
    """Cut off, compressed without being asked to, or longer than any that is meant: an error, and no memory."""

    def accept(stream: Stream) -> None:
        with suppress(ConnectionError):
            stream.send_headers([(":status", "200")])
            stream.send(sent)
            stream.send_headers([("grpc-status", "0")], end=True)

    with connected(accept) as client, pytest.raises(GrpcError, match=text):
        ClientCall(client, "/x", b"").result()


@pytest.mark.parametrize(
    ("headers", "trailers", "text"),
    [
        ([(":status", "404")], [("grpc-status", "0")], "HTTP status 404"),
        ([(":status", "200")], [("x", "y")], "without a status"),
        ([(":status", "200")], [("grpc-status", "many")], "without a status"),
    ],
)
def test_an_answer_without_a_status_is_no_success(
    headers: list[tuple[str, str]], trailers: list[tuple[str, str]], text: str
) -> None:
    """What is no gRPC, a proxy's page, is never taken for an answer."""

    def accept(stream: Stream) -> None:
        stream.send_headers(headers)
        stream.send(framed(b"x"))
        with suppress(ConnectionError):  # the headers may have been enough for the client, which is gone then
            stream.send_headers(trailers, end=True)

    with connected(accept) as client, pytest.raises(GrpcError, match=text):
        ClientCall(client, "/x", b"").result()


def test_a_peer_may_answer_and_close_before_it_was_wholly_asked() -> None:
    """RFC 9113, section 8.1: the answer is whole, and there is nothing left to be ended."""
    ours, theirs = socket.socketpair()
    peer = H2Connection(H2Configuration(client_side=False))
    peer.initiate_connection()
    with closing(Connection(ours)) as connection, theirs:
        stream = connection.open([(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/x")])
        while not any(isinstance(event, RequestReceived) for event in peer.receive_data(theirs.recv(65_536))):
            pass
        peer.send_headers(stream.number, [(":status", "200")])
        peer.send_data(stream.number, framed(b"x"))
        peer.send_headers(stream.number, [("grpc-status", "0")], end_stream=True)
        peer.reset_stream(stream.number, ErrorCodes.NO_ERROR)
        theirs.sendall(peer.data_to_send())
        assert list(messages(stream)) == [b"x"]
        stream.end()
        raise_for_status(stream)


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=2000), st.booleans())
def test_any_bytes_of_a_peer_end_the_connection_and_nothing_else(garbage: bytes, as_server: bool) -> None:
    """Frames that are none, endless or out of place: each call ends with an error of ours, and every thread ends."""
    ours, theirs = socket.socketpair()
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if as_server else b""
    with closing(Connection(ours, accept=server(ECHO) if as_server else None)) as connection:
        theirs.sendall(preface + b"\0\0\0\4\0\0\0\0\0" + garbage)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises((ConnectionError, GrpcError)):
            ClientCall(connection, "/x", b"").result()
    theirs.close()
