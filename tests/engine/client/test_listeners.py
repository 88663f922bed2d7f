"""What the kernel's tables of sockets say of a container."""

from __future__ import annotations

import pytest

from imgcompare.engine.client.listeners import is_reached, listeners
from imgcompare.engine.interface import Listener

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENS = "   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
ON_IPV6 = "   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 2 1\n"
TAKEN = "   1: 020011AC:1F40 010011AC:C001 01 00000000:00000000 00:00000000 00000000     0        0 0 1\n"
TAKEN_ON_IPV6 = "   1: 0000000000000000FFFF0000020011AC:1F40 0000000000000000FFFF0000010011AC:C001 01 0 00 0 0 0 0 1\n"
CALLS_OUT = "   2: 020011AC:C002 050011AC:1538 01 00000000:00000000 00:00000000 00000000     0        0 3 1\n"
DNS = "   3: 0B00007F:9999 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1\n"


@pytest.mark.parametrize(
    ("tables", "reached"),
    [
        (HEAD, None),
        (HEAD + CALLS_OUT, None),
        (HEAD + TAKEN, None),
        (HEAD + LISTENS, False),
        (HEAD + LISTENS + CALLS_OUT, False),
        (HEAD + LISTENS + TAKEN, True),
        (HEAD + CALLS_OUT + HEAD + ON_IPV6 + TAKEN_ON_IPV6, True),
    ],
)
def test_a_connection_has_reached_a_port_or_not(tables: str, reached: bool | None) -> None:
    """Told only where something listens there; what the container itself calls is no connection to it."""
    assert is_reached(tables, 8000) is reached


def test_listeners_are_the_containers_own() -> None:
    """Each by address and port, sorted; the engine's own name server is none of them."""
    assert listeners(HEAD + LISTENS + TAKEN + DNS + HEAD + ON_IPV6) == (Listener("0.0.0.0", 8000), Listener("::", 8000))
