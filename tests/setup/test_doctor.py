"""What the doctor says of each thing a run needs, and when it says that a run would not work."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from imgcompare.engine.interface import STAND_IN_LABEL, Endpoint, Engine, EngineImage
from imgcompare.errors import EngineLostError, NoEngineError, OwnEngineStoppedError
from imgcompare.model import EngineInfo
from imgcompare.setup import doctor
from imgcompare.setup.doctor import Finding, examine, would_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HERE = Endpoint(url="unix:///nowhere/d.sock", source="--host")
AWAY = Endpoint(url="tcp://192.0.2.1:2375", source="DOCKER_HOST")
INFO = EngineInfo(
    name="Docker Engine",
    version="28.5.2",
    api_version="1.51",
    image_store="graph",
    storage_driver="overlay2",
    os="linux",
    architecture="amd64",
    builder="BuildKit",
    endpoint=HERE.url,
    endpoint_source=HERE.source,
    private=False,
)


@dataclass(frozen=True)
class State:
    """The own engine's state as the doctor reads it."""

    running: bool = False
    preferred: bool = False
    endpoint: str = "unix:///nowhere/own.sock"


@dataclass(frozen=True)
class Own:
    """Stands for imgcompare's own engine."""

    state: State = field(default_factory=State)
    missing: tuple[str, ...] = ()

    def status(self) -> State:
        """Its state."""
        return self.state

    def start(self, say: Callable[[str], None]) -> State:
        """Must not be called: the doctor changes nothing."""
        raise AssertionError(f"the doctor started an engine, telling {say}")

    def programs_missing(self) -> tuple[str, ...]:
        """What it lacks."""
        return self.missing


class LostEngine:
    """An engine that is gone after it was found."""

    closed = False

    def image(self, reference: str) -> EngineImage | None:
        """Fail as a lost connection does."""
        raise EngineLostError(f"no answer about {reference}")

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def image(labels: Mapping[str, str]) -> EngineImage:
    """Return an image as an engine lists it."""
    return EngineImage(image="sha256:0", os="linux", architecture="amd64", diff_ids=(), exposed_ports=(), labels=labels)


def never(endpoint: Endpoint) -> Engine:
    """Stand where no connection may be made."""
    raise AssertionError(f"connected to {endpoint}")


def test_only_a_cross_means_that_a_run_would_not_work() -> None:
    """What does not matter, or could not be seen, is no reason to fail."""
    assert would_run([Finding("a", True, ""), Finding("b", None, "")])
    assert not would_run([Finding("a", True, ""), Finding("b", False, "")])


def test_no_engine_is_a_cross_with_the_hint_as_the_next_step() -> None:
    """Where no engine answers, the search's own message and hint are shown, and the own engine is still looked at."""

    def find() -> Endpoint:
        raise NoEngineError("nothing answers", hint="set one up")

    findings = examine(find, never, Own(missing=("dockerd", "ip")))
    assert findings == [
        Finding("engine", False, "nothing answers", "set one up"),
        Finding("own engine", None, "not installed: dockerd, ip missing", "`imgcompare setup` installs and starts it."),
    ]


def test_an_own_engine_that_a_run_would_start_is_no_cross() -> None:
    """A stopped own engine does not keep a run from working, as the run starts it; the doctor does not."""

    def find() -> Endpoint:
        raise OwnEngineStoppedError("stopped", hint="start it")

    assert [finding.ok for finding in examine(find, never, Own())] == [None, None]


def test_an_engine_lost_during_the_examination_is_a_cross() -> None:
    """An engine that answers a ping and nothing else is named with its endpoint, and its connection is closed."""
    lost = LostEngine()
    first, *_ = examine(lambda: HERE, lambda _: cast("Engine", lost), Own())
    assert first.ok is False
    assert first.text == "unix:///nowhere/d.sock (--host) answers a ping, and no more: no answer about python:3.11"
    assert lost.closed


def test_the_engine_is_named_with_its_endpoint_and_where_that_came_from() -> None:
    """One line says which engine would be used and why."""
    engine, builder, store = doctor.describe_engine(HERE, INFO)
    assert engine.text == "Docker Engine 28.5.2, linux/amd64, at unix:///nowhere/d.sock (--host)"
    assert (builder.ok, builder.text) == (True, "BuildKit")
    assert store.text == "graph, overlay2"


def test_another_machines_engine_is_a_cross() -> None:
    """A run refuses an engine whose published ports cannot be reached, so the doctor says so first."""
    engine, *_ = doctor.describe_engine(AWAY, INFO)
    assert engine.ok is False
    assert "another machine's" in engine.text


@pytest.mark.parametrize(
    ("answer", "needed", "ok"),
    [("", True, True), (None, True, None), ("no such host", True, False), ("no such host", False, None)],
)
def test_a_silent_registry_matters_only_where_a_base_image_is_missing(
    answer: str | None, needed: bool, ok: bool | None
) -> None:
    """A machine without a network but with its base images is ready."""
    finding = doctor.registry(answer, needed=needed)
    assert finding.ok is ok
    assert bool(finding.next_step) is (ok is False)


@pytest.mark.parametrize(
    ("labels", "answer", "ok", "text"),
    [
        ({}, "down", True, "present"),
        ({STAND_IN_LABEL: "1"}, "down", True, "a stand-in made on this machine"),
        (None, "", None, "missing; the next run pulls it"),
        (None, None, None, "missing; the next run pulls it"),
        (None, "down", False, "missing, and cannot be pulled"),
    ],
)
def test_a_base_image_is_there_or_to_be_had_or_missing(
    labels: Mapping[str, str] | None, answer: str | None, ok: bool | None, text: str
) -> None:
    """A missing base image is a cross only where it cannot be pulled; a stand-in says that it is one."""
    finding = doctor.base_image("python:3.11", None if labels is None else image(labels), answer)
    assert (finding.name, finding.ok, finding.text) == ("base image python:3.11", ok, text)


def test_an_unreachable_engine_leaves_disk_and_registry_unknown() -> None:
    """What cannot be asked is not guessed."""
    assert doctor.disk(HERE).ok is None
    assert doctor.disk(AWAY).ok is None
    assert doctor.ask_registry(HERE) is None


@pytest.mark.parametrize("needed_bytes", [0, 1 << 62])
def test_free_space_is_looked_at_where_the_engine_keeps_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed_bytes: int
) -> None:
    """The folder comes from the engine; too little space there is a cross with the way to free some."""
    reply = b'{"Name": "%s", "DockerRootDir": "%s"}' % (platform.node().encode(), str(tmp_path).encode())
    monkeypatch.setattr(doctor, "get", lambda *_: (200, reply))
    monkeypatch.setattr(doctor, "DISK_NEEDED_BYTES", needed_bytes)
    finding = doctor.disk(HERE)
    assert finding.ok is (needed_bytes == 0)
    assert f"free in {tmp_path}" in finding.text


@pytest.mark.parametrize(
    "reply", [b"", b"[]", b'{"Name": "virtual-machine", "DockerRootDir": "/"}', b'{"Name": "x", "DockerRootDir": 1}']
)
def test_another_hosts_disk_is_not_taken_for_the_engines(monkeypatch: pytest.MonkeyPatch, reply: bytes) -> None:
    """An engine in a virtual machine behind a local socket has a disk of its own."""
    monkeypatch.setattr(doctor, "get", lambda *_: (200, reply))
    assert doctor.disk(HERE).ok is None


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b"{}", ""),
        (404, b"page not found", None),
        (500, b'{"message": "no such host \\u001b[31m"}', "no such host"),
        (500, b"oops", "HTTP 500"),
    ],
)
def test_the_registrys_answer_is_read_from_the_engine(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, answer: str | None
) -> None:
    """An engine's error text is shown printable; an engine without that route leaves the question open."""
    monkeypatch.setattr(doctor, "get", lambda *_: (status, body))
    assert doctor.ask_registry(HERE) == answer


def test_a_registry_that_never_answers_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is bounded, and its time running out is an answer."""

    def silent(*_: object) -> tuple[int, bytes]:
        raise TimeoutError

    monkeypatch.setattr(doctor, "get", silent)
    assert doctor.ask_registry(HERE) == "no answer within 15 s"


@pytest.mark.parametrize(
    ("own", "ok", "text"),
    [
        (Own(State(running=True)), True, "running"),
        (Own(State(running=True, preferred=True)), True, "running, and used before any other"),
        (Own(), None, "installed, not running"),
    ],
)
def test_the_own_engines_state_is_told(own: Own, ok: bool | None, text: str) -> None:
    """Running, stopped, or preferred: each is said in words."""
    finding = doctor.own_engine(own, needed=False)
    assert (finding.ok, finding.text) == (ok, text)


def test_a_folder_that_can_be_made_is_good_and_is_not_made(tmp_path: Path) -> None:
    """The nearest existing folder decides; the doctor leaves nothing behind."""
    assert doctor.folder("report folder", tmp_path / "a/b", needed=True).ok is True
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("needed", "ok"), [(True, False), (False, None)])
def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path, needed: bool, ok: bool | None) -> None:
    """Reports need their folder; without the cache a run is only slower."""
    (tmp_path / "file").touch()
    finding = doctor.folder("cache folder", tmp_path / "file/x", needed=needed)
    assert finding.ok is ok
    assert f"{tmp_path}/file is not a folder" in finding.text
