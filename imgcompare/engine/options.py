"""What a build may be given beside its context and arguments, and a container beside its image, in docker's words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

VARIANT = "{variant}"
"""What stands for a variant's name in the place of a cache."""

HOST_GATEWAY = "host-gateway"
"""What stands for the address of the engine's own machine, as in ``docker run``."""


class Secret(Struct, frozen=True):
    """A secret for ``RUN --mount=type=secret,id=…``; its value is in no representation."""

    id: str
    value: bytes

    def __repr__(self) -> str:
        return f"Secret(id={self.id!r})"


class SshSource(Struct, frozen=True):
    """What ``RUN --mount=type=ssh,id=…`` may use: an agent's socket, or key files, by their paths."""

    id: str
    socket: str = ""
    keys: tuple[str, ...] = ()


class CacheEntry(Struct, frozen=True, kw_only=True):
    """A place where a build's cache is taken from or put: its type (``registry``, ``inline`` …) and its settings."""

    type: str
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether several variants would put their caches into one place, each over the others'."""
        return self.type != "inline" and not any(VARIANT in value for _, value in self.attributes)

    def of(self, variant: str) -> CacheEntry:
        """Return it with the variant's name in its place."""
        return replace(self, attributes=tuple((name, text.replace(VARIANT, variant)) for name, text in self.attributes))

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings by their names."""
        return dict(self.attributes)


class BuildOptions(Struct, frozen=True, kw_only=True):
    """Options of one build. ``contexts`` are further ones by their names: a folder, or ``docker-image://REFERENCE``.

    ``network`` is ``default``, ``none`` or ``host``; ``ulimits`` are ``NAME=SOFT:HARD``. ``add_hosts`` are hosts and
    their addresses, or HOST_GATEWAY for the one under which containers find the engine's machine.
    """

    secrets: tuple[Secret, ...] = ()
    ssh: tuple[SshSource, ...] = ()
    contexts: tuple[tuple[str, str | Path], ...] = ()
    network: str | None = None
    add_hosts: tuple[tuple[str, str], ...] = ()
    shm_size: int | None = None
    ulimits: tuple[str, ...] = ()
    cache_from: tuple[CacheEntry, ...] = ()
    cache_to: tuple[CacheEntry, ...] = ()

    def of(self, variant: str) -> BuildOptions:
        """Return the options for one variant: with its name in the places of its caches."""
        return replace(
            self,
            cache_from=tuple(entry.of(variant) for entry in self.cache_from),
            cache_to=tuple(entry.of(variant) for entry in self.cache_to),
        )

    def without_export(self) -> BuildOptions:
        """Return the options of a build that is of use here alone: its cache goes nowhere."""
        return replace(self, cache_to=())

    @property
    def needing_session(self) -> str:
        """What of it only a session can give, in words; empty where nothing does."""
        named = {
            "secrets": self.secrets,
            "ssh": self.ssh,
            "named contexts": self.contexts,
            "a cache to export": self.cache_to,
            "a cache to import": tuple(each for each in self.cache_from if each.type != "registry"),
        }
        return ", ".join(name for name, given in named.items() if given)


class Healthcheck(Struct, frozen=True, kw_only=True):
    """An image's HEALTHCHECK, with the engine's defaults; ``command`` is empty for ``HEALTHCHECK NONE``.

    A check may take ``timeout_s``. The engine checks every ``interval_s`` and calls the container unhealthy after
    ``retries`` failures in a row, those of the first ``start_period_s`` not counted.
    """

    command: tuple[str, ...]
    timeout_s: float = 30.0
    interval_s: float = 30.0
    start_period_s: float = 0.0
    retries: int = 3


class Mount(Struct, frozen=True):
    """Something at ``target``: a named ``volume``, one of its own (no source), or a ``bind`` of a path."""

    target: str
    kind: str = "volume"
    source: str = ""
    read_only: bool = False


class InnerFile(Struct, frozen=True):
    """A file that a container has before it is started; its content, which may be secret, is in no representation."""

    path: str
    content: bytes
    mode: int = 0o444

    def __repr__(self) -> str:
        return f"InnerFile(path={self.path!r}, mode={self.mode:#o})"


class RunOptions(Struct, frozen=True, kw_only=True):
    """Options of one container, as ``docker run`` has them; None and empty stand for what the image or engine says.

    An ``entrypoint`` leaves the image's CMD out, a ``command`` takes its place. ``tmpfs`` are folders with their
    options. ``network`` is one that exists, in which it goes by ``aliases``, too.
    """

    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    tmpfs: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    memory_bytes: int | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    shm_size: int | None = None
    init: bool = False
    ulimits: tuple[tuple[str, int, int], ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    network: str = ""
    aliases: tuple[str, ...] = ()
    files: tuple[InnerFile, ...] = ()


NO_OPTIONS = RunOptions()
"""A container as its image says."""
