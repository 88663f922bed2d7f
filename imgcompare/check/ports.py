"""Find the port of an app that nobody named: what listens inside its container, where others can reach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from msgspec import Struct

from imgcompare.check.route import Exited
from imgcompare.engine.interface import Container, Listener
from imgcompare.errors import EngineError, EngineRefusedError

_LOOK_S = 0.1
# What is started beside the app, or before it, often listens a moment earlier; the longer all takes, the longer that.
_SETTLES_S = 0.5
# Where servers listen by their own defaults: https://www.iana.org/assignments/service-names-port-numbers and habit.
_USUAL = (80, 8080, 8000, 5000, 3000, 8501)
_BY_TLS = (443, 8443)


class Listens(Struct, frozen=True):
    """The ports that can be reached from outside the container, the likeliest to serve the app first; never empty.

    ``after_s`` is how long it took until they were there.
    """

    ports: tuple[int, ...]
    after_s: float


class Deaf(Struct, frozen=True):
    """Nothing to be reached from outside listened in all that time."""

    waited_s: float


class Unseen(Struct, frozen=True):
    """What listens inside the container cannot be seen from here."""


def wait_for_ports(
    container: Container, exposed: Sequence[int], timeout_s: float, cancelled: Callable[[], bool]
) -> Listens | Deaf | Exited | Unseen:
    """Look until something listens for others, the container exits or ``timeout_s`` is over."""
    began = time.monotonic()
    settled = blind = 0.0
    while (now := time.monotonic()) < began + timeout_s:
        if cancelled():
            raise EngineError("cancelled")
        if not (state := container.state()).running:
            return Exited(state, now - began)
        try:
            seen = container.listening()
        except EngineRefusedError:  # it has ended since
            continue
        if seen is None:  # nobody can look, or it has ended since, which a busy engine tells later
            blind = blind or now
            if now >= blind + _SETTLES_S:
                return Unseen()
            time.sleep(_LOOK_S)
            continue
        ports = likeliest_first(seen, exposed)
        settled = settled or (now + max(_SETTLES_S, now - began) if ports else 0.0)
        if ports and now >= settled:
            return Listens(ports, now - began)
        time.sleep(_LOOK_S)
    return Deaf(timeout_s)


def likeliest_first(seen: Sequence[Listener], exposed: Sequence[int] = ()) -> tuple[int, ...]:
    """The ports that are not on the container's own loopback: those of EXPOSE first, what speaks TLS by habit last."""
    ports = {one.port for one in seen if not ip_address(one.address).is_loopback}

    def rank(port: int) -> tuple[int, int, int]:
        if port in exposed:
            return 0, list(exposed).index(port), 0
        if port in _USUAL:
            return 1, _USUAL.index(port), 0
        return 3 if port in _BY_TLS else 2, 0, port

    return tuple(sorted(ports, key=rank))
