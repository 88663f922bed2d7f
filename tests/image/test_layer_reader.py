"""What is kept of a layer: every byte belongs to an entry, contents are told apart, and hostile layers are bounded."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.errors import ImageFormatError
from imgcompare.image import layer_reader
from imgcompare.image.layer_index import FileEntry, is_document
from imgcompare.image.layer_reader import Allowance, count_files, read_entries

if TYPE_CHECKING:
    from tests.support.images import Make

KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)


def entries(data: bytes, size: int = 1 << 20) -> tuple[FileEntry, ...]:
    """The entries of a tar that arrives in chunks."""
    return read_entries((data[at : at + size] for at in range(0, len(data), size)), Allowance())[0]


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """A tar of any entries, with long and foreign names, in any format."""
    buffer = io.BytesIO()
    form = draw(st.sampled_from((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)))
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=130)
    with tarfile.open(fileobj=buffer, mode="w", format=form, errors="surrogateescape") as archive:
        for _ in range(draw(st.integers(0, 6))):
            info = tarfile.TarInfo(draw(text))
            info.type = draw(st.sampled_from(KINDS))
            info.linkname = draw(text) if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.mode, info.uid = draw(st.integers(0, 0o7777)), draw(st.integers(0, 1 << 22))
            content = draw(st.binary(max_size=1500)) if info.type == tarfile.REGTYPE else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@settings(max_examples=150, deadline=None)
@given(tars(), st.integers(1, 5000))
def test_as_python_sees_it_and_every_byte_once(data: bytes, size: int) -> None:
    """However a tar arrives, its entries are as Python reads them, and their bytes fill it up to the closing blocks."""
    found = entries(data, size)
    assert found == entries(data)
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        members = archive.getmembers()
        contents = [((m.isreg() and archive.extractfile(m)) or io.BytesIO()).read() for m in members]
    told = [(e.kind.encode(), e.mode, e.uid, e.size, e.digest) for e in found]
    assert told == [
        (m.type, m.mode, m.uid, len(c), blake3(c).digest(16) if c else b"")
        for m, c in zip(members, contents, strict=True)
    ]
    closing = len(data) - sum(e.stored for e in found)
    assert closing >= 1024
    assert not any(data[len(data) - closing :])
    assert [sum(e.stored for e in found[:n]) for n in range(len(found))] == [m.offset for m in members]


def test_paths_and_links_are_normalised(make: Make) -> None:
    """Names lead nowhere but down from the root; a hard link's target is such a name, a symbolic link's stays."""
    tar = make.tar(
        [
            ("./a//b/../c", b"1"),
            ("/../../etc/x", b"2"),
            make.special("./", b"5"),
            make.special("hard", b"1", "./a/c"),
            make.special("soft", b"2", "../a/./c"),
        ]
    )
    assert [(e.path, e.link) for e in entries(tar)] == [
        ("a/c", ""),
        ("etc/x", ""),
        ("", ""),
        ("hard", "a/c"),
        ("soft", "../a/./c"),
    ]


def test_extensions_and_global_headers_belong_to_the_next_entry(make: Make) -> None:
    """Long names, and what concerns all entries, are counted with the entry that they stand before."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "all"}) as archive:
        archive.addfile(tarfile.TarInfo("x" * 300))
        archive.addfile(tarfile.TarInfo("y"))
    assert [e.stored for e in entries(buffer.getvalue())] == [1024 + 1024 + 512, 512]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("var/lib/dpkg/status", True),
        ("var/lib/dpkg/status.d/base-files", True),
        ("var/lib/dpkg/info/libc6:amd64.list", True),
        ("var/lib/dpkg/info/libc6:amd64.md5sums", True),
        ("var/lib/dpkg/status-old", False),
        ("usr/local/lib/python3.11/site-packages/flask-3.1.dist-info/METADATA", True),
        ("usr/local/lib/python3.11/site-packages/flask-3.1.dist-info/RECORD", True),
        ("usr/local/lib/python3.11/site-packages/flask/RECORD", False),
        ("usr/lib/python3/dist-packages/six-1.16.egg-info", True),
        ("usr/lib/python3/dist-packages/six-1.16.egg-info/PKG-INFO", True),
        ("app/.venv/pyvenv.cfg", True),
        ("etc/os-release", True),
        ("usr/lib/os-release", True),
        ("etc/passwd", True),
        ("etc/shadow", False),
        ("", False),
    ],
)
def test_which_documents_are_kept(path: str, kept: bool) -> None:
    """The files that name packages, interpreters, users and the distribution, and no others."""
    assert is_document(path) == kept


def test_documents_are_kept_whole_and_bounded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is replaced counts as it is last; what is too large alone or together is left out."""
    status, passwd = "var/lib/dpkg/status", "etc/passwd"
    tar = make.tar([(status, b"old"), (passwd, b"root"), (status, b"new"), ("app/x", b"y")])
    assert read_entries([tar], Allowance())[1] == {status: b"new", passwd: b"root"}
    assert read_entries([make.tar([(status, b"")])], Allowance())[1] == {status: b""}
    monkeypatch.setattr(layer_reader, "MAX_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(layer_reader, "MAX_DOCUMENTS_BYTES", 150)
    tar = make.tar([(status, b"old"), (status, b"x" * 101), (passwd, b"x" * 100), ("etc/os-release", b"x" * 51)])
    found, documents = read_entries([tar], Allowance())
    assert documents == {passwd: b"x" * 100}
    assert found[1].digest == blake3(b"x" * 101).digest(16)


def test_what_an_archive_makes_us_keep_is_bounded(make: Make) -> None:
    """Headers cost nothing to pack: millions of them, or of long names, end in an error and not in lost memory."""
    allowance = Allowance(10_000)
    few = make.tar([make.special("d", b"5")] * 20)
    read_entries([few], allowance)
    with pytest.raises(ImageFormatError, match="take more than"):
        read_entries([few], allowance)
    with pytest.raises(ImageFormatError, match="take more than"):
        read_entries([make.tar([(f"{index}" + "x" * 4_000, b"") for index in range(3)])], Allowance(10_000))


def test_files_are_counted_without_folders_and_whiteouts(make: Make) -> None:
    """Links and devices are files; folders and both kinds of whiteouts are not."""
    tar = make.tar(
        [
            ("a", b""),
            ("b/.wh.c", b""),
            (".wh.x", b""),
            ("b/.wh..wh..opq", b""),
            ("b/.wh.d/e", b""),
            make.special("d", b"5"),
            make.special("l", b"2", "a"),
            make.special("n", b"3"),
        ]
    )
    assert count_files(entries(tar)) == 4
