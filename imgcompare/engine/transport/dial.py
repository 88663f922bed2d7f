"""Connections of our own to an engine, with the standard library alone, and their upgrade to HTTP/2."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imgcompare.engine.interface import SCHEME
from imgcompare.engine.transport.ssh_tunnel import tunnel
from imgcompare.engine.transport.tls_relay import plain
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from imgcompare.engine.interface import Endpoint

_HEAD_LIMIT = 64 << 10


class UpgradeRefusedError(Exception):
    """What listens there answers a request to speak HTTP/2 with anything but 101."""


def dial(endpoint: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection to the endpoint that is not open yet; ``timeout_s`` bounds each wait.

    Raises OSError for unusable certificates, and NoEngineError where ssh finds no way.
    """
    scheme, _, path = endpoint.url.partition("://")
    if scheme == "unix":  # not split further: ? and # are ordinary characters of a path
        return UnixHTTPConnection(path, timeout=timeout_s)
    if scheme == SCHEME:
        return UnixHTTPConnection(tunnel(endpoint.url).engine, timeout=timeout_s)
    url = urlsplit(endpoint.url)
    host = url.hostname or ""
    if url.scheme == "https" or endpoint.tls:
        return http.client.HTTPSConnection(host, url.port, timeout=timeout_s, context=_tls_context(endpoint))
    return http.client.HTTPConnection(host, url.port, timeout=timeout_s)


def upgrade(
    connection: http.client.HTTPConnection, path: str, headers: Iterable[tuple[str, str]] = ()
) -> tuple[socket.socket, bytes]:
    """Open a connection, ask for HTTP/2 on it, and return its socket and what was read behind the answer.

    Raises UpgradeRefusedError, OSError.
    """
    connection.connect()
    wire: socket.socket = connection.sock
    try:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: docker",
            "Connection: Upgrade",
            "Upgrade: h2c",
            "Content-Length: 0",
            *(f"{name}: {value}" for name, value in headers),
        ]
        wire.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        head, received = _read_head(wire)
        _, _, rest = head.partition(" ")
        if not head.startswith("HTTP/1.") or rest[:3] != "101":
            raise UpgradeRefusedError(f"it answers {path} with {printable(head, limit=80)!r} instead of HTTP/2")
        wire.settimeout(None)
    except BaseException:
        wire.close()
        raise
    return plain(wire) if isinstance(wire, ssl.SSLSocket) else wire, received


def _read_head(wire: socket.socket) -> tuple[str, bytes]:
    """Read an answer's headers; return its first line and the bytes that came behind them."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = wire.recv(4096)
        if not part or len(data) > _HEAD_LIMIT:
            raise UpgradeRefusedError("it closed the connection" if not part else "its answer has no end")
        data += part
    head, _, received = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n", 1)[0].decode("latin-1"), received


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    tls = endpoint.tls
    context = ssl.create_default_context(cafile=tls.get("ca"))
    if tls.get("verify") == "0":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if "cert" in tls and "key" in tls:
        # An empty password makes an encrypted key an error; without one OpenSSL would ask on the terminal.
        context.load_cert_chain(tls["cert"], tls["key"], password="")
    return context
