"""What a program or a shared library needs: a bounded reader of ELF files, and the loader's search for libraries.

The format: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html; where libraries are looked for:
https://man7.org/linux/man-pages/man8/ld.so.8.html. This module is also run as it is inside containers, by whatever
Python they have (3.7 or later): it imports the standard library alone, and nothing of ours.
"""

from __future__ import annotations

import os
import posixpath
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, NamedTuple

_MAGIC = b"\x7fELF"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29
# Real files have a dozen program headers and some dozens of dynamic entries.
_MAX_HEADERS = 512
_MAX_DYNAMIC_BYTES = 1 << 16
_MAX_STRING = 4096
_ORIGIN = re.compile(r"\$(?:ORIGIN\b|\{ORIGIN\})")


class Elf(NamedTuple):
    """An ELF file: 32 or 64 ``bits``, the ``machine``'s number, and what its dynamic section says.

    ``interpreter`` is the loader that a program asks for. ``rpath`` and ``runpath`` are folders as written, ``$ORIGIN``
    and all.
    """

    bits: int
    machine: int
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def read_elf(file: BinaryIO) -> Elf | None:
    """Read an ELF file that can be sought in; None for what is none, or is cut short or makes no sense."""
    try:
        return _read(file)
    except (struct.error, ValueError, OverflowError):
        return None


def _read(file: BinaryIO) -> Elf | None:
    head = file.read(64)
    if head[:4] != _MAGIC or len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    (machine,) = struct.unpack_from(order + "H", head, 18)
    segments = _segments(file, head, order, wide)
    interpreter = next((_text(file, one.offset, one.size) for one in segments if one.kind == _PT_INTERP), "")
    entries = _dynamic(file, segments, order, wide)
    table = next((value for tag, value in entries if tag == _DT_STRTAB), None)

    def texts(wanted: int) -> tuple[str, ...]:
        found = (_at(file, segments, table, value) for tag, value in entries if tag == wanted and table is not None)
        return tuple(text for text in found if text)

    return Elf(
        bits=64 if wide else 32,
        machine=machine,
        interpreter=interpreter,
        soname="".join(texts(_DT_SONAME)[:1]),
        needed=texts(_DT_NEEDED),
        rpath=tuple(folder for text in texts(_DT_RPATH) for folder in text.split(":") if folder),
        runpath=tuple(folder for text in texts(_DT_RUNPATH) for folder in text.split(":") if folder),
    )


def _segments(file: BinaryIO, head: bytes, order: str, wide: bool) -> list[_Segment]:
    """The program headers: of 32 and 64 bits they have their fields in another order."""
    if wide:
        (start,) = struct.unpack_from(order + "Q", head, 32)
        size, count = struct.unpack_from(order + "HH", head, 54)
    else:
        (start,) = struct.unpack_from(order + "I", head, 28)
        size, count = struct.unpack_from(order + "HH", head, 42)
    layout = order + ("IIQQQQQQ" if wide else "IIIIIIII")
    if size < struct.calcsize(layout) or count > _MAX_HEADERS:
        return []
    file.seek(start)
    data = file.read(size * count)
    found = []
    for at in range(0, len(data) - struct.calcsize(layout) + 1, size):
        fields = struct.unpack_from(layout, data, at)
        kind, offset, address, length = (
            (fields[0], fields[2], fields[3], fields[5]) if wide else (fields[0], fields[1], fields[2], fields[4])
        )
        found.append(_Segment(kind, offset, address, length))
    return found


def _dynamic(file: BinaryIO, segments: Iterable[_Segment], order: str, wide: bool) -> list[tuple[int, int]]:
    segment = next((one for one in segments if one.kind == _PT_DYNAMIC), None)
    if segment is None:
        return []
    file.seek(segment.offset)
    data = file.read(min(segment.size, _MAX_DYNAMIC_BYTES))
    layout = order + ("qQ" if wide else "iI")
    step = struct.calcsize(layout)
    entries = []
    for at in range(0, len(data) - step + 1, step):
        tag, value = struct.unpack_from(layout, data, at)
        if tag == 0:
            break
        entries.append((tag, value))
    return entries


def _at(file: BinaryIO, segments: Iterable[_Segment], table: int, index: int) -> str:
    """The string of that index in the table at an address; addresses are in the file where a segment puts them."""
    address = table + index
    for one in segments:
        if one.kind == _PT_LOAD and one.address <= address < one.address + one.size:
            return _text(file, one.offset + address - one.address, _MAX_STRING)
    return ""


def _text(file: BinaryIO, offset: int, size: int) -> str:
    file.seek(offset)
    return os.fsdecode(file.read(min(size, _MAX_STRING)).partition(b"\0")[0])


class Loader:
    """Looks for shared libraries as the dynamic loader does.

    ``read`` gives the ELF file at a path, or None. ``environment`` are the folders of LD_LIBRARY_PATH, ``system`` those
    that the loader searches last: of ld.so.conf and its own.
    """

    def __init__(
        self,
        read: Callable[[str], Elf | None],
        system: Sequence[str],
        environment: Sequence[str] = (),
    ) -> None:
        self._read = read
        self._system = tuple(system)
        self._environment = tuple(environment)

    def needs(self, path: str) -> dict[str, str]:
        """What the file at a path needs, by name, and the path where each is found, "" where it is nowhere.

        Of a file that is no ELF file, nothing.
        """
        elf = self._read(path)
        if elf is None:
            return {}
        return {name: self._find(name, elf, posixpath.dirname(path)) for name in elf.needed}

    def _find(self, name: str, elf: Elf, origin: str) -> str:
        if "/" in name:
            return name if self._fits(name, elf) else ""
        folders = (
            *(_expanded(elf.rpath, origin) if not elf.runpath else ()),
            *self._environment,
            *_expanded(elf.runpath, origin),
            *self._system,
        )
        paths = (posixpath.normpath(posixpath.join(folder, name)) for folder in folders)
        return next((path for path in paths if self._fits(path, elf)), "")

    def _fits(self, path: str, elf: Elf) -> bool:
        """Whether a library is there and for the same kind of machine; others are passed over, as the loader does."""
        found = self._read(path)
        return found is not None and (found.bits, found.machine) == (elf.bits, elf.machine)


def _expanded(folders: Iterable[str], origin: str) -> list[str]:
    return [_ORIGIN.sub(lambda _match: origin, folder) for folder in folders]
