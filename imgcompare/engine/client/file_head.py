"""The beginning of one file of a container, from the archive that the engine makes of it.

The request: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerArchive
"""

from __future__ import annotations

from imgcompare.errors import ImageFormatError
from imgcompare.image.tarheader import REGULAR, SYMLINK
from imgcompare.image.tarstream import TarStream

HEAD_BYTES = 4 << 10


def first_file(archive: bytes) -> bytes | str | None:
    """The first 4 KiB of the archive's first entry, the target of one that is a symbolic link, None for all else.

    ``archive`` may be cut anywhere after that.
    """
    head = bytearray()
    try:
        stream = TarStream([archive], sealed=False)
        entry = next(iter(stream), None)
        if entry is None or entry.type != REGULAR:
            return entry.linkname if entry and entry.type == SYMLINK else None
        for piece in stream.payload():
            head += piece
            if len(head) >= HEAD_BYTES:
                break
    except ImageFormatError:  # cut off
        return bytes(head) or None
    return bytes(head[:HEAD_BYTES])
