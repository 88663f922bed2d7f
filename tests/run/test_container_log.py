from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from imgcompare.engine.interface import Container, Log
from imgcompare.errors import EngineRefusedError
from imgcompare.run.container_log import settled_log

_REQUEST = Log(("GET / 500",), ())
_TRACEBACK = Log(("GET / 500", "Traceback", "KeyError"), ("Traceback", "KeyError"))


@dataclass
class _Container:
    """A container whose log is another at each look; the last one stays. None is where it is gone."""

    logs: list[Log | None]
    looks: int = field(default=0)

    def log(self, lines: int = 200) -> Log:
        self.looks += 1
        log = self.logs.pop(0) if len(self.logs) > 1 else self.logs[0]
        if log is None:
            raise EngineRefusedError("no such container", status=404, text="")
        return Log(log.lines[-lines:], log.errors[-lines:])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only sleeping moves."""
    now = [0.0]
    monkeypatch.setattr("imgcompare.run.container_log.time.monotonic", lambda: now[0])
    monkeypatch.setattr("imgcompare.run.container_log.time.sleep", lambda seconds: now.append(now.pop() + seconds))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("logs", "told", "looks"),
    [
        pytest.param([_TRACEBACK], _TRACEBACK, 2, id="there-at-once"),
        pytest.param([Log(), _REQUEST, _TRACEBACK], _TRACEBACK, 4, id="in-pieces"),
        pytest.param([_REQUEST, None], Log(), 3, id="gone-meanwhile"),
    ],
)
def test_a_log_is_read_until_nothing_is_added(logs: list[Log | None], told: Log, looks: int) -> None:
    """A traceback that is written after the reply it belongs to is in the evidence."""
    container = _Container(logs)
    assert settled_log(cast("Container", container)) == told
    assert container.looks == looks


@pytest.mark.usefixtures("clock")
def test_a_log_without_end_is_not_waited_for() -> None:
    """A server that writes all the time is taken as it is after two seconds."""
    container = _Container([Log((str(number),), ()) for number in range(1000)])
    assert settled_log(cast("Container", container)).lines
    assert container.looks <= 16
