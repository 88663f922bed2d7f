"""Pure: the ``build`` of a service, as Compose resolved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

Service = Mapping[str, Any]


class BuildSection(Struct, frozen=True):
    """The ``build`` of a service: paths are absolute; ``secrets`` are files and variables by their ids."""

    context: str
    dockerfile: str
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    shm_size: str | None = None
    ulimits: tuple[str, ...] = ()
    inline: bytes | None = None

    @property
    def path(self) -> Path:
        """The Dockerfile."""
        return Path(self.context) / self.dockerfile


def plain(value: Any) -> Any:
    """Return the same with one dollar for each two, by which Compose keeps one from being read as a variable."""
    match value:
        case str():
            return value.replace("$$", "$")
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
    return value


def pairs(values: Any) -> dict[str, str]:
    """Return a mapping without what has no value: that is the environment's, which did not have it."""
    return {str(name): str(value) for name, value in (values or {}).items() if value is not None}


def read_build(resolved: Mapping[str, Any], name: str) -> BuildSection | None:
    """Return the build of a service, None where it has an image that is made elsewhere."""
    return build_of(plain(resolved), plain(resolved["services"][name]))


def build_of(resolved: Mapping[str, Any], service: Service) -> BuildSection | None:
    """Return the same of a service whose dollars are single already."""
    build = service.get("build")
    if not build:
        return None
    inline = build.get("dockerfile_inline")
    return BuildSection(
        context=str(build.get("context") or "."),
        dockerfile=str(build.get("dockerfile") or "Dockerfile"),
        target=build.get("target") or None,
        args=pairs(build.get("args")),
        secrets=tuple(_secrets(resolved, build)),
        ssh=tuple(map(str, build.get("ssh") or ())),
        contexts={name: str(place) for name, place in (build.get("additional_contexts") or {}).items()},
        network=build.get("network") or None,
        extra_hosts=tuple(each.replace("=", ":", 1) for each in build.get("extra_hosts") or ()),
        shm_size=str(build.get("shm_size") or "") or None,
        ulimits=tuple(f"{kind}={soft}:{hard}" for kind, soft, hard in ulimits_of(build)),
        inline=inline.encode() if inline else None,
    )


def _secrets(resolved: Mapping[str, Any], build: Service) -> Iterator[str]:
    """A build's secrets as ``--secret`` has them."""
    for each in build.get("secrets") or ():
        source = (resolved.get("secrets") or {}).get(each["source"]) or {}
        name = each.get("target") or each["source"]
        if "environment" in source:
            yield f"id={name},env={source['environment']}"
        elif "file" in source:
            yield f"id={name},src={source['file']}"


def ulimits_of(section: Service) -> Iterator[tuple[str, int, int]]:
    """Give the name, the soft and the hard value of each limit."""
    for name, limit in (section.get("ulimits") or {}).items():
        soft, hard = (limit["soft"], limit["hard"]) if isinstance(limit, dict) else (limit, limit)
        yield str(name), int(soft), int(hard)
