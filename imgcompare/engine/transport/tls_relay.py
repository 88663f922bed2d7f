"""A TLS connection as a plain socket: Python's TLS sockets are not for one thread that reads while another writes."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress

_BUFFER_BYTES = 256 << 10


def plain(wire: ssl.SSLSocket) -> socket.socket:
    """Return a socket that leads through ``wire``, which a thread of its own serves until either side ends."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_relay, args=(wire, theirs), daemon=True, name="tls-relay").start()
    return ours


def _relay(wire: ssl.SSLSocket, local: socket.socket) -> None:
    with wire, local, suppress(OSError):
        wire.setblocking(False)
        local.setblocking(False)
        outgoing, incoming = bytearray(), bytearray()
        while True:
            moved = _fill(wire, incoming) + _fill(local, outgoing) + _drain(wire, outgoing) + _drain(local, incoming)
            if not moved:
                readable = [each for each, data in ((wire, incoming), (local, outgoing)) if len(data) < _BUFFER_BYTES]
                writable = [each for each, data in ((wire, outgoing), (local, incoming)) if data]
                select.select(readable, writable, [])


def _fill(source: socket.socket, data: bytearray) -> int:
    """Read what is there, as far as there is room; OSError at the end."""
    if len(data) >= _BUFFER_BYTES:
        return 0
    try:
        part = source.recv(_BUFFER_BYTES)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    if not part:
        raise ConnectionError("the connection has ended")
    data += part
    return len(part)


def _drain(target: socket.socket, data: bytearray) -> int:
    if not data:
        return 0
    try:
        # The same bytes must be offered again where TLS could not write them: they stay in front.
        count = target.send(data)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    del data[:count]
    return count
