"""Pure: what Compose resolved → the one service that is built, with everything that holds for each variant of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.engine.options import Healthcheck, Mount, RunOptions
from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.services.build_section import BuildSection, build_of, pairs, plain, ulimits_of
from imgcompare.services.files import file_mounts, inner_files
from imgcompare.services.refused import refuse

Service = Mapping[str, Any]

STARTED, HEALTHY, COMPLETED = _STRICTER = ("service_started", "service_healthy", "service_completed_successfully")
_TIME = regex(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


class Composed(Struct, frozen=True):
    """A service of a compose file that is built here, and the whole of what Compose resolved around it.

    ``needs`` are the services that it cannot do without, themselves and what they need, by what is awaited of them.
    ``unmounted`` are the bind mounts that its variants do without. ``variables`` are those whose values are secrets or
    configs; ``unset`` are those that the file names, and that have no value.
    """

    file: Path
    service: str
    build: BuildSection
    options: RunOptions
    environment: Mapping[str, str]
    ports: tuple[int, ...]
    needs: Mapping[str, str]
    resolved: Mapping[str, Any]
    unmounted: tuple[str, ...] = ()
    platform: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say which it is, and no value: many a one is a secret."""
        return f"<service {self.service} of {self.file}>"

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

    def waves(self, names: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Give companions in the order in which they can be started: those that depend on others after these."""
        services, waiting = self.resolved["services"], list(names)
        while waiting:
            held = {name for name in waiting if set(services[name].get("depends_on") or {}) & set(waiting)}
            yield tuple(name for name in waiting if name not in held)
            waiting = [name for name in waiting if name in held]

    @property
    def optional(self) -> frozenset[str]:
        """The companions that nobody requires (``required: false``): the variant is checked without one that fails."""
        services = [self.resolved["services"][name] for name in (self.service, *self.needs)]
        asked = [(name, about or {}) for each in services for name, about in (each.get("depends_on") or {}).items()]
        required = {name for name, about in asked if about.get("required", True)}
        return frozenset(name for name, _ in asked if name in self.needs and name not in required)

    def companion_environments(self) -> tuple[Mapping[str, str], ...]:
        """The environments of the companions."""
        return tuple(pairs(plain(self.resolved["services"][name].get("environment"))) for name in self.needs)

    def healthcheck(self, name: str) -> Healthcheck | None:
        """The check that the file gives a companion, None where its image's holds."""
        return _healthcheck(plain(self.resolved["services"][name].get("healthcheck")))

    def _is_own(self, service: Service) -> bool:
        mine = self.resolved["services"][self.service]
        build = build_of(self.resolved, service)
        same_build = build is not None and (build.path, build.target, build.inline) == (
            self.build.path,
            self.build.target,
            self.build.inline,
        )
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


def read_service(
    resolved: Mapping[str, Any],
    file: Path,
    name: str,
    *,
    mount: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Composed:
    """Read what holds for each variant of a service. Raises UsageError for what none may have.

    ``mount`` has its bind mounts mounted, read-only; without, they are left out: what is tested is the image.
    """
    read = plain(resolved)
    service: Service = read["services"][name]
    refuse(read, file, name, variant=True)
    build = build_of(read, service)
    assert build is not None  # noqa: S101 - it was chosen for that
    binds = [each for each in service.get("volumes") or () if each.get("type") == "bind"]
    return Composed(
        file=file,
        service=name,
        build=build,
        options=replace(
            _options(read, name, service, binds if mount else []),
            files=tuple(inner_files(read, service, variables or {})),
        ),
        environment=pairs(service.get("environment")),
        ports=tuple(dict.fromkeys(_ports(service))),
        needs=_needs(read, name),
        resolved=resolved,
        unmounted=() if mount else tuple(str(each["target"]) for each in binds),
        platform=service.get("platform") or None,
        variables=variables or {},
    )


def _ports(service: Service) -> Iterator[int]:
    """The TCP ports that it publishes; where none is, those that it exposes."""
    published = [int(each["target"]) for each in service.get("ports") or () if each.get("protocol", "tcp") == "tcp"]
    exposed = [str(each).removesuffix("/tcp") for each in service.get("expose") or ()]
    yield from published or [int(each) for each in exposed if each.isdigit()]


def _needs(resolved: Mapping[str, Any], name: str) -> dict[str, str]:
    """What a service depends on, by ``depends_on``, ``links`` and the hosts that its variables name; and they in turn.

    Those it names itself come first; of what several await of one, the strictest counts. A service that depends on this
    one in turn is none.
    """
    services: Mapping[str, Service] = resolved["services"]
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        service = services[waiting.pop(0)]
        asked = {
            other: str((about or {}).get("condition") or STARTED)
            for other, about in (service.get("depends_on") or {}).items()
        }
        linked = {str(link).partition(":")[0]: STARTED for link in service.get("links") or ()}
        for other, condition in {**_hosts(service, services), **linked, **asked}.items():
            if other in services and other != name:
                if other not in found:
                    waiting.append(other)
                found[other] = max(found.get(other, STARTED), condition, key=_STRICTER.index)
    return found


def _hosts(service: Service, services: Mapping[str, Service]) -> dict[str, str]:
    """The services that a value of its environment names as a host: ``db``, ``db:5432`` or within a URL."""
    values = pairs(service.get("environment")).values()
    named = {match[1] for value in values for match in re.finditer(r"(?:^|@|//)([A-Za-z0-9][\w.-]*)(?=$|:\d|/)", value)}
    return {name: STARTED for name in services if name in named and services[name].get("image")}


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
        tmpfs=(*map(_tmpfs, service.get("tmpfs") or ()), *(_in_memory(v) for v in volumes if v["type"] == "tmpfs")),
        mounts=(
            # One without a name is one of the container's own, which goes with it.
            *(Mount(str(v["target"])) for v in volumes if v["type"] == "volume"),
            *(Mount(str(b["target"]), "bind", str(b["source"]), read_only=True) for b in binds),
            *file_mounts(resolved, service),
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
        ulimits=tuple(ulimits_of(service)),
        sysctls=tuple(pairs(service.get("sysctls")).items()),
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


def _in_memory(volume: Service) -> tuple[str, str]:
    size = (volume.get("tmpfs") or {}).get("size")
    return str(volume["target"]), f"size={size}" if size else ""


def _tmpfs(text: str) -> tuple[str, str]:
    folder, _, options = text.partition(":")
    return folder, options


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
