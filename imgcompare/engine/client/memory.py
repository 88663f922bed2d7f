"""A container's memory from its control group, where the engine is on this machine: the figure the engine reads too.

``GET /containers/{id}/stats`` samples once a second for all containers, so asking it can take as long.
"""

from __future__ import annotations

from pathlib import Path


def without_inactive(usage: int, inactive: int) -> int:
    """Memory in use without the page cache's inactive part, counted as the docker CLI does.

    https://github.com/docker/cli/blob/master/cli/command/container/stats_helpers.go
    """
    return usage - inactive if inactive < usage else usage


def memory_in_use(
    pid: int, container: str, *, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Bytes in use by the container with that id, whose first process the engine calls ``pid``; None if not to be seen.

    The process id may be another machine's, or of another namespace: the group must carry the container's id. Both
    versions of control groups: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and …/cgroup-v2.html.
    """
    rows = groups_of(pid, container, proc=proc)
    for controllers, path in rows:
        if "memory" in controllers.split(","):
            return _read(groups / "memory" / path.lstrip("/"), "memory.usage_in_bytes", "total_inactive_file")
    for controllers, path in rows:
        if not controllers:
            return _read(groups / path.lstrip("/"), "memory.current", "inactive_file")
    return None


def groups_of(pid: int, container: str, *, proc: Path = Path("/proc")) -> list[list[str]]:
    """The controllers and path of each of a process's control groups that carry a container's id; [] if none does."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line.split(":", 2)[1:] for line in lines if container and container in line]


def _read(group: Path, usage: str, inactive: str) -> int | None:
    try:
        used = int((group / usage).read_text(encoding="ascii"))
        rows = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return without_inactive(used, int(rows[inactive]))
    except (OSError, ValueError, KeyError):
        return None
