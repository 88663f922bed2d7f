"""requests over a Unix socket: the Docker SDK's own adapter leaves a socket open each time it cannot connect."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from requests import PreparedRequest


class UnixAdapter(HTTPAdapter):
    """Sends every request to the socket at ``path``, whatever host and proxies its session names."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _Pool(path)

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> Any:
        """Return the one pool there is."""
        return self._pool

    def request_url(self, request: PreparedRequest, _proxies: Any) -> str:
        """Return path and query: there is no proxy that would want more."""
        return request.path_url

    def close(self) -> None:
        """Close the pool's connections."""
        super().close()
        self._pool.close()


class _Pool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> HTTPConnection:
        return _Connection(self._path)


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self.timeout)
        try:
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection
