"""Runs that are killed at any moment, by any signal: what is left is counted, and `imgcompare clean` removes it.

``IMGCOMPARE_KILLS`` says how many (40), ``IMGCOMPARE_KILLS_SEED`` which moments; `make soak` kills 400.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker

from tests.support.projects import BASE, ours

if TYPE_CHECKING:
    from tests.support.projects import Project

KILLS = int(os.environ.get("IMGCOMPARE_KILLS", "40"))
SEED = int(os.environ.get("IMGCOMPARE_KILLS_SEED", str(time.time_ns() % 1_000_000)))
AT_ONCE = 4
LONGEST_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
COMMANDS = (
    "run {}=Dockerfile:works {}e=Dockerfile:exits --json",
    "run {}=Dockerfile:works {}s=Dockerfile:sleeps -o {}.json -q",
    "run {}=Dockerfile:works --builder classic --no-cache",
    "run {}=Dockerfile:works --after-change --hardened --stop",
    "run {}=Dockerfile:works --compose services.yaml -q",
    "inspect Dockerfile:works",
)
SERVICES = f"""
services:
  web: {{build: ., depends_on: {{db: {{condition: service_healthy}}}}}}
  db:
    image: {BASE}
    command: [python, -m, http.server, "80"]
    volumes: ["state:/state"]
    healthcheck: {{test: [CMD, python, -c, "import socket; socket.create_connection(('localhost', 80))"]}}
volumes: {{state: {{}}}}
"""
# It tells when the interpreter is up: before that a signal meets nothing of ours.
_START = "import os; os.write(2, b'up\\n'); from imgcompare.__main__ import main; main()"


@dataclass(frozen=True)
class Kill:
    """One run, whose variants have names of its own, and when it is to get which signal."""

    mark: str
    command: str
    number: signal.Signals
    after_s: float


@dataclass(frozen=True)
class Killed:
    """How it ended: its exit code, what it said, and the containers of its that were there right afterwards."""

    kill: Kill
    code: int
    stdout: str
    stderr: str
    left: frozenset[str]

    @property
    def is_clean(self) -> bool:
        """Whether it said no traceback, told what it met, and left nothing; SIGKILL lets it tidy nothing."""
        met = {-self.kill.number, 128 + self.kill.number}
        told = "Traceback" not in self.stderr and self.code in {0, 1} | met
        # What was on its way through a pipe is cut off by a signal, and its exit code says so.
        whole = self.code not in {0, 1} or not self.stdout.startswith("{") or bool(json.loads(self.stdout))
        return told and whole and (not self.left or self.kill.number == signal.SIGKILL)


def test_whatever_kills_a_run_nothing_stays(
    project: Project, client: docker.DockerClient, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Runs that can still act leave no container; what SIGKILL leaves, `clean` removes."""
    project.stages("works", "exits", "sleeps")
    project.write({"services.yaml": SERVICES})
    chance = random.Random(SEED)
    wanted = [
        Kill(f"k{SEED}x{n}", chance.choice(COMMANDS), chance.choice(SIGNALS), chance.uniform(0.03, LONGEST_S))
        for n in range(KILLS)
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        killed = list(pool.map(lambda each: _kill(project, client, each), wanted))
    assert [each for each in killed if not each.is_clean] == [], f"seed {SEED}"
    left = Counter(each.kill.number.name for each in killed for _ in each.left)
    for path in (project.folder / ".imgcompare/runs").glob("*.json"):
        assert json.loads(path.read_bytes())["schema_version"] == 1
    cleaned = project("clean")
    assert cleaned.code == 0, cleaned.stderr
    assert {name for name in ours(client) if f"-k{SEED}x" in name} == set(), f"seed {SEED}"
    others = [*client.networks.list(), *client.volumes.list()]
    assert [each for each in others if f"-k{SEED}x" in str(each.attrs["Name"])] == [], f"seed {SEED}"
    assert [path.name for path in project.folder.iterdir() if path.name.startswith(".imgcompare-")] == []
    assert project.ledgers() == []
    record_testsuite_property("containers left by signal, before clean", dict(left))
    print(f"{KILLS} kills, seed {SEED}: containers left before clean {dict(left)}, after it none")  # noqa: T201


def _kill(project: Project, client: docker.DockerClient, wanted: Kill) -> Killed:
    """Start a run, and send it its signal."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *wanted.command.replace("{}", wanted.mark).split()],
        cwd=project.folder,
        # A signal amid an import leaves open what Python itself was reading: of that it warns, and users are not told.
        env={**project.environ, "PYTHONWARNINGS": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "up\n"
    time.sleep(wanted.after_s)  # the moment is what is tried
    process.send_signal(wanted.number)
    stdout, stderr = process.communicate(timeout=120)
    left = frozenset(name for name in ours(client) if f"-{wanted.mark}" in f"{name}-")
    return Killed(wanted, process.returncode, stdout, stderr, left)
