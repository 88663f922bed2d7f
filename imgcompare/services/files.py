"""Pure: the secrets and configs of a service: files of this machine, and texts that become files in the container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from imgcompare.engine.options import InnerFile, Mount

Service = Mapping[str, Any]


class Shown(Struct, frozen=True):
    """A secret or a config of a service: which of the two, its name, where it is in the container, and its source."""

    kind: str
    name: str
    target: str
    mode: int
    source: Mapping[str, Any]


def files_of(resolved: Mapping[str, Any], service: Service) -> Iterator[Shown]:
    """Give the secrets and configs of a service."""
    for kind, folder in (("secret", "/run/secrets"), ("config", "")):
        for each in service.get(f"{kind}s") or ():
            name = str(each["source"])
            target = str(each.get("target") or name)
            source = (resolved.get(f"{kind}s") or {}).get(name) or {}
            mode = int(str(each.get("mode") or "0444"), 8)
            yield Shown(kind, name, target if target.startswith("/") else f"{folder}/{target}", mode, source)


def file_mounts(resolved: Mapping[str, Any], service: Service) -> Iterator[Mount]:
    """Give those that are files here."""
    for each in files_of(resolved, service):
        if path := each.source.get("file"):
            yield Mount(each.target, "bind", str(path), read_only=True)


def inner_files(resolved: Mapping[str, Any], service: Service, variables: Mapping[str, str]) -> Iterator[InnerFile]:
    """Give those that are texts: the file's own, or a variable's value."""
    for each in files_of(resolved, service):
        text = each.source.get("content")
        if (variable := each.source.get("environment")) is not None:
            text = variables.get(str(variable))
        if text is not None:
            yield InnerFile(each.target, str(text).encode("utf-8", "surrogateescape"), each.mode)
