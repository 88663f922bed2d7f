"""What the pipeline asks of a container engine: the values it passes and the protocol an engine fulfils."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

from msgspec import Struct, field

from imgcompare.engine.options import NO_OPTIONS, BuildOptions, Healthcheck, RunOptions
from imgcompare.model import Build, EngineInfo
from imgcompare.regex import regex

if TYPE_CHECKING:
    from imgcompare.image.overlay2 import LayerStore

LABEL_PREFIX = "io.imgcompare."
RUN_LABEL = LABEL_PREFIX + "run"
VARIANT_LABEL = LABEL_PREFIX + "variant"
GROUP_LABEL = LABEL_PREFIX + "group"
SERVICE_LABEL = LABEL_PREFIX + "service"
STAND_IN_LABEL = LABEL_PREFIX + "stand-in"
LOOPBACK = "127.0.0.1"


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an engine listens (``unix://…``, ``tcp://…``, ``ssh://…``) and what named it: a flag, a variable, a socket.

    ``own`` marks imgcompare's own engine; ``tls`` holds ``ca``, ``cert``, ``key`` paths and ``verify``.
    """

    url: str
    source: str
    own: bool = False
    tls: Mapping[str, str] = field(default_factory=dict)


class BuildContext(Protocol):
    """A build context on this machine, and the Dockerfile that it was opened for."""

    @property
    def root(self) -> Path:
        """The folder, links resolved."""

    @property
    def appended(self) -> tuple[str, bytes]:
        """A file's name in the folder and what is sent after its content."""

    @property
    def name(self) -> str:
        """The file name of the Dockerfile."""

    @property
    def dockerfile_content(self) -> bytes:
        """The Dockerfile."""

    @property
    def ignore_file(self) -> bytes | None:
        """The ignore file that is the Dockerfile's own, None where the root's holds."""

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's name in the tar."""

    @property
    def hides(self) -> bool:
        """Whether the tar holds files that are for the builder alone."""

    def stream(self, *, podman: bool = False) -> Iterator[bytes]:
        """The context as a tar, read now, as Docker or as Podman takes it. Raises UsageError."""


class BuildRequest(Struct, frozen=True, kw_only=True):
    """One image to build, from a context and the Dockerfile that it was opened for.

    ``made`` hears of each image without a tag that the build makes on its way, by its digest or the beginning of it, as
    soon as the builder tells: what a build that is killed leaves has no other name.
    """

    context: BuildContext
    tag: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    no_cache: bool = False
    builder: str = "auto"
    options: BuildOptions = field(default_factory=BuildOptions)
    made: Callable[[str], None] = lambda _image: None


class Built(Struct, frozen=True):
    """A finished build: the engine's name for the image (a digest) and how the build went."""

    image: str
    build: Build


class BuildFailed(Struct, frozen=True):
    """A build that ended without an image: the builder's error, the failed step, and the end of that step's log.

    ``missing_base`` is the base image, if it is that what the builder could not have.
    """

    message: str
    step: str | None
    log: tuple[str, ...]
    build: Build
    missing_base: str | None = None


class EngineImage(Struct, frozen=True, kw_only=True):
    """An image as the engine lists it. ``image`` is the engine's own digest for it: a key, never compared or shown.

    The rest of its config is as the image specification has it: ``user`` is empty for root, ``env`` holds
    ``NAME=value``, ``healthcheck`` is None where nothing is said of it.
    """

    image: str
    os: str
    architecture: str
    diff_ids: tuple[str, ...]
    exposed_ports: tuple[str, ...]
    labels: Mapping[str, str]
    tags: tuple[str, ...] = ()
    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None


class Published(Struct, frozen=True):
    """Where a container's port is published: ``host`` and ``port``; ``socket`` is a Unix socket here that leads there.

    Without one, ``host`` is an address that is reached from here.
    """

    host: str
    port: int
    socket: str = ""


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """One container to run, its route published on ``publish_address``, an IP address of the engine's machine.

    ``container_port`` None publishes nothing.
    ``host_port`` None lets the engine choose. ``memory_limit_bytes`` and ``pids_limit`` bound what the image can take,
    ``cpus`` does where it is not None. ``entrypoint`` is run in the place of what the image says, its CMD left out.
    ``options`` are those of ``docker run``. The other fields harden it; ``tmpfs`` are folders that stay writable, in
    memory.
    """

    name: str
    image: str
    container_port: int | None
    host_port: int | None = None
    publish_address: str = LOOPBACK
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    memory_limit_bytes: int = 1 << 30
    pids_limit: int = 512
    cpus: float | None = None
    entrypoint: tuple[str, ...] = ()
    options: RunOptions = NO_OPTIONS
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()
    drop_capabilities: bool = False
    no_new_privileges: bool = False


class ContainerState(Struct, frozen=True, kw_only=True):
    """A container's state; ``error`` is the engine's text when the container could not be started at all.

    ``health`` is what the engine's own HEALTHCHECK says (``starting``, ``healthy``, ``unhealthy``), "" without one.
    """

    running: bool
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    health: str = ""


class Member(Struct, frozen=True, kw_only=True):
    """A container of a group: what the group calls it, its name, and its image as the engine has it.

    ``settings`` are the image's, its HEALTHCHECK being what the container was given.
    """

    service: str
    name: str
    image: str
    settings: EngineImage


class Stopped(Struct, frozen=True):
    """A container that was told to stop: seconds until it had ended, ``killed`` where it had to be made to."""

    after_s: float
    killed: bool


class Executed(Struct, frozen=True):
    """A command that was run in a container: its exit code, None where it did not end in time, and its last lines."""

    exit_code: int | None
    output: tuple[str, ...] = ()


class Captured(Struct, frozen=True):
    """What a command wrote to standard output, all of it, and its exit code, None where it did not end in time."""

    exit_code: int | None
    output: bytes = b""


class Listener(Struct, frozen=True, order=True):
    """A TCP socket that waits for connections inside a container: its address (``0.0.0.0``, ``::1``) and port."""

    address: str
    port: int


class Log(NamedTuple):
    """The end of a container's log, printable: the lines of both streams, and those of stderr among them."""

    lines: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Container(Protocol):
    """A created container; nothing is read from it without a bound."""

    @property
    def name(self) -> str:
        """The name it was given before it existed."""

    def start(self) -> None:
        """Start it. Raises EngineError; a program that cannot be executed shows in ``state().error`` instead."""

    def published(self) -> Published | None:
        """Where the route is published, once the engine has chosen a port; None where the container has ended."""

    def state(self) -> ContainerState:
        """Its state now."""

    def log(self, lines: int = 200) -> Log:
        """The last lines of its log, at most 64 KiB read. Raises EngineRefusedError where it is gone."""

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """Run a command in it as the engine runs its HEALTHCHECK: same user, environment and folder."""

    def capture(self, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
        """Run a command in it in the same way, and take what it writes to standard output, up to a limit."""

    def stop(self, grace_s: int) -> Stopped:
        """Send its image's stop signal, wait until it has ended, and kill it after ``grace_s`` whole seconds."""

    @property
    def kept(self) -> bool:
        """Whether it stays."""

    def keep(self) -> None:
        """Leave it up when its ``with`` block ends well."""

    def listening(self) -> Sequence[Listener] | None:
        """The TCP sockets that wait for connections inside it, sorted; None where that cannot be seen."""

    def lives(self) -> bool:
        """Whether its first process is seen to live, without asking the engine; False where that cannot be seen."""

    def reached(self) -> bool | None:
        """Whether anybody is connected to its port; None where that cannot be seen, or nothing listens there."""

    def own_names(self) -> Sequence[str]:
        """What it is called where it runs: its host name, the start of its id, its addresses."""

    def head(self, path: str) -> bytes | None:
        """The first 4 KiB of the file at an absolute path, links followed; None where there is no such file."""

    def fill(self, count: int) -> None:
        """Write a file of so many bytes into it, running or ended. Raises EngineError where that cannot be."""

    def memory_bytes(self) -> int | None:
        """Memory in use without the page cache's inactive part (as ``docker stats`` counts), or None if unknown."""


class Removal(Enum):
    """What came of removing an image: ``IN_USE`` is one that a container or another image is made from."""

    REMOVED = auto()
    NOT_THERE = auto()
    IN_USE = auto()


class Engine(Protocol):
    """The engine as the pipeline sees it; safe to call from several threads."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, and what named it."""

    def info(self) -> EngineInfo:
        """Name, version, store and builder of the engine."""

    def identity(self) -> str:
        """A string that stays the same for one engine's data and differs for another's."""

    def image(self, reference: str) -> EngineImage | None:
        """The image of that reference or digest, or None when the engine does not have it."""

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Pull an image with its registry's credentials. Raises BaseImageError."""

    def build(self, request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
        """Build an image; a failed step is a value, a lost engine raises."""

    def container(self, spec: ContainerSpec) -> AbstractContextManager[Container]:
        """Create a container and remove it, by force, on every way out of the ``with`` block."""

    def attach(self, name: str) -> Container:
        """A container that somebody else made, by its name."""

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a network for the containers of a group."""

    def members(self, group: str) -> Sequence[Member]:
        """The containers whose labels say that they are of that group."""

    def remove_group(self, group: str, run_id: str) -> int:
        """Remove the containers, networks and volumes of a group whose labels say that run made them, by force."""

    def layer_store(self) -> LayerStore | None:
        """The engine's own image store, where this process may read its files; else layers come from ``export``."""

    def export(self, images: Sequence[str]) -> Iterator[bytes]:
        """The archive of several images in one stream, layers they share once (``GET /images/get``)."""

    def remove_container(self, name: str, run_id: str) -> bool:
        """Remove the container of that name by force if its label says that run made it; False when there is none."""

    def built_upon(self, image: str, within_s: float) -> tuple[str, ...]:
        """The images without a tag whose parent it is, made at most so long after it; their digests.

        That is what the classic builder still makes of the step under way when its client has gone.
        """

    def remove_image(self, reference: str) -> Removal:
        """Remove a tag, and the image when it was its last, or an image by its digest; says what came of it."""

    def cancel(self) -> None:
        """Stop every build and break off every stream, from any thread; what waits for them then raises EngineError."""

    def close(self) -> None:
        """Close all connections."""


SCHEME = "ssh"


def is_local(endpoint: Endpoint) -> bool:
    """Whether the engine is on this machine: a Unix socket, or TCP to loopback."""
    url = urlsplit(endpoint.url)
    if url.scheme == "unix" or url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def is_elsewhere(endpoint: Endpoint) -> bool:
    """Whether what the engine publishes on its loopback cannot be reached from here: neither directly nor by ssh."""
    return not is_local(endpoint) and urlsplit(endpoint.url).scheme != SCHEME


STAND_IN_TAG = regex(
    r"python:(?P<minor>3\.\d+)(?:\.\d+)?(?P<slim>-slim)?(?:-(?!slim|alpine|windows)(?P<suite>[a-z]+))?"
    r"|debian:(?P<release>[a-z]+|\d+(?:\.\d+)?)(?P<release_slim>-slim)?"
)
"""The official images that a stand-in can be made for."""
