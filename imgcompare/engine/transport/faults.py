"""Pure: what an engine could not do for reasons of its own: a full disk, limits, its network. No Dockerfile mends that.

The texts are the engines' and runc's (libcontainer, containerd, BuildKit), and the kernel's that they pass on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imgcompare.errors import EngineFailedError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_FULL = r"no space left on device|disk quota exceeded"
_DISK = "Free space where the engine keeps its data (`docker system df` shows it), then run again."
_HOST = "Look at the engine's own log and at the limits of its machine, then run again."
_NETWORK = "Restart the engine, or remove networks that nothing uses (`docker network prune`), then run again."

# In this order: what went wrong, how it is told, and the next step.
_FAULTS = (
    (regex(_FULL, re.IGNORECASE), "the engine's disk is full", _DISK),
    (
        regex(
            r"setting rlimits?\b|error setting rlimit|too many open files|cannot allocate memory"
            r"|(?:fork/exec|clone|unshare|newuidmap|newgidmap)\S* .{0,200}"
            r"(?:resource temporarily unavailable|operation not permitted)|can't get final child's PID",
            re.IGNORECASE,
        ),
        "the engine's machine does not let it start a container",
        _HOST,
    ),
    (
        regex(
            r"failed to create endpoint|failed to set up container networking|could not find an available, non-over"
            r"lapping|no available IPv4 addresses|iptables(?: failed)?: |adding interface veth"
            r"|failed to (?:add|create) the host|error creating bridge|netavark: |slirp4netns",
            re.IGNORECASE,
        ),
        "the engine's network failed",
        _NETWORK,
    ),
    (
        regex(
            r"(?:apply|setting|join|create|creating|configur\w+|write|enter)\w* .{0,60}cgroup"
            r"|cgroup\w*[^/\s]*: .{0,100}(?:not (?:mounted|supported|permitted)|permission denied|busy|read-only)"
            r"|(?:error (?:creating|mounting)|failed to mount) .{0,60}overlay|failed to register layer"
            r"|layer does not exist|input/output error"
            r"|/(?:var/lib|run)/(?:docker|containers|containerd)\S*: read-only file system"
            r"|ttrpc: closed|transport is closing|containerd\.sock|error reading from server: EOF",
            re.IGNORECASE,
        ),
        "the engine failed",
        _HOST,
    ),
)
# A program's last words on a full disk; the folders that a container has in memory, or that are made to be full, are
# the program's own affair.
_TOLD_FULL = regex(rf"(?::|\] ?|\))\s?(?:{_FULL})|\bENOSPC\b", re.IGNORECASE)
_IN_MEMORY = regex(r"/dev/|\bshm\b|shared memory|sem(?:lock|aphore)|file watchers|inotify", re.IGNORECASE)


def engine_fault(text: str) -> EngineFailedError | None:
    """The engine's own failure, by its words; None where they may be about what it was asked to do."""
    for pattern, problem, hint in _FAULTS:
        if pattern.search(text):
            return EngineFailedError(f"{problem}: {printable(text, limit=400)}", hint=hint)
    return None


def full_disk(log: Iterable[str]) -> EngineFailedError | None:
    """The engine's disk, on which a container's files are, by what a program in a container said as it ended."""
    told = [line for line in log if _TOLD_FULL.search(line)]
    if not told or any(_IN_MEMORY.search(line) for line in log):
        return None
    return EngineFailedError(
        f"the engine's disk is full, a container says: {printable(told[-1], limit=300)}", hint=_DISK
    )
