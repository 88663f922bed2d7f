"""Which restriction breaks a variant, by trying as few as can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from imgcompare.check.hardening import RESTRICTIONS, harden
from imgcompare.model import Failure, Stage

NAMES = ("read-only root", "no capabilities", "no new privileges", "256 MB of memory", "1 CPU")


def _breaking(field: str, *log: str) -> tuple[Callable[[Mapping[str, Any]], Failure | None], list[frozenset[str]]]:
    """An app that a change of this field breaks, with this log, and what it was tried with."""
    tried: list[frozenset[str]] = []

    def try_with(changes: Mapping[str, Any]) -> Failure | None:
        tried.append(frozenset(changes))
        if field not in changes:
            return None
        return Failure(stage=Stage.RUN, code="exits-at-once", message="It exited.", evidence=("exit code 1", *log))

    return try_with, tried


def test_what_works_with_all_is_tried_once() -> None:
    """Every restriction is named."""
    try_with, tried = _breaking("nothing")
    hardened = harden(try_with)
    assert hardened.works
    assert hardened.restrictions == NAMES
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("field", "broken_by", "code"),
    [
        ("read_only", "read-only root", "read-only-root"),
        ("drop_capabilities", "no capabilities", "needs-capability"),
        ("no_new_privileges", "no new privileges", "needs-new-privileges"),
        ("memory_limit_bytes", "256 MB of memory", "needs-memory"),
        ("cpus", "1 CPU", "needs-cpu"),
    ],
)
def test_the_one_that_breaks_it_alone_is_found(field: str, broken_by: str, code: str) -> None:
    """Whatever its log says; the lines stay the proof."""
    try_with, tried = _breaking(field, "something went wrong")
    hardened = harden(try_with)
    assert (hardened.works, hardened.broken_by) == (False, broken_by)
    assert hardened.failure
    assert (hardened.failure.code, hardened.failure.evidence) == (code, ("exit code 1", "something went wrong"))
    assert len(tried) <= 1 + len(RESTRICTIONS)


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("no_new_privileges", "sudo: The 'no new privileges' flag is set"),
        ("drop_capabilities", "PermissionError: [Errno 1] Operation not permitted"),
        ("memory_limit_bytes", "MemoryError"),
    ],
)
def test_the_log_tells_which_to_try_first(field: str, line: str) -> None:
    """Then two runs are enough."""
    try_with, tried = _breaking(field, line)
    harden(try_with)
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("OSError: [Errno 30] Read-only file system: '/srv/cache/index'", "/srv/cache"),
        ("/usr/bin/touch: cannot touch '/srv/stamp': Read-only file system", "/srv"),
        ("/bin/sh: 1: cannot create /srv/stamp: Read-only file system", "/srv"),
        ('mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)', "/var/cache/nginx"),
        ("OSError: [Errno 30] Read-only file system: 'app.log'", ""),
        ("OSError: [Errno 30] Read-only file system: '/stamp'", ""),
        ("sqlite3.OperationalError: unable to open database file", ""),
    ],
)
def test_the_folder_to_make_writable_is_the_one_of_the_log(line: str, folder: str) -> None:
    """A volume stays writable below a read-only root; where none is named, or a whole app's, there is no fix."""
    hardened = harden(_breaking("read_only", line)[0])
    assert hardened.failure
    assert hardened.failure.fix == ((f"VOLUME {folder}",) if folder not in {"", "/srv"} else ())
    assert (folder or "its root file system") in hardened.failure.message


def test_a_folder_that_is_made_is_the_one_to_make_writable() -> None:
    """And not the one it is to lie in, which holds the app."""
    log = "os.makedirs('cache')\nOSError: [Errno 30] Read-only file system: '/srv/shop/cache'"
    hardened = harden(_breaking("read_only", *log.split("\n"))[0])
    assert hardened.failure
    assert hardened.failure.fix == ("VOLUME /srv/shop/cache",)


def test_what_only_several_break_together_is_said_so() -> None:
    """No single one is blamed; what happened with all of them stands as it was seen."""

    def try_with(changes: Mapping[str, Any]) -> Failure | None:
        both = {"read_only", "cpus"} <= set(changes)
        return Failure(stage=Stage.RUN, code="exits-at-once", message="It exited.") if both else None

    hardened = harden(try_with)
    assert (hardened.works, hardened.broken_by) == (False, None)
    assert hardened.failure
    assert hardened.failure.code == "exits-at-once"
