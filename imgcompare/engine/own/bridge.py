"""The own engine's network bridge: made before the engine starts, so that another engine's bridge is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network
from itertools import chain, islice
from pathlib import Path
from typing import Any

from imgcompare.engine.own.host import require_program, run, run_as_root
from imgcompare.errors import NoEngineError

# RFC 1918, the range engines use most first.
_PRIVATE_RANGES = tuple(IPv4Network(text) for text in ("172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8"))
# What a Docker engine gives its own bridge when it starts, perhaps after ours.
_DOCKER_DEFAULT = IPv4Network("172.17.0.0/16")
_NO_RIGHTS = (
    "The engine needs the right to administer networks (CAP_NET_ADMIN). Inside a container, start that one "
    "with --privileged, or hand it the host's engine with DOCKER_HOST."
)


def free_subnet(taken: Iterable[IPv4Network], start: int) -> IPv4Network | None:
    """Return a private /24 that overlaps none of ``taken``: the first from the ``start``-th of 172.16.0.0/12 on.

    Engines with different ``start`` thus rarely meet when they begin at the same moment.
    """
    occupied = [_DOCKER_DEFAULT, *taken]
    for candidate in _candidates(start):
        if not any(candidate.overlaps(other) for other in occupied):
            return candidate
    return None


def _candidates(start: int) -> Iterator[IPv4Network]:
    first, *others = _PRIVATE_RANGES
    offset = start % 2 ** (24 - first.prefixlen)
    yield from islice(first.subnets(new_prefix=24), offset, None)
    yield from islice(first.subnets(new_prefix=24), offset)
    yield from chain.from_iterable(network.subnets(new_prefix=24) for network in others)


def networks_in(routes: str, addresses: str) -> list[IPv4Network]:
    """Return every IPv4 network named by ``ip -j route show table all`` and ``ip -j addr``, default routes left out."""
    texts = [route.get("dst", "default") for route in json.loads(routes or "[]")]
    for link in json.loads(addresses or "[]"):
        texts += [f"{one['local']}/{one['prefixlen']}" for one in link.get("addr_info", []) if one["family"] == "inet"]
    networks = (ip_network(text, strict=False) for text in texts if text != "default" and ":" not in text)
    return [network for network in networks if isinstance(network, IPv4Network) and network.prefixlen > 0]


def hardware_address(name: str) -> str:
    """Return a locally administered address (IEEE 802), made from the eight hexadecimal digits that a name ends in."""
    return ":".join(("02", "00", *(name[-8:][at : at + 2] for at in range(0, 8, 2))))


def exists(name: str) -> bool:
    """Whether the machine has a network device of that name."""
    return Path("/sys/class/net", name).exists()


def ensure(name: str) -> None:
    """Have a bridge of that name, with an address and up. Raises NoEngineError with the missing right in its hint."""
    ip = require_program("ip")
    if not exists(name):
        run_as_root([ip, "link", "add", "name", name, "type", "bridge"], f"making the bridge {name}", hint=_NO_RIGHTS)
    addresses = run([ip, "-j", "addr"], "reading the machine's addresses")
    if not networks_in("[]", json.dumps([link for link in json.loads(addresses) if link.get("ifname") == name])):
        routes = run([ip, "-j", "-4", "route", "show", "table", "all"], "reading the machine's routes")
        subnet = free_subnet(networks_in(routes, addresses), int(name[-8:], 16))
        if subnet is None:
            raise NoEngineError("no private /24 network is free for the engine's bridge: every one is already routed")
        address = f"{subnet[1]}/{subnet.prefixlen}"
        run_as_root([ip, "addr", "add", address, "dev", name], f"giving {name} the address {address}", hint=_NO_RIGHTS)
    # Without one of its own it has that of some container, and another when that one goes: until the others have
    # learned it, what they send is lost, which held up replies for longer than a check waits.
    hardware = hardware_address(name)
    run_as_root([ip, "link", "set", name, "address", hardware], f"giving {name} a hardware address", hint=_NO_RIGHTS)
    run_as_root([ip, "link", "set", name, "up"], f"bringing {name} up", hint=_NO_RIGHTS)
    _let_out(name, json.loads(run([ip, "-j", "-4", "addr", "show", "dev", name], "reading the bridge's address")))


def _let_out(name: str, links: list[dict[str, Any]]) -> None:
    """Let containers reach the network through rules of our own.

    The engine is told to leave the firewall alone: at its start it would empty the chains that it takes for its own,
    which are those of every other Docker engine on the machine.
    """
    iptables = require_program("iptables")
    address = links[0]["addr_info"][0]
    subnet = str(ip_network(f"{address['local']}/{address['prefixlen']}", strict=False))
    for table, chain_, *match in (
        ("nat", "POSTROUTING", "-s", subnet, "!", "-o", name, "-j", "MASQUERADE"),
        ("filter", "FORWARD", "-i", name, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-o", name, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
    ):
        rules = run_as_root([iptables, "-w", "-t", table, "-S", chain_], "reading the firewall's rules")
        if f"-A {chain_} {' '.join(match)}" not in rules.splitlines():
            adding = [iptables, "-w", "-t", table, "-I", chain_, *match]
            run_as_root(adding, f"letting {name} reach the network", hint=_NO_RIGHTS)


def remove(name: str) -> None:
    """Remove the bridge and the firewall rules that name it."""
    iptables = require_program("iptables")
    for table in ("nat", "filter"):
        rules = run_as_root([iptables, "-w", "-t", table, "-S"], "reading the firewall's rules").splitlines()
        for words in map(str.split, rules):
            if words[:1] == ["-A"] and name in words:
                run_as_root([iptables, "-w", "-t", table, "-D", *words[1:]], f"removing a firewall rule of {name}")
    run_as_root([require_program("ip"), "link", "delete", name, "type", "bridge"], f"removing the bridge {name}")
