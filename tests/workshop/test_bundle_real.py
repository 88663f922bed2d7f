"""A bundle made on one engine and used on another that is empty, where there is no network at all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from imgcompare.workshop.attempt import start
from imgcompare.workshop.catalog import find_exercise
from tests.conftest import Imgcompare

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

# Loopback and nothing else; /sys shows the devices of this network, and the machine's control groups.
_ISLAND = """
set -e
mkdir cgroups
mount --rbind /sys/fs/cgroup cgroups
mount -t sysfs sysfs /sys
mount --rbind cgroups /sys/fs/cgroup
ip link set lo up
test -z "$(ip route)"
say() { "$@" || echo "$* ended with $?"; }
say imgcompare setup --bundle "$1"
say imgcompare exercise check work -q
say imgcompare exercise solution work --apply
say imgcompare exercise check work -q -o solved.json
say imgcompare engine stop
"""


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder with a path short enough for an engine's socket."""
    with TemporaryDirectory(prefix="island-") as folder:
        yield Path(folder)


def test_an_exercise_is_solved_on_an_island(imgcompare: Imgcompare, state: Path) -> None:
    """Base image and packages come from the file alone; sizes are those of the machine that has a network."""
    folder = imgcompare.project
    saved = imgcompare("bundle", "save", "a.bundle", "--exercise", "nobody-answers", "-q", timeout_s=300)
    assert saved.returncode == 0, saved.stderr
    assert "python:3.11-slim" in saved.stdout
    there = start(find_exercise("nobody-answers"), folder / "there")
    there.apply_solution()
    assert imgcompare("exercise", "check", "there", "-q", "-o", "there.json").returncode == 0
    start(find_exercise("nobody-answers"), folder / "work")

    environ = {
        "PATH": f"{Path(sys.executable).parent}:{imgcompare.environ['PATH']}:/usr/sbin:/sbin",
        "HOME": str(folder / "home"),
        "XDG_STATE_HOME": str(state),
    }
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", _ISLAND, "sh", "a.bundle"],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "binds-loopback" in done.stdout
    assert "imgcompare exercise check work -q ended with 1" in done.stdout
    assert "solved.json ended" not in done.stdout, done.stdout + done.stderr
    assert "Solved" in done.stdout
    island, home = (json.loads((folder / name).read_text())["variants"][0] for name in ("solved.json", "there.json"))
    base = home["image"]["base_size"]
    assert island["image"]["base_size"] == base
    own = home["image"]["own_size"]
    assert abs(island["image"]["own_size"] - own) < own / 100, "the same packages, by another way"
    assert not (state / "imgcompare/engine/docker.sock").exists(), "stopped"
