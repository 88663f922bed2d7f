"""Classic builds against recorded answers of engine 20.10, and Podman's dialect."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.engine.build.classic import ClassicLog, build
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError
from tests.support.builds import no_context

STREAMS = Path(__file__).parent / "streams"
REQUEST = BuildRequest(context=no_context(), tag="x:1")
BASE = "sha256:3a54042e44a6" + "0" * 52


def recorded(name: str) -> bytes:
    """A recorded answer."""
    return (STREAMS / f"{name}.jsonl").read_bytes()


def texts(*lines: str) -> bytes:
    """An answer of those texts."""
    return b"".join(json.dumps({"stream": line}).encode() + b"\n" for line in lines)


def run(
    answer: bytes, *, before: tuple[str, ...] = (BASE,), error: Exception | None = None
) -> tuple[Built | BuildFailed | Exception, list[str], list[str]]:
    """Build against a recorded answer: the outcome, what was discarded, and the progress."""
    discarded: list[str] = []
    progress: list[str] = []

    def post(
        path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        assert (path, params["version"], b"".join(body)) == ("/build", "1", b"the tar")
        yield answer
        if error is not None:
            raise error

    outcome: Built | BuildFailed | Exception
    try:
        outcome = build(post, REQUEST, progress.append, images=lambda: before, discard=discarded.append)
    except EngineError as exc:
        outcome = exc
    return outcome, discarded, progress


def test_a_build_counts_the_steps_buildkit_would_count() -> None:
    """Only RUN, COPY, ADD and WORKDIR are steps (the unneeded stage runs here, too), and nothing is discarded."""
    outcome, discarded, progress = run(recorded("classic-first"))
    assert isinstance(outcome, Built)
    assert outcome.image.startswith("sha256:")
    assert [step.name for step in outcome.build.steps] == [
        "[2/12] WORKDIR /src",
        "[3/12] COPY a.txt .",
        "[4/12] RUN echo one; echo two >&2; cat a.txt > b.txt",
        "[6/12] RUN echo never",
        "[10/12] COPY --from=builder /src/b.txt /b.txt",
        '[11/12] RUN sleep 0.2; echo "last $X"',
    ]
    assert outcome.build.cached_step_count == 0
    assert discarded == []
    assert "[4/12] RUN echo one; echo two >&2; cat a.txt > b.txt · one" in progress
    assert progress[-1] == '[12/12] CMD ["true"]'


def test_the_second_build_is_cached() -> None:
    """Each step that used the cache is counted as such."""
    outcome, _, _ = run(recorded("classic-cached"))
    assert isinstance(outcome, Built)
    assert (outcome.build.step_count, outcome.build.cached_step_count) == (6, 6)


def test_a_failed_build_gives_up_what_it_left_newest_first() -> None:
    """The images of the steps before the failing one go, children before parents; the base stays."""
    outcome, discarded, _ = run(recorded("classic-failed"))
    assert isinstance(outcome, BuildFailed)
    assert outcome.message == "RUN echo out; echo err >&2; exit 3 exited with code 3"
    assert outcome.step == "[4/4] RUN echo out; echo err >&2; exit 3"
    assert outcome.log == ("out", "err")
    assert discarded == ["ff0b6e0baf74", "dc4d1d9fea5f"]


def test_each_image_is_told_as_it_is_made() -> None:
    """Those of the build's own steps, once: should the build be killed, nothing else knows them."""
    told: list[str] = []

    def post(
        path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        yield recorded("classic-failed")

    build(post, replace(REQUEST, made=told.append), lambda _: None, images=lambda: (BASE,), discard=lambda _: None)
    assert told == ["sha256:dc4d1d9fea5f", "sha256:ff0b6e0baf74"]


def test_an_image_that_was_there_before_is_never_discarded() -> None:
    """Cached steps are somebody's cache, and a RUN that prints an id like the builder does not get it removed."""
    victim = "0123456789ab"
    outcome, discarded, _ = run(
        texts("Step 1/4 : FROM a", "\n", f" ---> {BASE[7:19]}\n", "Step 2/4 : RUN b", " ---> Using cache\n")
        + texts(" ---> bbbbbbbbbbbb\n", "Step 3/4 : RUN c", " ---> Running in cccccccccccc\n")
        + texts(f" ---> {victim}\n", " ---> dddddddddddd\n", "Step 4/4 : RUN e")
        + b'{"error":"no"}\n',
        before=(BASE, f"sha256:{victim}{'0' * 52}"),
    )
    assert isinstance(outcome, BuildFailed)
    assert discarded == ["dddddddddddd"]


def test_a_base_pulled_during_the_build_stays() -> None:
    """An image that FROM names is never a leftover, even if it is new."""
    _, discarded, _ = run(texts("Step 1/2 : FROM a", " ---> aaaaaaaaaaaa\n", "Step 2/2 : RUN b"), before=())
    assert discarded == []


def test_what_a_build_trigger_made_is_a_leftover() -> None:
    """After ONBUILD triggers the id below FROM is the triggers' image, not the base."""
    _, discarded, _ = run(
        texts("Step 1/2 : FROM a", "# Executing 2 build triggers\n", " ---> Running in bbbbbbbbbbbb\n")
        + texts(" ---> aaaaaaaaaaaa\n", "Step 2/2 : RUN b")
    )
    assert discarded == ["aaaaaaaaaaaa"]


def test_an_engine_that_dies_is_lost_and_its_leftovers_are_tried() -> None:
    """A broken connection stays an EngineLostError, also when discarding fails because of it."""
    outcome, discarded, _ = run(texts("Step 1/2 : RUN a", " ---> aaaaaaaaaaaa\n"), error=EngineLostError("reset"))
    assert isinstance(outcome, EngineLostError)
    assert discarded == ["aaaaaaaaaaaa"]


def test_discarding_that_fails_does_not_hide_the_outcome() -> None:
    """An image that somebody else uses by now stays, the others go, and the failed build is still reported."""
    asked: list[str] = []

    def discard(image: str) -> None:
        asked.append(image)
        raise EngineRefusedError("in use", status=409, text="in use")

    def post(
        path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        yield recorded("classic-failed")

    outcome = build(post, REQUEST, asked.append, images=lambda: (BASE,), discard=discard)
    assert isinstance(outcome, BuildFailed)
    assert asked[-2:] == ["ff0b6e0baf74", "dc4d1d9fea5f"]


def test_a_stage_image_is_no_success() -> None:
    """An answer that ends after the first stage's image is a lost engine, not that image."""
    answer = recorded("classic-first").splitlines(keepends=True)
    assert b"aux" in b"".join(answer[:20])
    outcome, _, _ = run(b"".join(answer[:20]))
    assert isinstance(outcome, EngineLostError)


def test_output_that_looks_like_success_is_not_believed() -> None:
    """A RUN that prints "Successfully built" does not name the image: what the builder says last does."""
    fake, real = "a" * 12, "b" * 12
    outcome, _, _ = run(texts("Step 1/1 : RUN x", f"Successfully built {fake}\n", f"Successfully built {real}\n"))
    assert isinstance(outcome, Built)
    assert outcome.image == real


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dockerfile parse error line 2: unknown instruction: RUNN", "Dockerfile line 2: unknown instruction: RUNN"),
        ("failed to parse Dockerfile: file with no instructions", "file with no instructions"),
        ("failed to reach build target x in Dockerfile", "failed to reach build target x in Dockerfile"),
    ],
)
def test_a_dockerfile_refused_at_once_is_a_failed_build(text: str, message: str) -> None:
    """The classic builder answers a bad Dockerfile with an HTTP error: a failure of the variant, as with BuildKit."""
    outcome, _, _ = run(b"", error=EngineRefusedError("no", status=400, text=text))
    assert isinstance(outcome, BuildFailed)
    assert (outcome.message, outcome.step, outcome.build.step_count) == (message, None, 0)


def test_another_refusal_stays_what_it_is() -> None:
    """A request the engine does not take is no failure of the Dockerfile."""
    outcome, _, _ = run(b"", error=EngineRefusedError("no", status=500, text="invalid reference format"))
    assert isinstance(outcome, EngineRefusedError)


def test_podmans_dialect_is_read() -> None:
    """Podman's upper-case steps, its arrows and its full id are understood."""
    full = "f" * 64
    outcome, _, _ = run(
        texts("[1/2] STEP 1/2: FROM a AS b\n", "[1/2] STEP 2/2: RUN x\n", "--> Using cache " + "a" * 64 + "\n")
        + texts("--> aaaaaaaaaaa\n", "[2/2] STEP 1/2: FROM c\n", "[2/2] STEP 2/2: COPY d /\n", "[2/2] COMMIT x:1\n")
        + texts("--> ffffffffffff\n", full + "\n")
        + b'{"aux":{"ID":"sha256:%s"}}\n' % full.encode()
        + texts(f"Successfully built {full[:12]}\n", "Successfully tagged x:1\n")
    )
    assert isinstance(outcome, Built)
    assert outcome.image == f"sha256:{full}"
    assert [(step.name, step.cached) for step in outcome.build.steps] == [
        ("[2/2] RUN x", True),
        ("[2/2] COPY d /", False),
    ]


def test_steps_last_until_the_next_one_begins() -> None:
    """A step's time is from its announcement to the next one's."""
    ticks = itertools.count()
    log = ClassicLog(clock=lambda: float(next(ticks)))
    for text in ("Step 1/3 : RUN a", "Step 2/3 : ENV b=1", "Step 3/3 : RUN c"):
        log.feed({"stream": text})
    assert [step.duration_s for step in log.steps()] == [1.0, 1.0]


@given(st.lists(st.text() | st.sampled_from(["Step 1/2 : RUN x", " ---> aaaaaaaaaaaa\n", "Successfully built x"])))
def test_arbitrary_texts_never_raise(lines: list[str]) -> None:
    """Whatever a RUN prints, it is at most taken for log."""
    outcome, _, _ = run(texts(*lines))
    assert isinstance(outcome, (Built, EngineLostError))
