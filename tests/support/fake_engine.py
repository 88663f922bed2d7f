"""A container engine in memory, for tests of what works with engines: it builds, runs, exports and removes.

Its images are real archives, its containers reply over HTTP on loopback. What it cannot do, programs, is told it: an
``App`` for each CMD. ``tests/engine/test_contract.py`` holds it to what a real engine does. Any call can be held,
refused, or made the one that the engine is lost at: so tests put workers in every order and lose engines at every
point.
"""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec.structs import replace

from imgcompare.engine.interface import (
    GROUP_LABEL,
    RUN_LABEL,
    SERVICE_LABEL,
    BuildFailed,
    BuildRequest,
    Built,
    Captured,
    Container,
    ContainerSpec,
    ContainerState,
    Endpoint,
    EngineImage,
    Executed,
    Listener,
    Log,
    Member,
    Published,
    Removal,
    Stopped,
)
from imgcompare.errors import BaseImageError, EngineError, EngineLostError, EngineRefusedError, PortTakenError
from imgcompare.image.overlay2 import LayerStore
from imgcompare.model import EngineInfo
from tests.support.fake_builder import Recipe, Stored, build_stages
from tests.support.images import Make
from tests.support.reports import ENGINE

_PATIENCE_S = 60.0
_MEMORY_BYTES = 20 << 20


@dataclass(frozen=True, kw_only=True)
class App:
    """What the program of an image does: it replies to GET, unless ``exit_code`` ends it or ``error`` keeps it away.

    A ``silent`` one runs and does not listen on ``port``, of an ``unseen`` one nobody can see where, and a ``deaf`` one
    has to be killed. ``commands`` are what can be
    executed in its container.
    """

    port: int = 5000
    body: bytes = b"Hello, Docker!\n"
    status: int = 200
    log: tuple[str, ...] = ()
    exit_code: int | None = None
    error: str = ""
    silent: bool = False
    unseen: bool = False
    deaf: bool = False
    commands: Mapping[tuple[str, ...], Captured] = field(default_factory=dict)


class FakeEngine:
    """An engine whose images, containers and registry are dictionaries; ``apps`` are known by their whole CMD."""

    def __init__(self, apps: Mapping[str, App] | None = None) -> None:
        self.apps = dict(apps or {})
        self.images: dict[str, Stored] = {}
        self.tags: dict[str, str] = {}
        self.registry: dict[str, Stored] = {}
        self.containers: dict[str, FakeContainer] = {}
        self.networks: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, str]] = []
        self.closed = False
        self._cache: set[Recipe] = set()
        self._changed = threading.Condition()
        self._cancelled = self._lost = self._damaged = False
        self._held: list[tuple[str, str]] = []
        self._turns: list[tuple[str, str]] = []
        self._faults: dict[tuple[str, str], Exception] = {}

    # What a test says to it. A subject is a variant's name, or the reference or container that the call is about.

    def add_base(self, reference: str, *, labels: Mapping[str, str] | None = None, **files: bytes) -> None:
        """Put an image of one layer on the engine."""
        make = Make()
        layer = make.tar([(f"base/{name}", content) for name, content in (files or {"file": b"base"}).items()])
        self._store(Stored(layers=(layer,), settings={"Labels": dict(labels or {})}), reference)

    def fail(self, kind: str, subject: str, error: Exception) -> None:
        """Raise an error at that call, each time; EngineLostError is raised by all that follow too."""
        self._faults[kind, subject] = error

    def heal(self) -> None:
        """Answer everything again."""
        with self._changed:
            self._faults, self._held, self._turns = {}, [], []
            self._cancelled = self._lost = False

    def damage_exports(self) -> None:
        """Let what is exported be no archive."""
        self._damaged = True

    def hold(self, kind: str, subject: str) -> None:
        """Keep that call waiting until it is let go, or broken off."""
        self._held.append((kind, subject))

    def let_go(self, kind: str, subject: str) -> None:
        """Let a held call go on."""
        with self._changed:
            self._held.remove((kind, subject))
            self._changed.notify_all()

    def take_turns(self, turns: Sequence[tuple[str, str]]) -> None:
        """Let these calls pass in this order only."""
        self._turns = list(turns)

    def wait_for(self, kind: str, subject: str) -> None:
        """Wait until that call has come."""
        with self._changed:
            came = self._changed.wait_for(lambda: any(_is(kind, subject, call) for call in self.calls), _PATIENCE_S)
            assert came, f"no {kind} of {subject} came: {self.calls}"

    def told(self, kind: str) -> list[str]:
        """The subjects of all calls of a kind, in the order they came."""
        return [subject for name, subject in self.calls if name == kind]

    def shut_down(self) -> None:
        """End what a lost engine could not."""
        for container in list(self.containers.values()):
            container.end(137)

    # The protocol.

    @property
    def endpoint(self) -> Endpoint:
        """Where it would listen."""
        return Endpoint(url="unix:///fake.sock", source="the tests")

    def info(self) -> EngineInfo:
        """What the reports of tests have."""
        self.call("info", "")
        return ENGINE

    def identity(self) -> str:
        """One for each fake."""
        return f"fake-{id(self)}"

    def image(self, reference: str) -> EngineImage | None:
        """The image of that tag or digest."""
        self.call("image", reference)
        found = self._find(reference)
        tags = tuple(sorted(tag for tag, digest in self.tags.items() if found and digest == found.digest))
        return found.listed(tags) if found else None

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Take an image from ``registry``."""
        self.call("pull", reference)
        if reference not in self.registry:
            raise BaseImageError(f"cannot pull {reference}: the registry has it not", hint="Name another one.")
        progress("pulling")
        self._store(self.registry[reference], reference)

    def build(self, request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
        """Build what simple Dockerfiles say."""
        progress("sending the context")
        with tarfile.open(fileobj=io.BytesIO(b"".join(request.context.stream()))) as tar:
            files = {entry.name: _content(tar, entry) for entry in tar if entry.isfile()}
        self.call("build", request.tag)
        with self._changed:
            outcome = build_stages(
                files[request.context.dockerfile].decode(),
                request.target,
                files,
                self._find,
                self._cache if not request.no_cache else set(),
                progress,
            )
            if isinstance(outcome, BuildFailed):
                return outcome
            stored, build, steps = outcome
            self._cache |= steps
        self._store(stored, request.tag)
        return Built(stored.digest, build)

    @contextmanager
    def container(self, spec: ContainerSpec) -> Iterator[Container]:
        """A container that is gone afterwards."""
        self.call("create", spec.name)
        image = self._find(spec.image)
        if image is None:
            raise _no_such_image(spec.image)
        if spec.name in self.containers:
            text = f"The container name {spec.name} is in use"
            raise EngineRefusedError(text, status=409, text=text)
        made = self.containers[spec.name] = FakeContainer(self, spec, image)
        try:
            yield made
        except BaseException as exc:
            try:
                made.remove()
            except EngineError as failure:
                exc.add_note(failure.message)
            raise
        if not made.kept:
            made.remove()

    def attach(self, name: str) -> Container:
        """A container by its name."""
        return self.containers[name]

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        """A network, which is but a name here."""
        self.call("add_network", name)
        self.networks[name] = dict(labels)

    def members(self, group: str) -> Sequence[Member]:
        """The containers that say that they are of a group."""
        self.call("members", group)
        return [
            Member(
                service=made.spec.labels[SERVICE_LABEL],
                name=made.name,
                image=made.spec.image,
                settings=made.image.listed(()),
            )
            for made in self.containers.values()
            if made.spec.labels.get(GROUP_LABEL) == group
        ]

    def remove_group(self, group: str, run_id: str) -> int:
        """Remove what says that it is of a group, and of that run."""
        self.call("remove_group", group, cleanup=True)
        wanted = {GROUP_LABEL: group, RUN_LABEL: run_id}.items()
        made = [each for each in self.containers.values() if wanted <= each.spec.labels.items()]
        for each in made:
            each.remove()
        self.networks = {name: labels for name, labels in self.networks.items() if not wanted <= labels.items()}
        return len(made)

    def layer_store(self) -> LayerStore | None:
        """None: its layers come from the export."""
        return None

    def export(self, images: Sequence[str]) -> Iterator[bytes]:
        """What ``docker save`` would write, in pieces; each piece is a call."""
        found = [self._find(image) for image in images]
        if None in found:
            raise _no_such_image(", ".join(images))
        archive = b"no archive" * 1000 if self._damaged else _saved([image for image in found if image])
        for start in range(0, len(archive), 4096):
            self.call("export", ",".join(images))
            yield archive[start : start + 4096]

    def remove_container(self, name: str, run_id: str) -> bool:
        """Remove the container of that name if that run made it."""
        self.call("remove_container", name, cleanup=True)
        found = self.containers.get(name)
        if found is None or found.spec.labels.get(RUN_LABEL) != run_id:
            return False
        found.remove()
        return True

    def built_upon(self, image: str, within_s: float) -> tuple[str, ...]:
        """Nothing: no build of its goes on without its client."""
        return ()

    def remove_image(self, reference: str) -> Removal:
        """Remove a tag, and the image when that was the last and no container is made from it."""
        self.call("remove_image", reference, cleanup=True)
        found = self._find(reference)
        if found is None:
            return Removal.NOT_THERE
        tags = {tag for tag, digest in self.tags.items() if digest == found.digest}
        removed = tags if reference == found.digest else {_tag(reference)}
        if removed == tags:
            if any(made.image.digest == found.digest for made in self.containers.values()):
                return Removal.IN_USE
            del self.images[found.digest]
        for tag in removed:
            del self.tags[tag]
        return Removal.REMOVED

    def cancel(self) -> None:
        """Break off what waits; only what cleans up is answered from now on."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    # What it is made of.

    def call(self, kind: str, subject: str, *, cleanup: bool = False) -> None:
        """Note a call, let it wait, and raise what it is to raise."""
        with self._changed:
            call = kind, subject
            self.calls.append(call)
            self._changed.notify_all()
            passed = self._changed.wait_for(
                lambda: self._lost or (self._cancelled and not cleanup) or not self._waits(call), _PATIENCE_S
            )
            assert passed, f"{call} was never let go; to come first: {self._turns}"
            if self._lost:
                raise EngineLostError("the engine is gone", hint="Start it again.")
            if self._cancelled and not cleanup:
                raise EngineError("cancelled")
            if self._turns and _is(*self._turns[0], call):
                del self._turns[0]
                self._changed.notify_all()
            for (name, about), error in self._faults.items():
                if _is(name, about, call):
                    self._lost = isinstance(error, EngineLostError)
                    self._changed.notify_all()
                    raise error

    def _waits(self, call: tuple[str, str]) -> bool:
        behind = any(_is(*turn, call) for turn in self._turns[1:]) and not _is(*self._turns[0], call)
        return behind or any(_is(*held, call) for held in self._held)

    def _find(self, reference: str) -> Stored | None:
        return self.images.get(reference) or self.images.get(self.tags.get(_tag(reference), ""))

    def _store(self, image: Stored, reference: str) -> None:
        self.images[image.digest] = image
        self.tags[_tag(reference)] = image.digest


class FakeContainer:
    """A container of the fake: a server on loopback, or an end."""

    def __init__(self, engine: FakeEngine, spec: ContainerSpec, image: Stored) -> None:
        self._forget: Callable[[], object] = partial(engine.containers.pop, spec.name, None)
        self._call = engine.call
        self.spec = spec
        self.image = image
        self._app = engine.apps[" ".join(spec.entrypoint or image.cmd)]
        self._server: ThreadingHTTPServer | None = None
        self._state = ContainerState(running=False)
        self._kept = False

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    def start(self) -> None:
        """Start to reply, or end."""
        self._call("start", self.name)
        app = self._app
        if app.error:
            self._state = ContainerState(running=False, exit_code=127, error=app.error)
        elif app.exit_code is not None:
            self._state = ContainerState(running=False, exit_code=app.exit_code)
        else:
            self._state = ContainerState(running=True)
            self._listen()

    def published(self) -> Published | None:
        """The server's port."""
        self._call("published", self.name)
        published = self._state.running and self.spec.container_port is not None
        return Published("127.0.0.1", self._port) if published else None

    def state(self) -> ContainerState:
        """Its state."""
        self._call("state", self.name)
        return self._state

    def log(self, lines: int = 200) -> Log:
        """The app's log, of which nothing is said where it goes."""
        self._call("log", self.name)
        told = () if self._app.error else tuple(self._app.log[-lines:])
        return Log(told, told)

    def execute(self, command: Sequence[str], timeout_s: float) -> Executed:
        """What the app says of the command."""
        done = self.capture(command, timeout_s, 1 << 16)
        return Executed(done.exit_code, tuple(done.output.decode().splitlines()))

    def capture(self, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
        """What the app says of the command, 127 where it says nothing."""
        self._call("execute", self.name)
        return self._app.commands.get(tuple(command), Captured(127))

    def stop(self, grace_s: int) -> Stopped:
        """End it; the time that one deaf to signals takes is told, not waited for."""
        self._call("stop", self.name)
        self.end(137 if self._app.deaf else 0)
        return Stopped(float(grace_s), killed=True) if self._app.deaf else Stopped(0.1, killed=False)

    @property
    def kept(self) -> bool:
        """Whether it stays."""
        return self._kept

    def keep(self) -> None:
        """Let it stay."""
        self._kept = True

    def listening(self) -> Sequence[Listener] | None:
        """Its app's port, on all addresses; None once it has ended."""
        self._call("listening", self.name)
        if not self._state.running or self._app.unseen:
            return None
        return [] if self._app.silent else [Listener("0.0.0.0", self._app.port)]

    def lives(self) -> bool:
        """It has no process that could be seen."""
        return False

    def reached(self) -> bool | None:
        """It replies to everybody at once, so nobody stays connected; None where nothing listens."""
        self._call("reached", self.name)
        return False if self._answers else None

    def own_names(self) -> Sequence[str]:
        """Its name is its host name."""
        self._call("own names", self.name)
        return (self.name,)

    def head(self, path: str) -> bytes | None:
        """The first 4 KiB of a file of its image."""
        self._call("head", self.name)
        content = self.image.file(path)
        return None if content is None else content[:4096]

    def fill(self, count: int) -> None:
        """Nothing to see."""
        self._call("fill", self.name)

    def memory_bytes(self) -> int | None:
        """Always the same, while it runs."""
        self._call("memory", self.name)
        return _MEMORY_BYTES if self._state.running else None

    def remove(self) -> None:
        """Make it go away."""
        self._call("remove", self.name, cleanup=True)
        self.end(137)
        self._forget()

    @property
    def _answers(self) -> bool:
        return not self._app.silent and self.spec.container_port == self._app.port

    def _listen(self) -> None:
        app, port = self._app, self.spec.host_port or 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(app.status)
                self.send_header("Content-Length", str(len(app.body)))
                self.end_headers()
                self.wfile.write(app.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler, bind_and_activate=False)
        try:
            server.server_bind()
        except OSError as exc:
            server.server_close()
            raise PortTakenError(f"host port {port} is taken by something else", hint="Free it.") from exc
        self._server, self._port = server, server.server_port
        if self._answers:
            server.server_activate()
            threading.Thread(target=lambda: server.serve_forever(0.005), daemon=True).start()

    def end(self, exit_code: int) -> None:
        """End its program, if it still runs."""
        if self._server is not None:
            if self._answers:
                self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._state.running:
            self._state = replace(self._state, running=False, exit_code=exit_code)


def _is(kind: str, subject: str, call: tuple[str, str]) -> bool:
    """Whether a call is of that kind and about that subject: itself, what belongs to a variant of the name, or any."""
    return call[0] == kind and (subject in {"", call[1]} or call[1].endswith((f":{subject}", f"-{subject}")))


def _no_such_image(reference: str) -> EngineRefusedError:
    text = f"No such image: {reference}"
    return EngineRefusedError(text, status=404, text=text)


def _tag(reference: str) -> str:
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    assert file is not None
    return file.read()


def _saved(images: Sequence[Stored]) -> bytes:
    make = Make()
    blobs: dict[str, bytes] = {}
    manifest = []
    for image in images:
        paths = [path for path, _ in make.blobs(image.config, *image.layers)]
        blobs |= zip(paths, (image.config, *image.layers), strict=True)
        manifest.append({"Config": paths[0], "RepoTags": None, "Layers": paths[1:]})
    return make.tar([*blobs.items(), ("manifest.json", json.dumps(manifest).encode())])
