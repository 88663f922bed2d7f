"""The parts of a tar header: the fixed fields, their numbers and names, and the entry they make."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TypeAlias

import msgspec

BLOCK = 512
MAX_NUMBER = (1 << 63) - 1
REGULAR, HARDLINK, SYMLINK, DIRECTORY = "0", "1", "2", "5"

# name mode uid gid size mtime checksum typeflag linkname magic … prefix …
HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s82x155s12x")
Fields: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


class TarEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry: names as stored (not UTF-8 → surrogate escapes), ``size`` the file's as engines unpack it.

    That is the payload stored, but of a ``sparse`` file, whose payload leaves its holes out.
    ``stored`` counts every byte that belongs to it: its headers with their extensions, its payload and the padding.
    """

    name: str
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    linkname: str
    stored: int
    sparse: bool = False

    @property
    def path(self) -> str:
        """The name normalised: relative to the root, no ``.`` or ``..``, ``""`` for the root itself."""
        return normalised(self.name)


def normalised(name: str) -> str:
    """Resolve ``.``, ``..`` and doubled slashes of a name from an archive; nothing leads above the root."""
    name = name.lstrip("/")
    if not ("/." in name or "//" in name or name.startswith(".") or name.endswith("/")):
        return name  # as nearly every name is
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


@lru_cache(maxsize=8192)
def number(field: bytes) -> int:
    """Octal digits, or base 256 where the top bit of the first byte is set. Raises ValueError."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
        if field[0] & 0x40:
            value -= 1 << (8 * len(field) - 1)
        if abs(value) > MAX_NUMBER:
            raise ValueError(field)
        return value
    digits = field.strip(b" \0").partition(b"\0")[0].rstrip()
    if digits and not digits.isdigit():
        raise ValueError(field)
    return int(digits or b"0", 8)


def text(field: bytes) -> str:
    """A name up to its NUL; bytes that are not UTF-8 become surrogate escapes."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def begins_archive(head: bytes) -> bool:
    """Whether a stream that begins with ``head`` (its first 512 bytes, or all there are) can be a tar."""
    if len(head) < BLOCK:
        return not head
    try:
        return not any(head) or number(head[148:156]) == sum(head) + 8 * 0x20 - sum(head[148:156])
    except ValueError:
        return False
