"""A folder's files as a builder asks for them, and what it never gets."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.engine.build.context import NEVER_SENT
from imgcompare.engine.build.dockerignore import IgnoreRules
from imgcompare.engine.build.file_sync import diff_copy
from imgcompare.engine.build.folders import DiskFolder, Folder, MadeFolder, go_mode
from imgcompare.engine.build.walk import Selection
from imgcompare.engine.transport.grpc import GrpcError, framed, messages, raise_for_status
from imgcompare.engine.transport.protobuf import as_int
from imgcompare.errors import ImgcompareError
from tests.support.peers import Received, receive, serving

PATH = "/moby.filesync.v1.FileSync/DiffCopy"
MODE, SIZE, TIME, LINK = 2, 5, 6, 7


def ask(
    folders: Mapping[str, Folder],
    *metadata: tuple[str, str],
    known: Sequence[str] = (),
    failures: list[ImgcompareError] | None = None,
    name: str = "context",
) -> Received:
    """Have a builder ask for a folder."""
    handler = diff_copy(folders.get, (failures if failures is not None else []).append, lambda _: None)
    with serving({PATH: handler}) as client:
        return receive(client, PATH, [("dir-name", name), *metadata], frozenset(known))


def folder(root: Path, **changes: tuple[str, bytes]) -> dict[str, Folder]:
    """A folder on disk as the context."""
    return {"context": DiskFolder(str(root), NEVER_SENT, changes.get("changed", ("", b"")))}


def fill(root: Path, *names: str) -> None:
    """Make files that hold their own names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_a_folder_arrives_as_it_is(tmp_path: Path) -> None:
    """Names in the order of their bytes, modes as in Go, both kinds of links, FIFOs, empty sockets; no reports."""
    fill(tmp_path, "a/b", "a.txt", "é", ".imgcompare/runs/1.json")
    (tmp_path / "a/b").chmod(0o4755)
    (tmp_path / "hard").hardlink_to(tmp_path / "a.txt")
    (tmp_path / "soft").symlink_to("../out")
    os.mkfifo(tmp_path / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        received = ask(folder(tmp_path))
    assert list(received.stats) == ["a", "a/b", "a.txt", "fifo", "hard", "socket", "soft", "é"]
    assert received.contents == {"a/b": b"a/b", "a.txt": b"a.txt", "socket": b"", "é": "é".encode()}
    modes = {name: as_int(each[MODE]) for name, each in received.stats.items()}
    assert modes["a"] == 1 << 31 | stat.S_IMODE((tmp_path / "a").stat().st_mode)
    assert (modes["a/b"], modes["fifo"], modes["soft"]) == (1 << 23 | 0o755, 1 << 25 | 0o640, 1 << 27 | 0o777)
    assert received.stats["hard"][SIZE] == received.stats["a.txt"][SIZE], "else it is made anew each time"
    assert (received.stats["hard"][LINK], received.stats["soft"][LINK]) == (b"a.txt", b"../out")
    assert as_int(received.stats["a.txt"][TIME]) == (tmp_path / "a.txt").stat().st_mtime_ns
    assert not received.stats["a"].keys() & {3, 4}, "everything belongs to 0:0"


def test_only_what_the_builder_asks_for_travels(tmp_path: Path) -> None:
    """Files that it has are told and not sent."""
    fill(tmp_path, "a", "b", "c")
    received = ask(folder(tmp_path), known=["a", "c"])
    assert list(received.stats) == ["a", "b", "c"]
    assert received.contents == {"b": b"b"}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ([("exclude-patterns", "a"), ("exclude-patterns", "**/*.pyc")], ["b.txt", "d", "d/keep.py", "link"]),
        ([("exclude-patterns", "*"), ("exclude-patterns", "!d/keep.py")], ["d", "d/keep.py"]),
        ([("include-patterns", "d"), ("exclude-patterns", "d/*.pyc")], ["d", "d/keep.py"]),
        ([("followpaths", "b.txt")], ["b.txt"]),
        ([("followpaths", "nothere")], []),
        ([("followpaths", "d/*.py")], ["d", "d/keep.py"]),
        ([("followpaths", "link/inner")], ["a", "a/inner", "link"]),
        ([("followpaths", "/")], ["a", "a/inner", "b.txt", "d", "d/keep.py", "d/x.pyc", "link"]),
        ([("followpaths", "d%2Fkeep.py"), ("followpaths-encoded", "1")], ["d", "d/keep.py"]),
        ([("followpaths", "../../d/keep.py")], ["d", "d/keep.py"]),
    ],
)
def test_patterns_choose(tmp_path: Path, metadata: list[tuple[str, str]], expected: list[str]) -> None:
    """What is left out, what is taken, links on the way followed within the folder, as fsutil does."""
    fill(tmp_path, "a/inner", "b.txt", "d/keep.py", "d/x.pyc")
    (tmp_path / "link").symlink_to("/a")
    assert list(ask(folder(tmp_path), *metadata).stats) == expected


def test_nothing_out_of_the_folder_is_served(tmp_path: Path) -> None:
    """Neither by name, nor through links, nor by the number of a file that was never told, nor another folder."""
    root = tmp_path / "context"
    fill(tmp_path, "secret", "beside/secret", "context/a")
    (root / "out").symlink_to("../beside")
    (root / "file").symlink_to(tmp_path / "secret")
    for path in ("../secret", "out/secret", "file", "../../../../../../etc/passwd"):
        received = ask(folder(root), ("followpaths", path))
        assert received.contents == {}
        assert set(received.stats) <= {"out", "file"}
    with pytest.raises(GrpcError, match="no access allowed"):
        raise_for_folder(folder(root), "/etc")


def raise_for_folder(folders: Mapping[str, Folder], name: str) -> None:
    """Ask for a folder by that name as a call of which only the status counts."""
    handler = diff_copy(folders.get, lambda _: None, lambda _: None)
    with serving({PATH: handler}) as client:
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", PATH)]
        stream = client.open([*headers, ("dir-name", name)])
        while stream.receive():
            pass
        raise_for_status(stream)


def test_a_file_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    """Between telling and sending a file can become anything; a link then gives nothing."""
    fill(tmp_path, "secret", "context/a")
    root = tmp_path / "context"
    members = list(DiskFolder(str(root), NEVER_SENT).members(Selection(IgnoreRules())))
    (root / "a").unlink()
    (root / "a").symlink_to(tmp_path / "secret")
    assert members[0].read is not None
    assert b"".join(members[0].read()) == b""


def test_a_changed_file_has_its_new_end_and_another_time(tmp_path: Path) -> None:
    """Size and time are all that a builder compares: two changes of one length differ in time, and the disk in both."""
    fill(tmp_path, "app.py", "b")
    plain = ask(folder(tmp_path)).stats["app.py"]
    times = set()
    for end in (b"\n \n", b"\n\n "):
        received = ask(folder(tmp_path, changed=("app.py", end)))
        assert received.contents["app.py"] == b"app.py" + end
        assert as_int(received.stats["app.py"][SIZE]) == 9
        times.add(as_int(received.stats["app.py"][TIME]))
    assert len(times | {as_int(plain[TIME])}) == 3
    assert (tmp_path / "app.py").read_text() == "app.py"


def test_a_made_folder_gives_its_files_by_name() -> None:
    """Only those asked for; another content has another time even where its size is the same."""
    files = {"Dockerfile": b"FROM a", "Dockerfile.dockerignore": b"x"}
    folders = {"context": MadeFolder(files)}
    assert ask(folders, ("followpaths", "Dockerfile"), ("followpaths", "dockerfile")).contents == {
        "Dockerfile": b"FROM a"
    }
    both = ask(folders)
    assert both.contents == files
    other = ask({"context": MadeFolder({"Dockerfile": b"FROM b"})})
    assert other.stats["Dockerfile"][SIZE] == both.stats["Dockerfile"][SIZE]
    assert other.stats["Dockerfile"][TIME] != both.stats["Dockerfile"][TIME]


def test_a_folder_that_cannot_be_read_is_told_to_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder gets an error instead of a file's content, and the build knows the path and the way out."""
    fill(tmp_path, "a")
    failures: list[ImgcompareError] = []
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    received = ask(folder(tmp_path), failures=failures)
    assert "cannot be read: Permission denied" in received.error
    assert "cannot be read: Permission denied" in failures[0].message


@settings(deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_builder_that_sends_garbage_gets_an_error(packets: list[bytes]) -> None:
    """Numbers of no file, packets that are none, kinds nobody knows: the call ends, and nothing is sent for it."""
    handler = diff_copy({"context": MadeFolder({"a": b"content"})}.get, lambda _: None, lambda _: None)
    with serving({PATH: handler}) as client:
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", PATH)]
        stream = client.open([*headers, ("dir-name", "context")])
        for packet in packets:
            stream.send(framed(packet))
        stream.end()
        assert all(len(message) < 100 for message in messages(stream))


@pytest.mark.parametrize(
    ("kernel", "go"),
    [(0o100644, 0o644), (0o40755, 1 << 31 | 0o755), (0o120777, 1 << 27 | 0o777), (0o101777, 1 << 20 | 0o777)],
)
def test_modes_are_gos(kernel: int, go: int) -> None:
    """The bits of os.FileMode, which are not the kernel's."""
    assert go_mode(kernel) == go
