"""HTTP/2 over one connected socket, for either side: streams that block, a thread that reads, bounded memory.

The protocol itself is h2's (https://www.rfc-editor.org/rfc/rfc9113); this adds the socket and the waiting. What a peer
sends is held back by flow control until somebody has taken it, so that one who never stops fills no memory.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

Headers = list[tuple[str, str]]

_READ_BYTES = 256 << 10
_STREAMS = 100
# A long ignore file comes as headers; grpc-go's own servers take as much.
_HEADERS_BYTES = 16 << 20
_CLOSE_TIMEOUT_S = 5.0


class Stream:
    """One request and its answer; safe to send from one thread and to receive in another."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self.number = number
        self.headers: Headers = []
        self.trailers: Headers = []
        self.received = bytearray()
        self.owed = 0
        self.ended = False
        self.reset_by_peer = False

    def send_headers(self, headers: Headers, *, end: bool = False) -> None:
        """Send headers, or trailers with ``end``. Raises ConnectionError."""
        self._connection.send_headers(self, headers, end=end)

    def send(self, data: bytes) -> None:
        """Send data, waiting as long as the peer has no room. Raises ConnectionError."""
        self._connection.send(self, data)

    def end(self) -> None:
        """Say that nothing more will be sent. Raises ConnectionError."""
        self._connection.end(self)

    def receive(self) -> bytes:
        """Wait for data and return it, nothing at the end of the stream. Raises ConnectionError."""
        return self._connection.receive(self)

    def cancel(self) -> None:
        """Break the stream off; nothing happens where it has ended."""
        self._connection.reset(self)


class Connection:
    """An HTTP/2 connection; ``accept`` is called, in a thread of its own, with each stream that the peer begins.

    With ``accept`` it is the server's side, without it the client's. ``received`` are bytes that were already read.
    """

    def __init__(
        self, wire: socket.socket, *, accept: Callable[[Stream], None] | None = None, received: bytes = b""
    ) -> None:
        self._wire = wire
        self._accept = accept
        self._h2 = H2Connection(H2Configuration(client_side=accept is None, header_encoding=None))
        self._streams: dict[int, Stream] = {}
        self._changed = threading.Condition()
        self._outgoing = bytearray()
        self._writing = threading.Lock()
        self._failure: ConnectionError | None = None
        with self._changed:
            self._h2.local_settings = Settings(
                client=accept is None,
                initial_values={
                    SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS,
                    SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS_BYTES,
                },
            )
            self._h2.decoder.max_header_list_size = _HEADERS_BYTES
            self._h2.initiate_connection()
            self._collect()
        self._flush()
        self._reader = threading.Thread(target=self._read, args=(received,), daemon=True, name="http2-reader")
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it so far."""
        return self._failure is None

    def open(self, headers: Headers) -> Stream:
        """Begin a stream with a request's headers. Raises ConnectionError."""
        with self._changed:
            self._check()
            stream = Stream(self, self._h2.get_next_available_stream_id())
            self._streams[stream.number] = stream
            self._apply(lambda: self._h2.send_headers(stream.number, headers))
        self._flush()
        return stream

    def send_headers(self, stream: Stream, headers: Headers, *, end: bool) -> None:
        """See ``Stream.send_headers``."""
        with self._changed:
            self._check(stream)
            self._apply(lambda: self._h2.send_headers(stream.number, headers, end_stream=end))
            if end:
                self._streams.pop(stream.number, None)
        self._flush()

    def send(self, stream: Stream, data: bytes) -> None:
        """See ``Stream.send``."""
        rest = memoryview(data)
        while rest:
            with self._changed:
                while (room := self._room(stream)) <= 0:
                    self._changed.wait()
                now, rest = rest[:room], rest[room:]
                self._apply(lambda now=now: self._send_frames(stream, now))  # type: ignore[misc]
            self._flush()

    def end(self, stream: Stream) -> None:
        """See ``Stream.end``."""
        with self._changed:
            if stream.ended and self._accept is None:
                return  # answered, and perhaps closed, before it was wholly asked: RFC 9113 §8.1
            self._check(stream)
            self._apply(lambda: self._h2.end_stream(stream.number))
        self._flush()

    def receive(self, stream: Stream) -> bytes:
        """See ``Stream.receive``."""
        with self._changed:
            while not stream.received and not stream.ended:
                self._check(stream)
                self._changed.wait()
            data, stream.received = bytes(stream.received), bytearray()
            owed, stream.owed = stream.owed, 0
            if owed and self._failure is None:
                with suppress(H2Error):  # the stream is over: there is no window left to open
                    self._h2.acknowledge_received_data(owed, stream.number)
                self._collect()
        self._flush()
        return data

    def reset(self, stream: Stream) -> None:
        """See ``Stream.cancel``."""
        with self._changed:
            if self._streams.pop(stream.number, None) is None or self._failure is not None:
                return
            stream.reset_by_peer = True
            with suppress(H2Error):
                self._h2.reset_stream(stream.number, ErrorCodes.CANCEL)
            self._collect()
            self._changed.notify_all()
        with suppress(ConnectionError):
            self._flush()

    def close(self) -> None:
        """End the connection and wait for its reader; whoever waits for a stream gets ConnectionError."""
        with self._changed:
            if self._failure is None:
                with suppress(H2Error):
                    self._h2.close_connection()
                self._collect()
        with suppress(ConnectionError):
            self._flush()
        self._fail(ConnectionError("the connection was closed"))
        if threading.current_thread() is not self._reader:
            self._reader.join(_CLOSE_TIMEOUT_S)
        self._wire.close()

    def _check(self, stream: Stream | None = None) -> None:
        if self._failure is not None:
            raise ConnectionError(*self._failure.args) from self._failure
        if stream is not None and stream.reset_by_peer:
            raise ConnectionResetError("the peer broke the stream off")

    def _room(self, stream: Stream) -> int:
        """How much the peer would take of a stream now, at most what keeps other streams' messages from waiting."""
        self._check(stream)
        try:
            return min(self._h2.local_flow_control_window(stream.number), _READ_BYTES)
        except H2Error as exc:
            raise ConnectionResetError("the stream has ended") from exc

    def _send_frames(self, stream: Stream, data: memoryview) -> None:
        size = self._h2.max_outbound_frame_size
        for start in range(0, len(data), size):
            self._h2.send_data(stream.number, data[start : start + size])

    def _apply(self, change: Callable[[], None]) -> None:
        """Change the protocol's state and take what it wants sent; the lock is held."""
        try:
            change()
        except H2Error as exc:
            raise ConnectionResetError("the stream has ended") from exc
        finally:
            self._collect()

    def _collect(self) -> None:
        self._outgoing += self._h2.data_to_send()

    def _flush(self) -> None:
        """Send what waits, or leave it to the thread that is sending: a reader must not wait for a slow peer."""
        while self._outgoing and self._writing.acquire(blocking=False):
            try:
                while True:
                    with self._changed:
                        data, self._outgoing = self._outgoing, bytearray()
                    if not data:
                        break
                    self._wire.sendall(data)
            except OSError as exc:
                self._fail(ConnectionError(*exc.args))
                raise ConnectionError(*exc.args) from exc
            finally:
                self._writing.release()

    def _read(self, data: bytes) -> None:
        failure = ConnectionError("the peer closed the connection")
        try:
            while True:
                if data:
                    with self._changed:
                        events = self._h2.receive_data(data)
                        begun = [stream for event in events if (stream := self._take(event)) is not None]
                        self._collect()
                        self._changed.notify_all()
                    self._flush()
                    self._begin(begun)
                data = self._wire.recv(_READ_BYTES)
                if not data:
                    break
        except OSError as exc:
            failure = ConnectionError(*exc.args)
        except Exception as exc:  # noqa: BLE001 - whatever a peer's bytes bring about in the parser
            failure = ConnectionError(f"the peer does not keep to HTTP/2: {exc}")
        self._fail(failure)

    def _take(self, event: Event) -> Stream | None:
        """Take one event in; return the stream that the peer has begun with it."""
        if isinstance(event, ConnectionTerminated):
            raise ConnectionError("the peer ended the connection")
        number = getattr(event, "stream_id", None) or 0
        if isinstance(event, RequestReceived):
            stream = self._streams[number] = Stream(self, number)
            stream.headers = _text(event.headers)
            return stream
        found = self._streams.get(number)
        if found is not None:
            self._take_of(found, event)
        elif isinstance(event, DataReceived) and event.flow_controlled_length:
            # Data of a stream that we gave up still takes room on the connection.
            with suppress(H2Error):
                self._h2.acknowledge_received_data(event.flow_controlled_length, number)
        return None

    def _take_of(self, found: Stream, event: Event) -> None:
        match event:
            case DataReceived():
                found.received += event.data or b""
                found.owed += event.flow_controlled_length or 0
            case ResponseReceived():
                found.headers = _text(event.headers)
            case TrailersReceived():
                found.trailers = _text(event.headers)
            case StreamEnded():
                found.ended = True
                if self._accept is None:
                    self._streams.pop(found.number, None)
            case StreamReset():
                found.reset_by_peer = True
                self._streams.pop(found.number, None)

    def _begin(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            if self._accept is not None:
                threading.Thread(target=self._accept, args=(stream,), daemon=True, name="http2-stream").start()

    def _fail(self, failure: ConnectionError) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = failure
            self._changed.notify_all()
        with suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)


def _text(headers: Iterable[tuple[str | bytes, str | bytes]] | None) -> Headers:
    return [(_decoded(name), _decoded(value)) for name, value in headers or ()]


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
