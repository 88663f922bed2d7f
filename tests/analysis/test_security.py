"""What an attacker would find, counted in made file systems."""

from __future__ import annotations

import pytest

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.security import security
from imgcompare.image.layer_index import FileEntry
from imgcompare.model import Security


def file(path: str, content: str = "", mode: int = 0o755) -> FileEntry:
    """An executable whose content is told by a word, its own path without one."""
    return FileEntry(path, "0", mode, 0, 0, 10, 1024, "", (content or path).encode())


def link(path: str, target: str) -> FileEntry:
    """A symbolic link."""
    return FileEntry(path, "2", 0o777, 0, 0, 0, 512, target, b"")


def counts(*entries: FileEntry, user: str = "10001") -> Security:
    """The counts of a file system of these."""
    paths = {entry.path: entry for entry in entries}
    return security(RootFilesystem(paths, dict.fromkeys(paths, 0), ()), user)


@pytest.mark.parametrize(
    ("user", "root"),
    [
        *((user, True) for user in ("", "0", "00", "root", "root:app", "0:1000", ":1000")),
        *((user, False) for user in ("1000", "app", "1000:0", "rooty", "9" * 5000)),
    ],
)
def test_root_in_every_spelling(user: str, root: bool) -> None:
    """No user, root by name or number, with a group or without."""
    assert counts(user=user).runs_as_root is root


def test_programs_are_counted_by_what_they_are() -> None:
    """Debian's two shells behind three names, a compiler behind many links, copies of pip, and what is no program."""
    found = counts(
        link("bin", "usr/bin"),
        link("usr/bin/sh", "dash"),
        file("usr/bin/dash"),
        file("usr/bin/bash"),
        link("usr/bin/rbash", "bash"),
        link("usr/bin/cc", "/etc/alternatives/cc"),
        link("etc/alternatives/cc", "/bin/gcc"),
        link("usr/bin/gcc", "gcc-12"),
        link("usr/bin/gcc-12", "x86_64-linux-gnu-gcc-12"),
        file("usr/bin/x86_64-linux-gnu-gcc-12"),
        file("usr/bin/x86_64-linux-gnu-gcc-ar-12"),
        file("usr/local/bin/pip", "pip"),
        file("usr/local/bin/pip3", "pip"),
        file("opt/venv/bin/pip3.11", "the environment's pip"),
        link("usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js"),
        file("usr/local/lib/node_modules/npm/bin/npm-cli.js"),
        link("usr/bin/zsh", "missing"),
        file("usr/bin/fish", mode=0o644),
        file("usr/share/bash-completion/completions/sh"),
    )
    assert (found.shells, found.compilers, found.package_managers) == (2, 1, 3)


def test_busybox_is_one_shell() -> None:
    """Hard links and symbolic links to one program are one program."""
    names = ("sh", "ash", "ls", "busybox")
    assert counts(*(file(f"busybox/{name}", "busybox") for name in names)).shells == 1


def test_setuid_files_are_counted() -> None:
    """Files that run as their owner; folders and setgid files do not."""
    folder = FileEntry("home", "5", 0o4755, 0, 0, 0, 512, "", b"")
    assert counts(file("usr/bin/su", mode=0o4755), file("usr/bin/wall", mode=0o2755), folder).setuid_files == 1
