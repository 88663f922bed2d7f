"""HTTP over a Unix socket."""

from __future__ import annotations

import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from imgcompare.engine.transport.unixhttp import UnixHTTPConnection


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep the test's output empty."""


class _Server(socketserver.ThreadingUnixStreamServer):
    def get_request(self) -> tuple[socket.socket, object]:
        request, _ = super().get_request()
        return request, ("unix", 0)  # the handler expects an address of two parts


def test_a_request_reaches_the_socket_and_its_reply_comes_back(tmp_path: Path) -> None:
    """An engine's socket is talked to as any HTTP server is."""
    path = tmp_path / "s"
    with _Server(str(path), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            connection = UnixHTTPConnection(path, timeout=5)
            connection.request("GET", "/_ping")
            reply = connection.getresponse()
            assert (reply.status, reply.read()) == (200, b"/_ping")
            connection.close()
        finally:
            server.shutdown()
            thread.join()


def test_a_socket_nobody_listens_on_raises_and_leaks_nothing(tmp_path: Path) -> None:
    """A dead socket is an OSError, and is closed (an unclosed one would warn, an error here)."""
    connection = UnixHTTPConnection(tmp_path / "none", timeout=1)
    with pytest.raises(FileNotFoundError):
        connection.request("GET", "/_ping")
    assert connection.sock is None
