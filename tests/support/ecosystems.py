"""Small files of package managers, made here: programs of Go and Rust, jars, databases of RPM."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
import zlib
from contextlib import closing
from typing import Any

GO_MODULES = (
    "path\texample.com/shop/cmd/shop\n"
    "mod\texample.com/shop\t(devel)\t\n"
    "dep\tgithub.com/gorilla/mux\tv1.8.1\th1:abc=\n"
    "dep\tgolang.org/x/net\tv0.20.0\th1:def=\n"
    "=>\texample.com/fork/net\tv0.21.0\th1:ghi=\n"
    "dep\texample.com/local\tv1.0.0\n"
    "=>\t./local\t(devel)\t\n"
    'build\t-ldflags="-s -w -X main.version=1.4.2"\n'
    "build\tGOOS=linux\n"
)


def go_program(modules: str = GO_MODULES, version: str = "go1.21.6", *, inline: bool = True) -> bytes:
    """A program as Go's linker leaves it: since 1.18 with both texts inline, before with pointers to them."""
    marked = b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6" + modules.encode() + b"\xf9" * 16
    texts = [version.encode(), marked]
    if inline:
        data = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"".join(_varint(len(x)) + x for x in texts)
        return elf({b".go.buildinfo": data})
    base = 0x400000
    start = 16 + 16 + 32  # of the texts: after the information and two string headers
    headers = struct.pack("<QQQQ", base + start, len(texts[0]), base + start + len(texts[0]), len(texts[1]))
    pointers = struct.pack("<QQ", base + 32, base + 48)
    return elf({b".go.buildinfo": b"\xff Go buildinf:\x08\x00" + pointers + headers + b"".join(texts)}, base=base)


def rust_program(*crates: tuple[str, str], kind: str = "runtime") -> bytes:
    """A program as cargo-auditable makes it."""
    told = {
        "packages": [
            {"name": name, "version": version, "source": "crates.io", "kind": kind} for name, version in crates
        ]
    }
    return elf({b".dep-v0": zlib.compress(json.dumps(told).encode())})


def elf(sections: dict[bytes, bytes], *, base: int = 0x400000) -> bytes:
    """A 64-bit ELF file of some sections, all of them in one writable segment."""
    names = b"\0" + b"".join(name + b"\0" for name in (*sections, b".shstrtab"))
    offset = 64 + 56
    body, headers = b"", [bytes(64)]
    for name, content in (*sections.items(), (b".shstrtab", names)):
        place = names.index(name + b"\0")
        headers.append(
            struct.pack(
                "<IIQQQQIIQQ",
                place,
                3 if name == b".shstrtab" else 1,
                2,
                base + len(body),
                offset + len(body),
                len(content),
                0,
                0,
                1,
                0,
            )
        )
        body += content + bytes(-len(content) % 16)
    segment = struct.pack("<IIQQQQQQ", 1, 6, offset, base, base, len(body), len(body), 4096)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, base, 64, offset + len(body), 0, 64, 56, 1, 64, len(headers), len(headers) - 1
    )
    return identity + head + segment + body + b"".join(headers)


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def jar(
    files: dict[str, bytes] | None = None,
    *,
    manifest: str | None = "Manifest-Version: 1.0\n",
    pom: dict[str, str] | None = None,
) -> bytes:
    """A jar with a manifest, Maven's properties, and other files; the same bytes each time."""
    buffer = io.BytesIO()
    members: dict[str, str | bytes] = {}
    if manifest is not None:
        members["META-INF/MANIFEST.MF"] = manifest
    if pom:
        folder = f"META-INF/maven/{pom['groupId']}/{pom['artifactId']}"
        members[f"{folder}/pom.properties"] = "".join(f"{key}={value}\n" for key, value in pom.items())
    members |= files or {}
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def rpm_header(
    name: str, version: str, release: str, *, epoch: int | None = None, files: tuple[str, ...] = ()
) -> bytes:
    """The header of a package as RPM's databases hold it."""
    places = [file.rpartition("/")[::2] for file in files]
    folders = {folder: number for number, folder in enumerate(dict.fromkeys(folder for folder, _ in places))}
    rows: list[tuple[int, int, Any]] = [
        (1000, 6, [name]),
        (1001, 6, [version]),
        (1002, 6, [release]),
        (1022, 6, ["x86_64"]),
    ]
    if epoch is not None:
        rows.append((1003, 4, [epoch]))
    if files:
        rows.append((1116, 4, [folders[folder] for folder, _ in places]))
        rows.append((1117, 8, [name for _, name in places]))
        rows.append((1118, 8, [f"{folder}/" for folder in folders]))
    index, data = b"", b""
    for tag, kind, values in rows:
        if kind == 4:
            data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), len(values))
        data += b"".join(struct.pack(">I", x) if kind == 4 else x.encode() + b"\0" for x in values)
    return struct.pack(">II", len(rows), len(data)) + index + data


def rpm_sqlite(*headers: bytes) -> bytes:
    """RPM's database in SQLite, with a write-ahead log as RPM leaves it."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
        database.commit()
        data = bytearray(database.serialize())
    data[18:20] = b"\x02\x02"
    return bytes(data)


def rpm_ndb(*headers: bytes) -> bytes:
    """RPM's own database: a page of slots, then the headers in blocks of 16 bytes."""
    slots, blobs = b"", b""
    for number, header in enumerate(headers, 1):
        block = 256 + len(blobs) // 16
        blob = struct.pack("<4sIII", b"BlbS", number, 1, len(header)) + header
        blob += bytes(-len(blob) % 16)
        slots += struct.pack("<4sIII", b"Slot", number, block, len(blob) // 16)
        blobs += blob
    empty = struct.pack("<4sIII", b"Slot", 0, 0, 0)
    head = struct.pack("<4s7I", b"RpmP", 0, 1, 1, 0, 0, 0, 0)
    table = head + slots + empty * (254 - len(headers))
    return table + blobs


def rpm_berkeley(*headers: bytes, page_size: int = 4096) -> bytes:
    """The old database: a hash page whose values are on overflow pages."""
    pages: list[bytes] = [b"", b""]
    values = b""
    for header in headers:
        parts = [header[at : at + page_size - 26] for at in range(0, len(header), page_size - 26)]
        values += struct.pack("<BxxxII", 3, len(pages), len(header))
        for number, part in enumerate(parts):
            following = len(pages) + 1 if number + 1 < len(parts) else 0
            pages.append(struct.pack("<8xIIIHHBB", len(pages), 0, following, 1, len(part), 0, 7) + part)
    starts = [page_size - len(values) + 12 * number for number in range(len(headers))]
    table = b"".join(struct.pack("<HH", page_size - 1, start) for start in starts)
    hashed = struct.pack("<8xIIIHHBB", 1, 0, 0, 2 * len(headers), 0, 0, 13) + table
    pages[1] = hashed.ljust(page_size - len(values), b"\0") + values
    pages[0] = struct.pack("<8xIIIIBBBBII", 0, 0x00061561, 9, page_size, 0, 8, 0, 0, 0, len(pages) - 1)
    return b"".join(page.ljust(page_size, b"\0") for page in pages)


def document(**fields: Any) -> bytes:
    """A JSON document."""
    return json.dumps(fields).encode()
