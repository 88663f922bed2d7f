"""The classic builder, for engines without BuildKit and for Podman: ``POST /build?version=1``.

The answer is the text a terminal would show, cut into JSON messages: "Step 2/5 : RUN …", " ---> Using cache",
" ---> ID" (moby builder/dockerfile/dispatchers.go; Podman writes "STEP 2/5: RUN …" and "--> ID"). What a RUN prints
arrives among them and can look the same, so nothing read here is trusted where it matters: see ``_leftovers``.

Steps are counted as for BuildKit (buildkit_trace.py): RUN, COPY, ADD and WORKDIR, so that both builders give the same
numbers.
"""

from __future__ import annotations

import http
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from imgcompare.engine.build.errors import explain
from imgcompare.engine.build.log_tail import LogTail
from imgcompare.engine.build.request import TAR_HEADERS, Post, parameters, summary
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.engine.transport.json_stream import error_text, messages
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError
from imgcompare.model import Step
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_STEP = regex(r"(?:\[\d+/\d+\] )?step (\d+/\d+) ?: (.*)", re.IGNORECASE | re.DOTALL)
_COUNTED = regex(r"(?:RUN|COPY|ADD|WORKDIR)\b", re.IGNORECASE)
_ARROW = regex(r"-?--> (Using cache ?)?([0-9a-f]{11,64})?")
_TRIGGERS = regex(r"# Executing \d+ build triggers?")
_OTHER = regex(
    r"-?--> (?:Running in|Removed intermediate container) [0-9a-f]+|Removing intermediate container [0-9a-f]+"
    r"|COMMIT\b.*|Successfully tagged .*"
)
_BUILT = regex(r"Successfully built ([0-9a-f]{12,64})")
_BAD_DOCKERFILE = regex(
    r"dockerfile parse error|failed to parse Dockerfile|failed to reach build target|Cannot locate specified Dockerfile"
)
_NAME_LIMIT = 300
_STEP_LIMIT = 5000
_BREAK_OFF_S = 5.0


def build(
    post: Post,
    request: BuildRequest,
    progress: Callable[[str], None],
    *,
    images: Callable[[], Iterable[str]],
    discard: Callable[[str], None],
    podman: bool = False,
) -> Built | BuildFailed:
    """Build with the classic builder, which knows no way to be cancelled but closing the connection.

    ``images`` lists the ids of all images of the engine, intermediate ones too. A build that ends without its image,
    in whatever way, gives the (short) id of each image it left to ``discard``, the newest first: it must remove
    only an image without a tag, and without its parents (``noprune``), for those may be another build's. Whatever
    EngineError ``discard`` raises is passed over.

    Raises EngineLostError when the engine died under the build.
    """
    before = frozenset(images())
    started = time.monotonic()
    log = ClassicLog()
    outcome: Built | BuildFailed | None = None
    try:
        error = _follow(post, request, request.context.stream(podman=podman), log, progress, before)
        build = summary(log.steps(), duration_s=time.monotonic() - started)
        if error is not None:
            name, tail = log.current_step(), log.tail()
            outcome = BuildFailed(explain(error, name, request), name, tail, build)
        elif log.image is None:
            raise EngineLostError("the engine ended the build without an image and without an error")
        else:
            outcome = Built(log.image, build)
    finally:
        if not isinstance(outcome, Built):
            # A build broken off leaves its container running for a moment, and that holds the newest image.
            deadline = time.monotonic() + (_BREAK_OFF_S if outcome is None else 0)
            for image in _leftovers(log.created, before):
                _discard(image, discard, deadline=deadline)
    return outcome


def _discard(image: str, discard: Callable[[str], None], *, deadline: float) -> None:
    """Discard one image as well as can be: a build's own outcome matters more than what could not be removed."""
    while True:
        try:
            discard(image)
        except EngineRefusedError as exc:
            if exc.status == http.HTTPStatus.CONFLICT and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
        except EngineError:
            pass
        return


def _follow(
    post: Post,
    request: BuildRequest,
    tar: Iterator[bytes],
    log: ClassicLog,
    progress: Callable[[str], None],
    before: frozenset[str],
) -> str | None:
    error = None
    shown = ""
    told: set[str] = set()
    try:
        for message in messages(post("/build", parameters(request, version=1), tar, TAR_HEADERS)):
            log.feed(message)
            for image in _leftovers([image for image in log.created if image not in told], before):
                request.made(f"sha256:{image}")
            told |= log.created.keys()
            if (current := log.current()) and current != shown:
                shown = current
                progress(shown)
            error = error_text(message) or error
    except EngineRefusedError as exc:  # the classic builder reads the Dockerfile before it answers
        if not _BAD_DOCKERFILE.match(exc.text):
            raise
        return exc.text
    return error


def _leftovers(created: Collection[str], before: frozenset[str]) -> Iterator[str]:
    """Images that are new, the newest first: a RUN can print any id it likes, so what was there before never counts."""
    for image in reversed(list(created)):
        if not any(known.removeprefix("sha256:").startswith(image) for known in before):
            yield image


class _Step(Struct):
    name: str
    instruction: str
    started: float
    finished: float | None = None
    cached: bool = False
    base: bool = False
    log: LogTail = field(default_factory=LogTail)


class ClassicLog:
    """The state of a classic build as its messages tell it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps: list[_Step] = []
        self._stage_image = ""
        self.image: str | None = None
        self.created: dict[str, None] = {}

    def feed(self, message: dict[str, Any]) -> None:
        """Take one message of the answer."""
        match message:
            case {"aux": {"ID": str(image)}}:
                self._stage_image = image
            case {"stream": str(text)}:
                self._text(text)

    def steps(self) -> tuple[Step, ...]:
        """Return the steps that were begun, as buildkit_trace.py defines a step."""
        now = self._clock()
        return tuple(
            Step(
                name=step.name,
                duration_s=(now if step.finished is None else step.finished) - step.started,
                cached=step.cached,
            )
            for step in self._steps
            if _COUNTED.match(step.instruction)
        )

    def current_step(self) -> str | None:
        """Return the name of the step begun last, of whatever instruction; None before the first."""
        return self._steps[-1].name if self._steps else None

    def current(self) -> str:
        """Return the step begun last and its last log line."""
        if not self._steps:
            return ""
        line = self._steps[-1].log.last_line()
        return f"{self._steps[-1].name} · {line}" if line else self._steps[-1].name

    def tail(self) -> tuple[str, ...]:
        """Return the last log lines of the step begun last."""
        return self._steps[-1].log.lines() if self._steps else ()

    def _text(self, text: str) -> None:
        line = text.strip()
        if (found := _STEP.fullmatch(line)) is not None:
            self._begin(found[1], found[2])
        elif (found := _BUILT.fullmatch(line)) is not None:
            # Each stage's image has an "aux" message; only this line says that the build is finished.
            full = self._stage_image.removeprefix("sha256:").startswith(found[1])
            self.image = self._stage_image if full else found[1]
        elif not self._steps:
            return
        elif (found := _ARROW.fullmatch(line)) is not None:
            self._arrow(cached=found[1] is not None, image=found[2])
        elif _TRIGGERS.fullmatch(line):
            self._steps[-1].base = False
        elif not _OTHER.fullmatch(line):
            self._steps[-1].log.write(text.encode("utf-8", "replace"))

    def _begin(self, position: str, instruction: str) -> None:
        now = self._clock()
        self.image = None
        if self._steps:
            self._steps[-1].finished = now
            self._steps[-1].log = LogTail()
        if len(self._steps) < _STEP_LIMIT:
            name = printable(f"[{position}] {instruction}", limit=_NAME_LIMIT)
            base = instruction.upper().startswith("FROM")
            self._steps.append(_Step(name, instruction[:_NAME_LIMIT], now, base=base))

    def _arrow(self, *, cached: bool, image: str | None) -> None:
        step = self._steps[-1]
        step.cached = step.cached or cached
        if image is not None and not step.cached and not step.base and len(self.created) < _STEP_LIMIT:
            self.created[image] = None
