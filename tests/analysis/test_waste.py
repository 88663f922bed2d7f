"""Wasted bytes: how many, which files, and the instruction that made them so."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.waste import Waste, waste
from imgcompare.image.archive import read_archive
from imgcompare.model import WastedFile

Entry: TypeAlias = tuple[str, bytes] | tarfile.TarInfo
INSTRUCTIONS = ("FROM", "RUN first", "RUN second")


@pytest.fixture(scope="module")
def wasted(make: Any) -> Callable[..., Waste]:
    """The waste of layers that are given as lists of entries."""

    def find(*layers: list[Entry]) -> Waste:
        tars = [make.tar(layer) for layer in layers]
        read = read_archive([make.oci(tars)]).images[0].layers
        return waste(read, merge(read), INSTRUCTIONS)

    return find


def file(path: str, size: int, copies: int, by: str) -> WastedFile:
    """An expected row."""
    return WastedFile(path=path, wasted_bytes=size, copies=copies, wasted_by=by)


def test_an_overwritten_file_wastes_its_first_copy(wasted: Callable[..., Waste]) -> None:
    """The copy in use is not wasted, the instruction is the one that overwrote.

    dive would say 7 and count both copies: https://github.com/wagoodman/dive/issues/684
    """
    found = wasted([("a", b"123")], [("a", b"1234")])
    assert (found.wasted_bytes, found.files) == (3, (file("a", 3, 2, "RUN first"),))


def test_a_deleted_file_wastes_every_copy(wasted: Callable[..., Waste]) -> None:
    """Overwritten, then deleted: both copies, and the last to touch it is named."""
    found = wasted([("a", b"123")], [("a", b"1234")], [(".wh.a", b"")])
    assert (found.wasted_bytes, found.files) == (7, (file("a", 7, 2, "RUN second"),))


@pytest.mark.parametrize("whiteout", [".wh.d", "d/.wh..wh..opq"])
def test_a_deleted_or_opaque_folder_wastes_what_was_in_it(wasted: Callable[..., Waste], whiteout: str) -> None:
    """Each file in it is a row, which dive's count leaves out."""
    found = wasted([("d/a", b"12"), ("d/e/b", b"123")], [(whiteout, b"")])
    assert found.wasted_bytes == 5
    assert found.files == (file("d/e/b", 3, 1, "RUN first"), file("d/a", 2, 1, "RUN first"))


def test_a_file_in_a_folders_place_wastes_the_folder(wasted: Callable[..., Waste]) -> None:
    """What was beneath it is gone."""
    assert wasted([("d/a", b"12")], [("d", b"1")]).files == (file("d/a", 2, 1, "RUN first"),)


def test_a_hard_linked_file_is_wasted_with_its_last_name(wasted: Callable[..., Waste]) -> None:
    """While one name is left nothing is wasted; then the bytes count once."""
    link = tarfile.TarInfo("b")
    link.type, link.linkname = tarfile.LNKTYPE, "a"
    base = [("a", b"12345"), link]
    assert wasted(base, [(".wh.a", b"")]).wasted_bytes == 0
    found = wasted(base, [(".wh.a", b"")], [("b", b"1")])
    assert (found.wasted_bytes, found.files) == (5, (file("a", 5, 1, "RUN second"),))


def test_a_layer_listed_twice_wastes_its_first_place(wasted: Callable[..., Waste]) -> None:
    """The same entries are dead in one layer and alive in the other."""
    base = [("a", b"123")]
    assert wasted(base, base).files == (file("a", 3, 2, "RUN first"),)


def test_a_name_twice_in_one_layer_wastes_the_first(wasted: Callable[..., Waste]) -> None:
    """The layer's own instruction is to blame."""
    assert wasted([("a", b"123"), ("a", b"12")]).files == (file("a", 3, 2, "FROM"),)


def test_the_list_is_bounded_and_worst_first(wasted: Callable[..., Waste]) -> None:
    """The 20 worst, equal ones by name; the sum still counts all."""
    found = wasted([(f"f{number:02}", b"x" * (1 + number // 2)) for number in range(30)], [(".wh..wh..opq", b"")])
    assert found.wasted_bytes == 240
    assert [row.path for row in found.files[:3]] == ["f28", "f29", "f26"]
    assert len(found.files) == 20


def test_names_are_made_printable(wasted: Callable[..., Waste]) -> None:
    """A name with an escape sequence does not reach the report."""
    assert wasted([("\x1b[31ma", b"1")], [(".wh.\x1b[31ma", b"")]).files[0].path == r"\x1b[31ma"
