"""A container's log as the engine sends it: frames of stdout and stderr in one stream.

The format: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDERR = 2
_HEADER = struct.Struct(">BxxxL")
_STREAMS = {0, 1, STDERR}


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each frame's stream and content; the last may be cut, and what is no frame ends them."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        stream, length = _HEADER.unpack_from(data, offset)
        if stream not in _STREAMS:
            return
        start = offset + _HEADER.size
        offset = start + length
        yield stream, data[start:offset]


def demultiplex(data: bytes) -> bytes:
    """The content of the frames in ``data``, both streams' together."""
    return joined(frames(data))


def joined(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """The content of frames; a line that one stream left unfinished ends where the other begins."""
    text = bytearray()
    last = None
    for stream, content in parts:
        if last not in {None, stream} and not text.endswith(b"\n"):
            text += b"\n"
        text += content
        last = stream
    return bytes(text)
