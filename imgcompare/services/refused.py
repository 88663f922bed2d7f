"""Pure: what neither a variant nor a companion gets, though its compose file asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imgcompare.errors import UsageError
from imgcompare.services.files import files_of
from imgcompare.text.printable import printable

Service = Mapping[str, Any]

_REACHING = ("privileged", "pid", "userns_mode", "devices", "device_cgroup_rules", "gpus", "cgroup_parent", "uts")
_HARMLESS = {"ipc": {"private", "shareable", "none"}, "cgroup": {"private"}, "runtime": {"runc"}}
_NO_CONTAINERS = ("provider", "models")
_OWN_NETWORK = {"", "bridge", "default"}
_VOLUMES = {"volume", "bind", "tmpfs"}
_WITHOUT = "Give imgcompare a compose file without it: --compose FILE"


def refuse(resolved: Mapping[str, Any], file: Path, name: str, *, variant: bool) -> None:
    """Raise UsageError where a service cannot run as it says: that of the variants, or a companion."""
    service: Service = resolved["services"][name]
    for what, hint in (*_asked(service), *_files_asked(resolved, service), *(_of_variant(service) if variant else ())):
        raise UsageError(
            f"the service {name!r} of {file} has {printable(what, limit=120)}, which no container of imgcompare gets",
            hint=f"{hint} {_WITHOUT}",
        )


def _asked(service: Service) -> Iterator[tuple[str, str]]:
    """What it asks for and does not get, and why."""
    reserved = ((service.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    reaching = {key: service.get(key) for key in (*_REACHING, "use_api_socket")}
    reaching |= {key: service.get(key) for key, harmless in _HARMLESS.items() if service.get(key) not in harmless}
    reaching["deploy.resources.reservations.devices"] = reserved.get("devices")
    for key, value in reaching.items():
        if value:
            yield f"{key}: {value}" if isinstance(value, str) else key, "It reaches out of the container."
    if (mode := str(service.get("network_mode") or "")) not in _OWN_NETWORK:
        yield f"network_mode: {mode}", "Each variant has a network of its own, with its companions in it."
    for key in _NO_CONTAINERS:
        if service.get(key):
            yield key, "Nothing but containers runs beside a variant."


def _of_variant(service: Service) -> Iterator[tuple[str, str]]:
    """What Compose would do for a companion and nobody does for a variant."""
    if service.get("volumes_from"):
        yield "volumes_from", "Its volumes are its own: name them in volumes."
    for volume in service.get("volumes") or ():
        if volume.get("type") not in _VOLUMES:
            yield f"a volume of type {volume.get('type')}", "It gets volumes, folders on request, and memory."


def _files_asked(resolved: Mapping[str, Any], service: Service) -> Iterator[tuple[str, str]]:
    """Secrets and configs that only a swarm has, or that cannot be put into a container that is read-only."""
    for each in files_of(resolved, service):
        if each.source.get("external"):
            yield f"the external {each.kind} {each.name}", "Only a swarm has it."
        elif service.get("read_only") and not each.source.get("file"):
            yield f"the {each.kind} {each.name} beside read_only", "Only a file can be shown to it: file: PATH."
