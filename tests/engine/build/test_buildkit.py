"""BuildKit builds against recorded answers of engine 20.10."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.buildkit import build
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError, NoBuildKitError
from tests.support.builds import no_context

STREAMS = Path(__file__).parent / "streams"
# Engine 26.1 with the containerd store, in a network without a resolver and without a proxy.
UNREACHABLE_CONTEXT = (
    rb'{"errorDetail":{"message":"failed to read downloaded context: failed to load cache key: '
    rb'Get \"http://build-context-1\": %s"}}'
)
REQUEST = BuildRequest(context=no_context(), tag="x:1")


class Recorded:
    """A ``post`` that gives a recorded answer and remembers what was sent."""

    def __init__(self, answer: bytes, chunk: int = 1000, *, error: Exception | None = None) -> None:
        self.answer, self.chunk, self.error = answer, chunk, error
        self.sent: list[tuple[str, Mapping[str, str], bytes, Mapping[str, str]]] = []

    def __call__(
        self, path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Send the answer."""
        self.sent.append((path, params, b"".join(body), headers))
        for begin in range(0, len(self.answer), self.chunk):
            yield self.answer[begin : begin + self.chunk]
        if self.error is not None:
            raise self.error


def silent(text: str) -> None:
    """Progress that nobody watches."""


def recorded(name: str) -> bytes:
    """A recorded answer."""
    return (STREAMS / f"{name}.jsonl").read_bytes()


def failed(name: str) -> BuildFailed:
    """The result of a recorded build that failed."""
    result = build(Recorded(recorded(name)), REQUEST, silent, build_id="b1")
    assert isinstance(result, BuildFailed)
    return result


def test_a_build_gives_the_image_its_steps_and_its_progress() -> None:
    """The id the engine reports, counts as the trace tells them, and each change of what is going on, once."""
    post = Recorded(recorded("buildkit-first"))
    progress: list[str] = []
    result = build(post, REQUEST, progress.append, build_id="b1")
    assert isinstance(result, Built)
    assert result.image == "sha256:c7e6a357f6eed6fa6adb9d7b931800eb4a8fc28a89cb2d40aa510620653d874a"
    assert (result.build.step_count, result.build.cached_step_count) == (5, 0)
    assert len(result.build.steps) == 5
    assert "[builder 4/4] RUN echo one; echo two >&2; cat a.txt > b.txt · one" in progress
    assert all(before != after for before, after in itertools.pairwise(progress))
    path, params, body, headers = post.sent[0]
    assert (path, params["version"], params["buildid"], body) == ("/build", "2", "b1", b"the tar")
    assert headers == {"Content-Type": "application/x-tar"}


def test_a_cached_build_counts_its_cached_steps() -> None:
    """Everything cached is five of five."""
    result = build(Recorded(recorded("buildkit-cached")), REQUEST, silent, build_id="b1")
    assert isinstance(result, Built)
    assert (result.build.step_count, result.build.cached_step_count) == (5, 5)


def test_a_failed_step_comes_with_its_log() -> None:
    """Instruction, exit code and the end of its output: all that is needed to mend it."""
    result = failed("buildkit-failed")
    assert result.message == ('RUN for i in 1 2 3; do echo "line $i"; done; echo "boom" >&2; exit 3 exited with code 3')
    assert result.step == '[builder 2/2] RUN for i in 1 2 3; do echo "line $i"; done; echo "boom" >&2; exit 3'
    assert result.log == ("line 1", "line 2", "line 3", "boom")
    assert result.build.step_count == 2


def test_a_missing_file_names_its_instruction() -> None:
    """COPY of a file that is not in the context."""
    result = failed("buildkit-missing")
    assert result.message == 'COPY nothere.txt /x: "/nothere.txt" not found'
    assert result.step == "[2/2] COPY nothere.txt /x"


def test_a_dockerfile_that_cannot_be_read_has_no_step() -> None:
    """A parse error is said with its line; no step is blamed."""
    result = failed("buildkit-heredoc")
    assert (result.message, result.step) == ("Dockerfile line 3: unknown instruction: ECHO", None)


def test_a_frontend_that_cannot_be_pulled_is_explained() -> None:
    """The "# syntax=" line is named as the cause."""
    result = failed("buildkit-frontend")
    assert result.message.startswith('the frontend localhost:1/frontend:1 named by "# syntax=" cannot be pulled')
    assert result.step is None


def test_a_cancelled_build_is_no_failure_of_the_variant() -> None:
    """What was cancelled raises, so that nobody takes it for a broken Dockerfile."""
    for answer in (recorded("buildkit-cancelled"), UNREACHABLE_CONTEXT % b"context canceled"):
        with pytest.raises(EngineError, match="was cancelled"):
            build(Recorded(answer), REQUEST, silent, build_id="b1")


def test_an_answer_that_ends_early_is_a_lost_engine() -> None:
    """Neither an image nor an error: the engine ended; success is never guessed, failure neither."""
    lines = recorded("buildkit-first").splitlines(keepends=True)
    with pytest.raises(EngineLostError, match="without an image"):
        build(Recorded(b"".join(lines[:10])), REQUEST, silent, build_id="b1")
    with pytest.raises(EngineLostError, match="middle"):
        build(Recorded(b"".join(lines)[:500]), REQUEST, silent, build_id="b1")


def test_a_connection_that_breaks_stays_a_lost_engine() -> None:
    """What ``post`` raises within the answer comes out as it is."""
    lines = recorded("buildkit-first").splitlines(keepends=True)
    with pytest.raises(EngineLostError, match="reset"):
        build(Recorded(b"".join(lines[:10]), error=EngineLostError("reset")), REQUEST, silent, build_id="b1")


def test_an_error_after_the_image_is_a_failure() -> None:
    """An image that could not be tagged is no success."""
    answer = b'{"id":"moby.image.id","aux":{"ID":"sha256:1"}}\n{"errorDetail":{"message":"no space left on device"}}\n'
    result = build(Recorded(answer), REQUEST, silent, build_id="b1")
    assert isinstance(result, BuildFailed)
    assert result.message == "no space left on device"


@pytest.mark.parametrize(
    "post",
    [
        Recorded(recorded("buildkit-unreadable-context")),
        Recorded(UNREACHABLE_CONTEXT % b"dial tcp: lookup build-context-1 on 192.0.2.1:53: no such host"),
        Recorded(b'{"stream":"STEP 1/2: FROM scratch\\n"}\n'),
        Recorded(b"", error=EngineRefusedError("no", status=500, text='invalid version "2"')),
    ],
)
def test_an_engine_without_buildkit_is_told_apart(post: Recorded) -> None:
    """Every way in which engines do not build with BuildKit is known, and none looks like a failed build."""
    with pytest.raises(NoBuildKitError) as caught:
        build(post, REQUEST, silent, build_id="b1")
    assert caught.value.hint


def test_another_refusal_stays_what_it_is() -> None:
    """A tag the engine does not take is not a missing BuildKit."""
    refusal = EngineRefusedError("no", status=500, text="invalid reference format")
    with pytest.raises(EngineRefusedError):
        build(Recorded(b"", error=refusal), REQUEST, silent, build_id="b1")


@given(st.sampled_from(["buildkit-first", "buildkit-failed"]), st.integers(1, 5000))
def test_chunk_boundaries_never_matter(name: str, chunk: int) -> None:
    """However the connection cuts the answer, the result is the same."""
    one, other = (build(Recorded(recorded(name), size), REQUEST, silent, build_id="b") for size in (chunk, 10**6))
    assert type(one) is type(other)
    assert one.build.steps == other.build.steps


@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_arbitrary_answers_end_in_a_result_or_our_error(noise: bytes, position: int) -> None:
    """Noise anywhere in an answer never becomes a traceback."""
    answer = recorded("buildkit-first")
    with contextlib.suppress(EngineError):
        build(Recorded(answer[:position] + noise + answer[position:]), REQUEST, silent, build_id="b1")
