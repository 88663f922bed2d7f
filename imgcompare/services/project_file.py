"""Pure: the compose file of one variant's companions: what Compose resolved, with nothing in it that is shared.

Ports are not published, names not fixed, volumes and networks are the project's own: two variants never share a
database. Written as JSON, which is YAML too (https://yaml.org/spec/1.2.2/); Compose has left its dollars doubled.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from imgcompare.engine.interface import GROUP_LABEL, RUN_LABEL, SERVICE_LABEL
from imgcompare.services.composed import Composed, aliases_of
from imgcompare.services.refused import refuse

# Only Compose and whoever watches want these; each would be shared, published, built or started again. In which order
# companions start, and what is waited for, is seen to here: Compose waits as slowly as an engine checks, and for ever.
_LEFT_OUT = {
    *("ports", "container_name", "build", "profiles", "restart", "networks", "links", "deploy", "logging", "scale"),
    *("pull_policy", "external_links", "develop", "mac_address", "depends_on"),
}
# Where databases keep what they hold: a folder of the user's there is neither written to nor read.
_STATE = ("/var/lib/", "/data", "/bitnami", "/opt/bitnami")


def project_file(composed: Composed, group: str, run_id: str, images: Mapping[str, str]) -> dict[str, Any]:
    """Return the file of the companions of one variant; ``images`` are those of services that are built.

    Raises UsageError for a companion that would reach out of its container.
    """
    services = composed.resolved["services"]
    labels = {GROUP_LABEL: group, RUN_LABEL: run_id}
    volumes: dict[str, Any] = {}
    made = {}
    for name in composed.needs:
        service = {key: value for key, value in services[name].items() if key not in _LEFT_OUT}
        refuse(composed.resolved, composed.file, name, variant=False)
        service["labels"] = {**labels, SERVICE_LABEL: name}
        service["image"] = images.get(name) or service.get("image")
        service["networks"] = {"default": {"aliases": _aliases(composed, name)}}
        service["volumes"] = [_volume(each, volumes, labels) for each in service.get("volumes") or ()]
        if deploy := _limits(services[name]):
            service["deploy"] = deploy
        made[name] = {key: value for key, value in service.items() if value not in (None, [], {})}
    return {
        "name": group,
        "services": made,
        "networks": {"default": {"name": group, "labels": labels}},
        "volumes": volumes,
        **{kind: found for kind in ("secrets", "configs") if (found := composed.resolved.get(kind))},
    }


def _aliases(composed: Composed, name: str) -> list[str]:
    """What a companion is called: by its service, and as the others link to it."""
    services = composed.resolved["services"]
    linked = [str(link) for each in (composed.service, *composed.needs) for link in services[each].get("links") or ()]
    others = [link.partition(":")[2] for link in linked if link.partition(":")[0] == name]
    own = (name, services[name].get("container_name"), *aliases_of(services[name]))
    return list(dict.fromkeys(str(alias) for alias in (*own, *others) if alias))


def _limits(service: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a cluster would be told only the limits."""
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits")
    return {"resources": {"limits": limits}} if limits else {}


def _volume(
    given: Mapping[str, Any],
    volumes: dict[str, Any],
    labels: Mapping[str, str],
    look: Callable[[str], int] = lambda path: Path(path).stat().st_mode,
) -> dict[str, Any]:
    """A volume of the project's own in the place of any other; a bind mount is read-only, where it is not the state."""
    if given.get("type") == "volume":
        if source := given.get("source"):
            volumes[source] = {"labels": dict(labels)}
        return {key: value for key, value in given.items() if key in {"type", "source", "target", "read_only"}}
    if given.get("type") != "bind":
        return dict(given)
    try:
        mode = look(str(given["source"]))
    except OSError:
        mode = 0
    shown = stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and not str(given["target"]).startswith(_STATE))
    if not shown:
        return {"type": "volume", "target": given["target"]}
    return {"type": "bind", "source": given["source"], "target": given["target"], "read_only": True}
