"""Processes found by what they were started with, so that nothing but our own is ever signalled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from imgcompare.engine.own.host import run_as_root

_POLL_S = 0.05


def command_line(pid: int) -> tuple[str, ...]:
    """Return the arguments a process was started with; empty when it is gone, a zombie or a kernel thread."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode(errors="surrogateescape") for part in raw.rstrip(b"\0").split(b"\0")) if raw else ()


def runs(argv: Sequence[str], program: str, *arguments: str) -> bool:
    """Say whether ``argv`` is ``program`` (whatever its folder) with these arguments next to each other."""
    if not argv or Path(argv[0]).name != program:
        return False
    return any(tuple(argv[at : at + len(arguments)]) == arguments for at in range(1, len(argv)))


def find(program: str, *arguments: str) -> list[int]:
    """Return the pids of all processes that are ``program`` with ``arguments``, lowest first."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if runs(command_line(pid), program, *arguments)]


def children(pid: int) -> list[int]:
    """Return the pids of a process's direct children (proc(5): the parent's pid is field 4 of ``stat``)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # The name in parentheses may hold anything, so count from the last one.
            parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if int(parent) == pid:
            found.append(int(entry.name))
    return found


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal, through sudo where the process is root's; a process already gone is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        run_as_root(["sh", "-c", 'kill -s "$1" "$2" || ! test -e "/proc/$2"', "sh", number.name[3:], str(pid)], "kill")


def terminate(matching: Callable[[], list[int]], *, grace_s: float) -> bool:
    """End the processes that ``matching`` returns: SIGTERM, and SIGKILL after ``grace_s`` seconds. True when all ended.

    ``matching`` is asked again before each signal, so a pid that was reused meanwhile is not touched.
    """
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        for pid in matching():
            send(pid, number)
        deadline = time.monotonic() + patience_s
        while matching():
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL_S)
        else:
            return True
    return False
