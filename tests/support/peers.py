"""Both ends of an HTTP/2 connection in one process, and a builder that asks for a folder's files as BuildKit does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from imgcompare.engine.transport.grpc import Handler, framed, messages, server
from imgcompare.engine.transport.http2 import Connection, Stream
from imgcompare.engine.transport.protobuf import as_bytes, as_int, as_text, fields
from imgcompare.engine.transport.protobuf import field as encoded

# What Go calls a mode's type: folder, link, device, FIFO, socket and more.
_NO_FILE = 1 << 31 | 0xF << 24 | 1 << 21 | 1 << 19


@contextmanager
def connected(accept: Callable[[Stream], None]) -> Iterator[Connection]:
    """Yield the client's end of a connection whose server's streams ``accept`` takes."""
    ours, theirs = socket.socketpair()
    with closing(Connection(theirs, accept=accept)), closing(Connection(ours)) as client:
        yield client


@contextmanager
def serving(handlers: Mapping[str, Handler]) -> Iterator[Connection]:
    """Yield the client's end of a connection to those services."""
    with connected(server(handlers)) as client:
        yield client


@dataclass
class Received:
    """What a builder was told and sent: of each path its fields, and the contents of the files it asked for."""

    stats: dict[str, dict[int, int | bytes]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    error: str = ""


def receive(connection: Connection, path: str, metadata: list[tuple[str, str]], known: frozenset[str]) -> Received:
    """Ask for a folder as fsutil's receiver does; the files in ``known`` are there already."""
    headers = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path), ("te", "trailers")]
    stream = connection.open([*headers, ("content-type", "application/grpc"), *metadata])
    received = Received()
    names: list[str] = []
    waiting: dict[int, str] = {}
    told = False
    for packet in messages(stream):
        parts = dict(fields(packet))
        kind = as_int(parts.get(1, 0))
        if kind == 0 and 2 not in parts:
            told = True
        elif kind == 0:
            stat = dict(fields(as_bytes(parts[2])))
            name = as_text(stat[1])
            names.append(name)
            received.stats[name] = stat
            is_file = not as_int(stat.get(2, 0)) & _NO_FILE and 7 not in stat
            if is_file and name not in known:
                waiting[len(names) - 1] = name
                stream.send(framed(encoded(1, 1) + encoded(3, len(names) - 1)))
        elif kind == 2:
            number = as_int(parts.get(3, 0))
            data = as_bytes(parts.get(4, b""))
            received.contents[names[number]] = received.contents.get(names[number], b"") + data
            if not data:
                del waiting[number]
        elif kind == 4:
            received.error = as_text(parts.get(4, b""))
            break
        else:
            break
        if told and not waiting:
            stream.send(framed(encoded(1, 3)))
    stream.cancel()
    return received
