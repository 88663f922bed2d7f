"""What a container runs, and what is known of one that ended before it was to."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.check.route import Exited
from imgcompare.config.model import Config
from imgcompare.engine.interface import ContainerState
from imgcompare.engine.options import RunOptions
from imgcompare.run.container_spec import effective
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


@pytest.mark.parametrize(
    ("options", "entrypoint", "cmd"),
    [
        (RunOptions(), ("enter",), ("serve",)),
        (RunOptions(command=("other",)), ("enter",), ("other",)),
        (RunOptions(command=()), ("enter",), ("serve",)),
        (RunOptions(entrypoint=("mine",)), ("mine",), ()),
        (RunOptions(entrypoint=("mine",), command=()), ("mine",), ()),
        (RunOptions(entrypoint=()), (), ("serve",)),
        (RunOptions(entrypoint=(), command=("other",)), (), ("other",)),
    ],
)
def test_what_is_run_is_what_the_engine_merges(
    options: RunOptions, entrypoint: tuple[str, ...], cmd: tuple[str, ...]
) -> None:
    """A compose file's `command: []` leaves the image's own, `entrypoint: []` its CMD: neither is no command."""
    image = replace(settings((), "python"), entrypoint=("enter",), cmd=("serve",))
    found = effective(image, options)
    assert (found.entrypoint, found.cmd) == (entrypoint, cmd)
