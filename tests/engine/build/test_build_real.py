"""Builds on a real engine, with both builders."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from msgspec.structs import replace

from imgcompare.engine.build import buildkit, classic, solve
from imgcompare.engine.build.choose import Builders, build_image, supports_buildkit
from imgcompare.engine.build.registry_auth import Credentials
from imgcompare.engine.build.session import OpenHttp2, Session, Sessions
from imgcompare.engine.client.api import Api
from imgcompare.engine.client.engine import connect
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built, Endpoint
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError
from tests.support.builds import written_context

BASE = "python:3.11-slim"


class WatchedSessions(Sessions):
    """Sessions that remember those that were begun."""

    def __init__(self, open_http2: OpenHttp2, credentials: Credentials) -> None:
        super().__init__(open_http2, credentials)
        self.begun: list[Session] = []

    @contextmanager
    def lease(self, request: BuildRequest) -> Iterator[tuple[Session, str]]:
        """Remember the session."""
        with super().lease(request) as (session, dockerfile):
            if session not in self.begun:
                self.begun.append(session)
            yield session, dockerfile


class Bench:
    """A real engine, and every tag made on it by one test; images that lose their tag need ``label``."""

    def __init__(self, url: str, folder: Path) -> None:
        self.path = url.removeprefix("unix://")
        self.folder = folder
        endpoint = Endpoint(url=url, source="test")
        self.api = Api(endpoint, lambda: connect(endpoint), timeout_s=60)
        self.sessions = WatchedSessions(self.api.http2, lambda _: ("", ""))
        self.tags: list[str] = []
        self.discarded: list[str] = []
        self.label = f"imgcompare-test-{uuid.uuid4().hex}"

    def post(
        self, path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Post over the socket, in the way buildapi.Post describes."""
        connection = self.connection = UnixHTTPConnection(self.path, timeout=120)
        try:
            connection.request("POST", f"{path}?{urlencode(params)}", body=body, headers=dict(headers))
            response = connection.getresponse()
            if response.status >= 400:
                text = json.loads(response.read())["message"]
                raise EngineRefusedError(text, status=response.status, text=text)
            while chunk := response.read1(65536):
                yield chunk
        except (OSError, http.client.HTTPException) as exc:
            raise EngineLostError(str(exc)) from exc
        finally:
            connection.close()

    def cut(self) -> None:
        """Cut the connection that posted last."""
        self.connection.sock.shutdown(socket.SHUT_RDWR)

    def ask(self, method: str, path: str) -> Any:
        """The JSON of an answer."""
        connection = UnixHTTPConnection(self.path, timeout=60)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer = json.loads(response.read() or "null")
            if response.status >= 400:
                raise EngineRefusedError(answer["message"], status=response.status, text=answer["message"])
            return answer
        finally:
            connection.close()

    def images(self) -> list[str]:
        """The ids of all images."""
        return [image["Id"] for image in self.ask("GET", "/images/json?all=1")]

    def discard(self, image: str) -> None:
        """Remove an untagged image, its parents not."""
        self.discarded.append(image)
        if not self.ask("GET", f"/images/{image}/json").get("RepoTags"):
            self.ask("DELETE", f"/images/{image}?noprune=1")

    def left(self) -> list[str]:
        """What was to be discarded and is still there."""
        images = self.images()
        return [image for image in self.discarded if any(found.startswith(f"sha256:{image}") for found in images)]

    def request(self, dockerfile: str, *, files: Mapping[str, bytes] | None = None) -> BuildRequest:
        """A build of that Dockerfile under a tag of its own."""
        tag = f"imgcompare-test/{uuid.uuid4().hex}:1"
        self.tags.append(tag)
        folder = self.folder / uuid.uuid4().hex
        return BuildRequest(context=written_context(folder, {"Dockerfile": dockerfile, **(files or {})}), tag=tag)

    def grpc(self, request: BuildRequest, progress: Callable[[str], None] | None = None) -> Built | BuildFailed:
        """Build with BuildKit over gRPC."""
        return solve.build(self.api.http2, self.sessions, request, progress or silent)

    def http(self, request: BuildRequest) -> Built | BuildFailed:
        """Build with BuildKit over the HTTP API."""
        return buildkit.build(self.post, request, silent, build_id=uuid.uuid4().hex)

    def classic(self, request: BuildRequest) -> Built | BuildFailed:
        """Build with the classic builder."""
        return classic.build(self.post, request, silent, images=self.images, discard=self.discard)

    def config(self, image: str) -> dict[str, Any]:
        """The image's configuration."""
        config: dict[str, Any] = self.ask("GET", f"/images/{quote(image)}/json")["Config"]
        return config


def silent(text: str) -> None:
    """Progress that nobody watches."""


def unique() -> str:
    """An instruction that no cache knows."""
    return f"RUN echo {uuid.uuid4().hex} > /unique"


@pytest.fixture
def bench(engine_url: str, tmp_path: Path) -> Iterator[Bench]:
    """The engine; the images a test tagged are gone afterwards."""
    bench = Bench(engine_url, tmp_path)
    yield bench
    for tag in bench.tags:
        with suppress(EngineRefusedError):  # a test whose build failed has no image
            bench.ask("DELETE", f"/images/{quote(tag)}")
    # A stage the classic builder made, and an image built anew under its old tag, have no name to be removed by.
    bench.api.close()
    bench.ask("POST", f"/images/prune?{urlencode({'filters': json.dumps({'label': [bench.label]})})}")


@pytest.fixture(params=["grpc", "http", "classic"])
def build(request: pytest.FixtureRequest, bench: Bench) -> Callable[[BuildRequest], Built | BuildFailed]:
    """Each of the builders."""
    builder: Callable[[BuildRequest], Built | BuildFailed] = getattr(bench, request.param)
    return builder


def test_both_builders_count_the_same_steps(bench: Bench, build: Callable[[BuildRequest], Built | BuildFailed]) -> None:
    """A multi-stage image is built as written, without labels of ours; its second build is cached to the last step."""
    request = bench.request(
        f"FROM {BASE} AS builder\nWORKDIR /src\nCOPY a.txt .\n{unique()}\nLABEL {bench.label}=\n"
        f"FROM {BASE}\nLABEL {bench.label}=\nARG WHO=nobody\nENV A=b\nCOPY --from=builder /src /src\n"
        'RUN echo "$WHO" > /who\nCMD ["true"]\n',
        files={"a.txt": b"hello"},
    )
    first, second = build(replace(request, build_args={"WHO": "me"})), build(replace(request, build_args={"WHO": "me"}))
    assert isinstance(first, Built)
    assert isinstance(second, Built)
    assert (first.build.step_count, second.build.step_count) == (5, 5)
    assert second.build.cached_step_count == 5
    assert not first.build.steps[2].cached
    assert second.image == first.image
    config = bench.config(first.image)
    assert config["Cmd"] == ["true"]
    assert config["Labels"] == {**(bench.config(BASE)["Labels"] or {}), bench.label: ""}
    assert bench.ask("GET", f"/images/{quote(request.tag)}/json")["Id"] == first.image
    rebuilt = build(replace(request, build_args={"WHO": "me"}, no_cache=True))
    # BuildKit of engine 20.10 takes WORKDIR from the cache even so, and the docker CLI shows it as cached.
    assert [step.name for step in rebuilt.build.steps if step.cached and "WORKDIR" not in step.name] == []


def test_a_target_stops_at_its_stage(bench: Bench, build: Callable[[BuildRequest], Built | BuildFailed]) -> None:
    """Only the named stage is built; one that does not exist is a failed build that names it."""
    request = bench.request(
        "FROM scratch AS one\nCOPY a /\nENV STAGE=one\nFROM one\nENV STAGE=two\n", files={"a": b"a"}
    )
    result = build(replace(request, target="one"))
    assert isinstance(result, Built)
    assert "STAGE=one" in bench.config(result.image)["Env"]
    missing = build(replace(request, target="three"))
    assert isinstance(missing, BuildFailed)
    assert "target" in missing.message
    assert "three" in missing.message


def test_a_failing_step_comes_with_its_log_and_leaves_nothing(
    bench: Bench, build: Callable[[BuildRequest], Built | BuildFailed]
) -> None:
    """Exit code, step and output are reported; no image of the failed build is on the engine afterwards."""
    request = bench.request(f"FROM {BASE}\nENV A={uuid.uuid4().hex}\n{unique()}\nRUN seq 100 && echo boom && exit 3\n")
    result = build(request)
    assert isinstance(result, BuildFailed)
    assert result.message == "RUN seq 100 && echo boom && exit 3 exited with code 3"
    assert result.step is not None
    assert result.step.endswith("RUN seq 100 && echo boom && exit 3")
    assert result.log == (*map(str, range(1, 101)), "boom")
    assert result.build.step_count == 2
    assert bench.left() == []
    assert BASE in bench.ask("GET", f"/images/{BASE}/json")["RepoTags"]


def test_a_failed_classic_build_keeps_what_was_cached_before(bench: Bench) -> None:
    """Steps another build made stay its cache; only the failed build's own images go."""
    start = f"FROM {BASE}\n{unique()}\n"
    good = bench.classic(bench.request(start))
    assert isinstance(good, Built)
    bad = bench.classic(bench.request(f"{start}ENV B=1\nRUN false\n"))
    assert isinstance(bad, BuildFailed)
    assert len(bench.discarded) == 1
    assert good.image in bench.images()
    assert bench.left() == []


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM scratch\nRUNN x\n", "Dockerfile line 2: unknown instruction: RUNN"),
        ("FROM scratch\nCOPY one\n", "Dockerfile line 2: COPY requires at least two arguments"),
        ("FROM scratch\nCOPY nothere /\n", "nothere"),
    ],
)
def test_a_bad_dockerfile_is_a_failed_build(
    bench: Bench, build: Callable[[BuildRequest], Built | BuildFailed], dockerfile: str, expected: str
) -> None:
    """Unknown instruction, wrong arguments, a missing file: each is said in the same words."""
    result = build(bench.request(dockerfile))
    assert isinstance(result, BuildFailed)
    assert expected in result.message


def test_buildkits_own_instructions_work(bench: Bench) -> None:
    """Cache mounts and COPY --chmod, with a Dockerfile's heredoc built or explained."""
    result = bench.grpc(
        bench.request(
            f"FROM {BASE}\nRUN --mount=type=cache,target=/c date > /c/x\nCOPY --chmod=755 a /a\nRUN /a\n",
            files={"a": b"#!/bin/sh\n"},
        )
    )
    assert isinstance(result, Built)
    heredoc = bench.grpc(bench.request(f"FROM {BASE}\nRUN <<EOF\ntrue\nEOF\n"))
    if isinstance(heredoc, BuildFailed):  # engines before 23
        assert "the heredoc begun in line 2 needs BuildKit's Dockerfile 1.4" in heredoc.message


def test_a_frontend_that_cannot_be_pulled_is_explained(bench: Bench) -> None:
    """A "# syntax=" line that leads nowhere is named as the cause."""
    result = bench.grpc(bench.request("# syntax=localhost:1/none:1\nFROM scratch\nCOPY Dockerfile /\n"))
    assert isinstance(result, BuildFailed)
    assert 'the frontend localhost:1/none:1 named by "# syntax=" cannot be pulled' in result.message


def test_builds_run_in_parallel(bench: Bench) -> None:
    """Several builds at once, sharing their first step, each give their own image and counts."""
    shared = unique()
    requests = [bench.request(f"FROM {BASE}\n{shared}\nRUN echo {number} > /n\n") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(bench.grpc, requests))
    assert all(isinstance(result, Built) for result in results)
    assert len({result.image for result in results if isinstance(result, Built)}) == 4
    assert {result.build.step_count for result in results} == {2}


def test_builds_of_the_same_steps_each_have_them(bench: Bench) -> None:
    """Side by side and one after the other, without the cache: who came second did not do nothing."""
    text = f"FROM {BASE}\nCOPY a /a\nRUN sleep 1\nCMD echo %d\n"
    folder = bench.folder / "shared"
    requests = []
    for number in range(3):
        name = f"{number}.Dockerfile"
        context = written_context(folder, {name: text % number, "a": "a"}, name)
        requests.append(replace(bench.request(text % number), context=context, no_cache=True))

    def late(number: int) -> Built | BuildFailed:
        threading.Event().wait(0.3 * number)
        return bench.grpc(requests[number])

    with ThreadPoolExecutor(3) as pool:
        for results in (pool.map(bench.grpc, requests), pool.map(late, range(3))):
            assert [result.build.step_count for result in results] == [2, 2, 2]


def test_builds_that_fail_at_a_common_step_all_know_why(bench: Bench) -> None:
    """The step runs once; its error and its log are each build's."""
    step = f"RUN echo {uuid.uuid4().hex} > /x; echo boom; exit 3"
    requests = [bench.request(f"FROM {BASE}\n{step}\nENV N={number}\n") for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for result in pool.map(bench.grpc, requests):
            assert isinstance(result, BuildFailed)
            assert (result.message.endswith("exited with code 3"), result.log) == (True, ("boom",))
            assert (result.step or "").endswith(step)


def test_only_what_changed_travels_and_once_for_all(bench: Bench) -> None:
    """The first build gets the folder, two side by side share it, and later ones get the file that is another."""
    files = {"big": os.urandom(3_000_000), "small": b"1", "one.Dockerfile": b"", "two.Dockerfile": b""}
    files |= {f"{name}.Dockerfile": f"FROM scratch\nCOPY . /\nENV N={name}\n".encode() for name in ("one", "two")}
    requests = []
    for name in ("one", "two"):
        context = written_context(bench.folder / "shared", files, f"{name}.Dockerfile")
        requests.append(replace(bench.request("FROM scratch\n"), context=context))

    def sent() -> int:
        before = sum(each.sent_bytes for each in bench.sessions.begun)
        with ThreadPoolExecutor(2) as pool:
            assert all(isinstance(each, Built) for each in pool.map(bench.grpc, requests))
        return sum(each.sent_bytes for each in bench.sessions.begun) - before

    assert 3_000_000 < sent() < 3_010_000
    (bench.folder / "shared/small").write_bytes(b"22")
    assert sent() < 10_000
    assert sent() < 10_000


def test_of_two_steps_that_fail_each_has_its_own_error(bench: Bench) -> None:
    """Whichever the builder tells of, step and message belong together."""
    for _ in range(6):
        result = bench.grpc(bench.request(f"FROM {BASE}\nCOPY nope1 /y\nCOPY nope2 /z\n"))
        assert isinstance(result, BuildFailed)
        missing = "nope1" if "COPY nope1" in (result.step or "") else "nope2"
        assert f'"/{missing}" not found' in result.message


def test_a_build_is_cancelled_while_it_runs(bench: Bench) -> None:
    """Cancelling ends a running step at once, and raises rather than blaming the Dockerfile."""
    request = bench.request(f"FROM {BASE}\n{unique()}; echo ready; sleep 300\n")
    build_id = uuid.uuid4().hex
    running = threading.Event()

    def progress(text: str) -> None:
        if text.endswith("ready"):
            running.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(buildkit.build, bench.post, request, progress, build_id=build_id)
        assert running.wait(60)
        bench.ask("POST", f"/build/cancel?id={build_id}")
        with pytest.raises(EngineError, match="was cancelled"):
            future.result(timeout=60)


def test_auto_chooses_a_builder_that_works(bench: Bench) -> None:
    """What ``/version`` says, or trying, leads to an image in any case."""
    request = bench.request("FROM scratch\nCOPY Dockerfile /\n")
    builders = Builders(
        grpc=bench.grpc, http=lambda each, _: bench.http(each), classic=lambda each, _: bench.classic(each)
    )
    result = build_image(builders, request, silent, has_buildkit=supports_buildkit(bench.ask("GET", "/version")))
    assert isinstance(result, Built)
    assert result.build.step_count == 1


def test_a_connection_cut_within_a_build_is_a_lost_engine(bench: Bench) -> None:
    """A socket that closes in the middle of the answer is never taken for a failed or a finished build."""
    request = bench.request(f"FROM {BASE}\n{unique()}; echo ready; sleep 300\n")
    build_id = uuid.uuid4().hex

    def progress(text: str) -> None:
        if text.endswith("ready"):
            bench.cut()

    with pytest.raises(EngineLostError):
        buildkit.build(bench.post, request, progress, build_id=build_id)
    bench.ask("POST", f"/build/cancel?id={build_id}")


def test_a_classic_build_that_is_broken_off_leaves_nothing(bench: Bench) -> None:
    """The classic builder is cancelled by closing its connection; what it had finished is removed all the same."""
    request = bench.request(f"FROM {BASE}\n{unique()}\nENV B=1\nRUN echo ready; sleep 300\n")

    def progress(text: str) -> None:
        if text.endswith("ready"):
            bench.cut()

    with pytest.raises(EngineLostError):
        classic.build(bench.post, request, progress, images=bench.images, discard=bench.discard)
    assert len(set(bench.discarded)) == 2
    assert bench.left() == []
