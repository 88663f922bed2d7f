"""ELF files: what real ones need, what is made of broken ones, and where the loader looks."""

from __future__ import annotations

import ast
import io
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis import elf
from imgcompare.analysis.elf import Elf, Loader, read_elf

_FLAGS = {"needed": 1, "soname": 14, "rpath": 15, "runpath": 29}


def made(*, wide: bool = True, big: bool = False, machine: int = 62, **texts: Any) -> bytes:
    """A small ELF file with one segment and a dynamic section; ``needed`` may have several names."""
    order = ">" if big else "<"
    table, entries = b"\0", []
    for name, text in texts.items():
        for part in text.split(","):
            entries.append((_FLAGS[name], len(table)))
            table += part.encode() + b"\0"
    header, program = (64, 56) if wide else (52, 32)
    dynamic = header + 2 * program
    layout = order + ("qQ" if wide else "iI")
    strings = dynamic + struct.calcsize(layout) * (len(entries) + 2)
    data = b"".join(struct.pack(layout, *entry) for entry in [*entries, (5, 0x1000 + strings), (0, 0)]) + table
    size = dynamic + len(data)
    head = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + bytes(9)
    address = "Q" if wide else "I"
    head += struct.pack(
        f"{order}HHI{address}{address}{address}IHHHHHH", 3, machine, 1, 0, header, 0, 0, header, program, 2, 0, 0, 0
    )

    def segment(kind: int, offset: int, length: int) -> bytes:
        if wide:
            return struct.pack(f"{order}IIQQQQQQ", kind, 4, offset, 0x1000 + offset, 0, length, length, 8)
        return struct.pack(f"{order}IIIIIIII", kind, offset, 0x1000 + offset, 0, length, length, 4, 8)

    return head + segment(1, 0, size) + segment(2, dynamic, len(data)) + data


@pytest.mark.parametrize(("wide", "big"), [(True, False), (True, True), (False, False), (False, True)])
def test_both_widths_and_byte_orders(wide: bool, big: bool) -> None:
    """The fields of a program header stand elsewhere in 32 bits."""
    content = made(wide=wide, big=big, needed="libpq.so.5,libc.so.6", soname="libx.so", runpath="$ORIGIN/../lib:/opt")
    assert read_elf(io.BytesIO(content)) == Elf(
        bits=64 if wide else 32,
        machine=62,
        soname="libx.so",
        needed=("libpq.so.5", "libc.so.6"),
        runpath=("$ORIGIN/../lib", "/opt"),
    )


def test_a_real_program() -> None:
    """Python itself names its loader and the C library."""
    with Path(sys.executable).resolve().open("rb") as file:
        found = read_elf(file)
    assert found is not None
    assert found.interpreter.startswith("/lib")
    assert "libc.so.6" in found.needed


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x03\x01" + bytes(60), b"PK\x03\x04"])
def test_what_is_none(content: bytes) -> None:
    """Scripts, archives and what is cut off at its very beginning."""
    assert read_elf(io.BytesIO(content)) is None


@given(cut=st.integers(0, 400), at=st.integers(0, 300), value=st.integers(0, 255))
def test_a_broken_file_never_raises(cut: int, at: int, value: int) -> None:
    """Cut anywhere, with any byte changed: whatever is read of it, nothing is raised and nothing is without a bound."""
    content = bytearray(made(needed="a.so,b.so", rpath="/x"))
    content[at % len(content)] = value
    found = read_elf(io.BytesIO(bytes(content[: len(content) - cut % len(content)])))
    assert found is None or len(found.needed) <= 16


def loader(files: Mapping[str, bytes], *environment: str) -> Loader:
    """A loader of these files, whose own folder is /lib."""
    return Loader(lambda path: read_elf(io.BytesIO(files.get(path, b""))), ["/lib"], environment)


@pytest.mark.parametrize(
    ("texts", "environment", "there", "found"),
    [
        ({}, (), ["/lib/x.so"], "/lib/x.so"),
        ({}, (), [], ""),
        ({"rpath": "/r"}, ("/e",), ["/r/x.so", "/e/x.so", "/lib/x.so"], "/r/x.so"),
        ({"runpath": "/u"}, ("/e",), ["/u/x.so", "/e/x.so", "/lib/x.so"], "/e/x.so"),
        ({"runpath": "/u"}, (), ["/u/x.so", "/lib/x.so"], "/u/x.so"),
        ({"rpath": "/r", "runpath": "/u"}, (), ["/r/x.so", "/u/x.so"], "/u/x.so"),
        ({"runpath": "$ORIGIN/../own.libs"}, (), ["/app/own.libs/x.so"], "/app/own.libs/x.so"),
        ({"runpath": "${ORIGIN}"}, (), ["/app/pkg/x.so"], "/app/pkg/x.so"),
        ({"runpath": "$ORIGINAL"}, (), ["/app/pkgAL/x.so"], ""),
    ],
)
def test_the_order_of_the_search(
    texts: dict[str, Any], environment: tuple[str, ...], there: list[str], found: str
) -> None:
    """RPATH before LD_LIBRARY_PATH before RUNPATH before the system; RPATH counts only without RUNPATH."""
    files = {path: made() for path in there} | {"/app/pkg/m.so": made(needed="x.so", **texts)}
    assert loader(files, *environment).needs("/app/pkg/m.so") == {"x.so": found}


def test_a_library_for_another_machine_is_passed_over() -> None:
    """As the loader does: what fits is searched for further on."""
    files = {"/app/m.so": made(needed="x.so", runpath="/u"), "/u/x.so": made(machine=183), "/lib/x.so": made()}
    assert loader(files).needs("/app/m.so") == {"x.so": "/lib/x.so"}


def test_it_stands_alone() -> None:
    """It is run inside containers as it is: only the standard library may be imported."""
    tree = ast.parse(Path(elf.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
