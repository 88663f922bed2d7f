"""Peers that are no engine, or one that breaks: real sockets that answer what the test says."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import Endpoint


@contextmanager
def peer(tmp_path: Path, answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Listen on a Unix socket and have ``answer`` serve each request, given its bytes; yields the URL."""
    path = tmp_path / "p.sock"
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            head = b""
            while data := connection.recv(65536):
                head += data
                if is_whole(head):
                    answer(connection, head)
                    if b"close" in head.lower():
                        return
                    head = b""

    def accept(listener: socket.socket) -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield f"unix://{path}"
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def is_whole(request: bytes) -> bool:
    """Whether a request's head has come, and the body of the length that it tells."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= int(length[1] if length else 0)


def _quietly(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with suppress(OSError):  # the client has gone, which is what some tests are about
        serve(connection)


def version_or(connection: socket.socket, head: bytes, rest: bytes) -> None:
    """Answer ``/version`` as an engine does, and anything else with ``rest``."""
    if b"GET /version " in head:
        body = b'{"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "0", "Os": "linux"}'
        rest = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    connection.sendall(rest)


def client(url: str, *, timeout_s: float = 10, source: str = "--host") -> closing[SdkEngine]:
    """Our client of what is said to be an engine there."""
    return closing(SdkEngine(Endpoint(url=url, source=source), timeout_s=timeout_s))
