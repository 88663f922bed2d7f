"""Root rights, programs, and what is told of their work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imgcompare.engine.own import host
from imgcompare.errors import NoEngineError


def _program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that goes first in PATH, on a machine where we are an ordinary user without a terminal."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def test_a_user_s_commands_go_through_sudo_that_asks_nothing_without_a_terminal(programs: Path) -> None:
    """In CI a password prompt would hang for ever; the proxy and the administrator's folders go along."""
    _program(programs, "sudo", 'test "$1" = -n && shift && exec "$@"')
    output = host.run_as_root(["sh", "-c", 'echo "$PATH"'], "looking")
    assert output.rstrip().endswith("/usr/local/sbin:/usr/sbin:/sbin")


def test_sudo_that_refuses_is_named_and_what_to_do(programs: Path) -> None:
    """The user learns that it was about the password, not about what the command was for."""
    _program(programs, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(NoEngineError, match="making it failed: sudo: a password is required") as caught:
        host.run_as_root(["true"], "making it", hint="something about making it")
    assert "This needs root" in str(caught.value.hint)


def test_a_command_that_fails_as_root_keeps_its_own_hint(programs: Path) -> None:
    """What sudo ran and what sudo says are different problems."""
    _program(programs, "sudo", 'shift; exec "$@"')
    with pytest.raises(NoEngineError, match="making it failed: no such thing") as caught:
        host.run_as_root(["sh", "-c", "echo no such thing >&2; exit 3"], "making it", hint="make the thing first")
    assert caught.value.hint == "make the thing first"


def test_without_sudo_it_is_said_before_anything_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user on a machine without sudo gets both ways out."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(host, "search_path", lambda: str(tmp_path))
    with pytest.raises(NoEngineError, match="no sudo") as caught:
        host.as_root(["true"])
    assert "DOCKER_HOST" in str(caught.value.hint)


def test_apt_that_fails_is_quoted(programs: Path) -> None:
    """Of hundreds of lines, the errors are shown."""
    _program(programs, "sudo", 'shift; exec "$@"')
    _program(programs, "apt-get", "echo 'Hit:1 x'; echo 'E: Unable to fetch some archives'; exit 100")
    with pytest.raises(NoEngineError, match="update failed with exit code 100: E: Unable to fetch some archives"):
        host.install_programs(print)


def test_lines_are_told_at_a_calm_pace_and_the_last_are_kept() -> None:
    """A package's thousand lines neither flood the terminal nor get lost for the error; escapes are dropped."""
    said: list[str] = []
    tail = host.told(["\x1b[31mfirst\x1b[0m\n", "\n", *(f"line {n}\n" for n in range(100))], said.append)
    assert said[0] == "first"
    assert len(said) < 10
    assert tail[-1] == "line 99"
