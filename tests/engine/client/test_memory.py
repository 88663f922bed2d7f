"""A container's memory from control groups of both versions, and from none."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.engine.client.memory import memory_in_use, without_inactive

ID = "a1" * 32


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc in which process 7 is in both versions' groups."""
    folder = tmp_path / "proc" / "7"
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(f"9:name=systemd:/docker/{ID}\n4:cpu,memory:/docker/{ID}\n0::/docker/{ID}\n")
    return tmp_path / "proc"


def group(folder: Path, usage: str, key: str) -> None:
    """A group that uses 1,000 bytes, 300 of them inactive."""
    folder.mkdir(parents=True)
    (folder / usage).write_text("1000\n")
    (folder / "memory.stat").write_text(f"anon 700\n{key} 300\n")


def test_version_1_is_read(proc: Path, tmp_path: Path) -> None:
    """The memory controller's own hierarchy, with its total of inactive pages."""
    group(tmp_path / "fs/memory/docker" / ID, "memory.usage_in_bytes", "total_inactive_file")
    assert memory_in_use(7, ID, proc=proc, groups=tmp_path / "fs") == 700


def test_version_2_is_read(proc: Path, tmp_path: Path) -> None:
    """The one hierarchy of version 2."""
    (proc / "7" / "cgroup").write_text(f"0::/system.slice/docker-{ID}.scope\n")
    group(tmp_path / "fs/system.slice" / f"docker-{ID}.scope", "memory.current", "inactive_file")
    assert memory_in_use(7, ID, proc=proc, groups=tmp_path / "fs") == 700


def test_a_stranger_with_that_process_id_is_not_measured(proc: Path, tmp_path: Path) -> None:
    """The engine's process id may mean another process here; without the container's id nothing is read."""
    group(tmp_path / "fs/memory/docker" / ID, "memory.usage_in_bytes", "total_inactive_file")
    assert memory_in_use(7, "b2" * 32, proc=proc, groups=tmp_path / "fs") is None
    assert memory_in_use(7, "", proc=proc, groups=tmp_path / "fs") is None
    assert memory_in_use(8, ID, proc=proc, groups=tmp_path / "fs") is None


def test_groups_that_cannot_be_read_give_nothing(proc: Path, tmp_path: Path) -> None:
    """Missing and garbled files mean: ask the engine."""
    assert memory_in_use(7, ID, proc=proc, groups=tmp_path / "fs") is None
    folder = tmp_path / "fs/memory/docker" / ID
    group(folder, "memory.usage_in_bytes", "other_key")
    assert memory_in_use(7, ID, proc=proc, groups=tmp_path / "fs") is None
    (folder / "memory.stat").write_text("garbled\n")
    assert memory_in_use(7, ID, proc=proc, groups=tmp_path / "fs") is None


def test_inactive_pages_beyond_the_usage_are_not_taken_off() -> None:
    """Counters are read one after the other and may cross; usage is never negative."""
    assert (without_inactive(1000, 300), without_inactive(1000, 1200)) == (700, 1000)
