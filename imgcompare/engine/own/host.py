"""What imgcompare's own engine needs of the machine: root rights, programs, and the packages that bring them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from imgcompare.errors import NoEngineError
from imgcompare.text.printable import printable

# A user's PATH often lacks the folders where dockerd, iptables and ip live.
_ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
PROGRAMS = ("dockerd", "containerd", "runc", "iptables", "ip", "mmdebstrap")
PACKAGES = ("docker.io", "mmdebstrap", "iptables", "iproute2", "ca-certificates")
# sudo drops the environment; these are what a download behind a proxy needs.
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_QUIET_S = 3.0
_TAIL = 15


def search_path() -> str:
    """Return PATH with the administrator's folders added at its end."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_ADMIN_FOLDERS])


def find_program(name: str) -> str | None:
    """Return the full path of a program, the administrator's folders included, or None."""
    return shutil.which(name, path=search_path())


def programs_missing() -> tuple[str, ...]:
    """Return which programs of the own engine this machine lacks."""
    return tuple(name for name in PROGRAMS if find_program(name) is None)


def as_root(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """Return ``argv`` so that it runs as root: as it is, or through sudo, which may ask only where there is a terminal.

    Raises NoEngineError when there is neither.
    """
    variables = {name: os.environ[name] for name in _PROXY_VARIABLES if name in os.environ}
    variables |= {"PATH": search_path(), **(environment or {})}
    command = ["env", *(f"{name}={value}" for name, value in variables.items()), *argv]
    if os.geteuid() == 0:
        return command
    sudo = find_program("sudo")
    if sudo is None:
        raise NoEngineError(
            "imgcompare's own engine needs root rights, and this machine has no sudo",
            hint="Run `imgcompare setup` as root, or name an engine you may use: --host URL or DOCKER_HOST.",
        )
    return [sudo, *([] if sys.stdin is not None and sys.stdin.isatty() else ["-n"]), *command]


def run(argv: Sequence[str], doing: str, *, hint: str | None = None) -> str:
    """Run a short command and return its stdout; ``doing`` says in the NoEngineError what failed."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=True, timeout=60
        )
    except subprocess.CalledProcessError as exc:
        lines = exc.stderr.strip().splitlines() or [f"exit code {exc.returncode}"]
        raise NoEngineError(
            f"{doing} failed: {printable(lines[-1], limit=300)}", hint=_sudo_hint(lines[-1]) or hint
        ) from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NoEngineError(f"{doing} failed: {exc}", hint=hint) from exc
    return done.stdout


def run_as_root(argv: Sequence[str], doing: str, *, hint: str | None = None) -> str:
    """Run a short command as root and return its stdout; ``doing`` says in the NoEngineError what failed."""
    return run(as_root(argv), doing, hint=hint)


def require_program(name: str) -> str:
    """Return the full path of a program. Raises NoEngineError when it is not installed."""
    path = find_program(name)
    if path is None:
        raise NoEngineError(f"the program {name} is not installed", hint="`imgcompare setup` installs what is missing.")
    return path


def told(lines: Iterable[str], say: Callable[[str], None]) -> deque[str]:
    """Pass printable ``lines`` on to ``say``, one every three seconds; return the last few for an error message."""
    tail: deque[str] = deque(maxlen=_TAIL)
    silent_until = 0.0
    for line in lines:
        text = printable(line, limit=160)
        if not text:
            continue
        tail.append(text)
        if time.monotonic() >= silent_until:
            silent_until = time.monotonic() + _QUIET_S
            say(text)
    return tail


def install_programs(say: Callable[[str], None]) -> None:
    """Install the engine's programs from the distribution's packages; nothing more than apt itself does is started.

    Raises NoEngineError where there is no apt-get, no root right, or apt fails.
    """
    apt = find_program("apt-get")
    if apt is None:
        raise NoEngineError(
            f"these programs are missing and can only be installed by hand here: {', '.join(programs_missing())}",
            hint="Install a container engine with your distribution's package manager (Docker: the programs "
            "dockerd, containerd, runc, iptables and ip; Podman works too), start it, and try again.",
        )
    _apt([apt, "update"], say)
    _apt([apt, "install", "--yes", "--no-install-recommends", *PACKAGES], say)
    if missing := programs_missing():
        raise NoEngineError(f"still missing after installing {' '.join(PACKAGES)}: {', '.join(missing)}")


def _apt(argv: Sequence[str], say: Callable[[str], None]) -> None:
    command = as_root(argv, {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        tail = told(process.stdout, say)
    if process.returncode:
        errors = [line for line in tail if line.startswith(("E:", "Err:", "sudo:"))] or list(tail)
        raise NoEngineError(
            f"{' '.join(argv)} failed with exit code {process.returncode}: {' · '.join(errors[-3:])}",
            hint=_sudo_hint(*errors) or f"Install them by hand, then try again: apt-get install {' '.join(PACKAGES)}",
        )


def _sudo_hint(*lines: str) -> str | None:
    """What to do when it was sudo that said no, and not the program run through it."""
    if not any(line.startswith("sudo:") for line in lines):
        return None
    return "This needs root: run it as root or where sudo can ask for your password, or let sudo run it without one."
