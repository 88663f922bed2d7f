"""A container's log as the engine sends it: frames of stdout and stderr in one stream.

The format: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach
"""

from __future__ import annotations

import struct

_HEADER = struct.Struct(">BxxxL")
_STREAMS = {0, 1, 2}


def demultiplex(data: bytes) -> bytes:
    """Join the frames in ``data``, the last of which may be cut; a line cut off by the other stream ends there."""
    joined = bytearray()
    last = None
    offset = 0
    while offset + _HEADER.size <= len(data):
        stream, length = _HEADER.unpack_from(data, offset)
        if stream not in _STREAMS:
            break
        if last not in {None, stream} and not joined.endswith(b"\n"):
            joined += b"\n"
        start = offset + _HEADER.size
        joined += data[start : start + length]
        last, offset = stream, start + length
    return bytes(joined)
