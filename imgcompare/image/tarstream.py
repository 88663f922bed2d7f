"""A strict, bounded tar reader for streams: it walks entries, never extracts, and fails on what it cannot vouch for.

Formats: ustar and pax (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html), GNU
(https://www.gnu.org/software/tar/manual/html_node/Standard.html). Where they leave room it reads as Go's archive/tar
does, because that is what engines apply layers with.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import NoReturn, TypeAlias

import msgspec

from imgcompare.errors import ImageFormatError
from imgcompare.image.tarheader import BLOCK, DIRECTORY, HEADER, MAX_NUMBER, REGULAR, Fields, TarEntry, number, text
from imgcompare.regex import regex
from imgcompare.text.printable import printable

Chunk: TypeAlias = bytes | memoryview

_ZEROS = bytes(BLOCK)
_MAX_EXTENSION = 1 << 20
# GNU tar writes at most L, K and x before an entry, and g now and then: a longer chain is an attack.
_MAX_CHAIN = 16
# Linux makes no path and no link that is longer (PATH_MAX), so no engine can have exported one.
_MAX_NAME = 4096
_TAIL = 4096
_READ_ON = 1 << 16
_HINT = "Export the image again; if it happens again, look at the engine's log."

_EXTENSIONS = frozenset((b"x", b"g", b"L", b"K"))
# Links, devices, directories and FIFOs have no payload, whatever their size field says (Go's isHeaderOnly).
_HEADER_ONLY = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_REGULAR = frozenset((b"0", b"\0", b"7"))
_PAX_NUMBER = regex(r"(-?[0-9]{1,19})(?:\.[0-9]*)?")
# https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html
_SPARSE = tuple(f"GNU.sparse.{key}" for key in ("name", "major", "minor", "map", "offset", "size", "realsize"))
_SPARSE_VERSIONS = frozenset((("0", "0"), ("0", "1"), ("1", "0")))
# No file system of an engine has a larger file; without a bound, sums would leave every integer.
_MAX_SPARSE = 1 << 42
_PAX_KEYS = frozenset(("path", "linkpath", "size", "uid", "gid", "mtime", *_SPARSE))


class TarStream:
    """The entries of a tar that arrives as chunks of any size; iterate once, and read a payload before the next entry.

    A payload that is not read is skipped. Memory stays within a chunk and the longest extension header (1 MiB).

    ``sealed`` demands the two zero blocks that end a tar. A stream whose completeness a digest proves may do without:
    engines accept layers that stop after an entry (https://pkg.go.dev/archive/tar#Reader.Next).
    """

    def __init__(self, chunks: Iterable[Chunk], *, sealed: bool = True) -> None:
        self._chunks = iter(chunks)
        self._sealed = sealed
        self._chunk: Chunk = b""
        self._position = 0
        self._read_before = 0
        self._tail = b""
        self._payload = 0
        self._padding = 0
        self._global: dict[str, str] = {}
        # What entries take are multiples of a block, and mostly the same few: one object of each saves many megabytes.
        self._stored: dict[int, int] = {}

    def __iter__(self) -> Iterator[TarEntry]:
        """Walk the entries. Raises ImageFormatError for anything malformed, truncated or foreign."""
        while (entry := self._next()) is not None:
            yield entry
            left = self._payload + self._padding
            self._payload = self._padding = 0
            if left <= len(self._chunk) - self._position:
                self._position += left
            else:
                for _ in self._take(left):
                    pass

    def payload(self) -> Iterator[memoryview]:
        """The current entry's payload, in pieces that are views of the chunks."""
        for piece in self._take(self._payload):
            self._payload -= len(piece)
            yield piece

    def whole_payload(self) -> memoryview | None:
        """The current entry's payload in one piece, as most are here; None, and nothing is read, where it is not."""
        start, end = self._position, self._position + self._payload
        if end > len(self._chunk):
            return None
        self._position, self._payload = end, 0
        return memoryview(self._chunk)[start:end]

    def _next(self) -> TarEntry | None:
        extensions: dict[str, str] = {}
        chained = 0
        start = self._read_before + self._position
        while (fields := self._header()) is not None:
            flag = fields[7]
            if flag not in _EXTENSIONS:
                return self._entry(start, fields, {**self._global, **extensions} if self._global else extensions)
            if chained == _MAX_CHAIN:
                self._fail(f"more than {_MAX_CHAIN} extension headers before one entry")
            chained += 1
            data = self._extension(fields)
            if flag == b"x":
                extensions.update(self._pax(data))
            elif flag == b"g":
                self._global.update(self._pax(data))
            else:
                extensions["path" if flag == b"L" else "linkpath"] = text(data)
        if extensions:
            self._fail("an extension header without an entry after it")
        return None

    def _header(self) -> Fields | None:
        """The next header block with a valid checksum, or None at the end of the archive."""
        block = self._read(BLOCK, or_nothing=True)
        if not block:
            self._end("the archive's two closing blocks are missing")
            return None
        # Adler-32's low half is the sum of the bytes modulo 65521, which 256 bytes cannot reach: an exact sum, in C.
        total = (zlib.adler32(block[:256], 0) & 0xFFFF) + (zlib.adler32(block[256:], 0) & 0xFFFF)
        if not total:
            self._closing()
            return None
        fields: Fields = HEADER.unpack(block)
        checksum = fields[6]
        total += 8 * 0x20 - sum(checksum)  # the sum counts its own field as eight spaces
        if checksum != b"%06o\0 " % total and not self._holds(checksum, total):
            self._fail("a header whose checksum is wrong")
        return fields

    def _holds(self, checksum: bytes, total: int) -> bool:
        try:
            return number(checksum) == total
        except ValueError:
            return False

    def _closing(self) -> None:
        """Demand the second zero block, and of a sealed tar nothing but zeros after it.

        Engines unpack a layer as far as the end and hash what follows with it; eStargz keeps its footer there.
        """
        if not (block := self._read(BLOCK, or_nothing=True)):
            self._end("the archive's second closing block is missing")
        elif block != _ZEROS:
            self._fail("data after a closing block")
        while self._position < len(self._chunk) or self._refill():
            if self._sealed and bytes(self._chunk[self._position :]).strip(b"\0"):
                self._fail("data after the end of the archive")
            self._position = len(self._chunk)

    def _end(self, problem: str) -> None:
        if self._sealed:
            self._fail(problem)

    def _entry(self, start: int, fields: Fields, extensions: dict[str, str]) -> TarEntry:
        raw_name, raw_mode, raw_uid, raw_gid, raw_size, raw_mtime, _, flag, raw_link, magic, prefix = fields
        try:
            mode, uid, gid = number(raw_mode), number(raw_uid), number(raw_gid)
            size, mtime = number(raw_size), number(raw_mtime)
        except ValueError:
            self._fail("a header with a field that is no number")
        name = text(raw_name)
        link = text(raw_link) if raw_link[0] else ""
        # Only POSIX has a prefix there; GNU ("ustar  ") keeps times and the sparse map in these bytes.
        if prefix[0] and magic == b"ustar\0":
            name = f"{text(prefix)}/{name}"
        unpacked: int | None = None
        if extensions:
            name = extensions.get("path") or name
            link = extensions.get("linkpath") or link
            size, uid = self._pax_number(extensions, "size", size), self._pax_number(extensions, "uid", uid)
            gid, mtime = self._pax_number(extensions, "gid", gid), self._pax_number(extensions, "mtime", mtime)
            name, unpacked = self._sparse(flag, extensions, name, size)
        if size < 0 or uid < 0 or gid < 0 or mode < 0:
            self._fail(f"a negative number in a header (size {size}, owner {uid}:{gid}, mode {mode})")
        if len(name) > _MAX_NAME or len(link) > _MAX_NAME:
            self._fail(f"a name of {max(len(name), len(link))} characters (at most {_MAX_NAME})")
        if flag == b"S":
            self._skip_sparse_maps(more=prefix[137])  # isextended, at offset 482
        if flag in _HEADER_ONLY:
            size = 0
        self._payload, self._padding = size, -size % BLOCK
        kind = REGULAR if flag in _REGULAR else flag.decode("latin-1")
        if flag == b"\0" and name.endswith("/"):
            kind = DIRECTORY
        stored = self._read_before + self._position - start + size + self._padding
        stored = self._stored.setdefault(stored, stored)
        seen = size if unpacked is None else unpacked
        return TarEntry(name, kind, mode, uid, gid, seen, mtime, link, stored, unpacked is not None)

    def _sparse(self, flag: bytes, extensions: dict[str, str], name: str, size: int) -> tuple[str, int | None]:
        """The name and size of a sparse file, whose header has others; the name given and None for any other entry."""
        if flag not in _REGULAR or not _is_sparse(extensions):
            return name, None
        key = "GNU.sparse.size" if extensions.get("GNU.sparse.size") else "GNU.sparse.realsize"
        size = self._pax_number(extensions, key, size)
        if not 0 <= size <= _MAX_SPARSE:
            self._fail(f"a sparse file of {size} bytes (at most {_MAX_SPARSE})")
        return extensions.get("GNU.sparse.name") or name, size

    def _skip_sparse_maps(self, more: int) -> None:
        """Pass the old GNU format's blocks of sparse maps; the size field counts the bytes stored after them.

        No engine unpacks that format (https://github.com/moby/moby/issues/4066), so its real size is nobody's.
        """
        for _ in range(_MAX_EXTENSION // BLOCK):
            if not more:
                return
            more = self._read(BLOCK)[504]
        self._fail(f"a sparse map over {_MAX_EXTENSION} bytes")

    def _extension(self, fields: Fields) -> bytes:
        """The payload of an extension header."""
        try:
            size = number(fields[4])
        except ValueError:
            size = -1
        if not 0 <= size <= _MAX_EXTENSION:
            self._fail(f"an extension header of {size} bytes (at most {_MAX_EXTENSION})")
        return bytes(self._read(size + -size % BLOCK)[:size])

    def _pax(self, data: bytes) -> dict[str, str]:
        """The records ``LENGTH KEY=VALUE\\n`` that concern us; an empty value takes a global one back."""
        records: dict[str, str] = {}
        position = 0
        while position < len(data):
            space = data.find(b" ", position, position + 8)
            length = data[position:space] if space > 0 else b""
            end = position + int(length) if length.isdigit() else 0
            key, equals, value = data[space + 1 : end - 1].partition(b"=")
            if not position < space < end <= len(data) or not equals or data[end - 1] != 0x0A:
                self._fail("a damaged PAX record")
            if (name := key.decode("utf-8", "surrogateescape")) in _PAX_KEYS:
                if b"\0" in value:
                    self._fail(f"a PAX {name} with a NUL in it")
                records[name] = value.decode("utf-8", "surrogateescape")
            position = end
        return records

    def _pax_number(self, extensions: dict[str, str], key: str, otherwise: int) -> int:
        if not (text := extensions.get(key)):
            return otherwise
        match = _PAX_NUMBER.fullmatch(text)
        value = int(match[1]) if match else MAX_NUMBER + 1
        if abs(value) > MAX_NUMBER:
            self._fail(f"a PAX {key} that is no number: {printable(text, limit=40)}")
        return value

    def _read(self, count: int, *, or_nothing: bool = False) -> Chunk:
        start = self._position
        if start + count <= len(self._chunk):
            self._position = start + count
            return self._chunk[start : start + count]
        return b"".join(self._take(count, or_nothing=or_nothing))

    def _take(self, count: int, *, or_nothing: bool = False) -> Iterator[memoryview]:
        """Pass on exactly ``count`` bytes without copying them; ``or_nothing`` lets the stream end before the first."""
        wanted = count
        while count:
            available = len(self._chunk) - self._position
            if not available:
                if self._refill():
                    continue
                if or_nothing and count == wanted:
                    return
                self._fail("the archive is cut short")
            start = self._position
            piece = memoryview(self._chunk)[start : start + min(count, available)]
            self._position += len(piece)
            count -= len(piece)
            yield piece

    def _refill(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._read_before += len(self._chunk)
        # What an engine says when it breaks off stands at the very end, cut into chunks anyhow.
        self._tail = (self._tail + bytes(self._chunk[-_TAIL:]))[-_TAIL:]
        self._chunk, self._position = chunk, 0
        return True

    def _fail(self, problem: str) -> NoReturn:
        at = self._read_before + self._position
        while self._read_before <= at + _READ_ON:
            if not self._refill():
                said = _engine_message(self._tail + bytes(self._chunk[-_TAIL:]))
                break
        else:
            said = ""
        told = f"; the engine said: {said}" if said else ""
        raise ImageFormatError(f"Not a complete tar archive: {problem} near byte {at}{told}", hint=_HINT)


def _is_sparse(extensions: dict[str, str]) -> bool:
    """Whether an entry is of a sparse format that engines know; of another one they unpack the payload as it is."""
    version = extensions.get("GNU.sparse.major", ""), extensions.get("GNU.sparse.minor", "")
    if version == ("", ""):
        return bool(extensions.get("GNU.sparse.map") or extensions.get("GNU.sparse.offset"))
    return version in _SPARSE_VERSIONS


class _Detail(msgspec.Struct):
    message: str = ""


class _StreamError(msgspec.Struct):
    errorDetail: _Detail | None = None  # noqa: N815 (the engine API's name)
    message: str = ""
    error: str = ""


def _engine_message(tail: bytes) -> str:
    """The error an engine wrote as JSON into the body after it had answered 200, or "" where there is none."""
    found = re.search(rb'\{"(?:errorDetail|message|error)".*\}', tail, re.DOTALL)
    if found is None:
        return ""
    try:
        said = msgspec.json.decode(found[0].splitlines()[0], type=_StreamError)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return printable((said.errorDetail.message if said.errorDetail else "") or said.message or said.error, limit=300)
