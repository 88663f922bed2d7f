"""What somebody who broke into a container would find there, counted: no verdicts.

A program is an executable file in a folder for programs (``bin``, ``sbin``, or distroless' ``busybox``) that has one of
the names below, or that a symbolic link so named leads to. Programs with the same content count once:
links to one file, hard links, and copies, as busybox' three hundred names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.analysis.symlinks import Links
from imgcompare.image.tarheader import REGULAR
from imgcompare.model import Security
from imgcompare.regex import regex

_FOLDERS = frozenset(("bin", "sbin", "busybox"))
_SHELLS = regex(r"sh|r?bash|dash|ash|zsh|m?ksh|ksh93|t?csh|fish|busybox|toybox")
_COMPILERS = regex(
    r"(?:[\w.-]+-)?(?:cc|c\+\+|gcc|g\+\+|gfortran|clang|clang\+\+)(?:-[\d.]+)?|c[89]9(?:-gcc)?|tcc|rustc|go|javac|ghc"
)
_PACKAGE_MANAGERS = regex(
    r"apt|apt-get|aptitude|dpkg|apk|rpm|yum|dnf|microdnf|tdnf|zypper|pacman|opkg"
    r"|pip[\d.]*|pipx|uv|poetry|pdm|pipenv|easy_install[\d.-]*|conda|mamba|micromamba|npm|pnpm|yarn|gem|cargo"
)
_EXECUTABLE = 0o111


def security(filesystem: RootFilesystem, user: str) -> Security:
    """Count what ``filesystem`` offers to an attacker; ``user`` is the image config's."""
    programs = tuple(_programs(filesystem))
    return Security(
        runs_as_root=is_root(user),
        shells=_count(programs, _SHELLS),
        compilers=_count(programs, _COMPILERS),
        package_managers=_count(programs, _PACKAGE_MANAGERS),
        setuid_files=len(filesystem.setuid()),
    )


def is_root(user: str) -> bool:
    """Whether an image config's ``User`` (``name|uid[:group|gid]``, or nothing) is the superuser."""
    name = user.partition(":")[0].strip()
    return name == "root" or not name.strip("0")


def _programs(filesystem: RootFilesystem) -> Iterator[tuple[str, bytes]]:
    """Every program's name, with the digest of its content."""
    links = Links(filesystem)
    for path in filesystem.entries:
        folder, _, name = path.rpartition("/")
        if folder.rpartition("/")[2] in _FOLDERS:
            file = links.file(path)
            if file is not None and file.kind == REGULAR and file.mode & _EXECUTABLE and file.digest:
                yield name, file.digest


def _count(programs: Iterable[tuple[str, bytes]], names: re.Pattern[str]) -> int:
    return len({digest for name, digest in programs if names.fullmatch(name)})
