"""Pure: what a program is by its first bytes: a script and its interpreter, or machine code and for which machine.

ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html; scripts:
https://man7.org/linux/man-pages/man2/execve.2.html
"""

from __future__ import annotations

import struct

from msgspec import Struct

_INTERP = 3
_MAX_HEADERS = 64
# e_machine → the image specification's words (Go's GOARCH), by byte order where that tells two apart.
_MACHINES = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 21: "ppc64le", 22: "s390x", 258: "loong64"}


class Elf(Struct, frozen=True):
    """Machine code: its architecture ("" if unknown) and the loader it asks for ("" for a static program)."""

    architecture: str
    loader: str


def interpreter_line(head: bytes) -> list[str]:
    """The words of a script's first line after ``#!``, as the kernel reads them; [] for what is no script.

    Of ``#!/usr/bin/env NAME`` it is the name that counts, so that comes first.
    """
    if not head.startswith(b"#!"):
        return []
    # A carriage return is part of the last word: to the kernel as well.
    words = head[2:].partition(b"\n")[0].decode("utf-8", "replace").strip(" \t").replace("\t", " ").split(" ", 1)
    if not words[0]:
        return []
    if words[0].endswith("/env") and len(words) > 1:
        name = words[1].removeprefix("-S").split()
        return [*name[:1], *words]
    return words


def read_elf(head: bytes) -> Elf | None:
    """Read the header of an ELF file from its first bytes; None for anything else."""
    if len(head) < 52 or not head.startswith(b"\x7fELF") or head[4] not in {1, 2} or head[5] not in {1, 2}:
        return None
    order = "<" if head[5] == 1 else ">"
    (machine,) = struct.unpack_from(f"{order}H", head, 18)
    return Elf(_MACHINES.get(machine, ""), _loader(head, order, wide=head[4] == 2))


def _loader(head: bytes, order: str, *, wide: bool) -> str:
    try:
        if wide:
            (table,) = struct.unpack_from(f"{order}Q", head, 32)
            size, count = struct.unpack_from(f"{order}HH", head, 54)
        else:
            (table,) = struct.unpack_from(f"{order}I", head, 28)
            size, count = struct.unpack_from(f"{order}HH", head, 42)
        for number in range(min(count, _MAX_HEADERS)):
            at = table + number * size
            if struct.unpack_from(f"{order}I", head, at)[0] != _INTERP:
                continue
            where, length = at + (8 if wide else 4), at + (32 if wide else 16)
            (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, where)
            (end,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, length)
            return head[start : start + min(end, 4096)].rstrip(b"\0").decode("utf-8", "replace")
    except struct.error:
        return ""
    return ""
