"""gRPC on an HTTP/2 connection: calls as iterators of messages, and services as functions.

The protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Messages are bytes here; what is in them
is the callers' business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from imgcompare.engine.transport.http2 import Connection, Stream

CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
NOT_FOUND = 5
UNIMPLEMENTED = 12
UNAVAILABLE = 14

# A build's status holds at most a batch of log lines; grpc-go itself takes 4 to 16 MiB.
MESSAGE_LIMIT = 32 << 20
_PREFIX = 5
_CONTENT_TYPE = "application/grpc"


class GrpcError(Exception):
    """A call that ended with another status than OK: its ``code`` and what the other side says of it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ServerCall:
    """A call that the peer makes of us: its metadata, its messages as they come, and what we answer."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sending = threading.Lock()
        self.path = dict(stream.headers).get(":path", "")

    def metadata(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self._stream.headers if key == name]

    def messages(self) -> Iterator[bytes]:
        """Yield the peer's messages until it has sent all. Raises GrpcError, ConnectionError."""
        return messages(self._stream)

    def message(self) -> bytes:
        """Return the one message of a call that has one. Raises GrpcError, ConnectionError."""
        return next(self.messages(), b"")

    def send(self, *messages: bytes) -> None:
        """Send messages, from any thread. Raises ConnectionError."""
        data = b"".join(map(framed, messages))
        with self._sending:
            self._stream.send(data)


Handler = Callable[[ServerCall], None]


def framed(message: bytes) -> bytes:
    """Return a message with its prefix: not compressed, and its length."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def unary(answer: Callable[[bytes], bytes]) -> Handler:
    """Make a handler of a function from one message to one message."""

    def handle(call: ServerCall) -> None:
        call.send(answer(call.message()))

    return handle


def server(handlers: Mapping[str, Handler]) -> Callable[[Stream], None]:
    """Return what answers a stream: the handler under its path, whose exceptions become the call's status."""

    def accept(stream: Stream) -> None:
        call = ServerCall(stream)
        # The peer has gone, or was never interested: nobody is left to be told.
        with suppress(ConnectionError):
            stream.send_headers([(":status", "200"), ("content-type", _CONTENT_TYPE)])
            code, text = _served(handlers.get(call.path), call)
            trailers = [("grpc-status", str(code))]
            if text:
                trailers.append(("grpc-message", quote(text, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}")))
            stream.send_headers(trailers, end=True)

    return accept


def _served(handler: Handler | None, call: ServerCall) -> tuple[int, str]:
    if handler is None:
        return UNIMPLEMENTED, f"unknown method {call.path}"
    try:
        handler(call)
    except GrpcError as exc:
        return exc.code, exc.message
    except ConnectionError:
        raise
    except Exception as exc:  # noqa: BLE001 - the caller is told, whatever it was
        return UNKNOWN, str(exc)
    return 0, ""


class ClientCall:
    """A call that we make: iterate over its answers; it ends with GrpcError where its status is not OK."""

    def __init__(self, connection: Connection, path: str, request: bytes) -> None:
        self._stream = connection.open(
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":authority", "localhost"),
                (":path", path),
                ("te", "trailers"),
                ("content-type", _CONTENT_TYPE),
            ]
        )
        self._stream.send(framed(request))
        self._stream.end()

    def __iter__(self) -> Iterator[bytes]:
        yield from messages(self._stream)
        raise_for_status(self._stream)

    def result(self) -> bytes:
        """Return the one answer. Raises GrpcError, ConnectionError."""
        answers = list(self)
        if len(answers) != 1:
            raise GrpcError(UNKNOWN, "the call was answered with no message, or with several")
        return answers[0]

    def cancel(self) -> None:
        """Break the call off, from any thread; on the other side its context is cancelled."""
        self._stream.cancel()


def messages(stream: Stream) -> Iterator[bytes]:
    """Yield the messages of a stream as they come. Raises GrpcError for what is none, ConnectionError."""
    buffer = bytearray()
    while data := stream.receive():
        buffer += data
        while len(buffer) >= _PREFIX:
            length = int.from_bytes(buffer[1:_PREFIX], "big")
            if buffer[0] or length > MESSAGE_LIMIT:
                stream.cancel()
                raise GrpcError(UNKNOWN, "a message is compressed" if buffer[0] else f"a message of {length} bytes")
            if len(buffer) < _PREFIX + length:
                break
            yield bytes(buffer[_PREFIX : _PREFIX + length])
            del buffer[: _PREFIX + length]
    if buffer:
        raise GrpcError(UNKNOWN, "the last message is cut off")


def raise_for_status(stream: Stream) -> None:
    """Raise GrpcError if an answer that has ended says so, or does not say that it is one."""
    headers = dict(stream.headers)
    if headers.get(":status") != "200":
        raise GrpcError(UNKNOWN, f"HTTP status {headers.get(':status')}")
    trailers = headers | dict(stream.trailers)
    status = trailers.get("grpc-status", "")
    if not status.isascii() or not status.isdecimal():
        raise GrpcError(UNKNOWN, "the call ended without a status")
    if int(status[:4]):
        raise GrpcError(int(status[:4]), unquote(trailers.get("grpc-message", "")))
