"""BuildKit's trace: the protobuf ``StatusResponse`` messages of a build, gathered into steps, times and logs.

Field numbers: https://github.com/moby/buildkit/blob/master/api/services/control/control.proto; wire format:
https://protobuf.dev/programming-guides/encoding/. All of it is for showing: whether a build succeeded never depends
on it.

A *step* is an instruction that makes a layer or a directory: RUN, COPY, ADD or WORKDIR in a stage that is needed, named
by BuildKit "[stage 2/5] RUN …". FROM is none: stages with the same base share one vertex, and BuildKit marks it cached
in one build and not in the next. Stages that the target does not need have no vertices, and an instruction that was
never begun, because another failed first, is not counted.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct, field

from imgcompare.engine.build.log_tail import LogTail
from imgcompare.engine.transport.protobuf import as_bytes, as_int, fields
from imgcompare.model import Step
from imgcompare.regex import regex
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

# The prefix that dockerfile2llb gives: [PLATFORM STAGE n/m], the first two only where there are several.
_PREFIX = regex(r"\[(?:[^\]]* )? *\d+/\d+\] (?:ONBUILD )?")
_STEP = regex(_PREFIX.pattern + r"(?:RUN|COPY|ADD|WORKDIR)\b")
_CANCELLED = "context canceled"
_NAME_LIMIT = 300
_VERTEX_LIMIT = 5000


class Vertex(Struct):
    """What one message says of a vertex; times are seconds since the epoch by the engine's clock."""

    digest: bytes = b""
    name: str = ""
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


class FailedVertex(Struct, frozen=True):
    """The vertex that made the build fail, its error, and the end of its log."""

    name: str
    error: str
    log: tuple[str, ...]

    @property
    def instruction(self) -> str | None:
        """The name as a step of the Dockerfile (FROM included), or None when it is BuildKit's own business."""
        return self.name if _PREFIX.match(self.name) else None


class Moved(NamedTuple):
    """What a pull or a transfer has moved: its vertex's digest, its name, bytes moved, and in all (0: unknown)."""

    vertex: bytes
    name: bytes
    current: int
    total: int


class _Known(Struct):
    name: str
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""
    # A vertex may be started several times (cache lookups come first); the pieces are added up.
    finished_s: float = 0.0
    log: LogTail = field(default_factory=LogTail)

    @property
    def running(self) -> bool:
        return self.started is not None and self.completed is None


def instruction(step: str) -> str:
    """Return a step's name without its "[stage n/m]"."""
    return _PREFIX.sub("", step, count=1)


class BuildLog:
    """The state of a build as its trace tells it; what cannot be decoded is left out."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}
        self._active: _Known | None = None
        self._moved: dict[bytes, dict[bytes, tuple[int, int]]] = {}

    def feed(self, aux: object) -> None:
        """Take the ``aux`` value of one ``moby.buildkit.trace`` message."""
        if not isinstance(aux, str):
            return
        with suppress(ValueError):
            self.take(base64.b64decode(aux, validate=True))

    def take(self, status: bytes) -> None:
        """Take one ``StatusResponse``; nothing of it where it cannot be decoded."""
        try:
            vertices, moved, logs = decode_status(status)
        except ValueError:
            return
        for digest, name, current, total in moved:
            if digest in self._known and len(of := self._moved.setdefault(digest, {})) < _VERTEX_LIMIT:
                of[name] = (current, total)
        for vertex in vertices:
            self._update(vertex)
        for digest, stream, data in logs:
            if (known := self._known.get(digest)) is not None:
                known.log.write(data, stream)
                self._active = known

    def steps(self) -> tuple[Step, ...]:
        """Return the steps that were begun, stage by stage as BuildKit planned them, each stage's in their order."""
        begun = [each for each in self._known.values() if each.started is not None and _STEP.match(each.name)]
        stages = list(dict.fromkeys(_place(each.name)[0] for each in begun))
        begun.sort(key=lambda each: (stages.index(_place(each.name)[0]), _place(each.name)[1]))
        return tuple(Step(name=each.name, duration_s=each.finished_s, cached=each.cached) for each in begun)

    def failed(self, error: str) -> FailedVertex | None:
        """Return the vertex whose error is the build's ``error``, else the first that failed; None when no vertex did.

        Several can fail at the same time, and others are cancelled because of it: those never are the one.
        """
        failed = [known for known in self._known.values() if known.error and not known.error.endswith(_CANCELLED)]
        failed.sort(key=lambda known: not error.endswith(known.error))
        return next((FailedVertex(known.name, known.error, known.log.lines()) for known in failed), None)

    def current(self) -> str:
        """Return what BuildKit is doing: the vertex heard of last that is running, and its last log line."""
        active = self._active
        if active is None or not active.running:
            active = next((known for known in reversed(self._known.values()) if known.running), None)
        if active is None:
            return ""
        detail = active.log.last_line() or self._transferred(active)
        return f"{active.name} · {detail}" if detail else active.name

    def _transferred(self, active: _Known) -> str:
        """How much a pull or a transfer has moved, of how much where that is known."""
        digest = next((digest for digest, known in self._known.items() if known is active), b"")
        moved = self._moved.get(digest, {}).values()
        current, total = sum(current for current, _ in moved), sum(total for _, total in moved)
        if not current:
            return ""
        return f"{format_bytes(current)} / {format_bytes(total)}" if total > current else format_bytes(current)

    def _update(self, vertex: Vertex) -> None:
        known = self._known.get(vertex.digest)
        if known is None:
            if len(self._known) >= _VERTEX_LIMIT:
                return
            known = self._known[vertex.digest] = _Known(printable(vertex.name, limit=_NAME_LIMIT))
        if vertex.completed is not None and (vertex.started, vertex.completed) != (known.started, known.completed):
            known.finished_s += max(vertex.completed - (vertex.started or vertex.completed), 0.0)
        known.cached, known.started, known.completed = vertex.cached, vertex.started, vertex.completed
        known.error = vertex.error
        if known.running:
            self._active = known
        elif known.completed is not None and not known.error:
            known.log = LogTail()  # only a failed step's log is ever asked for


def decode_status(data: bytes) -> tuple[list[Vertex], list[Moved], list[tuple[bytes, int, bytes]]]:
    """Decode a ``StatusResponse`` into vertices, what pulls and transfers have moved, and logs.

    Of a log: the vertex's digest, the stream (1 stdout, 2 stderr) and bytes. Raises ValueError when malformed.
    """
    vertices: list[Vertex] = []
    moved: list[Moved] = []
    logs: list[tuple[bytes, int, bytes]] = []
    for number, value in fields(data):
        if number == 1:
            vertices.append(_vertex(as_bytes(value)))
        elif number == 2:
            moved.append(_moved(as_bytes(value)))
        elif number == 3:
            parts = dict(fields(as_bytes(value)))
            stream = parts.get(3, 0)
            of = stream if isinstance(stream, int) else 0
            logs.append((as_bytes(parts.get(1, b"")), of, as_bytes(parts.get(4, b""))))
    return vertices, moved, logs


def _moved(data: bytes) -> Moved:
    parts = dict(fields(data))
    name, current, total = as_bytes(parts.get(1, b"")), as_int(parts.get(4, 0)), as_int(parts.get(5, 0))
    return Moved(as_bytes(parts.get(2, b"")), name, current, total)


def _place(name: str) -> tuple[str, int]:
    """A step's stage as its name has it, and its number there."""
    head, _, number = name[1:].partition("/")[0].rpartition(" ")
    return head, int(number) if number.isdecimal() else 0


def _vertex(data: bytes) -> Vertex:
    vertex = Vertex()
    for number, value in fields(data):
        match number:
            case 1:
                vertex.digest = as_bytes(value)
            case 3:
                vertex.name = as_bytes(value).decode("utf-8", "replace")
            case 4:
                vertex.cached = bool(value)
            case 5:
                vertex.started = _timestamp(as_bytes(value))
            case 6:
                vertex.completed = _timestamp(as_bytes(value))
            case 7:
                vertex.error = as_bytes(value).decode("utf-8", "replace")
    return vertex


def _timestamp(data: bytes) -> float:
    parts = dict(fields(data))
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        raise ValueError("a timestamp's fields are integers")
    return seconds + nanos / 1e9
