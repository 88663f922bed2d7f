"""Control groups for the own engine on machines where nothing mounted them (those started without systemd)."""

from __future__ import annotations

from pathlib import Path

from imgcompare.engine.own.host import run_as_root
from imgcompare.errors import NoEngineError

_ROOT = Path("/sys/fs/cgroup")
_HINT = "The engine needs control groups: install the package cgroupfs-mount, or start this machine with them mounted."


def mounted(mounts: str) -> bool:
    """Say whether ``mounts`` (the text of /proc/self/mounts) holds any control group hierarchy with controllers."""
    kinds = [line.split()[2:4] for line in mounts.splitlines()]
    return any(kind == "cgroup2" or (kind == "cgroup" and "name=" not in options) for kind, options in kinds)


def version_1_controllers(table: str) -> list[str]:
    """Return the controllers that the text of /proc/cgroups names as enabled and bound to version 1."""
    rows = [line.split() for line in table.splitlines() if line and not line.startswith("#")]
    return [name for name, hierarchy, _count, enabled in rows if enabled == "1" and hierarchy != "0"]


def ensure() -> None:
    """Mount the control groups unless they are: version 2, or version 1 where the kernel's controllers are bound to it.

    See https://docs.kernel.org/admin-guide/cgroup-v2.html#mounting. Raises NoEngineError when that is not allowed.
    """
    if mounted(Path("/proc/self/mounts").read_text(encoding="utf-8")):
        return
    if not _ROOT.is_dir():
        raise NoEngineError(f"this kernel has no control groups: there is no {_ROOT}", hint=_HINT)
    names = version_1_controllers(Path("/proc/cgroups").read_text(encoding="utf-8"))
    if not names:
        run_as_root(["mount", "-t", "cgroup2", "cgroup2", str(_ROOT)], "mounting the control groups", hint=_HINT)
        return
    run_as_root(["mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", str(_ROOT)], "mounting control groups", hint=_HINT)
    for name in names:
        folder = str(_ROOT / name)
        run_as_root(["mkdir", "-p", folder], f"making {folder}")
        run_as_root(["mount", "-t", "cgroup", "-o", name, name, folder], f"mounting {folder}", hint=_HINT)
