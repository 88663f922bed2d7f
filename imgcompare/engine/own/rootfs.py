"""A root filesystem with Python, made by mmdebstrap from this machine's package sources and streamed as a tar."""

from __future__ import annotations

import functools
import os
import platform
import re
import shlex
import signal
import subprocess
import threading
import urllib.parse
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from imgcompare.engine.own import apt_sources, processes
from imgcompare.engine.own.host import as_root, find_program, require_program, told
from imgcompare.engine.own.recipes import CERTIFICATE_VARIABLES, Recipe
from imgcompare.errors import BaseImageError

Say = Callable[[str], None]

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_CA_FOLDER = Path("/usr/local/share/ca-certificates")
# mmdebstrap ignores a signal until its children end, or signals its whole process group. So it gets a session and a pid
# namespace of its own, which ends as one with `unshare`, and takes its mounts along; the shell, which lives on through
# signals, and through our own end, then removes the folder.
_SUPERVISOR = """
trap : INT TERM HUP
TMPDIR=$(mktemp -d "$1/imgcompare-XXXXXX") || exit
export TMPDIR
chmod 755 "$TMPDIR"
shift
unshare --mount --pid --fork --kill-child --mount-proc "$@"
code=$?
rm -rf --one-file-system "$TMPDIR"
exit $code
"""
# As in Debian's official images (https://github.com/debuerreotype/debuerreotype, debuerreotype-minimizing-config): what
# apt downloads for a step is not kept in its layer.
_APT_CONFIG = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
_RELEASE = "cat /etc/debian_version"
_VERSION_MARK = "imgcompare-version:"
_CHUNK_BYTES = 1 << 20
_END_GRACE_S = 30.0


class Root(Struct, frozen=True):
    """A root filesystem on its way: the version of the Python in it, else of the release, and its tar as it comes."""

    version: str
    chunks: Iterator[bytes]


@functools.cache  # apt takes seconds where it keeps no cache of its lists
def distribution_python() -> str:
    """Return the minor version (``3.11``) of the Python that the distribution packages.

    Raises BaseImageError where there are no Debian packages, or their lists were never fetched.
    """
    apt_cache = find_program("apt-cache")
    shown = ""
    if apt_cache is not None:
        command = [apt_cache, "show", "--no-all-versions", "python3"]
        shown = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
    match = re.search(r"^Version: (?:\d+:)?(3\.\d+)", shown, re.MULTILINE)
    if match is None:
        raise BaseImageError(
            "stand-in base images are made from Debian or Ubuntu packages, and apt knows no python3 here",
            hint="Run `apt-get update` on such a machine, or name an engine that reaches a registry: --host URL",
        )
    return match[1]


def own_recipe() -> Recipe:
    """Return the recipe of the slim Python image of this machine's release. Raises BaseImageError."""
    return Recipe(codename()[1], distribution_python())


@contextmanager
def make(say: Say, recipe: Recipe | None = None) -> Iterator[Root]:
    """Make a root filesystem; ``say`` hears of each step, from another thread. Raises BaseImageError.

    However the block ends, mmdebstrap has ended with it and its temporary folder is gone.
    """
    recipe = recipe or own_recipe()
    sources = _sources(recipe.codename)
    # Not /tmp: where that is a tmpfs, it takes the memory that the engine needs.
    temporary = os.environ.get("TMPDIR", "/var/tmp")  # noqa: S108 - mktemp makes a folder in it
    mark = ("setsid", "--wait", "env", f"IMGCOMPARE_ROOT={uuid.uuid4()}")
    command = as_root(["sh", "-c", _SUPERVISOR, "sh", temporary, *mark, *_command(sources, recipe)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        listener = _Listener(process, say)
        try:
            assert process.stdin is not None  # noqa: S101 - asked for above
            process.stdin.write(apt_sources.as_deb822(sources).encode())
            process.stdin.close()
            chunks = _chunks(process, listener)
            first = next(chunks, b"")  # the hooks have run before the archive begins
            yield Root(listener.version(), _chain(first, chunks))
        except BrokenPipeError as exc:
            raise listener.failure() from exc
        finally:
            _end(process, mark)
            listener.join()


def _command(sources: list[apt_sources.Source], recipe: Recipe) -> list[str]:
    version = "python3 -c 'import platform; print(platform.python_version())'" if recipe.python else _RELEASE
    hooks = [
        *(f"upload {shlex.quote(str(path))} {shlex.quote(target)}" for path, target in _uploads(sources)),
        *recipe.hooks,
        f'printf {_VERSION_MARK} >&2; chroot "$1" {version} >&2',
        f'printf %s {shlex.quote(_APT_CONFIG)} > "$1/etc/apt/apt.conf.d/docker-clean"',
        'rm -f "$1"/var/cache/apt/*.bin',  # told to keep none, apt no longer removes those it has made by now
        'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',  # this machine's; the engine gives a container its own
    ]
    if recipe.python and (index := pip_index()):
        text = shlex.quote(f"[global]\nindex-url = {index}\n")
        hooks.append(f'printf %s {text} > "$1/etc/pip.conf"')
    return [
        require_program("mmdebstrap"),
        "--mode=root",
        "--verbose",  # what apt writes is the only sign of life for half a minute
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(recipe.packages)}",
        *(f"--dpkgopt={option}" for option in recipe.left_out),
        *(f"--aptopt={option}" for option in _proxies()),
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.codename,
        "-",
        "-",
    ]


def codename() -> tuple[str, str]:
    """Return the distribution's id and its release's code name (``debian``, ``bookworm``). Raises BaseImageError."""
    try:
        release = platform.freedesktop_os_release()
        return release["ID"], release["VERSION_CODENAME"]
    except (OSError, KeyError) as exc:
        raise BaseImageError(
            "stand-in base images need a Debian or Ubuntu release, and /etc/os-release names none",
            hint="Name an engine that reaches a registry: --host URL or DOCKER_HOST",
        ) from exc


def _sources(release: str) -> list[apt_sources.Source]:
    """The machine's own sources of its distribution, for that release of it."""
    distribution, own = codename()
    sources = apt_sources.of_distribution(apt_sources.read_machine(), distribution, own)
    if not sources:
        raise BaseImageError(
            f"none of the package sources in /etc/apt is for {distribution} {own} itself",
            hint="Add the distribution's own source there, or name an engine that reaches a registry: --host URL",
        )
    return sources if release == own else apt_sources.of_release(sources, own, release)


def needs_certificates() -> bool:
    """Say whether what a container fetches is signed for this machine alone, as behind a company's proxy."""
    return any(os.environ.get(name) for name in CERTIFICATE_VARIABLES) or any(_CA_FOLDER.glob("*.crt"))


def _uploads(sources: list[apt_sources.Source]) -> Iterator[tuple[Path, str]]:
    """What of this machine goes in: its certificates, as a proxy that re-signs needs, and the keys of its sources."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", CA_BUNDLE))
    if bundle.is_file():
        yield bundle, CA_BUNDLE
    for path in sorted(_CA_FOLDER.glob("*.crt")):
        yield path, str(path)
    for path in apt_sources.keyrings(sources):
        if path.is_file() and not path.name.endswith(("debian-archive-keyring.gpg", "ubuntu-archive-keyring.gpg")):
            yield path, str(path)


def pip_index() -> str | None:
    """Return the package index pip uses on this machine, when it is reached by http(s), has no credentials, and is not
    this machine itself; else None.
    """
    index = os.environ.get("PIP_INDEX_URL", "")
    pip = find_program("pip3") or find_program("pip")
    if not index and pip is not None:
        command = [pip, "config", "get", "global.index-url"]
        index = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.strip()
    return index if _reachable_from_containers(index) else None


def _reachable_from_containers(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        host, user = parts.hostname or "", parts.username
    except ValueError:
        return False
    local = host in ("", "localhost", "::1") or host.startswith("127.")
    return parts.scheme in ("http", "https") and user is None and not local


def _proxies() -> list[str]:
    """The proxies apt is configured with, as apt.conf lines; one with a password must not end up in an image."""
    apt_config = find_program("apt-config")
    if apt_config is None:
        return []
    command = [apt_config, "dump", "--format", '%F "%v";%n', "Acquire::http::Proxy", "Acquire::https::Proxy"]
    lines = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()
    return [line for line in lines if "@" not in line and not line.endswith('"";')]


class _Listener:
    """Reads mmdebstrap's stderr in a thread, so that it never waits for us."""

    def __init__(self, process: subprocess.Popen[bytes], say: Say) -> None:
        self._version = ""
        self._told = threading.Event()
        self._tail: deque[str] = deque()
        self._process = process
        self._thread = threading.Thread(target=self._listen, args=(say,), daemon=True)
        self._thread.start()

    def _listen(self, say: Say) -> None:
        assert self._process.stderr is not None  # noqa: S101 - asked for by our caller
        self._tail = told(self._without_mark(self._process.stderr), say)
        self._told.set()

    def _without_mark(self, lines: Iterable[bytes]) -> Iterator[str]:
        for raw in lines:
            line = raw.decode(errors="replace")
            if line.startswith(_VERSION_MARK):
                self._version = line.removeprefix(_VERSION_MARK).strip()
                self._told.set()
            else:
                yield line

    def version(self) -> str:
        """Wait for the version; its line is written before the archive's first byte."""
        self._told.wait(_END_GRACE_S)
        return self._version

    def join(self) -> None:
        """Wait for the end of stderr."""
        self._thread.join(_END_GRACE_S)

    def failure(self) -> BaseImageError:
        """Return the error that tells the end of what mmdebstrap wrote."""
        self._process.wait()
        self.join()
        lines = [line for line in self._tail if line.startswith(("E:", "Err:", "sudo:"))] or list(self._tail)
        return BaseImageError(
            "\n  ".join([f"mmdebstrap failed with exit code {self._process.returncode}", *lines[-5:]]),
            hint="Check that this machine's package sources answer: apt-get update",
        )


def _chunks(process: subprocess.Popen[bytes], listener: _Listener) -> Iterator[bytes]:
    """Yield the archive; where mmdebstrap failed, raise instead of ending, so that nobody takes it for whole."""
    assert process.stdout is not None  # noqa: S101 - asked for by our caller
    while chunk := process.stdout.read(_CHUNK_BYTES):
        yield chunk
    if process.wait():
        raise listener.failure()


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _end(process: subprocess.Popen[bytes], mark: tuple[str, ...]) -> None:
    """Have everything end that was started, and its temporary folder be gone."""
    assert process.stdout is not None  # noqa: S101 - asked for by our caller
    process.stdout.close()
    if process.poll() is None:
        for pid in processes.find("unshare", *mark):
            processes.send(pid, signal.SIGKILL)
        process.wait()
