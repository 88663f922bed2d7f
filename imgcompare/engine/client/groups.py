"""Containers, networks and volumes that belong together, known by their labels: looked up, and removed for certain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imgcompare.engine.client.inspect_image import read_image
from imgcompare.engine.client.remove import remove
from imgcompare.engine.interface import GROUP_LABEL, RUN_LABEL, SERVICE_LABEL, Member
from imgcompare.errors import EngineRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from imgcompare.engine.client.api import Api

_ROUNDS = 3


def add_network(api: Api, name: str, labels: Mapping[str, str]) -> None:
    """Make a network of the engine's usual kind."""
    api.stop_if_cancelled()
    body = {"Name": name, "Labels": dict(labels), "CheckDuplicate": True}
    api.call("POST", "/networks/create", body=body)


def members(api: Api, group: str) -> list[Member]:
    """The containers of a group, by what the group calls them."""
    found = []
    for each in _containers(api, {GROUP_LABEL: group}):
        inspected = api.get(f"/containers/{quote(str(each['Id']), safe='')}/json")
        config = inspected.get("Config") or {}
        image = str(inspected.get("Image") or "")
        found.append(
            Member(
                service=str((config.get("Labels") or {}).get(SERVICE_LABEL) or ""),
                name=str(inspected.get("Name") or "").lstrip("/"),
                image=str(config.get("Image") or image),
                settings=read_image({**inspected, "Id": image}, image),
            )
        )
    return sorted(found, key=lambda member: member.service)


def remove_group(api: Api, group: str, run_id: str) -> int:
    """Remove what is labelled as that group of that run, containers first; returns how many containers there were.

    Looked for again until nothing is there: who made it may have been killed with a request under way.
    """
    labels, count = {GROUP_LABEL: group, RUN_LABEL: run_id}, 0
    for _ in range(_ROUNDS):
        containers = _containers(api, labels)
        for each in containers:
            remove(api, str(each["Id"]))
        count += len(containers)
        networks = _labelled(api.call("GET", "/networks", params=_filter(labels), cleanup=True), labels)
        answer = api.call("GET", "/volumes", params=_filter(labels), cleanup=True) or {}
        volumes = _labelled(answer.get("Volumes"), labels)
        for network in networks:
            _delete(api, f"/networks/{quote(str(network['Id']), safe='')}")
        for volume in volumes:
            _delete(api, f"/volumes/{quote(str(volume['Name']), safe='')}")
        if not (containers or networks or volumes):
            break
    return count


def _containers(api: Api, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    found = api.call("GET", "/containers/json", params={"all": "true", **_filter(labels)}, cleanup=True)
    return _labelled(found, labels)


def _labelled(found: Iterable[dict[str, Any]] | None, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that have all of the labels: Podman lists volumes and networks that have any of them."""
    return [each for each in found or () if labels.items() <= (each.get("Labels") or {}).items()]


def _filter(labels: Mapping[str, str]) -> dict[str, str]:
    return {"filters": json.dumps({"label": [f"{name}={value}" for name, value in labels.items()]})}


def _delete(api: Api, path: str) -> None:
    try:
        api.call("DELETE", path, cleanup=True)
    except EngineRefusedError as exc:
        if exc.status != 404:
            raise
