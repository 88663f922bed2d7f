"""What differs between two file systems, and how it is told by folder."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.analysis.diff_files import Change, ChangeKind, collapse, difference
from imgcompare.analysis.filesystem import RootFilesystem, merge
from imgcompare.image.archive import read_archive

Entry: TypeAlias = tuple[str, bytes] | tarfile.TarInfo


def special(name: str, kind: bytes, link: str = "", mode: int = 0o755, uid: int = 0) -> tarfile.TarInfo:
    """An entry without a payload."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.uid = kind, link, mode, uid
    return info


@pytest.fixture(scope="module")
def root(make: Any) -> Callable[..., RootFilesystem]:
    """The file system of one layer of entries."""
    return lambda *entries: merge(read_archive([make.oci([make.tar(entries)])]).images[0].layers)


def change(path: str, kind: ChangeKind, removed: int, added: int, files: int = 1) -> Change:
    """An expected row."""
    return Change(path=path, kind=kind, removed_bytes=removed, added_bytes=added, files=files)


def test_files_added_removed_and_changed(root: Callable[..., RootFilesystem]) -> None:
    """Content decides, not size; what is the same is not listed."""
    found = difference(
        root(("a", b"same"), ("b", b"12"), ("c", b"123")), root(("a", b"same"), ("b", b"21"), ("d", b"1234"))
    )
    assert found == (
        change("b", ChangeKind.CHANGED, 2, 2),
        change("c", ChangeKind.REMOVED, 3, 0),
        change("d", ChangeKind.ADDED, 0, 4),
    )


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (special("a", tarfile.REGTYPE, mode=0o644), special("a", tarfile.REGTYPE, mode=0o600), ChangeKind.METADATA),
        (special("a", tarfile.REGTYPE, uid=0), special("a", tarfile.REGTYPE, uid=7), ChangeKind.METADATA),
        (special("a", tarfile.SYMTYPE, "b"), special("a", tarfile.SYMTYPE, "c"), ChangeKind.CHANGED),
        (special("a", tarfile.SYMTYPE, "b"), special("a", tarfile.REGTYPE), ChangeKind.CHANGED),
    ],
)
def test_modes_owners_links_and_kinds(
    root: Callable[..., RootFilesystem], old: tarfile.TarInfo, new: tarfile.TarInfo, kind: ChangeKind
) -> None:
    """What is not content differs too, and moves no bytes."""
    assert difference(root(old), root(new)) == (change("a", kind, 0, 0),)


def test_a_hard_link_in_a_copys_place_saves_its_bytes(root: Callable[..., RootFilesystem]) -> None:
    """Two names of one file against two copies: the second copy's bytes went; the order in the tar is no difference."""
    copies, linked = root(("a", b"123"), ("b", b"123")), root(("a", b"123"), special("b", tarfile.LNKTYPE, "a", 0o644))
    assert difference(copies, linked) == (change("b", ChangeKind.CHANGED, 3, 0),)
    assert difference(linked, root(("b", b"123"), special("a", tarfile.LNKTYPE, "b", 0o644))) == ()


def test_whole_folders_are_one_row(root: Callable[..., RootFilesystem]) -> None:
    """A folder that went is told as one, with its files counted, however large they are."""
    found = difference(root(("a/b/c", b"12"), ("a/b/d/e", b"123"), ("a/f", b"1")), root(("a/f", b"1")))
    assert collapse(found, 0) == (change("a/b/", ChangeKind.REMOVED, 5, 0, files=2),)


def test_small_changes_go_into_the_folders_above() -> None:
    """The nearest folder whose small changes reach the threshold has a row, the rest is the root's."""
    changes = [
        change("a/x/1", ChangeKind.ADDED, 0, 6),
        change("a/x/2", ChangeKind.CHANGED, 1, 5),
        change("a/y/3", ChangeKind.ADDED, 0, 4),
        change("a/z/4", ChangeKind.ADDED, 0, 7),
        change("a/z/5", ChangeKind.ADDED, 0, 90),
        change("b/c/d/6", ChangeKind.REMOVED, 2, 0),
    ]
    assert collapse(changes, 10) == (
        change("a/z/5", ChangeKind.ADDED, 0, 90),
        change("a/x/", ChangeKind.MIXED, 1, 11, files=2),
        change("a/", ChangeKind.ADDED, 0, 11, files=2),
        change("/", ChangeKind.REMOVED, 2, 0),
    )


def test_nothing_collapses_to_nothing() -> None:
    """Equal file systems have no rows."""
    assert collapse([], 10) == ()


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
ENTRIES = st.lists(
    st.one_of(
        st.tuples(PATHS, st.binary(max_size=9)),
        st.builds(special, PATHS, st.just(tarfile.LNKTYPE), PATHS, st.just(420)),
    ),
    max_size=9,
)


@given(before=ENTRIES, after=ENTRIES, min_bytes=st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_sums_stay_whatever_is_collapsed(make: Any, before: list[Entry], after: list[Entry], min_bytes: int) -> None:
    """Added less removed is the difference of the totals, before and after collapsing; no row is said twice."""
    old, new = (merge(read_archive([make.oci([make.tar(entries)])]).images[0].layers) for entries in (before, after))
    changes = difference(old, new)
    rows = collapse(changes, min_bytes)
    for told in (changes, rows):
        moved = sum(row.added_bytes for row in told) - sum(row.removed_bytes for row in told)
        assert moved == new.total_bytes - old.total_bytes
    assert sum(row.files for row in rows) == sum(row.files for row in changes)
    assert len({row.path for row in rows}) == len(rows)
    assert all(row.moved_bytes >= min_bytes for row in rows if row.path != "/")
