"""The end of a container's log, as far as it has come."""

from __future__ import annotations

import time

from imgcompare.engine.interface import Container, Log
from imgcompare.errors import EngineRefusedError

_SETTLING_S = 2.0
_PAUSE_S = 0.15


def log_of(container: Container) -> Log:
    """The end of its log; an empty one where the container is gone."""
    try:
        return container.log()
    except EngineRefusedError:
        return Log()


def settled_log(container: Container) -> Log:
    """The end of its log once nothing is added to it any more, or after two seconds.

    A server that has just said that it failed may still be writing why, and what it wrote takes its time to the engine.
    """
    log, began = log_of(container), time.monotonic()
    while time.monotonic() - began < _SETTLING_S:
        time.sleep(_PAUSE_S)
        before, log = log, log_of(container)
        if log == before:
            break
    return log
