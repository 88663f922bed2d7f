"""Whether control groups are mounted."""

from __future__ import annotations

import pytest

from imgcompare.engine.own.cgroups import mounted, version_1_controllers


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0", True),
        ("tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0", True),
        ("tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0", False),
        ("proc /proc proc rw 0 0", False),
        ("", False),
    ],
)
def test_only_hierarchies_with_controllers_count(mounts: str, expected: bool) -> None:
    """The named hierarchy of systemd alone limits nothing, so an engine cannot use it."""
    assert mounted(mounts) is expected


def test_controllers_bound_to_version_1_are_read() -> None:
    """A kernel whose controllers are bound to version 1 gives none of them to version 2."""
    table = (
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t3\t1\nmemory\t4\t3\t1\npids\t0\t1\t1\nrdma\t9\t1\t0\n"
    )
    assert version_1_controllers(table) == ["cpu", "memory"]
