"""What an engine could not do is told from what it was asked to do."""

from __future__ import annotations

import pytest

from imgcompare.engine.transport.faults import engine_fault, full_disk


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Error processing tar file(exit status 1): write /waste: no space left on device", "disk is full"),
        ("failed to copy files: copy file range failed: no space left on device", "disk is full"),
        ("mkdir /var/lib/docker/overlay2/x: disk quota exceeded", "disk is full"),
        (
            "OCI runtime create failed: container_linux.go:380: starting container process caused: "
            "process_linux.go:545: container init caused: setting rlimits for ready process caused: "
            "error setting rlimit type 7: operation not permitted: unknown",
            "does not let it start",
        ),
        ("runc run failed: unable to start container process: error setting rlimits for ready process", "let it start"),
        ("fork/exec /usr/bin/runc: resource temporarily unavailable", "does not let it start"),
        ("failed to create endpoint x on network bridge: adding interface veth1 to bridge failed", "network failed"),
        ("could not find an available, non-overlapping IPv4 address pool among the defaults", "network failed"),
        ("error creating overlay mount to /var/lib/docker/overlay2/x/merged: device or resource busy", "engine failed"),
        ("OCI runtime create failed: unable to apply cgroup configuration: permission denied", "engine failed"),
        ("write /var/lib/docker/tmp/x: input/output error", "engine failed"),
        ("ttrpc: closed: unknown", "engine failed"),
    ],
)
def test_the_engines_own_failures_are_known_by_its_words(text: str, problem: str) -> None:
    """Each is told with the engine's words and a next step."""
    fault = engine_fault(text)
    assert fault is not None
    assert problem in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    "text",
    [
        'OCI runtime create failed: exec: "gunicorn": executable file not found in $PATH: unknown',
        'OCI runtime create failed: exec: "/app/run.sh": permission denied: unknown',
        'OCI runtime create failed: chdir to cwd ("/app") set in config.json failed: not a directory',
        "unable to find user app: no matching entries in passwd file",
        "exec format error",
        "No command specified",
        'failed to compute cache key: "/requirements.txt" not found: not found',
        "pull access denied for shop, repository does not exist",
        "",
    ],
)
def test_what_the_dockerfile_asks_for_is_no_failure_of_the_engine(text: str) -> None:
    """A program that is missing, a user, a folder, a file, a name."""
    assert engine_fault(text) is None


@pytest.mark.parametrize(
    ("log", "full"),
    [
        (["dd: error writing '/waste': No space left on device"], True),
        (["OSError: [Errno 28] No space left on device: '/app/cache'"], True),
        (["npm ERR! code ENOSPC"], True),
        (["E: You don't have enough free space in /var/cache/apt/archives/."], False),
        (["dd: error writing '/dev/full': No space left on device"], False),
        (["dd: error writing '/dev/shm/x': No space left on device"], False),
        (["sl = self._semlock = _multiprocessing.SemLock(", "OSError: [Errno 28] No space left on device"], False),
        (["Error: ENOSPC: System limit for number of file watchers reached, watch '/app'"], False),
        (["no space left on device, said the poet"], False),
        ([], False),
    ],
)
def test_a_program_in_a_container_says_that_the_disk_is_full(log: list[str], *, full: bool) -> None:
    """Its files are on the engine's disk, but for what it has in memory."""
    assert (full_disk(log) is not None) is full
