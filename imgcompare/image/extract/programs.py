"""ELF programs that say what they were made of: Go's build information, and what cargo-auditable writes.

Formats: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, https://pkg.go.dev/debug/buildinfo (told in its
source), https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from imgcompare.image.extract.kinds import Crate, GoProgram, RustProgram
from imgcompare.image.extract.pieces import Pieces

MAGIC = b"\x7fELF"
_GO_MAGIC = b"\xff Go buildinf:"
_GO_ALIGNED = 16
_GO_HEAD = 32
_SEARCHED = 1 << 20
_SENTINEL = 16
_PT_LOAD = 1
_EXECUTABLE, _WRITABLE = 1, 2
_MAX_HEADERS = 4096
_MAX_NAMES = 1 << 20
_MAX_TEXT = 16 << 20


class _Span(NamedTuple):
    """A section or a segment: where in the file, how long, and where in memory."""

    offset: int
    size: int
    address: int


class _Elf(NamedTuple):
    """What is read of an ELF file: its byte order (as in struct), its wanted sections, and its loaded segments."""

    order: str
    sections: dict[bytes, _Span]
    loaded: tuple[_Span, ...]
    writable: _Span | None


def read_program(file: Pieces) -> GoProgram | RustProgram | None:
    """What an ELF file was made of; None where it does not tell, is cut short or makes no sense."""
    try:
        elf = _read_elf(file)
        return elf and (_go(file, elf) or _rust(file, elf))
    except (struct.error, ValueError, OverflowError, zlib.error):
        return None


def _read_elf(file: Pieces) -> _Elf | None:
    head = file.at(0, 64)
    if len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order, wide = "<>"[head[5] - 1], head[4] == 2
    layout = "16xHHIQQQIHHHHHH" if wide else "16xHHIIIIIHHHHHH"
    _, _, _, _, segments, sections, _, _, _, segment_count, _, section_count, names = struct.unpack_from(
        order + layout, head
    )
    loaded, writable = [], None
    for kind, flags, span in _segments(file, order, segments, segment_count, wide=wide):
        if kind == _PT_LOAD:
            loaded.append(span)
            if writable is None and flags & (_EXECUTABLE | _WRITABLE) == _WRITABLE:
                writable = span
    found = _sections(file, order, sections, section_count, names, wide=wide)
    return _Elf(order, found, tuple(loaded), writable)


def _segments(file: Pieces, order: str, offset: int, count: int, *, wide: bool) -> Iterator[tuple[int, int, _Span]]:
    layout = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    table = file.at(offset, min(count, _MAX_HEADERS) * layout.size)
    for fields in layout.iter_unpack(table):
        if wide:
            kind, flags, start, address, _, size, _, _ = fields
        else:
            kind, start, address, _, size, _, flags, _ = fields
        yield kind, flags, _Span(start, size, address)


def _sections(file: Pieces, order: str, offset: int, count: int, names: int, *, wide: bool) -> dict[bytes, _Span]:
    """The sections that are of interest, by name."""
    layout = struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    table = file.at(offset, min(count, _MAX_HEADERS) * layout.size) if offset else b""
    rows = list(layout.iter_unpack(table[: len(table) // layout.size * layout.size]))
    if names >= len(rows):
        return {}
    strings = file.at(rows[names][4], min(rows[names][5], _MAX_NAMES))
    found = {}
    for name, _, _, address, start, size, *_ in rows:
        text = strings[name : name + 16].partition(b"\0")[0]
        if text in (b".go.buildinfo", b".dep-v0"):
            found[text] = _Span(start, size, address)
    return found


def _go(file: Pieces, elf: _Elf) -> GoProgram | None:
    place = elf.sections.get(b".go.buildinfo") or elf.writable
    if place is None:
        return None
    data = file.at(place.offset, min(place.size, _SEARCHED))
    start = data.find(_GO_MAGIC)
    while start >= 0 and start % _GO_ALIGNED:
        start = data.find(_GO_MAGIC, start + 1)
    if start < 0 or len(data) < start + _GO_HEAD:
        return None
    pointer_size, flags = data[start + 14], data[start + 15]
    if flags & 2:  # since Go 1.18 both texts follow, each after its length
        version, end = _counted(file, place.offset + start + _GO_HEAD)
        modules, _ = _counted(file, end)
    elif pointer_size in (4, 8):
        code = (">" if flags & 1 else "<") + ("Q" if pointer_size == 8 else "I")
        first, second = struct.unpack_from(code[0] + code[1] * 2, data, start + 16)
        version, modules = _pointed(file, elf, first, code), _pointed(file, elf, second, code)
    else:
        return None
    # The text lies between two marks of 16 bytes.
    whole = len(modules) > 2 * _SENTINEL and modules[-_SENTINEL - 1 :][:1] == b"\n"
    text = modules[_SENTINEL:-_SENTINEL] if whole else b""
    if not version:
        return None
    return GoProgram(version.decode("utf-8", "replace"), text.decode("utf-8", "replace"))


def _counted(file: Pieces, offset: int) -> tuple[bytes, int]:
    """A text after its length (a varint), and where it ends."""
    length = shift = 0
    for position, byte in enumerate(file.at(offset, 10), 1):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if length > _MAX_TEXT:
                break
            return file.at(offset + position, length), offset + position + length
    raise ValueError("no length of a text")


def _pointed(file: Pieces, elf: _Elf, address: int, code: str) -> bytes:
    """The text of the string header (address and length) at an address."""
    header = struct.calcsize(code) * 2
    at, length = struct.unpack(code[0] + code[1] * 2, _memory(file, elf, address, header))
    return _memory(file, elf, at, min(length, _MAX_TEXT))


def _memory(file: Pieces, elf: _Elf, address: int, count: int) -> bytes:
    for span in elf.loaded:
        if span.address <= address < span.address + span.size:
            return file.at(span.offset + address - span.address, min(count, span.address + span.size - address))
    raise ValueError("an address that is not loaded")


class _Crate(msgspec.Struct):
    name: str
    version: str
    kind: str = "runtime"


class _Audit(msgspec.Struct):
    packages: list[_Crate]


def _rust(file: Pieces, elf: _Elf) -> RustProgram | None:
    if (place := elf.sections.get(b".dep-v0")) is None:
        return None
    unpacked = zlib.decompressobj().decompress(file.at(place.offset, min(place.size, _MAX_TEXT)), _MAX_TEXT)
    try:
        told = msgspec.json.decode(unpacked, type=_Audit)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return RustProgram(tuple(Crate(one.name, one.version) for one in told.packages if one.kind == "runtime"))
