"""Engines of other versions and makes, each started from a root filesystem of the Debian suite that packages it.

An engine lives in mount, network and process namespaces of its own. Its data is in memory there, so when its first
process ends, everything it had is gone: processes, mounts, network and images. Nothing of the machine's is changed.
The root filesystems are kept in the user's cache folder (``imgcompare-tests``), so that the next test run has them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pytest

from imgcompare.engine.own import apt_sources, host, processes, rootfs
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection

_BASE = "base-files,busybox-static"
# What `update-alternatives` would link, were the packages configured and not only unpacked.
_IPTABLES = " ".join(f"{name}{part}" for name in ("iptables", "ip6tables") for part in ("", "-save", "-restore"))
# And what an SSH server needs of a machine.
_HOOK = f"""
for name in {_IPTABLES}; do ln -sf xtables-nft-multi "$1/usr/sbin/$name"; done
for name in sh cat; do [ -e "$1/usr/bin/$name" ] || ln -s busybox "$1/usr/bin/$name"; done
echo "root:x:0:0:root:/root:/bin/sh" > "$1/etc/passwd"
echo "sshd:x:100:65534::/run/sshd:/bin/false" >> "$1/etc/passwd"
mkdir -p "$1/mnt"
"""
_UNPACK_TIMEOUT_S = 600
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 20

# Should our process be killed, unshare is too, and with it everything in its namespaces.
_NAMESPACES = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
# pivot_root(8) rather than chroot(8): in a chroot, runc cannot remount the root of the container's mount namespace.
_ENTER = """
set -e
root=$1 folder=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
for name in run tmp var root; do mount -t tmpfs tmpfs "$root/$name"; done
mount --bind "$folder" "$root/mnt"
cd "$root"
mkdir tmp/old var/tmp
pivot_root . tmp/old
exec busybox sh -ec 'busybox umount -l /tmp/old; busybox ip link set lo up; exec "$@"' sh "$@"
"""

_FETCH = """
import http.client, sys, time
for attempt in range(100):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
    try:
        connection.request("GET", sys.argv[2])
        sys.stdout.buffer.write(connection.getresponse().read())
        break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit("nothing answers")
"""

_DOCKERD = ("docker-init", "-s", "--", "dockerd", "--host=unix:///mnt/socket", "--config-file=/mnt/config")
# runc, not crun: that one refuses machines with both versions of control groups.
_PODMAN = ("podman", "--runtime=runc", "--cgroup-manager=cgroupfs", "--network-config-dir=/run/networks")
_SERVES = ("system", "service", "--time=0")
_CONTAINERD_STORE = '{"features": {"containerd-snapshotter": true}}'


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of engine: the Debian suite and packages it comes from, its command line, its configuration file."""

    suite: str
    packages: str
    command: tuple[str, ...]
    config: str
    environ: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "docker 26": Kind(suite="trixie", packages="docker.io,openssh-server", command=_DOCKERD, config="{}"),
    "docker 26, containerd store": Kind(
        suite="trixie", packages="docker.io,openssh-server", command=_DOCKERD, config=_CONTAINERD_STORE
    ),
    "docker of Debian testing, containerd store": Kind(
        suite="testing", packages="docker.io", command=_DOCKERD, config=_CONTAINERD_STORE
    ),
    "podman 4.3": Kind(
        suite="bookworm",
        # With netavark and aardvark-dns containers find each other by name.
        packages="podman,runc,netavark,aardvark-dns,iptables",
        command=(*_PODMAN, *_SERVES, "unix:///mnt/socket"),
        # Podman asks for more open files than a machine with a low hard limit allows.
        config='[containers]\ndefault_ulimits = []\n[network]\nnetwork_backend = "netavark"\n',
        environ={"CONTAINERS_CONF": "/mnt/config"},
    ),
}


@dataclass(frozen=True)
class OtherEngine:
    """A running engine: its kind's name, its URL, and the process whose network its containers are published in."""

    kind: str
    url: str
    pid: int

    def inside(self, *argv: str) -> list[str]:
        """The command that runs ``argv`` in the engine's network, where its loopback is."""
        return host.as_root(["nsenter", f"--net=/proc/{self.pid}/ns/net", *argv])

    def on_it(self, *argv: str) -> list[str]:
        """The command that runs ``argv`` on the engine's machine: with its files, processes and network."""
        return host.as_root(["nsenter", f"--target={self.pid}", "--all", "--root", "--wd=/", *argv])

    @property
    def folder(self) -> Path:
        """The folder that is /mnt on the engine's machine; its socket is in it."""
        return Path(self.url.removeprefix("unix://")).parent

    def fetch(self, port: int, path: str = "/") -> str:
        """The body at a published port, asked for until something answers, for ten seconds."""
        command = self.inside(sys.executable, "-c", _FETCH, str(port), path)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def roots(engine_url: str, pytestconfig: pytest.Config) -> Mapping[str, Path]:
    """The root filesystem of each suite; those that are not in the cache are made, at the same time.

    Comes after ``engine_url``, for that makes the machine one where engines run.
    """
    cache = platformdirs.user_cache_path("imgcompare-tests", ensure_exists=True)
    packages = {kind.suite: f"{_BASE},{kind.packages}" for kind in KINDS.values()}
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be making them
        paths = {suite: cache / _name(suite, packages[suite]) for suite in packages}
        missing = [suite for suite, path in paths.items() if not path.exists()]
        if missing:
            capture = pytestconfig.pluginmanager.getplugin("capturemanager")
            with capture.global_and_fixture_disabled():
                sys.stderr.write(f"\nMaking root filesystems of Debian {', '.join(missing)} to test other engines.\n")
            if host.find_program("mmdebstrap") is None:
                host.install_programs(lambda _: None)
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda suite: _make_root(suite, packages[suite], paths[suite]), missing))
    return paths


@pytest.fixture(scope="session")
def busybox(roots: Mapping[str, Path]) -> bytes:
    """A program that needs no libraries and is all of a small image's userland."""
    return (roots["trixie"] / "usr/bin/busybox").read_bytes()


@pytest.fixture(scope="session", params=KINDS)
def other_engine(
    request: pytest.FixtureRequest, roots: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OtherEngine]:
    """Each kind of engine in turn, running."""
    kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp("engine")
    (folder / "config").write_text(kind.config, encoding="utf-8")
    command = [*_NAMESPACES, "sh", "-c", _ENTER, "sh", str(roots[kind.suite]), str(folder)]
    command += ["env", *(f"{name}={value}" for name, value in kind.environ.items()), *kind.command]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(host.as_root(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(process, folder)
            yield OtherEngine(request.param, f"unix://{folder / 'socket'}", _first_process(process.pid))
        finally:
            _stop(process)


def _name(suite: str, packages: str) -> str:
    recipe = json.dumps([packages, _HOOK])
    return f"{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"


def _make_root(suite: str, packages: str, path: Path) -> None:
    """Unpack the packages and what they need, from the machine's own source of Debian's packages."""
    partial = path.with_suffix(".partial")
    subprocess.run(host.as_root(["rm", "-rf", str(partial)]), check=True)
    command = host.as_root(
        ["mmdebstrap", "--mode=root", "--variant=extract", "--format=directory", f"--include={packages}"]
        # A mirror frozen at some day serves lists that are out of date.
        + ['--aptopt=Acquire::Check-Valid-Until "false"']
        + [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
        + [f"--extract-hook={_HOOK}", suite, str(partial), "-"]
    )
    done = subprocess.run(
        command, input=_sources(suite), capture_output=True, text=True, timeout=_UNPACK_TIMEOUT_S, check=False
    )
    if done.returncode:
        pytest.fail(f"no root filesystem of Debian {suite} can be made from /etc/apt's sources:\n{done.stderr[-2000:]}")
    subprocess.run(host.as_root(["mv", "-T", str(partial), str(path)]), check=True)


def _sources(suite: str) -> str:
    """The machine's source of its own release, for another suite."""
    distribution, codename = rootfs.codename()
    found = apt_sources.of_distribution(apt_sources.read_machine(), distribution, codename)
    of_release = [source | {"suites": suite} for source in found if codename in source["suites"].split()]
    if distribution != "debian" or not of_release:
        pytest.fail(f"/etc/apt of this machine ({distribution} {codename}) names no source of Debian's packages")
    return apt_sources.as_deb822(of_release)


def _wait_for(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not _answers(folder / "socket"):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the engine did not start; the end of its log:\n{(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    subprocess.run(host.as_root(["chown", str(os.getuid()), str(socket)]), check=True)
    connection = UnixHTTPConnection(socket, timeout=5)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _first_process(pid: int) -> int:
    """The process that the namespaces began with: unshare's only child; sudo may have started unshare.

    Raises LookupError when it is not there, or no longer.
    """
    program = ""
    while program != "unshare":
        program = Path(processes.command_line(pid)[0]).name
        pid = processes.children(pid)[0]
    return pid


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the engine's first process; the kernel then ends all others of its namespaces."""
    try:
        # Ended so, it stops its containers and leaves no control groups behind.
        processes.send(_first_process(process.pid), signal.SIGTERM)
        process.wait(_STOP_TIMEOUT_S)
    except (LookupError, subprocess.TimeoutExpired):
        processes.send(process.pid, signal.SIGKILL)
