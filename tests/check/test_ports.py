"""Looking for the port of an app that nobody named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from imgcompare.check.ports import Deaf, Listens, Unseen, likeliest_first, wait_for_ports
from imgcompare.check.route import Exited
from imgcompare.engine.interface import ContainerState, Listener
from imgcompare.errors import EngineError, EngineRefusedError
from tests.check.test_route import RUNNING, FakeContainer, never

ANYWHERE = "0.0.0.0"


class Listening(FakeContainer):
    """A container in which one thing after the other is seen to listen; the last stays."""

    def __init__(self, *seen: Sequence[Listener] | None, states: Sequence[ContainerState] = (RUNNING,)) -> None:
        super().__init__(*states)
        self._seen = list(seen)

    def listening(self) -> Sequence[Listener] | None:
        """What is seen next."""
        return self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]


@pytest.mark.parametrize(
    ("seen", "exposed", "ports"),
    [
        ([], [], ()),
        ([Listener("127.0.0.1", 8000), Listener("::1", 8000)], [], ()),
        ([Listener(ANYWHERE, 9000), Listener("::", 9000)], [], (9000,)),
        ([Listener("172.17.0.2", 4000)], [], (4000,)),
        ([Listener(ANYWHERE, 443), Listener(ANYWHERE, 9000), Listener(ANYWHERE, 80)], [], (80, 9000, 443)),
        ([Listener(ANYWHERE, 80), Listener(ANYWHERE, 9000)], [9001, 9000], (9000, 80)),
        ([Listener(ANYWHERE, 8000), Listener(ANYWHERE, 443)], [443, 8000], (443, 8000)),
        ([Listener(ANYWHERE, 8000), Listener("127.0.0.1", 443)], [443, 8000], (8000,)),
    ],
)
def test_the_likeliest_port_comes_first(
    seen: Sequence[Listener], exposed: Sequence[int], ports: tuple[int, ...]
) -> None:
    """What EXPOSE names, then where servers usually listen, then the lowest; the container's own loopback is none."""
    assert likeliest_first(seen, exposed) == ports


def test_what_comes_up_a_moment_later_is_seen_too() -> None:
    """A helper that listens first is not taken for the app."""
    container = Listening(
        [], [Listener("127.0.0.1", 1)], [Listener(ANYWHERE, 9)], [Listener(ANYWHERE, p) for p in (9, 80)]
    )
    found = wait_for_ports(container, (), 30, never)
    assert isinstance(found, Listens)
    assert found.ports == (80, 9)


def test_a_container_that_ends_has_no_port() -> None:
    """Its end is told at once."""
    ended = ContainerState(running=False, exit_code=4)
    found = wait_for_ports(Listening([], states=(RUNNING, ended)), (), 3600, never)
    assert isinstance(found, Exited)
    assert found.state == ended


def test_an_end_between_two_looks_is_seen_at_the_next() -> None:
    """The engine refuses to look into what has ended since."""

    class Ending(Listening):
        def listening(self) -> Sequence[Listener] | None:
            raise EngineRefusedError("it is not running", status=409, text="")

    ended = ContainerState(running=False, exit_code=0)
    assert isinstance(wait_for_ports(Ending([], states=(RUNNING, ended)), (), 3600, never), Exited)


def test_an_end_that_looks_like_blindness_is_an_end() -> None:
    """What has just ended has no tables to look into."""
    ended = ContainerState(running=False, exit_code=4)
    found = wait_for_ports(Listening(None, states=(RUNNING, ended)), (), 3600, never)
    assert isinstance(found, Exited)
    assert found.state == ended


def test_an_end_that_a_busy_engine_tells_late_is_an_end() -> None:
    """It says of what it cannot look into any more that it runs, for a while."""
    ended = ContainerState(running=False, exit_code=4)
    found = wait_for_ports(Listening(None, states=(RUNNING, RUNNING, RUNNING, ended)), (), 3600, never)
    assert isinstance(found, Exited)
    assert found.state == ended


def test_silence_and_blindness_are_two_things() -> None:
    """Nothing listens, and nobody can see what does."""
    assert wait_for_ports(Listening([Listener("127.0.0.1", 80)]), (), 0.2, never) == Deaf(0.2)
    assert wait_for_ports(Listening(None), (), 3600, never) == Unseen()


def test_an_interrupted_look_raises() -> None:
    """It does not sit out the timeout."""
    with pytest.raises(EngineError):
        wait_for_ports(Listening([]), (), 3600, lambda: True)
