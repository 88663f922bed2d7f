"""The sockets of running streams, so that any thread can break them off and wake up who waits for them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from requests import Session
    from requests.adapters import HTTPAdapter


class Wires:
    """The sockets in use; safe to call from several threads and from a signal handler."""

    def __init__(self) -> None:
        # Re-entrant: a signal handler may cut while its own thread is inside one of these methods.
        self._lock = threading.RLock()
        self._sockets: set[socket.socket] = set()
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        """Whether ``cut`` was called."""
        return self._is_cut

    def cut(self) -> None:
        """Shut every socket down, now and from now on: a blocked read or write in another thread returns at once."""
        with self._lock:
            self._is_cut = True
            for wire in self._sockets:
                _shut(wire)

    @contextmanager
    def watching(self, session: Session, url: str) -> Iterator[Callable[[], None]]:
        """Hold on to every socket that ``session`` opens towards ``url`` until the block ends.

        Yields a function that shuts these alone.
        """
        with self._held() as (hold, cut_these):
            _tell_of_sockets(cast("HTTPAdapter", session.get_adapter(url)), hold)
            yield cut_these

    @contextmanager
    def holding(self, wire: socket.socket) -> Iterator[Callable[[], None]]:
        """Hold on to one socket until the block ends. Yields a function that shuts it."""
        with self._held() as (hold, cut_it):
            hold(wire)
            yield cut_it

    @contextmanager
    def _held(self) -> Iterator[tuple[Callable[[socket.socket], None], Callable[[], None]]]:
        """Yield a function that takes sockets to hold until the block ends, and one that shuts those."""
        opened: list[socket.socket] = []

        def hold(wire: socket.socket) -> None:
            with self._lock:
                opened.append(wire)
                self._sockets.add(wire)
                if self._is_cut:
                    _shut(wire)

        def cut_these() -> None:
            with self._lock:
                for wire in opened:
                    _shut(wire)

        try:
            yield hold, cut_these
        finally:
            with self._lock:
                self._sockets.difference_update(opened)


def _shut(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)


def _tell_of_sockets(adapter: HTTPAdapter, hold: Callable[[socket.socket], None]) -> None:
    """Have ``hold`` called with each new socket of ``adapter``.

    urllib3 gives a response's socket (``HTTPResponse.shutdown``), but an engine that packs an export or is frozen sends
    no headers for a long time, and until then nobody outside has the connection.
    """
    find_pool = adapter.get_connection_with_tls_context

    def watched_pool(*args: Any, **kwargs: Any) -> Any:
        pool: Any = find_pool(*args, **kwargs)
        new_connection = pool._new_conn

        def watched_connection() -> Any:
            connection = new_connection()
            connect = connection.connect

            def connect_and_tell() -> None:
                connect()
                hold(connection.sock)

            connection.connect = connect_and_tell
            return connection

        pool._new_conn = watched_connection
        return pool

    adapter.get_connection_with_tls_context = watched_pool  # type: ignore[method-assign]
