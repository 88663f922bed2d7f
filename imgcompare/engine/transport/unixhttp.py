"""HTTP over a Unix socket, with nothing but the standard library: what a ping or a streamed import needs."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path


class UnixHTTPConnection(http.client.HTTPConnection):
    """An HTTP/1.1 connection to the socket at ``path``; a read or write may take ``timeout`` seconds (None: forever).

    Raises OSError or http.client.HTTPException, as its parent does.
    """

    def __init__(self, path: str | Path, timeout: float | None = None) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self) -> None:
        """Connect to the socket; nothing of the machine's proxy settings is looked at."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self.timeout)
        try:
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection
