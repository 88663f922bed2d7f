"""The build context's tar, on real folders."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.engine.build.context import BuildContext, open_context
from imgcompare.errors import UsageError


def context_of(root: Path, files: dict[str, str], dockerfile: str = "Dockerfile") -> BuildContext:
    """Write ``files`` and a Dockerfile below ``root``, and open it."""
    for name, text in {dockerfile: "FROM scratch\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return open_context(root, root / dockerfile)


def read(context: BuildContext) -> dict[str, tarfile.TarInfo]:
    """Return the members by name, the root left out; reading all content proves that the tar is whole."""
    data = b"".join(context.stream())
    assert len(data) % 512 == 0
    assert data.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errorlevel=2) as tar:
        members = {member.name: member for member in tar}
        for member in members.values():
            file = tar.extractfile(member) if member.isreg() else None
            assert file is None or len(file.read()) == member.size
    del members["."]
    return members


def content(context: BuildContext, name: str) -> bytes:
    """Return one member's content."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(context.stream()))) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


@contextmanager
def unprivileged_folder() -> Iterator[Path]:
    """Give a folder while this process has no right to read everything, even when the tests run as root."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.geteuid() == 0
        if root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def test_sends_everything_in_order_as_root(tmp_path: Path) -> None:
    """Without an ignore file all is sent, sorted, owned by 0:0 without names, modes kept."""
    context = context_of(tmp_path, {"b/x.py": "x", "a.txt": "a", "b.txt": "b", "run.sh": "#!/bin/sh\n"})
    (tmp_path / "run.sh").chmod(0o4755)
    (tmp_path / "empty").mkdir(mode=0o700)
    members = read(context)
    assert list(members) == ["Dockerfile", "a.txt", "b", "b/x.py", "b.txt", "empty", "run.sh"]
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members.values()} == {(0, 0, "", "")}
    assert (members["run.sh"].mode, members["empty"].mode) == (0o4755, 0o700)
    assert members["a.txt"].mtime == int((tmp_path / "a.txt").stat().st_mtime)


def test_starts_with_a_plain_header_whatever_the_first_name(tmp_path: Path) -> None:
    """Engines look at 512 bytes to tell a tar from a Dockerfile: they must be no PAX and no long-name header."""
    long_name = "a" * 200
    context = context_of(tmp_path, {long_name: "x", f"{long_name}.d/{long_name}": "y"})
    first = tarfile.TarInfo.frombuf(next(context.stream())[:512], "utf-8", "strict")
    assert first.isdir()
    assert {long_name, f"{long_name}.d/{long_name}"} <= set(read(context))


def test_each_stream_is_fresh_and_the_same(tmp_path: Path) -> None:
    """Parallel and repeated builds each read the context from its start."""
    context = context_of(tmp_path, {"a": "1"})
    first = context.stream()
    next(first)
    assert b"".join(context.stream()) == b"".join(context.stream())
    (tmp_path / "a").write_text("two")
    assert content(context, "a") == b"two"


def test_ignore_file_at_the_root(tmp_path: Path) -> None:
    """``.dockerignore`` applies; a folder left out is sent when something inside is kept, so that its mode arrives."""
    files = {"docs/a": "", "docs/keep/b": "", "docs/x/y": "", "m.pyc": "", ".dockerignore": "*.pyc\ndocs\n!docs/keep"}
    context = context_of(tmp_path, files)
    (tmp_path / "docs").chmod(0o751)
    members = read(context)
    assert list(members) == [".dockerignore", "Dockerfile", "docs", "docs/keep", "docs/keep/b"]
    assert members["docs"].mode == 0o751


def test_an_ignored_dockerfile_is_sent_with_the_rules_by_which_the_builder_drops_it(tmp_path: Path) -> None:
    """Ignoring everything does not keep the builder from its Dockerfile, in a folder left out either; COPY is kept."""
    context = context_of(tmp_path, {".dockerignore": "**", "sub/other": "", "x": ""}, dockerfile="sub/[a].Dockerfile")
    assert context.dockerfile == "sub/[a].Dockerfile"
    assert context.hides
    assert set(read(context)) == {".dockerignore", "sub/[a].Dockerfile"}
    assert list(context.files()) == []


def test_ignore_file_of_the_dockerfile_wins(tmp_path: Path) -> None:
    """``<Dockerfile>.dockerignore`` replaces the root's ignore file and is itself subject to its rules."""
    files = {"a": "", "b": "", ".dockerignore": "a", "d/x.Dockerfile.dockerignore": "b\n**/*.dockerignore"}
    context = context_of(tmp_path, files, dockerfile="d/x.Dockerfile")
    assert list(read(context)) == ["a", "d", "d/x.Dockerfile"]
    assert not context.hides


def test_dockerfile_from_outside(tmp_path: Path) -> None:
    """A Dockerfile outside the context goes in under a name of its content, with rules that drop it; its own apply."""
    root = tmp_path / "app"
    context_of(root, {"a": "", "b": ""})
    outside = tmp_path / "slim.Dockerfile"
    outside.write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "slim.Dockerfile.dockerignore").write_text("a\nDockerfile")
    context = open_context(root, outside)
    name = f".imgcompare-{hashlib.sha256(outside.read_bytes()).hexdigest()[:12]}.Dockerfile"
    assert context.dockerfile == name
    assert list(read(context)) == [name, ".dockerignore", "b"]
    assert content(context, name) == outside.read_bytes()
    assert content(context, ".dockerignore") == f".dockerignore\n{name}\n".encode()
    assert context.hides
    (root / ".dockerignore").write_text("b")
    assert content(context, ".dockerignore") == f"b\n{name}\n".encode()
    assert context.dockerfile_digest() == f"sha256:{hashlib.sha256(outside.read_bytes()).hexdigest()}"


def test_a_dockerfile_that_is_no_file(tmp_path: Path) -> None:
    """One that is written in a compose file takes the place of any in the folder, which COPY still sees."""
    context_of(tmp_path, {"Dockerfile": "FROM other", ".dockerignore": "b", "b": ""})
    context = open_context(tmp_path, tmp_path / "Dockerfile", b"FROM scratch\n")
    assert content(context, context.dockerfile) == b"FROM scratch\n"
    assert context.dockerfile != "Dockerfile"
    assert "b" not in read(context)
    assert open_context(tmp_path, tmp_path / "missing", b"FROM scratch\n").dockerfile == context.dockerfile


def test_saved_reports_are_no_part_of_a_context(tmp_path: Path) -> None:
    """A run must not change what the next one builds: neither here nor in a folder below, ignore file or not."""
    saved = {".imgcompare/runs/1.json": "{}", "sub/.imgcompare/runs/1.json": "{}", "sub/x.imgcompare": "", "a": ""}
    assert list(read(context_of(tmp_path, saved))) == ["Dockerfile", "a", "sub", "sub/x.imgcompare"]
    rules = {".dockerignore": "*\n!sub\n!.imgcompare\n"}
    assert list(context_of(tmp_path, rules).files()) == ["sub/x.imgcompare"]


def test_root_and_dockerfile_may_be_links(tmp_path: Path) -> None:
    """A linked context is its target; a linked Dockerfile is the file it leads to, inside or outside."""
    context_of(tmp_path / "real", {"deploy/x": "FROM scratch"})
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/Dockerfile").unlink()
    (tmp_path / "real/Dockerfile").symlink_to("deploy/x")
    context = open_context(tmp_path / "link", tmp_path / "link/Dockerfile")
    assert context.dockerfile == "deploy/x"
    assert list(read(context)) == ["Dockerfile", "deploy", "deploy/x"]


def test_links_stay_links_and_specials_are_skipped(tmp_path: Path) -> None:
    """Links go as they are, broken, leading out and to folders alike; FIFOs and sockets cannot be sent."""
    context = context_of(tmp_path, {"d/file": "content", "d/twin": ""})
    for name, target in {"out": "../../etc//passwd", "broken": "nowhere", "folder": "d"}.items():
        (tmp_path / name).symlink_to(target)
        assert os.readlink(tmp_path / name) == target  # noqa: PTH115 - the target as it is
    (tmp_path / "d/twin").unlink()
    (tmp_path / "d/twin").hardlink_to(tmp_path / "d/file")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        old = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is short
        try:
            listener.bind("socket")
        finally:
            os.chdir(old)
        members = read(context)
    assert {m.name: m.linkname for m in members.values() if m.issym()} == {
        "broken": "nowhere",
        "folder": "d",
        "out": "../../etc//passwd",
    }
    assert (members["d/twin"].type, members["d/twin"].linkname) == (tarfile.LNKTYPE, "d/file")
    assert not {"fifo", "socket"} & set(members)


def test_names_that_are_not_utf8_come_through(tmp_path: Path) -> None:
    """A name is bytes to the engine: whatever is on disk arrives unchanged."""
    context = context_of(tmp_path, {})
    raw = b"caf\xe9-" + b"\xff" * 120
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).write_bytes(b"x")
    assert raw in b"".join(context.stream())
    assert [os.fsencode(name) for name in read(context)] == [b"Dockerfile", raw]


@pytest.mark.parametrize("change", ["shrink", "grow", "vanish", "become a folder", "become a fifo", "become a link"])
def test_file_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    """The announced size is kept to, or the file is left out: the tar is never corrupt, the reading never hangs."""
    context = context_of(tmp_path, {"b": "b" * (3 << 20), "z": "last"})
    stream = context.stream()
    parts = [next(stream)]
    while not parts[-1].endswith(b"b" * 512):  # until "b" is being read
        parts.append(next(stream))
    victim = tmp_path / ("z" if change.startswith(("vanish", "become")) else "b")
    match change:
        case "shrink":
            os.truncate(victim, 10)
        case "grow":
            os.truncate(victim, 8 << 20)
        case _:
            victim.unlink()
    match change:
        case "become a folder":
            victim.mkdir()
        case "become a fifo":
            os.mkfifo(victim)
        case "become a link":
            victim.symlink_to("nowhere")
    parts += stream
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts)), errorlevel=2) as tar:
        sizes = {member.name: member.size for member in tar}
    assert sizes["b"] == 3 << 20
    assert max(len(part) for part in parts) <= 1 << 20
    assert ("z" in sizes) == (change not in {"vanish", "become a fifo"})


def test_digest_is_of_what_is_sent(tmp_path: Path) -> None:
    """Names, modes, types, targets and contents change the digest; times and ignored files do not."""
    context = context_of(tmp_path, {"a": "1", ".dockerignore": "*.log"})
    digest = context.digest()
    assert digest.startswith("sha256:")
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "x.log").write_text("noise")
    assert context.digest() == digest
    link, other = tmp_path / "link", tmp_path / "other"
    link.symlink_to("a")
    other.symlink_to("b")
    changes: list[Callable[[], object]] = [
        lambda: (tmp_path / "a").write_text("2"),
        lambda: (tmp_path / "a").chmod(0o700),
        lambda: (tmp_path / "a").rename(tmp_path / "b"),
        lambda: other.rename(link),
        lambda: link.rename(tmp_path / "b"),
    ]
    seen = [context.digest()]
    for change in changes:
        change()
        seen.append(context.digest())
    assert len(set(seen)) == len(changes) + 1


def test_variants_that_share_a_context_share_its_digest(tmp_path: Path) -> None:
    """Dockerfiles kept outside differ by their own digest, not by the context's."""
    root = tmp_path / "app"
    context_of(root, {"a": ""})
    contexts = []
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"FROM scratch\nLABEL name={name}\n")
        contexts.append(open_context(root, tmp_path / name))
    assert contexts[0].digest() == contexts[1].digest()
    assert contexts[0].dockerfile_digest() != contexts[1].dockerfile_digest()


def test_memory_stays_flat(tmp_path: Path) -> None:
    """A file far bigger than memory may be is streamed, 2 GB and more alike."""
    context = context_of(tmp_path, {})
    with (tmp_path / "big").open("wb") as file:
        file.truncate(256 << 20)
    tracemalloc.start()
    try:
        total = sum(len(part) for part in context.stream())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 256 << 20
    assert peak < 8 << 20


def test_deep_tree(tmp_path: Path) -> None:
    """Depth is bounded by the path length alone, not by recursion."""
    context = context_of(tmp_path, {})
    deep = tmp_path
    for _ in range(1100):
        deep /= "d"
        deep.mkdir()
    assert len(read(context)) == 1101
    while deep != tmp_path:  # shutil.rmtree, which would clean up, recurses
        deep.rmdir()
        deep = deep.parent


@pytest.mark.parametrize(
    ("make", "root", "dockerfile", "message"),
    [
        ("", "missing", "Dockerfile", "build context .*missing does not exist"),
        ("", "Dockerfile", "Dockerfile", "build context .*Dockerfile is not a folder"),
        ("", ".", "missing.Dockerfile", "Dockerfile .*missing.Dockerfile does not exist"),
        ("folder", ".", "folder", "Dockerfile .*folder is not a file"),
        ("fifo", ".", "fifo", "Dockerfile .*fifo is not a file"),
        ("empty", ".", "empty", "Dockerfile .*empty has no instruction"),
        ("comments", ".", "comments", "Dockerfile .*comments has no instruction"),
        ("bad pattern", ".", "Dockerfile", r"\.dockerignore, line 2: bad pattern “a\[b”"),
        ("ignore folder", ".", "Dockerfile", r"ignore file .*\.dockerignore is not a file"),
    ],
)
def test_what_cannot_be_used_is_found_before_anything_is_built(
    tmp_path: Path, make: str, root: str, dockerfile: str, message: str
) -> None:
    """The message names the path that is wrong and the hint says what to do."""
    context_of(tmp_path, {})
    match make:
        case "folder":
            (tmp_path / "folder").mkdir()
        case "fifo":
            os.mkfifo(tmp_path / "fifo")
        case "empty":
            (tmp_path / "empty").write_bytes(b"\xef\xbb\xbf \n\n")
        case "comments":
            (tmp_path / "comments").write_text("# syntax=docker/dockerfile:1\n  # nothing\n")
        case "bad pattern":
            (tmp_path / ".dockerignore").write_text("ok\na[b\n")
        case "ignore folder":
            (tmp_path / ".dockerignore").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        open_context(tmp_path / root, tmp_path / dockerfile)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("unreadable", "message"),
    [
        ("", "build context .* cannot be read: Permission denied"),
        ("Dockerfile", "Dockerfile .*Dockerfile cannot be read: Permission denied"),
        (".dockerignore", "ignore file .*dockerignore cannot be read: Permission denied"),
        ("secret", "secret in the build context cannot be read: Permission denied"),
        ("d", "d in the build context cannot be read: Permission denied"),
    ],
)
def test_unreadable_path_is_named(unreadable: str, message: str) -> None:
    """A file we may not read ends the build with its name, instead of being left out in silence."""
    with unprivileged_folder() as root:
        context_of(root, {"secret": "x", "d/e": "", ".dockerignore": ""})
        (root / unreadable).chmod(0)
        try:
            with pytest.raises(UsageError, match=message) as caught:
                b"".join(open_context(root, root / "Dockerfile").stream())
        finally:
            (root / unreadable).chmod(0o700)
    assert caught.value.hint


def test_unreadable_but_ignored_is_no_problem() -> None:
    """What is not sent need not be readable, even where a negation makes us look for something to keep."""
    with unprivileged_folder() as root:
        context = context_of(root, {"d/e": "", "f": "", ".dockerignore": "d\nf\n!**/keep"})
        for name in ("d", "f"):
            (root / name).chmod(0)
        try:
            assert list(read(context)) == [".dockerignore", "Dockerfile"]
        finally:
            (root / "d").chmod(0o700)


def test_a_file_can_be_sent_with_a_new_end(tmp_path: Path) -> None:
    """The one that is named is longer, on disk nothing is; the context that was opened stays what it was."""
    context = context_of(tmp_path, {"app.py": "x = 1\n", "other.py": "y = 2\n"})
    changed = replace(context, appended=("app.py", b"\n  \n"))
    assert read(changed)["app.py"].size == 10
    assert content(changed, "app.py") == b"x = 1\n\n  \n"
    assert content(changed, "other.py") == b"y = 2\n"
    assert content(context, "app.py") == b"x = 1\n"
    assert (tmp_path / "app.py").read_text() == "x = 1\n"
    assert changed.digest() != context.digest()


def test_the_files_are_those_that_are_sent(tmp_path: Path) -> None:
    """No folders, no links, nothing that is ignored, and one name of a file that has several."""
    context_of(tmp_path, {"a/app.py": "", "secret": "", ".dockerignore": "secret\n"})
    (tmp_path / "a/link.py").symlink_to("app.py")
    (tmp_path / "b.py").hardlink_to(tmp_path / "a/app.py")
    context = open_context(tmp_path, tmp_path / "Dockerfile")
    assert list(context.files()) == [".dockerignore", "Dockerfile", "a/app.py"]
