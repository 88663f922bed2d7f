"""The engine through the SDK, on a real one: images, containers, exports, and what a client may be told."""

from __future__ import annotations

import io
import itertools
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.client.remove import find
from imgcompare.engine.interface import (
    RUN_LABEL,
    STAND_IN_LABEL,
    BuildRequest,
    Built,
    Container,
    ContainerSpec,
    ContainerState,
    Endpoint,
    Executed,
    Removal,
)
from imgcompare.errors import (
    BaseImageError,
    EngineError,
    EngineLostError,
    EngineRefusedError,
    NoEngineError,
    PortTakenError,
    UsageError,
)
from tests.support.builds import written_context
from tests.support.impostors import client, peer

T = TypeVar("T")
BASE = "python:3.11-slim"
RUN_ID = f"sdk-test-{uuid.uuid4().hex[:12]}"
SERVER = 'CMD ["python3", "-m", "http.server", "5000"]'


@pytest.fixture(scope="module")
def engine(engine_url: str) -> Iterator[SdkEngine]:
    """The engine under test."""
    with closing(SdkEngine(Endpoint(url=engine_url, source="the tests"))) as engine:
        yield engine


@pytest.fixture
def other(engine_url: str) -> Iterator[SdkEngine]:
    """A second client of the same engine, to be cancelled or to look with."""
    with closing(SdkEngine(Endpoint(url=engine_url, source="the tests"))) as engine:
        yield engine


@pytest.fixture(scope="module")
def make_image(engine: SdkEngine) -> Iterator[Callable[[str], str]]:
    """Builds ``FROM base`` plus some instructions, once each; all tags go at the end."""
    tags: dict[str, str] = {}

    def make(instructions: str) -> str:
        if instructions not in tags:
            tag = f"imgcompare-sdk-test:{RUN_ID}-{len(tags)}"
            built = engine.build(_request(instructions, tag), lambda _text: None)
            assert isinstance(built, Built)
            tags[instructions] = tag
        return tags[instructions]

    yield make
    for tag in tags.values():
        assert engine.remove_image(tag) is Removal.REMOVED


def _request(instructions: str, tag: str, *, no_cache: bool = False) -> BuildRequest:
    text = f"FROM {BASE}\nSTOPSIGNAL SIGKILL\n{instructions}\n"
    with tempfile.TemporaryDirectory() as folder:
        context = written_context(Path(folder), {"Dockerfile": text})
    # The folder is gone, and no COPY asks for it: the Dockerfile was read when the context was opened.
    return BuildRequest(context=context, tag=tag, no_cache=no_cache)


def _spec(image: str, *, host_port: int | None = None, memory_mib: int = 256) -> ContainerSpec:
    return ContainerSpec(
        name=f"imgcompare-sdk-test-{uuid.uuid4().hex[:12]}",
        image=image,
        container_port=5000,
        host_port=host_port,
        env={"GREETING": "grüß = dich"},
        labels={RUN_LABEL: RUN_ID},
        memory_limit_bytes=memory_mib << 20,
    )


def _until_ended(container: Container) -> ContainerState:
    return _until(lambda: None if (state := container.state()).running else state)


def _until(look: Callable[[], T | None]) -> T:
    for _ in range(600):
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    pytest.fail("waited 30 s in vain")


def _exists(engine: SdkEngine, name: str) -> bool:
    return find(engine._api, name) is not None


def test_the_protocol_is_imported_without_the_sdk() -> None:
    """``imgcompare --help`` and everything else that only names the protocol does not pay for the Docker SDK."""
    code = "import sys, imgcompare.engine.interface; print('docker' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_info_says_what_the_engine_is(engine: SdkEngine, engine_url: str) -> None:
    """The report's engine section is filled, in OCI's words for the platform."""
    info = engine.info()
    assert info.name in {"Docker Engine", "Podman"}
    assert info.version
    assert info.image_store in {"graph driver", "containerd"}
    assert (info.os, info.architecture in {"amd64", "arm64"}) == ("linux", True)
    assert info.builder in {"BuildKit", "classic"}
    assert (info.endpoint, info.endpoint_source, info.private) == (engine_url, "the tests", False)
    assert tuple(map(int, info.api_version.split("."))) <= (1, 51)


def test_identity_is_the_same_for_every_client(engine: SdkEngine, other: SdkEngine) -> None:
    """A later run must know this engine again, or it would not clean up on it."""
    assert engine.identity() == other.identity() != ""


def test_image_tells_ports_labels_and_layers(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """The plan takes the port from EXPOSE, the report the stand-in from the label."""
    tag = make_image("EXPOSE 8000 5000/udp\nLABEL color=green\nRUN echo x >/x")
    image, base = engine.image(tag), engine.image(BASE)
    assert image is not None
    assert base is not None
    assert image.exposed_ports == ("5000/udp", "8000/tcp")
    assert image.labels["color"] == "green"
    assert image.labels.get(STAND_IN_LABEL) == base.labels.get(STAND_IN_LABEL)
    assert image.diff_ids[: len(base.diff_ids)] == base.diff_ids
    assert len(image.diff_ids) > len(base.diff_ids)
    assert tag in image.tags
    assert engine.image(image.image) == image


@pytest.mark.parametrize("reference", ["", "../containers/json", "UPPER/case:x", "a b"])
def test_a_reference_that_is_none_is_no_way_to_another_request(engine: SdkEngine, reference: str) -> None:
    """A hostile reference ends in an error of ours, not in another part of the API."""
    with suppress(EngineRefusedError):
        assert engine.image(reference) is None


def test_a_pull_without_registry_names_the_way_out(engine: SdkEngine) -> None:
    """Where no registry answers, the message says what failed and the hint how to go on; this image has no stand-in."""
    with pytest.raises(BaseImageError) as caught:
        engine.pull("127.0.0.1:9/nobody/nothing:1", None, lambda _text: None)
    assert caught.value.message.startswith("cannot pull 127.0.0.1:9/nobody/nothing:1: ")
    assert "connection refused" in caught.value.message
    assert "--host" in (caught.value.hint or "")
    assert "imgcompare setup" not in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("config", "note"),
    [
        ({"credsStore": "imgcompare-none"}, "docker-credential-imgcompare-none is not installed"),
        ({"credsStore": "imgcompare-broken"}, "Credentials store error"),
        ({"credHelpers": {"elsewhere.example": "imgcompare-broken"}}, None),
        ({"auths": {"127.0.0.1:9": {"auth": "dXNlcjpwYXNz"}}}, None),
    ],
)
def test_a_broken_credential_helper_is_a_note(
    engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: object, note: str | None
) -> None:
    """A helper that is missing or fails does not keep anything from working (docker-py#3379); others are not run."""
    helper = tmp_path / "docker-credential-imgcompare-broken"
    helper.write_text("#!/bin/sh\necho broken; exit 1\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    told: list[str] = []
    with closing(SdkEngine(Endpoint(url=engine_url, source="the tests"))) as engine:
        assert engine.image(BASE)
        with pytest.raises(BaseImageError):
            engine.pull("127.0.0.1:9/nobody/nothing:1", "linux/amd64", told.append)
    assert [note in text for text in told] == [True] if note else told == []


def test_a_damaged_docker_configuration_is_named(
    engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK cannot start with it, so the message names the file."""
    (tmp_path / "config.json").write_text('{"auths": {"registry.example": "?"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with (
        client(engine_url) as engine,
        pytest.raises(UsageError, match=r'config\.json cannot be used: its section "auths"'),
    ):
        engine.info()


def test_a_server_is_published_on_loopback(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """The port the engine chose answers on 127.0.0.1, with our environment, memory is measured, and all goes."""
    image = make_image(SERVER)
    wanted = _spec(image)
    with engine.container(wanted) as container:
        assert container.name == wanted.name
        assert container.state() == ContainerState(running=False)
        container.start()
        at = container.published()
        assert at is not None
        assert container.state() == ContainerState(running=True)
        assert _until(lambda: _reply(at.port)) == b"HTTP"
        memory = container.memory_bytes()
        assert memory is not None
        assert 1 << 20 < memory < 256 << 20
        assert container.lives()
        settings = engine._api.get(f"/containers/{wanted.name}/json")
    assert settings["HostConfig"]["PortBindings"]["5000/tcp"][0]["HostIp"] == "127.0.0.1"
    assert not settings["HostConfig"]["Privileged"]
    assert settings["HostConfig"]["PidsLimit"] == 512
    assert "GREETING=grüß = dich" in settings["Config"]["Env"]
    assert not _exists(engine, wanted.name)
    assert not container.lives()


def _reply(port: int) -> bytes | None:
    """Before the server listens, the engine's own proxy takes the connection and drops it."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(4) or None
    return None


def test_memory_is_what_the_engine_says(
    engine: SdkEngine, make_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the control group or asked of the engine: of an idle container both say the same, page for page."""
    with engine.container(_spec(make_image(SERVER))) as container:
        container.start()
        at = container.published()
        assert at is not None
        assert _until(lambda: _reply(at.port)) == b"HTTP"
        ours = container.memory_bytes()
        monkeypatch.setattr("imgcompare.engine.client.container.memory_in_use", lambda *_: None)
        theirs = container.memory_bytes()
    assert ours is not None
    assert theirs is not None
    assert abs(ours - theirs) < 2 << 20


def test_exit_code_and_log_of_a_container_that_ends(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """Why a container ended is told by its code and the last lines of both streams, made printable."""
    script = r"printf 'one\n\033[31mtwo\033[0m\n'; sleep 0.1; printf 'three' >&2; exit 3"
    with engine.container(_spec(make_image(f"CMD {script}"))) as container:
        container.start()
        assert _until_ended(container) == ContainerState(running=False, exit_code=3)
        assert container.log().lines == ("one", "two", "three")
        assert container.log().errors == ("three",)
        assert container.log(1) == (("three",), ("three",))
        assert container.published() is None
        assert container.memory_bytes() is None


def test_a_container_over_its_memory_is_said_to_be(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """The kernel's kill is not taken for an exit of the program's own."""
    image = make_image('CMD ["python3", "-c", "data = bytearray(200 << 20); print(len(data))"]')
    with engine.container(_spec(image, memory_mib=32)) as container:
        container.start()
        assert _until_ended(container) == ContainerState(running=False, exit_code=137, oom_killed=True)


@pytest.mark.parametrize(
    ("instructions", "text"),
    [
        ('CMD ["imgcompare-none"]', "executable file not found"),
        ('ENTRYPOINT ["/imgcompare-none"]', "no such file"),
        ('CMD ["/etc"]', "ermission denied"),
        ('USER nobody-knows\nCMD ["true"]', "nobody-knows"),
    ],
)
def test_what_cannot_be_executed_is_a_state(
    engine: SdkEngine, make_image: Callable[[str], str], instructions: str, text: str
) -> None:
    """An image whose program cannot start is a broken variant, not a broken engine."""
    with engine.container(_spec(make_image(instructions))) as container:
        container.start()
        state = container.state()
        assert not state.running
        assert text in state.error
        assert state.exit_code
        assert container.log() == ((), ())


def test_a_taken_host_port_is_named(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """Port and holder are in the message, and the container that found no port is gone."""
    image = make_image(SERVER)
    with engine.container(_spec(image)) as holder:
        holder.start()
        at = holder.published()
        assert at is not None
        port = at.port
        wanted = _spec(image, host_port=port)
        with (
            pytest.raises(PortTakenError, match=f"host port {port} is taken by the container {holder.name}"),
            engine.container(wanted) as container,
        ):
            container.start()
    assert not _exists(engine, wanted.name)


def test_a_host_port_that_a_socket_holds_is_named(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """The engine does not know who holds it, the message still names the port."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        with (
            pytest.raises(PortTakenError, match=f"host port {port} is taken by something else"),
            engine.container(_spec(make_image(SERVER), host_port=port)) as container,
        ):
            container.start()


@pytest.mark.parametrize("command", ["yes flood", r"yes | tr -d '\n'"])
def test_a_flood_of_log_is_read_with_a_bound(engine: SdkEngine, make_image: Callable[[str], str], command: str) -> None:
    """A container that writes without end, with newlines or without, costs at most 64 KiB and gives its last lines."""
    with engine.container(_spec(make_image(f"CMD {command}"))) as container:
        container.start()
        lines = _until(lambda: container.log(5).lines or None)
        assert 1 <= len(lines) <= 5
        assert set(lines[-1]) <= set("flood y…")
        assert all(len(line) <= 500 for line in lines)


@pytest.mark.parametrize(
    ("trap", "signal", "at_once"),
    [("trap 'exit 0' INT", "SIGINT", True), ("trap '' INT", "SIGINT", False), ("", "SIGKILL", True)],
)
def test_a_container_is_told_to_stop_by_its_own_signal(
    engine: SdkEngine, make_image: Callable[[str], str], trap: str, signal: str, at_once: bool
) -> None:
    """One that listens ends long before the grace period does; one that ignores it is killed then, and said to be."""
    image = make_image(f"STOPSIGNAL {signal}\nCMD {trap or ':'}; echo up; while :; do sleep 0.05; done")
    with engine.container(_spec(image)) as container:
        container.start()
        _until(lambda: container.log().lines or None)
        stopped = container.stop(10 if at_once else 1)
        assert container.state().running is False
    assert stopped.killed is not at_once
    assert stopped.after_s < 10 if at_once else stopped.after_s >= 0.9


def test_a_command_runs_beside_the_program(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """As the image's user, in its folder, with its and the container's environment; the last lines are kept."""
    image = make_image("WORKDIR /srv\nUSER 1234\nENV PORT=5000\nCMD sleep 600")
    with engine.container(_spec(image)) as container:
        container.start()
        told = container.execute(["sh", "-c", "id -u; pwd; echo $PORT $GREETING; echo oh >&2; exit 3"], 30)
        assert told.exit_code == 3
        # The engine reads the two streams apart: what stderr got stands anywhere between the lines of stdout.
        assert [line for line in told.output if line != "oh"] == ["1234", "/srv", "5000 grüß = dich"]
        assert "oh" in told.output
        assert container.execute(["true"], 30) == Executed(0)
        missing = container.execute(["imgcompare-none"], 30)
        assert missing.exit_code in {126, 127}
        assert "imgcompare-none" in missing.output[0]


@pytest.mark.parametrize("command", ["sleep 600", "while :; do echo x; sleep 0.1; done"])
def test_a_command_that_does_not_end_is_given_up(
    engine: SdkEngine, make_image: Callable[[str], str], command: str
) -> None:
    """Whether it is silent or talks, it has the time it was given."""
    with engine.container(_spec(make_image("CMD sleep 600"))) as container:
        container.start()
        assert container.execute(["sh", "-c", command], 1).exit_code is None


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_in_the_block_still_removes(
    engine: SdkEngine, make_image: Callable[[str], str], error: type[BaseException]
) -> None:
    """Whatever ends the block, the running container goes, its volumes too, and the error comes through."""
    wanted = _spec(make_image(f"VOLUME /data\n{SERVER}"))
    volumes: list[str] = []

    def use() -> None:
        with engine.container(wanted) as container:
            container.start()
            mounts = engine._api.get(f"/containers/{wanted.name}/json")["Mounts"]
            volumes.extend(mount["Name"] for mount in mounts)
            raise error

    with pytest.raises(error):
        use()
    assert not _exists(engine, wanted.name)
    assert len(volumes) == 1
    with pytest.raises(EngineRefusedError):
        engine._api.get(f"/volumes/{volumes[0]}")


def test_a_container_removed_by_somebody_else_is_no_error(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """Its state says that it is gone, and leaving the block is fine."""
    with engine.container(_spec(make_image(SERVER))) as container:
        container.start()
        assert engine.remove_container(container.name, RUN_ID)
        assert "gone" in container.state().error


def test_an_export_is_one_tar_of_all_images(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """Two images come in one stream, read to the end of its tar, in pieces of a size worth handling."""
    tags = [make_image("RUN echo 1 >/1"), make_image("RUN echo 2 >/2")]
    pieces = list(engine.export(tags))
    assert {len(piece) for piece in pieces[:-1]} == {1 << 20}
    assert pieces[-1].endswith(b"\0" * 1024)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert sorted(tag for image in json.load(manifest) for tag in image["RepoTags"]) == sorted(tags)


def test_an_export_of_an_unknown_image_is_refused(engine: SdkEngine) -> None:
    """What the engine does not have is its answer's status, not an empty archive."""
    with pytest.raises(EngineRefusedError) as caught:
        next(engine.export(["imgcompare-sdk-test:none"]))
    assert caught.value.status in {404, 500}
    assert caught.value.text


@pytest.mark.parametrize("pieces", [0, 3])
def test_cancel_wakes_an_export(other: SdkEngine, pieces: int) -> None:
    """Whoever waits for an export, before its first byte or later, is woken by ``cancel`` and told so."""
    export = other.export([BASE])
    taken = list(itertools.islice(export, pieces))
    assert len(taken) == pieces
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(lambda: sum(map(len, export)))
        if not pieces:
            _until(lambda: other._api._wires._sockets or None)
        other.cancel()
        with pytest.raises(EngineError, match="cancelled"):
            rest.result(30)


def test_cancel_stops_a_build_and_lets_the_cleaning_through(
    engine: SdkEngine, other: SdkEngine, make_image: Callable[[str], str]
) -> None:
    """After ``cancel`` workers are turned away, the build has ended, and containers are still removed."""
    tag = f"imgcompare-sdk-test:{RUN_ID}-slow"
    wanted = _spec(make_image(SERVER))
    step = threading.Event()
    with ThreadPoolExecutor(1) as pool, other.container(wanted) as container:
        build = pool.submit(
            other.build,
            _request("RUN sleep 60", tag, no_cache=True),
            lambda text: step.set() if "sleep 60" in text else None,
        )
        assert step.wait(30)
        other.cancel()
        with pytest.raises(EngineError, match="cancel"):
            build.result(30)
        with pytest.raises(EngineError, match="cancelled"):
            container.start()
    assert not _exists(engine, wanted.name)
    assert engine.image(tag) is None


def test_several_threads_use_one_engine(engine: SdkEngine, make_image: Callable[[str], str]) -> None:
    """Variants run in parallel over one engine object."""
    image = make_image("CMD exit 3")

    def run(_number: int) -> ContainerState:
        with engine.container(_spec(image)) as container:
            container.start()
            return _until_ended(container)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [ContainerState(running=False, exit_code=3)] * 4


def test_a_container_whose_creation_was_cut_off_is_found_by_its_name(
    engine_url: str, engine: SdkEngine, tmp_path: Path, make_image: Callable[[str], str]
) -> None:
    """The answer to the creation never comes and the container appears later: it is removed all the same."""
    wanted = _spec(make_image(SERVER))
    created = threading.Event()

    def serve(connection: socket.socket, head: bytes) -> None:
        """Carry the creation out on the real engine after its asker has gone, everything else at once."""
        if b"/containers/create" in head:
            connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.5)
            assert b" 201 " in _forward(engine_url, head)
            created.set()
        else:
            connection.sendall(_forward(engine_url, head))

    with (
        peer(tmp_path, serve) as url,
        client(url) as other,
        pytest.raises(EngineLostError),
        other.container(wanted),
    ):
        pytest.fail("created")
    assert created.wait(30)
    assert not _exists(engine, wanted.name)


def _forward(engine_url: str, head: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as upstream:
        upstream.connect(engine_url.removeprefix("unix://"))
        upstream.sendall(head.replace(b"Connection: keep-alive", b"Connection: close"))
        answer = b""
        while data := upstream.recv(65536):
            answer += data
    return answer


@pytest.mark.parametrize(("wanted", "spoken"), [("1.30", "1.30"), ("", "1.41")])
def test_the_api_version_may_be_named(
    engine_url: str, monkeypatch: pytest.MonkeyPatch, wanted: str, spoken: str
) -> None:
    """DOCKER_API_VERSION is honoured, which the SDK's "auto" does not do."""
    monkeypatch.setenv("DOCKER_API_VERSION", wanted)
    with client(engine_url) as engine:
        version = engine.info().api_version
    assert version == spoken if wanted else tuple(map(int, version.split("."))) >= (1, 41)


def test_an_api_version_that_is_none_is_wrong_usage(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be meant is refused with the variable's name."""
    monkeypatch.setenv("DOCKER_API_VERSION", "latest")
    with client(engine_url) as engine, pytest.raises(UsageError, match="DOCKER_API_VERSION is 'latest'"):
        engine.info()


def test_proxies_of_the_environment_are_not_for_a_local_engine(
    engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's proxy settings must not lead requests to the machine's own engine astray."""
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with client(engine_url) as engine:
        assert engine.info().name
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        client(f"tcp://127.0.0.1:{port}") as engine,
        pytest.raises(NoEngineError, match="connection refused: nothing"),
    ):
        engine.info()
