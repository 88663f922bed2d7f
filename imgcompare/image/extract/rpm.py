"""RPM's databases: SQLite's, its own (ndb) and the old one of Berkeley DB, and the headers of packages in all of them.

Formats: https://rpm-software-management.github.io/rpm/manual/format_header.html (headers, without their magic),
``lib/backend/ndb/rpmpkg.c`` of https://github.com/rpm-software-management/rpm, and Berkeley DB's ``db_page.h`` (hash).
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

from imgcompare.image.extract.kinds import Rpm, RpmDatabase
from imgcompare.image.extract.pieces import Pieces

NAMES = ("Packages", "Packages.db", "rpmdb.sqlite")
FOLDERS = ("var/lib/rpm", "usr/share/rpm", "usr/lib/sysimage/rpm")
_SQLITE = b"SQLite format 3\0"
_MAX_HEADER = 16 << 20
_MAX_PACKAGES = 50_000
_MAX_TAGS = 1 << 14
_MAX_PATH = 4096
_MAX_PATHS_BYTES = 64 << 20
# A database of a thousand packages takes some thousands of steps of SQLite's machine.
_MAX_STEPS, _STEP = 100, 100_000
_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH = 1000, 1001, 1002, 1003, 1022
_DIRINDEXES, _BASENAMES, _DIRNAMES = 1116, 1117, 1118
_WANTED = frozenset((_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH, _DIRINDEXES, _BASENAMES, _DIRNAMES))
_INT32, _STRINGS = 4, (6, 8, 9)


def read_database(file: Pieces) -> RpmDatabase | None:
    """The packages of a database; None where it is none or has none. What is damaged in it is passed over."""
    head = file.at(0, 32)
    if head.startswith(_SQLITE):
        headers = _sqlite(file)
    elif head.startswith(b"RpmP"):
        headers = _ndb(file)
    elif head[12:16] == b"\x61\x15\x06\x00":
        headers = _berkeley(file)
    else:
        return None
    rpms: list[Rpm] = []
    left, room = file.size, _MAX_PATHS_BYTES
    for header in headers:
        left -= len(header)
        if left < 0 or room < 0 or len(rpms) >= _MAX_PACKAGES:  # more than is there: one read again and again
            break
        try:
            rpm = _package(header, room)
        except (struct.error, ValueError, IndexError):
            continue
        room -= sum(map(len, rpm.files))
        if rpm.name:
            rpms.append(rpm)
    return RpmDatabase(tuple(rpms)) if rpms else None


def _sqlite(file: Pieces) -> Iterator[bytes]:
    """The headers in table Packages; the database is opened in memory, and bounded in what it may do."""
    data = bytearray(file.at(0, file.size))
    data[18:20] = b"\x01\x01"  # no write-ahead log: there is none beside a database in memory
    with closing(sqlite3.connect(":memory:")) as database:
        steps = iter(range(_MAX_STEPS))
        database.set_progress_handler(lambda: next(steps, None) is None, _STEP)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_HEADER)
        try:
            database.deserialize(data)
            del data
            database.execute("PRAGMA trusted_schema=OFF")
            database.execute("PRAGMA cell_size_check=ON")
            # No view, and no column that is worked out: what such a table gives need not be in the file.
            plain = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'Packages' AND sql NOT LIKE '% AS %(%'"
            if database.execute(plain).fetchone() is None:
                return
            for (header,) in database.execute("SELECT blob FROM Packages ORDER BY hnum LIMIT ?", (_MAX_PACKAGES,)):
                if isinstance(header, bytes):
                    yield header
        except (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError):  # the last: for a name in an error
            return


def _ndb(file: Pieces) -> Iterator[bytes]:
    """The headers of RPM's own database: slots of 16 bytes from 32 on, each naming blocks of 16 bytes."""
    _, _, _, pages = struct.unpack_from("<4I", file.at(0, 16).ljust(16, b"\0"))
    table = file.at(32, min(pages * 4096 - 32, 16 * _MAX_PACKAGES))
    for magic, number, block, _ in struct.iter_unpack("<4sIII", table[: len(table) // 16 * 16]):
        if magic != b"Slot":
            return
        head = file.at(block * 16, 16)
        if not number or len(head) < 16 or head[:4] != b"BlbS":
            continue
        (length,) = struct.unpack_from("<I", head, 12)
        if length <= _MAX_HEADER:
            yield file.at(block * 16 + 16, length)


def _berkeley(file: Pieces) -> Iterator[bytes]:
    """The headers of a hash of Berkeley DB, each of which is on overflow pages of its own."""
    head = file.at(0, 36)
    page_size, last_page = struct.unpack_from("<I", head, 20)[0], struct.unpack_from("<I", head, 32)[0]
    if page_size not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
        return
    used: set[int] = set()
    for number in range(1, min(last_page, file.size // page_size) + 1):
        page = file.at(number * page_size, page_size)
        if len(page) < page_size or page[25] not in (2, 13):
            continue
        (count,) = struct.unpack_from("<H", page, 20)
        offsets = struct.unpack_from(f"<{min(count, (page_size - 26) // 2)}H", page, 26)
        for offset in offsets[1::2]:  # keys and values by turns
            if offset + 12 <= page_size and page[offset] == 3:
                first, length = struct.unpack_from("<II", page, offset + 4)
                if length <= _MAX_HEADER:
                    yield b"".join(_overflow(file, page_size, first, used))[:length]


def _overflow(file: Pieces, page_size: int, number: int, used: set[int]) -> Iterator[bytes]:
    """The content of a chain of overflow pages; no page is in two of them."""
    while number and number not in used:
        used.add(number)
        page = file.at(number * page_size, page_size)
        if len(page) < page_size or page[25] != 7:
            return
        following, length = struct.unpack_from("<I", page, 16)[0], struct.unpack_from("<H", page, 22)[0]
        yield page[26:] if following else page[26 : 26 + length]
        number = following


_Tags = dict[int, list[bytes] | tuple[int, ...]]


def _package(header: bytes, room: int) -> Rpm:
    """The package of a header. Raises ValueError, IndexError and struct.error for what is none."""
    count, length = struct.unpack_from(">II", header)
    if count > _MAX_TAGS or 8 + 16 * count + length > len(header):
        raise ValueError("a header longer than it is")
    data = header[8 + 16 * count : 8 + 16 * count + length]
    found: _Tags = {}
    for tag, kind, offset, items in struct.iter_unpack(">IIII", header[8 : 8 + 16 * count]):
        if tag in _WANTED and offset <= len(data):
            if kind in _STRINGS:
                count = 1 if kind == 6 else min(items, len(data))  # there cannot be more
                found[tag] = data[offset:].split(b"\0", count)[:count]
            elif kind == _INT32 and items * 4 <= len(data) - offset:
                found[tag] = struct.unpack_from(f">{items}I", data, offset)

    def text(tag: int) -> str:
        value = (found.get(tag) or [b""])[0]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

    epoch = next(iter(found.get(_EPOCH, ())), None)
    return Rpm(
        text(_NAME),
        epoch if isinstance(epoch, int) else None,
        text(_VERSION),
        text(_RELEASE),
        text(_ARCH),
        tuple(_files(found, room)),
    )


def _files(found: _Tags, room: int) -> Iterator[str]:
    """The paths of a package's files, as long as there is room for their letters."""
    folders, names = found.get(_DIRNAMES, []), found.get(_BASENAMES, [])
    for folder, name in zip(found.get(_DIRINDEXES, ()), names, strict=False):
        if not isinstance(folder, int) or not isinstance(name, bytes) or folder >= len(folders):
            return
        above = folders[folder]
        if isinstance(above, bytes) and len(above) + len(name) <= _MAX_PATH:
            room -= len(above) + len(name)
            if room < 0:
                return
            yield (above + name).decode("utf-8", "replace")
