"""Which TCP sockets wait for connections inside a container, from the kernel's tables of its network namespace.

The format: https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt. A process's own tables are those of
its network namespace, so where the engine is on this machine they are read without starting anything in the container.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from imgcompare.engine.client.memory import groups_of
from imgcompare.engine.interface import Listener

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTEN = "0A"
_ESTABLISHED = "01"
_MAX_CHARACTERS = 1 << 20
# Where an engine answers DNS inside containers of its user-defined networks: nothing of the image.
_ENGINES_OWN = "127.0.0.11"


def read_tables(pid: int, container: str, *, proc: Path = Path("/proc")) -> str | None:
    """The tables of the process that the engine calls ``pid``; None unless its control group has the container's id.

    The number may be another machine's, or of another namespace.
    """
    if not groups_of(pid, container, proc=proc):
        return None
    tables = []
    for name in ("tcp", "tcp6"):
        try:
            with (proc / str(pid) / "net" / name).open(encoding="ascii", errors="replace") as file:
                tables.append(file.read(_MAX_CHARACTERS))
        except OSError:
            continue
    return "\n".join(tables) or None


def listeners(tables: str) -> tuple[Listener, ...]:
    """The listening sockets in the text of one or both tables, sorted; rows that are none are passed over."""
    return tuple(sorted(one for one in _local_ends(tables, _LISTEN) if one.address != _ENGINES_OWN))


def is_reached(tables: str, port: int) -> bool | None:
    """Whether anybody is connected to a port, by the same tables; None where nothing is seen to listen on it."""
    if all(one.port != port for one in _local_ends(tables, _LISTEN)):
        return None
    return any(one.port == port for one in _local_ends(tables, _ESTABLISHED))


def _local_ends(tables: str, state: str) -> set[Listener]:
    """The sockets in that state, each by its own end; the port of one that listens is that of what it has taken."""
    found = set()
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != state:
            continue
        address, _, port = fields[1].rpartition(":")
        try:
            found.add(Listener(_address(address), int(port, 16)))
        except ValueError:
            continue
    return found


def _address(text: str) -> str:
    """An address as written in hexadecimal, each 32 bits of it in the machine's own byte order."""
    words = bytes.fromhex(text)
    if len(words) not in {4, 16}:
        raise ValueError(text)
    packed = b"".join(struct.pack(">I", word) for word in struct.unpack(f"={len(words) // 4}I", words))
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)
