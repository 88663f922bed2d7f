"""The tar reader against Python's tarfile on good archives, and against damage and malice on bad ones."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.errors import ImageFormatError
from imgcompare.image.tarheader import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry, normalised
from imgcompare.image.tarstream import TarStream

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.images import Make

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
END = bytes(1024)


def header(name: bytes = b"f", kind: bytes = b"0", size: int | bytes = 0, **fields: bytes) -> bytes:
    """One header block with a right checksum, whatever nonsense its fields hold."""
    places = {"mode": 100, "uid": 108, "gid": 116, "mtime": 136, "link": 157, "magic": 257, "prefix": 345}
    block = bytearray(512)
    block[: len(name)] = name
    block[156:157] = kind
    block[257:263] = b"ustar\0"
    number = size if isinstance(size, bytes) else b"%011o\0" % size
    block[124 : 124 + len(number)] = number
    for field, value in fields.items():
        block[places[field] : places[field] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """A payload filled up to whole blocks."""
    return data + bytes(-len(data) % 512)


def pax(**records: str) -> bytes:
    """The payload of a PAX header."""
    lines = b""
    for key, value in records.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        lines += str(length).encode() + body
    return lines


def extension(kind: bytes, data: bytes) -> bytes:
    """An extension header and its payload."""
    return header(b"ext", kind, len(data)) + padded(data)


def entries(data: bytes, size: int = 1 << 16) -> list[TarEntry]:
    """What the reader makes of a tar that arrives in chunks of a size."""
    return list(TarStream(data[start : start + size] for start in range(0, len(data), size)))


def refused(data: bytes) -> str:
    """The message with which a tar is refused."""
    with pytest.raises(ImageFormatError) as caught:
        entries(data)
    return caught.value.message


def samples() -> list[tarfile.TarInfo]:
    """Entries of each kind, with long names, high numbers and odd letters."""
    found = []
    for name, kind, link in (
        ("usr/", tarfile.DIRTYPE, ""),
        ("usr/bin/python3", tarfile.SYMTYPE, "python3.11"),
        ("usr/" + "long/" * 15 + "name.py", tarfile.REGTYPE, ""),
        ("usr/hard", tarfile.LNKTYPE, "usr/bin/python3.11"),
        ("grüße/日本", tarfile.REGTYPE, ""),
        ("dev/null", tarfile.CHRTYPE, ""),
        ("run/fifo", tarfile.FIFOTYPE, ""),
    ):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.mode, info.uid, info.gid, info.mtime = 0o4755, 1000, 65534, 1_700_000_000
        info.size = 700 if kind == tarfile.REGTYPE else 0
        found.append(info)
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [1, 511, 512, 513, 1 << 16])
def test_lists_what_tarfile_lists(form: int, size: int) -> None:
    """Names, kinds, owners, times and links agree with Python's tarfile in each format, however the tar is cut."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info in samples():
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        expected = [
            (i.name.rstrip("/"), i.type.decode(), i.mode, i.uid, i.gid, i.size, int(i.mtime), i.linkname)
            for i in archive
        ]
    found = entries(buffer.getvalue(), size)
    assert [(e.name.rstrip("/"), e.type, e.mode, e.uid, e.gid, e.size, e.mtime, e.linkname) for e in found] == expected


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_long_names_and_links(form: int) -> None:
    """GNU and PAX extensions carry names and link targets beyond the header's fields."""
    info = tarfile.TarInfo("n/" * 400 + "file")
    info.type, info.linkname = tarfile.SYMTYPE, "t/" * 500
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        archive.addfile(info)
    (entry,) = entries(buffer.getvalue())
    assert (entry.name, entry.type, entry.linkname.rstrip("/")) == ("n/" * 400 + "file", SYMLINK, ("t/" * 500)[:-1])


def test_the_longest_name_linux_has_is_read() -> None:
    """A path of 4,096 characters is the longest that an engine can have exported."""
    (entry,) = entries(extension(b"L", b"a/" * 2048) + header() + END)
    assert len(entry.name) == 4096


def test_streams_and_skips_payloads(make: Make) -> None:
    """A payload can be read, read in part, or left; the next entry is found each time."""
    data = make.tar([("a", b"1" * 1000), ("b", b"2" * 3000), ("c", b"3" * 600), ("d", b"")])
    for size in (1, 100, 512, 5000):
        stream = TarStream(make.chunks(data, size))
        seen = {}
        for entry in stream:
            if entry.name == "a":
                seen["a"] = b"".join(stream.payload())
            if entry.name == "b":
                next(stream.payload())
            if entry.name == "d":
                seen["d"] = b"".join(stream.payload())
        assert seen == {"a": b"1" * 1000, "d": b""}


def test_names_are_data() -> None:
    """Absolute and climbing names are normalised, never followed, and bytes that are not UTF-8 come back."""
    names = [b"/etc/passwd", b"../../etc/shadow", b"./a//b/./c/", b"a/../../b", b"caf\xe9", b"./"]
    found = entries(b"".join(header(name) for name in names) + END)
    assert [e.path for e in found] == ["etc/passwd", "etc/shadow", "a/b/c", "b", "caf\udce9", ""]
    assert found[4].name.encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert normalised("..") == ""


def test_global_pax_records_apply_until_taken_back() -> None:
    """A global record holds for later entries, a local one goes before it, and an empty one removes it."""
    data = extension(b"g", pax(uid="7")) + header(b"a") + extension(b"x", pax(uid="8")) + header(b"b")
    data += extension(b"x", pax(uid="")) + header(b"c", uid=b"0000011\0") + END
    assert [e.uid for e in entries(data)] == [7, 8, 9]


def test_pax_size_goes_before_the_header() -> None:
    """The PAX size is the payload's, and extended attributes are passed over."""
    data = extension(b"x", pax(size="600", mtime="-1.5", SCHILY__xattr__user__x="v")) + header(b"a", size=0)
    (first, second) = entries(data + padded(b"x" * 600) + header(b"b") + END)
    assert (first.size, first.mtime, second.name) == (600, -1, "b")


def test_base_256_numbers() -> None:
    """Numbers beyond octal are read, negative times too."""
    big = bytes((0x80,)) + (5_000_000_000).to_bytes(7, "big")
    (entry,) = entries(header(uid=big, mtime=b"\xff" * 12) + END)
    assert (entry.uid, entry.mtime) == (5_000_000_000, -1)


def test_old_directories_and_contiguous_files() -> None:
    """V7 marks directories by a slash; contiguous files are files."""
    found = entries(header(b"d/", b"\0") + header(b"f", b"\0") + header(b"c", b"7") + END)
    assert [e.type for e in found] == [DIRECTORY, REGULAR, REGULAR]


def test_links_have_no_payload() -> None:
    """A hard link with a size is followed directly by the next header, as Go reads it."""
    found = entries(header(b"l", b"1", 4096, link=b"f") + header(b"f") + END)
    assert [(e.type, e.size) for e in found] == [(HARDLINK, 0), (REGULAR, 0)]


def holes(folder: Path, *options: str) -> bytes:
    """A tar of GNU tar with a file of 39 MiB and 4 kB, most of it holes, and one after it."""
    with (folder / "hole").open("wb") as file:
        for place in range(0, 40 << 20, 1 << 20):
            file.seek(place)
            file.write(b"data" * 1024)
    (folder / "next").write_bytes(b"n")
    command = ["tar", *options, "--sparse", "-cf", "-", "hole", "next"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_sparse_files_have_their_real_size(tmp_path: Path, version: str) -> None:
    """As engines unpack them, holes filled: name and size are the file's, and the entry after it is found."""
    data = holes(tmp_path, "--format=posix", f"--sparse-version={version}")
    found = entries(data)
    assert [(e.path, e.type, e.size, e.sparse) for e in found] == [
        ("hole", REGULAR, (39 << 20) + 4096, True),
        ("next", REGULAR, 1, False),
    ]
    assert 40 * 4096 < found[0].stored < 40 * 4096 + 8192


def test_sparse_files_of_the_old_format_count_stored_bytes(tmp_path: Path) -> None:
    """No engine unpacks them: what is stored is all that there is."""
    found = entries(holes(tmp_path, "--format=gnu"))
    assert [(e.path, e.type) for e in found] == [("hole", "S"), ("next", REGULAR)]
    assert found[0].size == 40 * 4096


def test_a_sparse_format_that_engines_do_not_know_is_a_file_as_it_stands() -> None:
    """Its name and size are those of the header, whatever its records say."""
    records = pax(GNU__sparse__major="2", GNU__sparse__minor="0", GNU__sparse__name="n", GNU__sparse__realsize="99")
    (found,) = entries(extension(b"x", records) + header(b"f", size=3) + padded(b"abc") + END)
    assert (found.path, found.size, found.sparse) == ("f", 3, False)


def test_truncation_is_always_an_error() -> None:
    """Cut at any block but the last, an archive is refused: the closing blocks prove that it is whole."""
    data = header(b"a", size=1500) + padded(b"x" * 1500) + extension(b"L", b"n" * 300) + header() + END
    assert len(entries(data)) == 2
    for end in range(0, len(data), 512):
        assert "tar archive" in refused(data[:end])
        assert "tar archive" in refused(data[: end + 100])


def test_a_layer_may_stop_after_an_entry() -> None:
    """Where a digest proves completeness, the end of the stream ends the tar; a cut entry does not."""
    data = header(b"a", size=3) + padded(b"abc")
    for tail in (b"", bytes(512), END):
        assert len(list(TarStream([data + tail], sealed=False))) == 1
    with pytest.raises(ImageFormatError):
        list(TarStream([data[:-1]], sealed=False))


def test_zero_padding_may_follow_the_end() -> None:
    """Tars are padded to whole records."""
    assert len(entries(header() + END + bytes(9000), 700)) == 1


@pytest.mark.parametrize("size", [1, 100, 1 << 16])
@pytest.mark.parametrize("cut", [512, 1024, 3000])
def test_an_engines_error_in_the_body_is_told(make: Make, size: int, cut: int) -> None:
    """JSON that an engine writes after or into the tar is an error whose message the user gets to see."""
    said = json.dumps({"errorDetail": {"message": "no space left on \x1b[31mdevice"}, "error": "x"}).encode()
    whole = make.tar([("a", b"x" * 4000), ("b", b"")])
    for data in (whole + said, whole[:cut] + said, said + b"\r\n", header() + bytes(512) + said):
        with pytest.raises(ImageFormatError, match=r"the engine said: no space left on device"):
            entries(data, size)


@pytest.mark.parametrize(
    "data",
    [
        header() + END + b"x",
        header() + bytes(512) + header() + END,
        b"\x7fELF" + bytes(2000),
        header(size=b"9" * 11) + END,
        header(size=b"-0000000001") + END,
        header(size=b"0x10") + END,
        header(size=b"1_0") + END,
        header(size=b"\xff" * 12) + END,
        header(size=b"\x80" + b"\x7f" * 11) + END,
        header(mode=b"\xff" * 8) + END,
        header(uid=b"\xff" * 8) + END,
        extension(b"x", pax(size="-1")) + header() + END,
        extension(b"x", pax(size="9" * 19)) + header() + END,
        extension(b"x", pax(size="9" * 100_000)) + header() + END,
        extension(b"x", pax(size="1e9")) + header() + END,
        extension(b"x", pax(GNU__sparse__map="0,0", GNU__sparse__size="9" * 18)) + header() + END,
        extension(b"x", pax(GNU__sparse__map="0,0", GNU__sparse__size="-1")) + header() + END,
        extension(b"x", pax(GNU__sparse__map="0,0", GNU__sparse__size="many")) + header() + END,
        extension(b"x", pax(path="a\0b")) + header() + END,
        extension(b"x", b"99999 path=a\n") + header() + END,
        extension(b"x", b"0 path=a\n") + header() + END,
        extension(b"x", b"9" * 5000) + header() + END,
        extension(b"x", b"\xb2 path=a\n") + header() + END,
        extension(b"x", b"9 path=aa") + header() + END,
        extension(b"x", b"path=x\n") + header() + END,
        extension(b"g", b"path=x\n") + header() + END,
        extension(b"x", b"99999999 path=x\n") + header() + END,
        extension(b"x", b" path=x\n") + header() + END,
        extension(b"x", pax(path="a/" * 60_000)) + header() + END,
        extension(b"L", b"a" * 4097) + header() + END,
        extension(b"K", b"a" * 4097) + header(kind=b"2") + END,
        extension(b"x", b"=\n") + header() + END,
        extension(b"x", pax(path="a") + b"path=x\n") + header() + END,
        extension(b"x", pax(path="a")) + END,
        header(b"ext", b"x", 8 << 30) + END,
        header(b"ext", b"L", b"\xff" * 12) + END,
        extension(b"L", b"n") * 40 + header() + END,
        extension(b"K", b"n" * (1 << 20)) + extension(b"K", b"n" * ((1 << 20) + 1)) + header() + END,
        header(kind=b"S", prefix=b"\0" * 137 + b"\1") + bytes(504) + b"\1" * 8,
        header(kind=b"S", prefix=b"\0" * 137 + b"\1") + (bytes(504) + b"\1" * 8) * 3000 + END,
    ],
)
def test_hostile_headers_are_refused(data: bytes) -> None:
    """Absurd sizes, negative and overlong numbers, chained and oversized extensions end in our error."""
    assert "tar archive" in refused(data)


def test_a_flipped_bit_in_a_header_is_noticed(make: Make) -> None:
    """Each bit of a header is covered by its checksum."""
    data = make.tar([("name", b"")])
    for bit in range(512 * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        if 148 <= bit // 8 < 156:  # the checksum's own field: some bits are only padding
            continue
        assert refused(bytes(damaged))


@settings(max_examples=150, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(list(b"0123567LKxgSDVM\0")), max_size=5),
    junk=st.binary(max_size=1600) | st.text("0179 =path\n", max_size=30).map(str.encode),
    size=st.integers(1, 2000),
)
def test_nothing_but_our_error(kinds: list[int], junk: bytes, size: int) -> None:
    """Whatever arrives, the reader either lists it or raises ImageFormatError."""
    for data in (junk, b"".join(extension(bytes((kind,)), junk) for kind in kinds) + END):
        with suppress(ImageFormatError):
            entries(data, size)


@settings(max_examples=100, deadline=None)
@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), max_size=5),
    contents=st.binary(max_size=2000),
    form=st.sampled_from(FORMATS[1:]),
    size=st.integers(1, 3000),
)
def test_any_archive_reads_as_tarfile_reads_it(names: list[str], contents: bytes, form: int, size: int) -> None:
    """Names and contents of any archive that tarfile writes come back, however it is cut."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    data = buffer.getvalue()
    stream = TarStream(data[start : start + size] for start in range(0, len(data), size))
    assert [(entry.name, b"".join(stream.payload())) for entry in stream] == [(name, contents) for name in names]
