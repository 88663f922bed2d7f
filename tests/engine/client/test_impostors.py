"""What is no engine, and an engine that breaks off, freezes or answers nonsense: one clear error each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import ContainerSpec, Endpoint, Removal
from imgcompare.errors import BaseImageError, EngineError, EngineLostError, NoEngineError
from tests.support.impostors import client, peer, version_or

NEVER = ContainerSpec(name="never", image="x", container_port=None)


def test_a_dead_socket_is_no_engine(tmp_path: Path) -> None:
    """The endpoint and what named it are in the message; the exit code says that there is no engine."""
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with client(f"unix://{path}", source="DOCKER_HOST") as engine, pytest.raises(NoEngineError) as caught:
        engine.info()
    assert caught.value.message == (
        f"no engine answers at unix://{path} (DOCKER_HOST): connection refused: nothing listens there"
    )
    assert caught.value.exit_code == 3


def test_a_missing_socket_is_no_engine(tmp_path: Path) -> None:
    """A path without a socket is said to be that."""
    with client(f"unix://{tmp_path}/none.sock") as engine, pytest.raises(NoEngineError, match="no such socket"):
        engine.image("x")


def test_a_refused_port_is_no_engine() -> None:
    """So is a TCP port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with client(f"tcp://127.0.0.1:{port}") as engine, pytest.raises(NoEngineError, match="connection refused"):
        engine.identity()


def test_an_unknown_host_is_no_engine() -> None:
    """A name that does not resolve is told from a host that does not answer."""
    with client("tcp://imgcompare.invalid:2375") as engine, pytest.raises(NoEngineError, match="unknown host"):
        engine.info()


def test_missing_certificates_are_no_engine(tmp_path: Path) -> None:
    """A TLS endpoint whose certificate is not there says so before anything is sent."""
    tls = {"cert": f"{tmp_path}/cert.pem", "key": f"{tmp_path}/key.pem", "verify": "1"}
    endpoint = Endpoint(url="tcp://127.0.0.1:1", source="--host", tls=tls)
    with closing(SdkEngine(endpoint)) as engine, pytest.raises(NoEngineError, match="certificate"):
        engine.info()


def test_tls_to_a_peer_without_is_no_engine(tmp_path: Path) -> None:
    """A plain peer where TLS is wanted is named as that."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=_hang_up, args=(plain,), daemon=True)
        thread.start()
        port = plain.getsockname()[1]
        with client(f"https://127.0.0.1:{port}") as engine, pytest.raises(NoEngineError, match=r"TLS|closed"):
            engine.info()
        thread.join()


def _hang_up(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


_AS_NOBODY = """
import os, sys
from imgcompare.engine.interface import Endpoint
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.errors import NoEngineError
def ask(url):
    try:
        SdkEngine(Endpoint(url=url, source="--host")).info()
    except NoEngineError as exc:
        return f"{exc.message} {exc.hint}"
ask("unix:///imgcompare/none.sock")  # has everything imported that nobody may not read
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(ask(sys.argv[1]))
"""


def test_a_socket_of_somebody_else_is_no_engine(tmp_path: Path) -> None:
    """Without the right to use the socket, the hint is the group; as root the test becomes nobody first."""
    path = tmp_path / "theirs.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        if os.geteuid() != 0:
            with client(f"unix://{path}") as engine, pytest.raises(NoEngineError, match="permission denied"):
                engine.info()
            return
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, f"unix://{path}"], capture_output=True, text=True, check=True
        )
    assert "permission denied" in done.stdout
    assert "group" in done.stdout


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\x00 no http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"ApiVersion": "v1.x"}'[:-1] + b"}",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nhttps",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
def test_a_peer_that_is_no_engine_is_none(tmp_path: Path, garbage: bytes) -> None:
    """Whatever else listens there, it is told from an engine at first contact."""

    def answer(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_RDWR)

    with peer(tmp_path, answer) as url, client(url) as engine, pytest.raises(NoEngineError, match=r"p\.sock"):
        engine.info()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.",
        b"",
    ],
)
def test_an_engine_that_breaks_off_is_lost(tmp_path: Path, answer: bytes) -> None:
    """An engine that dies in the middle of an answer is lost, in an export as in a plain call."""

    def serve(connection: socket.socket, head: bytes) -> None:
        version_or(connection, head, answer)
        if b"/version " not in head:
            connection.shutdown(socket.SHUT_RDWR)

    with peer(tmp_path, serve) as url, client(url) as engine:
        with pytest.raises(EngineLostError, match=r"p\.sock \(--host\) broke"):
            list(engine.export(["x"]))
        with pytest.raises(EngineLostError, match=r"p\.sock \(--host\) broke"):
            engine.image("x")


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"12", b"null"])
def test_an_answer_that_is_none_of_the_api_is_an_error(tmp_path: Path, answer: bytes) -> None:
    """JSON of another shape, or none, ends in an error of ours."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)
    with peer(tmp_path, partial(version_or, rest=whole)) as url, client(url) as engine:
        with pytest.raises(EngineError):
            engine.image("x")
        with pytest.raises(EngineError):
            engine.info()


def test_a_frozen_engine_is_noticed(tmp_path: Path) -> None:
    """One that accepts and says nothing ends a call, and a stream, within the time-out."""
    thawed = threading.Event()

    def serve(connection: socket.socket, head: bytes) -> None:
        if b"/version " not in head:
            thawed.wait(30)
        version_or(connection, head, b"")

    with peer(tmp_path, serve) as url, client(url, timeout_s=0.5) as engine:
        with pytest.raises(EngineLostError, match="does not answer in time"):
            engine.image("x")
        with pytest.raises(EngineLostError, match="does not answer in time"):
            next(engine.export(["x"]))
        thawed.set()


def test_a_silent_stream_of_a_living_engine_goes_on(tmp_path: Path) -> None:
    """A build step may be silent for long: as long as the engine answers other requests, the stream is waited for."""
    pings: list[bytes] = []
    enough = threading.Event()

    def serve(connection: socket.socket, head: bytes) -> None:
        if b"/_ping" in head:
            pings.append(head)
            if len(pings) == 3:
                enough.set()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        elif b"/images/get" in head:
            enough.wait(30)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndata")
        else:
            version_or(connection, head, b"")

    with peer(tmp_path, serve) as url, client(url, timeout_s=0.5) as engine:
        assert list(engine.export(["x"])) == [b"data"]


def test_a_pull_in_which_nothing_moves_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that does not answer is told from a lost engine, which still answers."""
    monkeypatch.setattr("imgcompare.engine.client.engine._PULL_SILENCE_S", 0.2)

    def serve(connection: socket.socket, head: bytes) -> None:
        info = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        version_or(connection, head, b"" if b"/images/create" in head else info)

    with (
        peer(tmp_path, serve) as url,
        client(url) as engine,
        pytest.raises(BaseImageError, match=r"cannot pull some/image: no progress for 0\.2 s"),
    ):
        engine.pull("some/image", None, lambda _text: None)


def test_an_error_inside_a_pull_is_raised(tmp_path: Path) -> None:
    """The engine tells of a failed pull in a body whose status was 200."""
    lines = b'{"status":"Pulling"}\r\n{"errorDetail":{"message":"toomanyrequests: slow down"},"error":"x"}\r\n'
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(lines), lines)
    with (
        peer(tmp_path, partial(version_or, rest=whole)) as url,
        client(url) as engine,
        pytest.raises(BaseImageError, match="cannot pull some/image: toomanyrequests: slow down"),
    ):
        engine.pull("some/image", None, lambda _text: None)


def test_after_cancel_no_container_is_asked_for(tmp_path: Path) -> None:
    """What was never asked for is not looked for either: a run that is cut short ends without that wait."""
    heads: list[bytes] = []

    def serve(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        version_or(connection, head, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with peer(tmp_path, serve) as url, client(url) as engine:
        assert engine.image("x") is None
        engine.cancel()
        seen = len(heads)
        with pytest.raises(EngineError, match="cancelled"), engine.container(NEVER):
            pytest.fail("created")
    assert len(heads) == seen


REMOVALS = {
    "removed": (200, "[]", Removal.REMOVED),
    "none": (404, '{"message": "No such image: x:1"}', Removal.NOT_THERE),
    "in use": (409, '{"message": "conflict: container 1 is using its referenced image"}', Removal.IN_USE),
    "raced": (500, '{"message": "unrecognized image ID sha256:11"}', Removal.REMOVED),
}


@pytest.mark.parametrize("case", REMOVALS)
def test_a_removal_that_races_with_another_client_s_is_none_the_worse(tmp_path: Path, case: str) -> None:
    """Two that remove the last tags of one image at once: to the second the engine says 500, and both tags are gone."""
    status, body, came = REMOVALS[case]
    with peer(tmp_path, partial(version_or, rest=_replied(status, body))) as url, client(url) as engine:
        assert engine.remove_image("sha256:" + "1" * 64) is came


def test_a_name_that_leads_nowhere_is_freed(tmp_path: Path) -> None:
    """A tag that the engine calls unknown may come back with the same image: it is moved to another, and removed."""
    asked: list[str] = []
    images = '[{"Id": "sha256:22", "RepoTags": ["<none>:<none>"]}, {"Id": "sha256:33", "RepoTags": ["base:1"]}]'

    def answer(connection: socket.socket, head: bytes) -> None:
        line = head.partition(b" HTTP/")[0].decode().replace("/v1.41", "").replace("/v1.44", "")
        if line != "GET /version":
            asked.append(line)
        known = "/tag?" in "".join(asked)
        reply = {"DELETE": (200, "[]") if known else (404, "{}"), "GET": (200, images), "POST": (201, "")}
        version_or(connection, head, _replied(*reply[line.partition(" ")[0]]))

    with peer(tmp_path, answer) as url, client(url) as engine:
        assert engine.remove_image("imgcompare/app:one") is Removal.NOT_THERE
    removal = "DELETE /images/imgcompare/app:one"
    assert asked == [removal, "GET /images/json", "POST /images/sha256:33/tag?repo=imgcompare%2Fapp&tag=one", removal]


def _replied(status: int, body: str) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
