"""The page about one image, as it looks."""

from __future__ import annotations

import unicodedata

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from imgcompare.console.style import Style
from imgcompare.model import (
    DebianPackage,
    Image,
    LargeFile,
    LargeFolder,
    Layer,
    Packages,
    PythonPackage,
    Security,
    WastedFile,
)
from imgcompare.render.pages.inspect import render


def layer(created_by: str, size: int, *, base: bool, line: int | None = None) -> Layer:
    """A layer."""
    return Layer(
        diff_id=created_by,
        created_by=created_by,
        uncompressed_size=size,
        compressed_size=size // 3,
        file_count=size // 25_000,
        base=base,
        dockerfile_line=line,
    )


@pytest.fixture
def image() -> Image:
    """An image with a bit of everything."""
    return Image(
        image_id="sha256:" + "b" * 64,
        reference="imgcompare/default:multi-stage",
        os="linux",
        architecture="amd64",
        uncompressed_size=228_800_000,
        compressed_size=78_100_000,
        compressed_size_exact=False,
        layer_count=3,
        history_count=9,
        layers=(
            layer("", 220_600_000, base=True),
            layer("COPY /opt/venv /opt/venv", 8_000_000, base=False, line=9),
            layer(
                "RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app", 14_000, base=False, line=12
            ),
        ),
        user="10001",
        exposed_ports=("5000/tcp",),
        stand_ins=("python:3.11-slim",),
        base_size=220_600_000,
        own_size=8_200_000,
        file_count=9_492,
        wasted_bytes=225_000,
        efficiency=0.9991,
        wasted_files=(
            WastedFile(path="etc/ssl/certs/ca-certificates.crt", wasted_bytes=222_000, copies=2, wasted_by="COPY a b"),
            WastedFile(path="etc/passwd", wasted_bytes=839, copies=2, wasted_by="RUN useradd app"),
        ),
        breakdown={"base_image": 220_600_000, "python_packages": 7_000_000, "application": 1_200_000},
        contents={"system_packages": 160_000_000, "python_packages": 67_600_000, "application": 1_200_000, "other": 0},
        packages=Packages(
            debian=(DebianPackage(name="libc6", version="2.36-9", installed_bytes=12_600_000),),
            python=(
                PythonPackage(
                    name="flask",
                    version="3.1.3",
                    installed_bytes=749_000,
                    location="/opt/venv/lib/python3.11/site-packages",
                ),
            ),
        ),
        largest_files=(LargeFile(path="usr/lib/x86_64-linux-gnu/libcrypto.so.3", size_bytes=4_700_000),),
        largest_folders=(LargeFolder(path="usr/lib/x86_64-linux-gnu", size_bytes=61_200_000),),
        security=Security(runs_as_root=False, shells=2, compilers=0, package_managers=1, setuid_files=8),
    )


def page(image: Image, width: int, *, ascii_only: bool = False) -> str:
    """The page at a width."""
    return render("multi-stage", image, Style(width=width, color=False, ascii_only=ascii_only))


def test_60_columns(image: Image) -> None:
    """At 60 columns every table is there; what is long is cut, paths at their start."""
    assert (
        page(image, 60)
        == """\
imgcompare inspect · multi-stage
imgcompare/default:multi-stage · linux/amd64 ·
sha256:bbbbbbbbbbbb

Unpacked   228.8 MB in 3 layers: base image 220.6 MB, added
           to it 8.2 MB
Pull       ≈ 78.1 MB
Files      9,492
Wasted     225 kB (efficiency 99.9 %)
Runs as    10001
Has        2 shells, 0 compilers, 1 package manager, 8
           setuid files
Exposes    5000/tcp
Stand-ins  python:3.11-slim

Where the bytes went
                   In all         Added to base
system packages  160.0 MB   70 %              –  ███████████
Python packages   67.6 MB   30 %         7.0 MB  ████▋
application        1.2 MB  0.5 %         1.2 MB  ▏

Layers
   Unpacked     Pull  Files  From     Instruction
1  220.6 MB  73.5 MB  8,824  base     (no history)
2    8.0 MB   2.7 MB    320  line 9   COPY /opt/venv /opt/v…
3     14 kB     5 kB      0  line 12  RUN useradd --uid 100…

Packages  1 Debian, 12.6 MB · 1 Python, 749 kB
12.6 MB  libc6  2.36-9  Debian
 749 kB  flask  3.1.3   /opt/venv/lib/python3.11/site-packa…

Wasted  in lower layers, then overwritten or deleted
             Path                                Undone by
222 kB  × 2  /etc/ssl/certs/ca-certificates.crt  COPY a b

Largest folders
61.2 MB  /usr/lib/x86_64-linux-gnu

Largest files
4.7 MB  /usr/lib/x86_64-linux-gnu/libcrypto.so.3
"""
    )


def test_80_columns(image: Image) -> None:
    """At 80 columns bars have all the room they need."""
    assert (
        page(image, 80)
        == """\
imgcompare inspect · multi-stage
imgcompare/default:multi-stage · linux/amd64 · sha256:bbbbbbbbbbbb

Unpacked   228.8 MB in 3 layers: base image 220.6 MB, added to it 8.2 MB
Pull       ≈ 78.1 MB
Files      9,492
Wasted     225 kB (efficiency 99.9 %)
Runs as    10001
Has        2 shells, 0 compilers, 1 package manager, 8 setuid files
Exposes    5000/tcp
Stand-ins  python:3.11-slim

Where the bytes went
                   In all         Added to base
system packages  160.0 MB   70 %              –  ██████████████████████████████
Python packages   67.6 MB   30 %         7.0 MB  ████████████▋
application        1.2 MB  0.5 %         1.2 MB  ▎

Layers
   Unpacked     Pull  Files  From     Instruction
1  220.6 MB  73.5 MB  8,824  base     (no history)
2    8.0 MB   2.7 MB    320  line 9   COPY /opt/venv /opt/venv
3     14 kB     5 kB      0  line 12  RUN useradd --uid 10001 --no-create-home …

Packages  1 Debian, 12.6 MB · 1 Python, 749 kB
12.6 MB  libc6  2.36-9  Debian
 749 kB  flask  3.1.3   /opt/venv/lib/python3.11/site-packages

Wasted  in lower layers, then overwritten or deleted
             Path                                Undone by
222 kB  × 2  /etc/ssl/certs/ca-certificates.crt  COPY a b

Largest folders
61.2 MB  /usr/lib/x86_64-linux-gnu

Largest files
4.7 MB  /usr/lib/x86_64-linux-gnu/libcrypto.so.3
"""
    )


def test_120_columns(image: Image) -> None:
    """At 120 columns nothing is cut."""
    text = page(image, 120)
    assert "…" not in text
    assert "  line 12  RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app\n" in text


def test_ascii(image: Image) -> None:
    """Where only ASCII arrives, signs and bars have their nearest spelling."""
    text = page(image, 80, ascii_only=True)
    assert text.isascii()
    assert "Pull       ~ 78.1 MB\n" in text
    assert "application        1.2 MB  0.5 %         1.2 MB  #\n" in text


def test_caches_are_taken_apart(image: Image) -> None:
    """Below the categories, the greatest first; a single kind is said by the category itself."""
    kinds = {"package_lists": 900_000, "bytecode": 12_300_000}
    told = page(replace(image, caches=kinds), 80)
    assert "\ncaches and docs: bytecode 12.3 MB, package lists 900 kB\n" in told
    assert "caches and docs:" not in page(replace(image, caches={"bytecode": 1}), 80)


def test_what_is_not_known_is_left_out(image: Image) -> None:
    """An image of an unknown base, or of a report that knew less, claims nothing."""
    alone = page(replace(image, base_size=None, own_size=None, stand_ins=()), 80)
    assert "Unpacked   228.8 MB in 3 layers\n" in alone
    assert "Added" not in alone
    assert "Stand-ins" not in alone
    bare = replace(
        image,
        layers=(),
        layer_count=0,
        compressed_size=None,
        file_count=None,
        wasted_bytes=None,
        wasted_files=(),
        contents={},
        packages=Packages(),
        largest_files=(),
        largest_folders=(),
        security=None,
        exposed_ports=(),
        user="",
    )
    assert page(bare, 80).split("\n\n", 1)[1].splitlines() == [
        "Unpacked   228.8 MB in 0 layers: base image 220.6 MB, added to it 8.2 MB",
        "Pull       –",
        "Runs as    root, for no user is set",
        "Stand-ins  python:3.11-slim",
    ]


@pytest.mark.parametrize("width", [20, 33, 50, 60, 80, 100, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_page(image: Image, width: int, *, ascii_only: bool) -> None:
    """Also with hostile and wide names; no control or bidi character passes."""
    evil = "\x1b[31mevil\u202e[red]应用程序" * 8
    hostile = replace(
        image,
        reference=evil,
        os=evil,
        user=evil,
        exposed_ports=(evil,),
        stand_ins=(evil,),
        layers=(replace(layer(evil, 1, base=False), stage=evil),),
        packages=Packages(
            debian=(DebianPackage(name=evil, version=evil, installed_bytes=1),),
            python=(PythonPackage(name=evil, version=evil, installed_bytes=1, location=evil),),
        ),
        wasted_files=(WastedFile(path=evil, wasted_bytes=225_000, copies=2, wasted_by=evil),),
        largest_files=(LargeFile(path=evil, size_bytes=1),),
        contents={evil: 1},
        caches={evil: 1, "logs": 2},
    )
    for shown in (image, hostile):
        lines = page(shown, width, ascii_only=ascii_only).splitlines()
        assert [line for line in lines if cell_len(line) > width] == []
        assert not [c for line in lines for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs"}]
