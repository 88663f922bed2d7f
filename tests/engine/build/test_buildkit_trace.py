"""BuildKit's trace, decoded from recorded builds of engine 20.10."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.buildkit_trace import BuildLog, Vertex, decode_status, instruction

STREAMS = Path(__file__).parent / "streams"


def log_of(name: str, count: int | None = None) -> BuildLog:
    """The state after the first ``count`` messages of a recorded build."""
    log = BuildLog()
    for line in (STREAMS / f"{name}.jsonl").read_text().splitlines()[:count]:
        message = json.loads(line)
        if message.get("id") == "moby.buildkit.trace":
            log.feed(message["aux"])
    return log


def field(number: int, value: bytes | int) -> bytes:
    """One protobuf field; all numbers here are below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def aux(*fields: bytes) -> str:
    """A message's aux value."""
    return base64.b64encode(b"".join(fields)).decode()


def vertex(digest: bytes, name: bytes, *more: bytes) -> bytes:
    """One vertex of a status response."""
    return field(1, field(1, digest) + field(3, name) + b"".join(more))


def test_steps_are_the_instructions_that_were_needed_without_from() -> None:
    """A multi-stage build counts the instructions of both stages, none of FROM, none of a stage nobody needs."""
    steps = log_of("buildkit-first").steps()
    assert [(step.name, step.cached) for step in steps] == [
        ("[builder 2/4] WORKDIR /src", False),
        ("[builder 3/4] COPY a.txt .", False),
        ("[builder 4/4] RUN echo one; echo two >&2; cat a.txt > b.txt", False),
        ("[stage-2 2/3] COPY --from=builder /src/b.txt /b.txt", False),
        ('[stage-2 3/3] RUN sleep 0.2; echo "last 1"', False),
    ]
    assert 0.4 < steps[-1].duration_s < 0.6


def test_the_second_build_is_cached_to_the_last_step() -> None:
    """A build with nothing to do shows every step, each cached and without a duration."""
    steps = log_of("buildkit-cached").steps()
    assert len(steps) == 5
    assert all(step.cached for step in steps)
    assert sum(step.duration_s for step in steps) < 0.01


def test_the_failing_step_is_told_from_those_cancelled_because_of_it() -> None:
    """Of two stages running at once the one that failed is named, with its own log and not the other's."""
    log = log_of("buildkit-failed")
    failed = log.failed("")
    assert failed is not None
    assert failed.instruction == failed.name
    assert failed.name.startswith("[builder 2/2] RUN for i in 1 2 3")
    assert failed.error.endswith("exit code: 3")
    assert failed.log == ("line 1", "line 2", "line 3", "boom")
    assert [step.name for step in log.steps()] == ["[stage-1 2/3] RUN sleep 3", failed.name]


def test_a_failure_outside_the_dockerfile_has_no_instruction() -> None:
    """A vertex of BuildKit's own is not shown as a step."""
    failed = log_of("buildkit-frontend").failed("")
    assert failed is not None
    assert failed.name == "resolve image config for localhost:1/frontend:1"
    assert failed.instruction is None


def test_a_cancelled_build_has_no_failed_step() -> None:
    """Cancelling is nobody's failure."""
    assert log_of("buildkit-cancelled").failed("") is None


def test_current_names_what_runs_and_its_last_log_line() -> None:
    """Progress shows the running step with its newest output, then nothing when all is finished."""
    lines = len((STREAMS / "buildkit-cancelled.jsonl").read_text().splitlines())
    running = log_of("buildkit-cancelled", lines - 2).current()
    assert running == "[2/2] RUN for i in $(seq 100); do echo tick $i; sleep 0.1; done · tick 20"
    assert log_of("buildkit-cancelled").current() == ""


def test_current_falls_back_to_another_running_step() -> None:
    """When the step heard of last is finished, one that still runs is shown."""
    log = BuildLog()
    start, end = field(5, field(1, 10)), field(6, field(1, 13))
    log.feed(aux(vertex(b"a", b"[1/2] RUN a", start), vertex(b"b", b"[2/2] RUN b", start)))
    assert log.current() == "[2/2] RUN b"
    log.feed(aux(vertex(b"b", b"[2/2] RUN b", start, end)))
    assert log.current() == "[1/2] RUN a"


def test_a_vertex_begun_twice_adds_up() -> None:
    """A cache lookup before the real work does not hide the work's time, and a message repeated does not double it."""
    log = BuildLog()
    name = (b"a", b"[2/2] RUN a")
    log.feed(aux(vertex(*name, field(5, field(1, 1)), field(6, field(1, 2)))))
    log.feed(aux(vertex(*name, field(5, field(1, 3)))))
    for _ in range(2):
        log.feed(aux(vertex(*name, field(5, field(1, 3)), field(6, field(1, 7)))))
    assert [step.duration_s for step in log.steps()] == [5.0]


def test_names_of_platforms_padding_and_triggers_are_steps() -> None:
    """Every form of BuildKit's prefix is known; its internal vertices are not taken for steps."""
    names = [
        b"[linux/arm64 build  2/12] RUN make",
        b"[linux/amd64->arm64 build 3/12] COPY . .",
        b"[ 4/12] ONBUILD RUN x",
        b"[stage-1 5/12] ADD https://example.org/x /",
        b"[internal] load metadata for docker.io/library/python:3.11-slim",
        b"[build 1/12] FROM docker.io/library/python:3.11-slim",
        b"exporting to image",
        b"https://example.org/x",
    ]
    log = BuildLog()
    for number, name in enumerate(names):
        log.feed(aux(vertex(bytes([65 + number]), name, field(5, field(1, 1)))))
    assert [instruction(step.name) for step in log.steps()] == [
        "RUN make",
        "COPY . .",
        "RUN x",
        "ADD https://example.org/x /",
    ]


def test_names_and_logs_are_printable() -> None:
    """Escape sequences of an image's own output never reach the terminal."""
    log = BuildLog()
    log.feed(aux(vertex(b"a", b"[1/1] RUN \x1b[2Jx", field(5, field(1, 1)), field(7, b"bad"))))
    log.feed(aux(field(3, field(1, b"a") + field(4, b"\x1b[31mred\x1b[0m\n\n"))))
    failed = log.failed("")
    assert failed is not None
    assert (failed.name, failed.log) == ("[1/1] RUN x", ("red",))


def test_decode_reads_the_fields_of_the_specification() -> None:
    """All is read by its field numbers; unknown fields and wire types in use are passed over."""
    unknown = bytes([9 << 3 | 1]) + bytes(8) + bytes([9 << 3 | 5]) + bytes(4)
    data = vertex(b"d", b"n", field(2, b"in"), field(4, 1), field(5, field(2, 100)), unknown)
    moved = field(2, field(1, b"in") + field(2, b"d") + field(4, 3) + field(5, 100))
    assert decode_status(data + moved + unknown) == (
        [Vertex(digest=b"d", name="n", cached=True, started=1e-7)],
        [(b"d", b"in", 3, 100)],
        [],
    )


@given(st.binary())
def test_arbitrary_bytes_are_decoded_or_refused(data: bytes) -> None:
    """Whatever bytes come, decoding raises nothing but ValueError, and a build log nothing at all."""
    with contextlib.suppress(ValueError):
        decode_status(data)
    log = BuildLog()
    log.feed(base64.b64encode(data).decode())
    log.steps(), log.failed(""), log.current()


@given(st.data())
def test_damaged_traces_never_raise(data: st.DataObject) -> None:
    """A real trace with bytes flipped, cut or replaced by other JSON values costs nothing but its own step."""
    log = BuildLog()
    for line in (STREAMS / "buildkit-failed.jsonl").read_text().splitlines()[:-1]:
        raw = bytearray(base64.b64decode(json.loads(line)["aux"]))
        position = data.draw(st.integers(0, len(raw) - 1))
        raw[position] = data.draw(st.integers(0, 255))
        log.feed(base64.b64encode(raw[: data.draw(st.integers(0, len(raw)))]).decode())
    log.feed(data.draw(st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=2)))
    log.steps(), log.failed(""), log.current()
