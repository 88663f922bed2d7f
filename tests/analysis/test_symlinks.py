"""Where paths lead through the symbolic links of a merged file system."""

from __future__ import annotations

import pytest

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.symlinks import Links
from imgcompare.image.layer_index import FileEntry


def system(**paths: str) -> Links:
    """A file system of paths (``_`` for the slash), each a file, a folder (``/``) or a link to something."""
    entries = {}
    for name, what in paths.items():
        path = name.replace("_", "/")
        kind = {"": "0", "/": "5"}.get(what, "2")
        entries[path] = FileEntry(path, kind, 0o755, 0, 0, 0, 512, what if kind == "2" else "", b"")
    return Links(RootFilesystem(entries, dict.fromkeys(entries, 0), ()))


MERGED = {"usr": "/", "usr_lib": "/", "usr_lib_x": "", "lib": "usr/lib", "usr_lib_y": "x", "usr_bin_z": "../../lib/y"}


@pytest.mark.parametrize(
    ("path", "real"),
    [("lib/x", "usr/lib/x"), ("lib/y", "usr/lib/y"), ("lib", "lib"), ("lib/new/file", "usr/lib/new/file"), ("x", "x")],
)
def test_linked_folders_are_replaced(path: str, real: str) -> None:
    """Folders on the way are followed, also towards what is not there; the last name stays."""
    assert system(**MERGED).real(path) == real


def test_the_last_name_is_followed_to_its_file() -> None:
    """A link to a link, with ``..`` and over a linked folder, leads to the file."""
    file = system(**MERGED).file("usr/bin/z")
    assert file is not None
    assert file.path == "usr/lib/x"


@pytest.mark.parametrize(
    "paths",
    [
        {"a": "a"},
        {"a": "b", "b": "a"},
        {"a": "nowhere"},
        {"a": "b/" * 100 + "x", "b": "/"},
        {"a": "/" + "x" * 5000},
        {"a": ".."},
        {"b": ""},
    ],
)
def test_links_that_lead_nowhere(paths: dict[str, str]) -> None:
    """Circles, dangling, endless and missing links have no file, and end."""
    links = system(**paths)
    assert links.file("a") is None
    assert links.real("a/b").endswith("b")


def test_the_root_is_not_left() -> None:
    """More ``..`` than there are folders stay at the root, as in a container."""
    file = system(etc="", usr="/", usr_up="../../../../etc").file("usr/up")
    assert file is not None
    assert file.path == "etc"


def test_paths_that_no_system_has_are_left_alone() -> None:
    """Longer or deeper than any package installs: not followed, and no work."""
    links = system(lib="usr/lib")
    for path in ("lib/" + "x" * 5000 + "/y", "lib/" + "x/" * 500 + "y"):
        assert links.real(path) == path
