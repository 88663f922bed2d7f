"""An image's HEALTHCHECK: when it passes, when it is given up, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from imgcompare.check.healthcheck import (
    HEALTHY,
    STARTING,
    UNHEALTHY,
    Examined,
    asked_route,
    examine,
    missing_program,
    unhealthy,
)
from imgcompare.engine.interface import Captured, Executed
from imgcompare.engine.options import Healthcheck
from imgcompare.errors import EngineError
from tests.check.test_route import FakeContainer


class Checked(FakeContainer):
    """A container whose checks end as they are given, one after the other; the last one stays."""

    def __init__(self, *ends: Executed) -> None:
        self.ends = list(ends)
        self.commands: list[tuple[str, ...]] = []

    def capture(self, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
        """Nobody asks for this here."""
        raise NotImplementedError

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """The next end."""
        self.commands.append(tuple(command))
        return self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]


def _check(interval_s: float = 0.01, retries: int = 3, start_period_s: float = 0.0) -> Healthcheck:
    return Healthcheck(
        command=("check", "--now"), interval_s=interval_s, retries=retries, start_period_s=start_period_s
    )


def _never() -> bool:
    return False


def test_a_check_that_passes_is_run_once() -> None:
    """By the command of the image."""
    container = Checked(Executed(0))
    found = examine(container, _check(), 0.1, 60, _never)
    assert (found.verdict, found.tries) == (HEALTHY, 1)
    assert container.commands == [("check", "--now")]


def test_a_check_may_fail_at_first() -> None:
    """As long as the engine would have patience."""
    found = examine(Checked(Executed(1), Executed(None), Executed(0)), _check(interval_s=30), 0.1, 60, _never)
    assert (found.verdict, found.tries) == (HEALTHY, 3)


def test_a_check_that_keeps_failing_is_unhealthy() -> None:
    """Once the retries' intervals are over, long before the time limit."""
    found = examine(Checked(Executed(1)), _check(interval_s=0.1), 0.0, 60, _never)
    assert found.verdict == UNHEALTHY
    assert found.tries >= 2


def test_a_check_that_fails_in_the_start_period_is_starting() -> None:
    """The time limit comes first; the engine would still count nothing."""
    found = examine(Checked(Executed(1)), _check(start_period_s=3600), 0.1, 0.3, _never)
    assert found.verdict == STARTING


def test_a_check_that_cannot_run_is_not_tried_again() -> None:
    """What is missing will be missing the next time."""
    for end in (Executed(127), Executed(126), Executed(1, ("/bin/sh: 1: check: not found",))):
        assert examine(Checked(end), _check(start_period_s=3600), 0.1, 60, _never).tries == 1


def test_a_cancelled_run_does_not_wait() -> None:
    """For a check that fails."""
    with pytest.raises(EngineError, match="cancelled"):
        examine(Checked(Executed(1)), _check(start_period_s=3600), 0.1, 60, lambda: True)


@pytest.mark.parametrize(
    "line",
    [
        "/bin/sh: 1: curl: not found",
        "/bin/sh: curl: not found",
        "bash: line 1: curl: command not found",
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not '
        "found in $PATH: unknown",
    ],
)
def test_a_missing_program_is_known_by_what_shells_and_engines_say(line: str) -> None:
    """dash, busybox, bash, runc."""
    check = Healthcheck(command=("/bin/sh", "-c", "curl -f localhost || exit 1"))
    assert missing_program(check, Executed(1, (line,))) == "curl"


@pytest.mark.parametrize(
    ("exit_code", "line"),
    [
        (1, "curl: (22) The requested URL returned error: 404 not found"),
        (1, "/bin/sh: 1: wget: not found"),
        (0, "/bin/sh: 1: curl: not found"),
    ],
)
def test_what_only_looks_like_a_missing_program(exit_code: int, line: str) -> None:
    """A 404, a program that the check does not call, a check that passed all the same."""
    check = Healthcheck(command=("/bin/sh", "-c", "curl -f localhost || exit 1"))
    assert missing_program(check, Executed(exit_code, (line,))) == ""


@pytest.mark.parametrize(
    ("command", "route"),
    [
        (("/bin/sh", "-c", "curl -f http://localhost:8000/health || exit 1"), "/health"),
        (("python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/healthz')"), "/healthz"),
        (("curl", "http://localhost:8000"), ""),
        (("pg_isready",), ""),
    ],
)
def test_the_route_that_a_check_asks_for(command: tuple[str, ...], route: str) -> None:
    """As its command names it, in a shell's words or in a program's."""
    assert asked_route(Healthcheck(command=command)) == route


def test_a_check_that_never_ends_is_told_so() -> None:
    """There is no exit code to show then."""
    failure = unhealthy(_check(), Examined(verdict=UNHEALTHY, after_s=9, tries=2, last=Executed(None)), ())
    assert failure.message == "The app answers, but its HEALTHCHECK did not end in time, 2 × in a row."
    assert failure.evidence == ("HEALTHCHECK check --now", "it did not end in time")
