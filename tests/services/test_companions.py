"""When a companion serves, when it has failed, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pytest

from imgcompare.engine.interface import ContainerState, Engine, EngineImage, Executed, Listener, Log, Member
from imgcompare.engine.options import Healthcheck
from imgcompare.errors import EngineError
from imgcompare.model import Companion
from imgcompare.services.companions import (
    Fallen,
    Patience,
    companion_failed,
    first_fallen,
    wait_for,
)
from imgcompare.services.composed import COMPLETED, HEALTHY, STARTED
from tests.check.test_route import FakeContainer

UP, DOWN = ContainerState(running=True), ContainerState(running=False, exit_code=1)
DONE = ContainerState(running=False, exit_code=0)
UNHEALTHY = ContainerState(running=True, health="unhealthy")
CHECK = Healthcheck(command=("pg_isready",))
OTHERS = Listener("0.0.0.0", 5432)
PATIENCE = Patience(timeout_s=0.2, cancelled=lambda: False)


class Served(FakeContainer):
    """A container with ports, a log, and a check that says one thing after the other."""

    def __init__(
        self, *states: ContainerState, ports: Sequence[Listener] = (OTHERS,), checks: Sequence[int] = (0,)
    ) -> None:
        super().__init__(*states)
        self.ports, self.checks = ports, list(checks)

    def log(self, lines: int = 200) -> Log:
        """What it said."""
        return Log(("FATAL: no password",))

    def listening(self) -> Sequence[Listener] | None:
        """What it listens on."""
        return self.ports

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """Run the check: the last result stays."""
        code = self.checks.pop(0) if len(self.checks) > 1 else self.checks[0]
        return Executed(code, ("no response",) if code else ())


@dataclass(frozen=True)
class Beside:
    """An engine with one companion."""

    container: Served

    def attach(self, name: str) -> Served:
        """It."""
        return self.container


def member(check: Healthcheck | None = None) -> Member:
    """A database on 5432."""
    image = EngineImage(
        image="sha256:0",
        os="linux",
        architecture="amd64",
        diff_ids=(),
        exposed_ports=("5432/tcp",),
        labels={},
        healthcheck=check,
    )
    return Member(service="db", name="group-db-1", image="postgres:15", settings=image)


def waited(container: Served, condition: str, check: Healthcheck | None = None, optional: str = "") -> str:
    """What became of waiting for it: "serves", a note, or why it has failed."""
    engine = cast("Engine", Beside(container))
    match wait_for(engine, [member(check)], {"db": condition}, PATIENCE, {optional}):
        case Fallen() as fallen:
            assert fallen.log == ("FATAL: no password",)
            return f"failed: {fallen.why}"
        case (Companion() as companion,):
            assert (companion.name, companion.image) == ("db", "postgres:15")
            return companion.note or "serves"
    raise AssertionError


@pytest.mark.parametrize(
    ("container", "condition", "check", "expected"),
    [
        (Served(UP), STARTED, None, "serves"),
        (Served(UP), HEALTHY, CHECK, "serves"),
        (Served(UP, checks=(1, 1, 0)), HEALTHY, CHECK, "serves"),
        (Served(UP, ports=()), HEALTHY, CHECK, "failed: it did not serve within 0.2 s"),
        (Served(UP, ports=()), STARTED, None, "it did not serve within 0.2 s"),
        (
            Served(UP, checks=(1,)),
            HEALTHY,
            CHECK,
            "failed: it did not serve within 0.2 s; its health check fails: no response",
        ),
        (Served(UNHEALTHY, checks=(1,)), HEALTHY, CHECK, "failed: its health check fails: no response"),
        (Served(UP, checks=(127,)), HEALTHY, CHECK, "failed: its health check cannot run: no response"),
        (Served(UP, DOWN, checks=(1,)), STARTED, CHECK, "failed: it ended with exit code 1"),
        (Served(UP, DONE), COMPLETED, None, "serves"),
        (Served(UP, DONE, checks=(1,)), HEALTHY, CHECK, "failed: it ended with exit code 0"),
        (Served(UP), COMPLETED, None, "failed: it did not end within 0.2 s"),
    ],
)
def test_what_is_awaited_of_a_companion(
    container: Served, condition: str, check: Healthcheck | None, expected: str
) -> None:
    """Its check and its port, or its end; what is only to be started may be slow, and not end."""
    assert waited(container, condition, check) == expected


def test_one_that_nobody_requires_may_fail() -> None:
    """Of an optional one it is only noted."""
    assert waited(Served(DOWN), HEALTHY, CHECK, optional="db") == "it ended with exit code 1"
    engine = cast("Engine", Beside(Served(DOWN)))
    assert first_fallen(engine, [member()], {"db"}) is None
    assert first_fallen(engine, [member()]) == Fallen(
        "db", "postgres:15", "it ended with exit code 1", ("FATAL: no password",)
    )


def test_a_cancelled_run_waits_for_nothing() -> None:
    """Ctrl-C ends the wait at once."""
    engine = cast("Engine", Beside(Served(UP, ports=())))
    with pytest.raises(EngineError, match="cancelled"):
        wait_for(engine, [member()], {}, Patience(timeout_s=60, cancelled=lambda: True))


def test_what_failed_is_told_with_its_log_and_blames_no_variant() -> None:
    """The message names it and why, the evidence its last words, the hint where it is mended."""
    engine = cast("Engine", Beside(Served(UP, checks=(1,))))
    fallen = wait_for(engine, [member(CHECK)], {"db": HEALTHY}, PATIENCE)
    assert isinstance(fallen, Fallen)
    failure = companion_failed(fallen, "compose.yaml")
    why = "it did not serve within 0.2 s; its health check fails: no response"
    assert (failure.code, failure.message) == ("companion-failed", f"The companion db failed: {why}.")
    assert failure.evidence == (f"db: {why}", "FATAL: no password")
    assert failure.hint.startswith("No variant is to blame for it. Mend it in compose.yaml")
