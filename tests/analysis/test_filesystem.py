"""The merged root file system: the layer rules one by one, and any layers against files made on a disk."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.analysis.dive_efficiency import efficiency
from imgcompare.analysis.filesystem import RootFilesystem, merge
from imgcompare.analysis.waste import waste
from imgcompare.errors import ImageFormatError
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.image.layer_reader import Allowance, read_entries
from imgcompare.model import LargeFile, LargeFolder
from tests.support.stacks import SHAPES

Entry: TypeAlias = tuple[str, bytes] | tarfile.TarInfo
Shown: TypeAlias = dict[str, tuple[object, ...]]


def index(tar: bytes) -> LayerIndex:
    """A layer as it is read."""
    entries, documents = read_entries([tar], Allowance())
    return LayerIndex(
        diff_id="",
        uncompressed_size=len(tar),
        file_count=0,
        compressed_size=0,
        compressed_size_exact=False,
        entries=entries,
        documents=documents,
    )


def special(name: str, kind: bytes, link: str = "", mode: int = 0o755) -> tarfile.TarInfo:
    """An entry without a payload."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def folder(name: str, mode: int = 0o755) -> tarfile.TarInfo:
    """A folder."""
    return special(name, tarfile.DIRTYPE, mode=mode)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    """A hard link."""
    return special(name, tarfile.LNKTYPE, target)


@pytest.fixture(scope="module")
def lay(make: Any) -> Callable[..., RootFilesystem]:
    """Merge layers that are given as lists of entries."""
    return lambda *layers: merge([index(make.tar(layer)) for layer in layers])


def sizes(root: RootFilesystem) -> dict[str, int]:
    """The paths that are no folders, and their sizes."""
    return {path: entry.size for path, entry in root.entries.items() if entry.kind != "5"}


# --- the rules, one by one


def test_upper_files_replace_lower_ones(lay: Callable[..., RootFilesystem]) -> None:
    """A path is the uppermost layer's, and the layer it came from is known."""
    root = lay([("a", b"1"), ("b", b"1")], [("a", b"22")])
    assert (sizes(root), root.layer_of) == ({"a": 2, "b": 1}, {"a": 1, "b": 0})
    assert [(lost.entry.path, lost.layer, lost.by_layer) for lost in root.superseded] == [("a", 0, 1)]


def test_whiteouts_delete_files_and_folders_of_lower_layers(lay: Callable[..., RootFilesystem]) -> None:
    """``.wh.NAME`` removes NAME, with all beneath it."""
    root = lay([("etc/a", b"1"), ("etc/b/c/d", b"1"), ("etc/e", b"1")], [("etc/.wh.a", b""), ("etc/.wh.b", b"")])
    assert sizes(root) == {"etc/e": 1}
    assert list(root.entries) == ["etc", "etc/e"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_spares_its_own_layer(lay: Callable[..., RootFilesystem], order: int) -> None:
    """A file of the same name in the same layer stays, before or after the whiteout."""
    assert sizes(lay([("a/b", b"1")], [(".wh.a", b""), ("a/c", b"2")][::order])) == {"a/c": 1}


@pytest.mark.parametrize("order", [1, -1])
def test_opaque_folders_hide_lower_layers_only(lay: Callable[..., RootFilesystem], order: int) -> None:
    """``.wh..wh..opq`` removes what lower layers have in the folder, whatever its place in the layer."""
    root = lay([("a/b", b"1"), ("a/d/e", b"1"), ("f", b"1")], [("a/.wh..wh..opq", b""), ("a/c", b"2")][::order])
    assert sizes(root) == {"a/c": 1, "f": 1}


def test_an_opaque_root_hides_everything(lay: Callable[..., RootFilesystem]) -> None:
    """The root itself can be opaque."""
    assert sizes(lay([("a/b", b"1")], [(".wh..wh..opq", b""), ("c", b"2")])) == {"c": 1}


def test_a_file_or_link_replaces_a_folder_with_all_in_it(lay: Callable[..., RootFilesystem]) -> None:
    """A non-folder over a folder removes the subtree, and a folder over a non-folder replaces it."""
    root = lay(
        [("a/b/c", b"1"), ("d/e", b"1"), ("f", b"1")],
        [("a", b"22"), special("d", tarfile.SYMTYPE, "a"), folder("f"), ("f/g", b"1")],
    )
    assert {path: entry.kind for path, entry in root.entries.items()} == {"a": "0", "d": "2", "f": "5", "f/g": "0"}


def test_a_folder_over_a_folder_only_changes_its_mode(lay: Callable[..., RootFilesystem]) -> None:
    """What is in a folder stays when an upper layer has the folder again."""
    root = lay([folder("a", 0o700), ("a/b", b"1")], [folder("a", 0o1777)])
    assert root.entries["a"].mode == 0o1777
    assert sizes(root) == {"a/b": 1}


def test_parents_that_no_layer_has_are_made(lay: Callable[..., RootFilesystem]) -> None:
    """A file's missing folders exist, mode 0755; a lower layer's file in their place gives way, as on overlayfs."""
    root = lay([("a", b"1")], [("a/b/c", b"1")])
    assert (root.entries["a"].kind, root.entries["a/b"].mode, root.layer_of["a"]) == ("5", 0o755, 1)


def test_the_last_of_a_name_in_a_layer_counts(lay: Callable[..., RootFilesystem]) -> None:
    """Duplicates within a layer: the last one wins."""
    root = lay([("a", b"1"), ("a", b"22"), folder("b"), ("b/c", b"1"), ("b", b"333")])
    assert sizes(root) == {"a": 2, "b": 3}


def test_hard_links_share_one_content(lay: Callable[..., RootFilesystem]) -> None:
    """Names of one file have the same entry; its bytes count once, its names each, and the last name keeps them."""
    layer = [("a", b"12345"), hard_link("b", "a"), hard_link("c", "./b")]
    root = lay(layer)
    assert root.entries["b"] is root.entries["c"] is root.entries["a"]
    assert (root.total_bytes, root.file_count) == (5, 3)
    left = lay(layer, [(".wh.a", b"")])
    assert (left.total_bytes, left.file_count, sorted(left.entries)) == (5, 2, ["b", "c"])


def test_hard_links_reach_into_lower_layers(lay: Callable[..., RootFilesystem]) -> None:
    """A link's target may be in a lower layer; the bytes are that layer's."""
    root = lay([("a", b"12345")], [hard_link("b", "a"), ("a", b"9")])
    assert sizes(root) == {"a": 1, "b": 5}
    assert root.layer_of == {"a": 1, "b": 0}


def test_a_hard_link_to_nothing_has_no_bytes(lay: Callable[..., RootFilesystem]) -> None:
    """A link whose target is missing stays a link."""
    root = lay([hard_link("a", "gone")])
    assert (root.entries["a"].kind, root.total_bytes) == ("1", 0)


def test_what_aufs_left_behind_is_no_file(lay: Callable[..., RootFilesystem]) -> None:
    """``.wh..wh.plnk`` and the like are neither files nor whiteouts."""
    root = lay([("a", b"1"), folder(".wh..wh.plnk"), (".wh..wh.plnk/1.2", b"1"), (".wh..wh.aufs", b"")])
    assert list(root.entries) == ["a"]


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh."])
def test_whiteouts_without_a_name_do_nothing(lay: Callable[..., RootFilesystem], name: str) -> None:
    """A whiteout of nothing, of the folder itself or of the one above it is passed over."""
    assert sizes(lay([("a/b", b"1")], [(name, b"")])) == {"a/b": 1}


def test_the_root_is_no_entry(lay: Callable[..., RootFilesystem]) -> None:
    """``./`` of a layer's tar is not listed."""
    assert list(lay([folder("./"), ("./a", b"")]).entries) == ["a"]


DEEP = [(f"{number}/" + "a/" * 2000, b"") for number in range(40)]


@pytest.mark.parametrize("read", [lambda layer: merge([layer]), lambda layer: efficiency([layer])])
def test_endless_folders_are_refused(make: Any, read: Callable[[LayerIndex], object]) -> None:
    """Forty paths through two thousand folders each, which no layer has, are an image format error to all who read."""
    with pytest.raises(ImageFormatError, match="64 MiB"):
        read(index(make.tar(DEEP)))


# --- totals


def test_totals(lay: Callable[..., RootFilesystem]) -> None:
    """Largest files, folder totals and setuid files; a hard-linked file counts once, where its own name is."""
    su = special("usr/bin/su", tarfile.REGTYPE, mode=0o4755)
    root = lay(
        [("usr/lib/python3/x.py", b"1" * 30), ("usr/lib/a.so", b"1" * 9), su, ("top", b"1" * 5)],
        [hard_link("usr/b.so", "usr/lib/a.so"), special("usr/c", tarfile.SYMTYPE, "top"), ("empty", b"")],
    )
    largest = (LargeFile(path="usr/lib/python3/x.py", size_bytes=30), LargeFile(path="usr/lib/a.so", size_bytes=9))
    assert root.largest_files(2) == largest
    assert len(root.largest_files(20)) == 3
    assert root.setuid() == ("usr/bin/su",)


def test_the_largest_folders_say_where_it_is(lay: Callable[..., RootFilesystem]) -> None:
    """A folder counts all beneath it, and is left out where nearly all of that is in one folder of it."""
    root = lay([("usr/lib/python3/x.py", b"1" * 30), ("usr/lib/a.so", b"1" * 9), ("usr/bin/b", b"1"), ("top", b"1")])
    assert root.largest_folders(9) == (
        LargeFolder(path="usr/lib", size_bytes=39),
        LargeFolder(path="usr/lib/python3", size_bytes=30),
        LargeFolder(path="usr/bin", size_bytes=1),
    )
    assert root.largest_folders(1) == (LargeFolder(path="usr/lib", size_bytes=39),)


# --- any layers, against files on a disk

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
MARKERS = st.builds(lambda path: str(PurePosixPath(path).parent / f".wh.{PurePosixPath(path).name}"), PATHS)
ENTRIES = st.one_of(
    st.tuples(PATHS, st.binary(min_size=1, max_size=9)),
    st.builds(folder, PATHS, st.sampled_from((0o755, 0o700, 0o1777))),
    st.builds(special, PATHS, st.just(tarfile.SYMTYPE), PATHS),
    st.builds(special, PATHS, st.just(tarfile.FIFOTYPE), mode=st.sampled_from((0o600, 0o666))),
    st.builds(hard_link, PATHS, PATHS),
    st.tuples(MARKERS, st.just(b"")),
    st.tuples(PATHS.map(lambda path: f"{path}/.wh..wh..opq"), st.just(b"")),
)


def without_links_on_the_way(entries: list[Entry]) -> list[Entry]:
    """The entries without links on the way to others of the layer: those are followed, which has tests of its own."""

    def is_on_the_way(entry: Entry) -> bool:
        if not isinstance(entry, tarfile.TarInfo) or not entry.linkname:
            return False
        return any(path.startswith(f"{entry.name}/") for path in paths)

    infos = [entry for entry in entries if isinstance(entry, tarfile.TarInfo)]
    paths = [info.name for info in infos] + [info.linkname for info in infos if info.islnk()]
    paths += [entry[0] for entry in entries if not isinstance(entry, tarfile.TarInfo)]
    return [entry for entry in entries if not is_on_the_way(entry)]


LAYERS = st.lists(st.lists(ENTRIES, max_size=9).map(without_links_on_the_way), min_size=1, max_size=4)
_DANGLING = "a hard link to nothing"


class Disk:
    """Applies layers to a folder of a real file system, plainly: what is hidden first, then entry by entry."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def apply(self, tar: bytes) -> None:
        """Unpack a layer."""
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            members = archive.getmembers()
            for member in members:
                path = self.top / member.name
                if path.name == ".wh..wh..opq":
                    if path.parent.is_dir() and not self._through_link(path):
                        for child in list(path.parent.iterdir()):
                            self._remove(child)
                elif path.name.startswith(".wh.") and not self._through_link(path):
                    self._remove(path.with_name(path.name[4:]))
            for member in members:
                self._extract(archive, member)

    def _through_link(self, path: Path) -> bool:
        return any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(self.top))

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()

    def _make_parents(self, path: Path) -> None:
        for parent in reversed(path.relative_to(self.top).parents[:-1]):
            if (self.top / parent).is_symlink() or not (self.top / parent).is_dir():
                self._remove(self.top / parent)
                (self.top / parent).mkdir()
                (self.top / parent).chmod(0o755)

    def _extract(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path, made = self.top / member.name, self.top.parent / "made"
        if path.name.startswith(".wh."):
            self._make_parents(path)
            return
        if member.islnk():
            self._link(self.top / member.linkname, made)
        elif member.issym():
            made.symlink_to(member.linkname)
        elif member.isfifo():
            os.mkfifo(made)
            made.chmod(member.mode)
        elif member.isfile():
            made.write_bytes(archive.extractfile(member).read())  # type: ignore[union-attr]
            made.chmod(member.mode)
        self._make_parents(path)
        if not member.isdir():
            self._remove(path)
            made.rename(path)
            return
        if path.is_symlink() or not path.is_dir():
            self._remove(path)
            path.mkdir()
        path.chmod(member.mode)

    def _link(self, target: Path, made: Path) -> None:
        if self._through_link(target) or (target.is_dir() and not target.is_symlink()) or not os.path.lexists(target):
            made.symlink_to(_DANGLING)
        else:
            os.link(target, made, follow_symlinks=False)

    def walk(self) -> Iterator[tuple[str, Path, os.stat_result]]:
        """Everything there is."""
        for path in self.top.rglob("*"):
            yield str(path.relative_to(self.top)), path, path.lstat()


def on_disk(disk: Disk) -> Shown:
    """Kind, mode, size, link and which names are one file, as the disk has it."""
    walked = sorted(disk.walk())
    first: dict[int, str] = {}
    for name, _, status in walked:
        first.setdefault(status.st_ino, name)
    return {
        name: ("2", path.readlink().as_posix(), first[status.st_ino])
        if path.is_symlink()
        else (
            {stat.S_IFREG: "0", stat.S_IFDIR: "5", stat.S_IFIFO: "6"}[stat.S_IFMT(status.st_mode)],
            stat.S_IMODE(status.st_mode),
            status.st_size if path.is_file() else 0,
            first[status.st_ino],
        )
        for name, path, status in walked
    }


def merged(root: RootFilesystem) -> Shown:
    """The same of a merged file system."""
    first: dict[tuple[int, int], str] = {}
    shown: Shown = {}
    for path in sorted(root.entries):
        entry: FileEntry = root.entries[path]
        name = first.setdefault((id(entry), root.layer_of[path]), path)
        if entry.kind in "12":
            shown[path] = ("2", entry.link if entry.kind == "2" else _DANGLING, name)
        else:
            shown[path] = (entry.kind, entry.mode, entry.size, name)
    return shown


@given(layers=LAYERS, order=st.lists(st.integers(0, 3), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_layers_make_what_unpacking_them_makes(make: Any, layers: list[list[Entry]], order: Sequence[int]) -> None:
    """Files, links, modes, bytes and hard links are those on disk, and what is not there is exactly what is wasted."""
    tars = [make.tar(layers[position % len(layers)]) for position in order]
    indexes = {tar: index(tar) for tar in tars}  # a layer listed twice is one index, as it is when read
    stack = [indexes[tar] for tar in tars]
    root = merge(stack)
    with tempfile.TemporaryDirectory() as work:
        disk = Disk(Path(work) / "root")
        disk.top.mkdir()
        for tar in tars:
            disk.apply(tar)
        assert merged(root) == on_disk(disk)
        files = {status.st_ino: status for _, path, status in disk.walk() if path.is_file() and not path.is_symlink()}
        assert root.total_bytes == sum(status.st_size for status in files.values())
    assert root.layer_of.keys() == root.entries.keys()
    found = waste(stack, root, ["RUN"] * len(stack))
    stored = sum(entry.size for layer in stack for entry in layer.entries)
    assert found.wasted_bytes == stored - root.total_bytes
    assert found.wasted_bytes == sum(file.wasted_bytes for file in found.files) or len(found.files) == 20


# --- links on the way


@pytest.mark.parametrize(("layers", "files"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES])
def test_folders_that_the_same_layer_made_links_are_followed(
    lay: Callable[..., RootFilesystem], layers: list[list[Entry]], files: dict[str, bytes]
) -> None:
    """As engines unpack: a layer's own links are followed on the way, and a lower layer's are not."""
    root = lay(*layers)
    seen = {path: size for path, size in sizes(root).items() if root.entries[path].kind != "2"}
    assert seen == {path: len(content) for path, content in files.items()}


def test_what_is_used_through_a_linked_folder_is_no_waste(lay: Callable[..., RootFilesystem]) -> None:
    """Two names of one file, one of them behind a link, are two names of one file."""
    root = lay([folder("d"), special("a", tarfile.SYMTYPE, "d"), ("a/x", b"1" * 9), hard_link("a/y", "d/x")])
    assert root.entries["d/x"] is root.entries["d/y"]
    assert root.total_bytes == 9


def test_links_that_lead_round_in_a_circle_are_left_alone(lay: Callable[..., RootFilesystem]) -> None:
    """No engine unpacks it; it is read all the same."""
    root = lay([special("a", tarfile.SYMTYPE, "b"), special("b", tarfile.SYMTYPE, "a"), ("a/x", b"1")])
    assert root.entries["a/x"].size == 1
