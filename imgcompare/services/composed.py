"""Pure: what Compose resolved → the one service that is built, with everything that holds for each variant of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imgcompare.engine.options import Healthcheck, Mount, RunOptions
from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

Service = Mapping[str, Any]

# What would have a container of ours reach out of itself, and by which value it would.
_REACHING = ("privileged", "pid", "ipc", "userns_mode", "devices", "cgroup_parent", "uts", "runtime")
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@dataclass(frozen=True)
class BuildSection:
    """The ``build`` of a service: paths are absolute; ``secrets`` are files and variables by their ids."""

    context: str
    dockerfile: str
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    inline: bytes | None = None

    @property
    def path(self) -> Path:
        """The Dockerfile."""
        return Path(self.context) / self.dockerfile


@dataclass(frozen=True)
class Composed:
    """A service of a compose file that is built here, and the whole of what Compose resolved around it.

    ``needs`` are the services that it cannot do without, themselves and what they need, by what is awaited of them.
    ``unmounted`` are the bind mounts that its variants do without.
    """

    file: Path
    service: str
    build: BuildSection
    options: RunOptions
    environment: Mapping[str, str]
    ports: tuple[int, ...]
    needs: Mapping[str, str]
    resolved: Mapping[str, Any] = field(repr=False)
    unmounted: tuple[str, ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """The companions that are made from the variant's own image: the same build with another command."""
        return tuple(name for name in self.needs if self._is_own(self.resolved["services"][name]))

    @property
    def later(self) -> tuple[str, ...]:
        """The companions that cannot start before the variant's image is there: its own, and what depends on them."""
        services, later = self.resolved["services"], set(self.own)
        while more := {name for name in self.needs if later & set(services[name].get("depends_on") or {})} - later:
            later |= more
        return tuple(name for name in self.needs if name in later)

    @property
    def first(self) -> tuple[str, ...]:
        """The companions that can."""
        later = self.later
        return tuple(name for name in self.needs if name not in later)

    def companion_environments(self) -> tuple[Mapping[str, str], ...]:
        """The environments of the companions."""
        return tuple(_pairs(_plain(self.resolved["services"][name].get("environment"))) for name in self.needs)

    def _is_own(self, service: Service) -> bool:
        mine = self.resolved["services"][self.service]
        build = _build(self.resolved, service)
        same_build = build is not None and (build.path, build.target) == (self.build.path, self.build.target)
        return same_build or (build is None and bool(service.get("image")) and service["image"] == mine.get("image"))


def choose_service(resolved: Mapping[str, Any], file: Path, named: str | None) -> str:
    """Return the service that is meant: the one named, or the only one that is built. Raises UsageError.

    Of several it is the one on which no other of them depends, and which alone publishes a port.
    """
    services: Mapping[str, Service] = resolved["services"]
    built = [name for name, service in services.items() if service.get("build")]
    if named is not None:
        if named not in services:
            raise UsageError(f"{file} has no service {named!r}", hint=f"It has: {', '.join(services) or 'none'}.")
        if named not in built:
            raise UsageError(
                f"the service {named!r} of {file} has no build",
                hint=f"Name one that is built: {', '.join(built)}." if built else "None of its services is built.",
            )
        return named
    if not built:
        raise UsageError(f"no service of {file} is built", hint="Name a file with a service that has a build section.")
    usual = [name for name in built if not services[name].get("profiles")] or built
    needed = {other for name in usual for other in services[name].get("depends_on") or ()}
    usual = [name for name in usual if name not in needed] or usual
    usual = [name for name in usual if services[name].get("ports")] or usual
    if len(usual) > 1:
        raise UsageError(
            f"{file} builds {len(usual)} services: {', '.join(usual)}",
            hint=f"Say which one the variants are of: --compose {file}:{usual[0]}",
        )
    return usual[0]


def read_service(resolved: Mapping[str, Any], file: Path, name: str, *, mount: bool = False) -> Composed:
    """Read what holds for each variant of a service. Raises UsageError for what none may have.

    ``mount`` has its bind mounts mounted, read-only; without, they are left out: what is tested is the image.
    """
    plain = _plain(resolved)
    service: Service = plain["services"][name]
    for key in _REACHING:
        if service.get(key) and not (key == "ipc" and service[key] in {"private", "shareable"}):
            raise _refused(file, name, f"{key}: {printable(str(service[key]), limit=60)}")
    if service.get("network_mode") not in {None, "bridge", "default"}:
        raise _refused(file, name, f"network_mode: {service['network_mode']}")
    build = _build(plain, service)
    assert build is not None  # noqa: S101 - it was chosen for that
    binds = [each for each in service.get("volumes") or () if each.get("type") == "bind"]
    return Composed(
        file=file,
        service=name,
        build=build,
        options=_options(plain, name, service, binds if mount else []),
        environment=_pairs(service.get("environment")),
        ports=tuple(dict.fromkeys(_ports(service))),
        needs=_needs(plain, name),
        resolved=resolved,
        unmounted=() if mount else tuple(str(each["target"]) for each in binds),
    )


def _plain(value: Any) -> Any:
    """The same without the second dollar of each two, by which Compose keeps one from being read as a variable."""
    match value:
        case str():
            return value.replace("$$", "$")
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value


def _refused(file: Path, name: str, what: str) -> UsageError:
    return UsageError(
        f"the service {name!r} of {file} has {what}, which no container of imgcompare gets",
        hint="It reaches out of the container. Give imgcompare a compose file without it: --compose FILE",
    )


def read_build(resolved: Mapping[str, Any], name: str) -> BuildSection | None:
    """Return the build of a service, None where it has an image that is made elsewhere."""
    return _build(_plain(resolved), _plain(resolved["services"][name]))


def _build(resolved: Mapping[str, Any], service: Service) -> BuildSection | None:
    build = service.get("build")
    if not build:
        return None
    inline = build.get("dockerfile_inline")
    return BuildSection(
        context=str(build.get("context") or "."),
        dockerfile=str(build.get("dockerfile") or "Dockerfile"),
        target=build.get("target") or None,
        args=_pairs(build.get("args")),
        secrets=tuple(_build_secrets(resolved, build)),
        contexts={name: str(place) for name, place in (build.get("additional_contexts") or {}).items()},
        network=build.get("network") or None,
        extra_hosts=tuple(each.replace("=", ":", 1) for each in build.get("extra_hosts") or ()),
        inline=inline.encode() if inline else None,
    )


def _build_secrets(resolved: Mapping[str, Any], build: Service) -> Iterator[str]:
    """A build's secrets as ``--secret`` has them."""
    for each in build.get("secrets") or ():
        source = (resolved.get("secrets") or {}).get(each["source"]) or {}
        name = each.get("target") or each["source"]
        if "environment" in source:
            yield f"id={name},env={source['environment']}"
        elif "file" in source:
            yield f"id={name},src={source['file']}"


def _pairs(values: Any) -> dict[str, str]:
    """A mapping without what has no value: that is the environment's, which did not have it."""
    return {str(name): str(value) for name, value in (values or {}).items() if value is not None}


def _ports(service: Service) -> Iterator[int]:
    """The TCP ports that it publishes; where none is, those that it exposes."""
    published = [int(each["target"]) for each in service.get("ports") or () if each.get("protocol", "tcp") == "tcp"]
    exposed = [str(each).removesuffix("/tcp") for each in service.get("expose") or ()]
    yield from published or [int(each) for each in exposed if each.isdigit()]


def _needs(resolved: Mapping[str, Any], name: str) -> dict[str, str]:
    """What a service depends on, by ``depends_on``, ``links`` and the hosts that its variables name; and they in turn.

    Those it names itself come first. A service that depends on this one in turn is none.
    """
    services: Mapping[str, Service] = resolved["services"]
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        service = services[waiting.pop(0)]
        asked = {
            other: str((about or {}).get("condition") or "service_started")
            for other, about in (service.get("depends_on") or {}).items()
        }
        linked = {str(link).partition(":")[0]: "service_started" for link in service.get("links") or ()}
        for other, condition in {**_hosts(service, services), **linked, **asked}.items():
            if other in services and other != name:
                if other not in found:
                    waiting.append(other)
                found.setdefault(other, condition)
    return found


def _hosts(service: Service, services: Mapping[str, Service]) -> dict[str, str]:
    """The services that a value of its environment names as a host: ``db``, ``db:5432`` or within a URL."""
    values = _pairs(service.get("environment")).values()
    named = {match[1] for value in values for match in re.finditer(r"(?:^|@|//)([A-Za-z0-9][\w.-]*)(?=$|:\d|/)", value)}
    return {name: "service_started" for name in services if name in named and services[name].get("image")}


def _options(resolved: Mapping[str, Any], name: str, service: Service, binds: list[Service]) -> RunOptions:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    memory, cpus = service.get("mem_limit") or limits.get("memory"), service.get("cpus") or limits.get("cpus")
    volumes = [each for each in service.get("volumes") or () if each.get("type") in {"volume", "tmpfs"}]
    return RunOptions(
        command=_words(service.get("command")),
        entrypoint=_words(service.get("entrypoint")),
        user=str(service.get("user") or ""),
        working_dir=str(service.get("working_dir") or ""),
        hostname=str(service.get("hostname") or ""),
        tmpfs=(*map(_tmpfs, service.get("tmpfs") or ()), *((v["target"], "") for v in volumes if v["type"] == "tmpfs")),
        mounts=(
            # One without a name is one of the container's own, which goes with it.
            *(Mount(str(v["target"])) for v in volumes if v["type"] == "volume"),
            *(Mount(str(b["target"]), "bind", str(b["source"]), read_only=True) for b in binds),
            *_files(resolved, service),
        ),
        read_only=bool(service.get("read_only")),
        cap_add=tuple(service.get("cap_add") or ()),
        cap_drop=tuple(service.get("cap_drop") or ()),
        security_opt=tuple(service.get("security_opt") or ()),
        group_add=tuple(map(str, service.get("group_add") or ())),
        memory_bytes=int(memory) if memory else None,
        cpus=float(cpus) if cpus else None,
        pids_limit=int(service.get("pids_limit") or limits.get("pids") or 0) or None,
        shm_size=int(service["shm_size"]) if service.get("shm_size") else None,
        init=bool(service.get("init")),
        ulimits=tuple(_ulimits(service)),
        sysctls=tuple(_pairs(service.get("sysctls")).items()),
        extra_hosts=tuple(each.replace("=", ":", 1) for each in service.get("extra_hosts") or ()),
        dns=tuple(service.get("dns") or ()),
        stop_signal=str(service.get("stop_signal") or ""),
        healthcheck=_healthcheck(service.get("healthcheck")),
        aliases=tuple(dict.fromkeys((name, *aliases_of(service)))),
    )


def aliases_of(service: Service) -> Iterator[str]:
    """What a service is called in its networks beside its own name."""
    for network in (service.get("networks") or {}).values():
        yield from (network or {}).get("aliases") or ()


def _words(command: Any) -> tuple[str, ...] | None:
    return None if command is None else tuple(map(str, command))


def _tmpfs(text: str) -> tuple[str, str]:
    folder, _, options = text.partition(":")
    return folder, options


def _files(resolved: Mapping[str, Any], service: Service) -> Iterator[Mount]:
    """Secrets and configs that are files here."""
    for kind in ("secrets", "configs"):
        for each in service.get(kind) or ():
            source = (resolved.get(kind) or {}).get(each["source"]) or {}
            if source.get("file"):
                target = str(each.get("target") or (f"/run/secrets/{each['source']}" if kind == "secrets" else ""))
                target = target if target.startswith("/") else f"/run/secrets/{target}" if target else ""
                yield Mount(target or f"/{each['source']}", "bind", str(source["file"]), read_only=True)


def _ulimits(service: Service) -> Iterator[tuple[str, int, int]]:
    for name, limit in (service.get("ulimits") or {}).items():
        soft, hard = (limit["soft"], limit["hard"]) if isinstance(limit, dict) else (limit, limit)
        yield str(name), int(soft), int(hard)


def _healthcheck(found: Service | None) -> Healthcheck | None:
    if not found:
        return None
    test = tuple(map(str, found.get("test") or ()))
    if found.get("disable") or test[:1] == ("NONE",):
        return Healthcheck(command=())
    if not test:
        return None
    command = ("/bin/sh", "-c", *test[1:]) if test[0] == "CMD-SHELL" else test[1:]
    times = {"timeout_s": "timeout", "interval_s": "interval", "start_period_s": "start_period"}
    given = {ours: seconds(str(found[theirs])) for ours, theirs in times.items() if found.get(theirs)}
    return Healthcheck(command=command, retries=int(found.get("retries") or 3), **given)


def seconds(text: str) -> float:
    """Return the seconds of a duration as Go writes it: ``1m30s``."""
    match = _TIME.fullmatch(text)
    hours, minutes, whole, thousandths = (float(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000
