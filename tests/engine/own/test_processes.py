"""Finding and ending our own processes, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from imgcompare.engine.own import processes

_DEAF = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python programs that are killed at the end whatever happens."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        running.append(subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (("/usr/sbin/dockerd", "--data-root", "/ours/data", "--host", "x"), True),
        (("dockerd", "--host", "x", "--data-root", "/ours/data"), True),
        (("dockerd", "--data-root", "/theirs/data"), False),
        (("dockerd", "--data-root", "/ours/data2"), False),
        (("dockerd", "/ours/data", "--data-root"), False),
        (("grep", "--data-root", "/ours/data"), False),
        (("dockerd",), False),
        ((), False),
    ],
)
def test_a_process_is_ours_only_with_program_and_arguments(argv: tuple[str, ...], found: bool) -> None:
    """Another engine's dockerd, or a program that merely mentions our folder, is never taken for ours."""
    assert processes.runs(argv, "dockerd", "--data-root", "/ours/data") is found


def test_processes_are_found_and_one_deaf_to_sigterm_is_killed(
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    """Ending waits for the process, then insists; the one beside it lives on."""
    mark, other = uuid.uuid4().hex, uuid.uuid4().hex
    ours, theirs = started("-c", _DEAF, mark), started("-c", _DEAF, other)
    for process in (ours, theirs):
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
    program = os.path.basename(sys.executable)  # noqa: PTH119 - a name, as it stands in argv

    def matching() -> list[int]:
        ours.poll()  # a child of ours must be reaped to be gone
        return processes.find(program, _DEAF, mark)

    assert matching() == [ours.pid]
    assert ours.pid in processes.children(os.getpid())
    assert processes.terminate(matching, grace_s=0.1)
    assert ours.wait() == -signal.SIGKILL
    assert theirs.poll() is None


def test_a_signal_to_a_process_already_gone_is_fine(started: Callable[..., subprocess.Popen[str]]) -> None:
    """Between looking and signalling a process may end."""
    process = started("-c", "")
    process.wait()
    processes.send(process.pid, signal.SIGTERM)
    assert processes.command_line(process.pid) == ()
