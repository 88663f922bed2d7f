"""Choosing a network for the own engine's bridge."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

from imgcompare.engine.own.bridge import free_subnet, hardware_address, networks_in


def test_networks_are_read_from_routes_and_addresses() -> None:
    """Default routes, IPv6 and single hosts in routing tables do not confuse what is taken."""
    routes = json.dumps(
        [
            {"dst": "default", "gateway": "192.0.2.1"},
            {"dst": "172.29.77.0/24", "dev": "x"},
            {"dst": "172.29.77.1", "dev": "x"},
            {"dst": "fe80::/64"},
            {"type": "unreachable", "dst": "0.0.0.0/0"},
        ]
    )
    addresses = json.dumps(
        [
            {"ifname": "eth0", "addr_info": [{"family": "inet", "local": "10.1.2.3", "prefixlen": 8}]},
            {"ifname": "v6", "addr_info": [{"family": "inet6", "local": "::1", "prefixlen": 128}]},
            {},
        ]
    )
    assert networks_in(routes, addresses) == [
        IPv4Network("172.29.77.0/24"),
        IPv4Network("172.29.77.1/32"),
        IPv4Network("10.0.0.0/8"),
    ]


def test_a_bridge_has_a_hardware_address_of_its_own() -> None:
    """The same for the same name: an individual one (bit 0 of the first byte) that nobody was assigned (bit 1)."""
    assert hardware_address("imgc-c72545e2") == "02:00:c7:25:45:e2"


def test_the_search_begins_where_it_is_told() -> None:
    """Two engines starting at once take different networks, as their names differ."""
    assert free_subnet([], 0) == IPv4Network("172.16.0.0/24")
    assert free_subnet([], 5) == IPv4Network("172.16.5.0/24")
    assert free_subnet([], 2**32 - 1) == IPv4Network("172.31.255.0/24")


def test_the_default_network_of_docker_is_left_to_it() -> None:
    """An engine installed later finds its usual 172.17.0.0/16 free."""
    assert free_subnet([], 256) == IPv4Network("172.18.0.0/24")


def test_taken_networks_are_passed_over() -> None:
    """Overlap in either direction counts, and the search wraps round to what lies before its start."""
    taken = [IPv4Network("172.31.255.128/25"), IPv4Network("172.16.0.0/24")]
    assert free_subnet(taken, 4095) == IPv4Network("172.16.1.0/24")
    assert free_subnet([IPv4Network("172.16.0.0/12")], 7) == IPv4Network("192.168.0.0/24")
    assert free_subnet([IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")], 7) == IPv4Network("10.0.0.0/24")


def test_no_free_network_is_said() -> None:
    """Where a VPN routes everything private, there is no answer, rather than a clash."""
    assert free_subnet([IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1")], 0) is None
