"""What is known of a container that ended before it was to."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.check.route import Exited
from imgcompare.config.model import Config
from imgcompare.engine.interface import ContainerState
from imgcompare.run.find_port import ended
from tests.check.test_route import FakeContainer
from tests.support.cases import settings

KILLED = ContainerState(running=False, exit_code=137)
FOR_MEMORY = ContainerState(running=False, exit_code=137, oom_killed=True)


@pytest.mark.parametrize(
    ("first", "later", "code"),
    [
        (KILLED, [KILLED, FOR_MEMORY], "out-of-memory"),
        (FOR_MEMORY, [], "out-of-memory"),
        (KILLED, [KILLED], "unknown"),
        (ContainerState(running=False, exit_code=1), [FOR_MEMORY], "unknown"),
    ],
)
def test_the_kernels_kill_may_be_told_after_the_end(
    tmp_path: Path, first: ContainerState, later: list[ContainerState], code: str
) -> None:
    """A busy engine tells that it was for memory by an event of its own; other ends are not looked at again."""
    container = FakeContainer(*(later or [first]))
    config = Config(scenario="run", context=tmp_path, variants=())
    assert ended(Exited(first, 0.1), container, settings((), "python"), config).observed.code == code
