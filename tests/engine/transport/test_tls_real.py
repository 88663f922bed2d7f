"""A real engine behind TLS, as DOCKER_TLS_VERIFY has it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildRequest, Built, Endpoint
from imgcompare.engine.transport.tls_relay import plain
from tests.support.builds import written_context

pytestmark = pytest.mark.engine


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, context: ssl.SSLContext, path: str) -> None:
    with suppress(OSError):
        while True:
            wire, _ = listener.accept()
            threading.Thread(target=_forward, args=(wire, context, path), daemon=True).start()


def _forward(wire: socket.socket, context: ssl.SSLContext, path: str) -> None:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as engine:
        engine.connect(path)
        with plain(context.wrap_socket(wire, server_side=True)) as client:
            back = threading.Thread(target=_pump, args=(engine, client), daemon=True)
            back.start()
            _pump(client, engine)
            back.join()


@pytest.fixture
def endpoint(engine_url: str, tmp_path: Path) -> Iterator[Endpoint]:
    """The engine's socket behind a TLS server with a certificate of its own."""
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=engine", "-days", "2"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = engine_url.removeprefix("unix://")
        serving = threading.Thread(target=_serve, args=(listener, context, path), daemon=True)
        serving.start()
        port = listener.getsockname()[1]
        yield Endpoint(url=f"https://127.0.0.1:{port}", source="the test", tls={"ca": str(certificate), "verify": "1"})
        listener.shutdown(socket.SHUT_RDWR)
        serving.join(10)


def test_a_build_goes_over_tls(endpoint: Endpoint, tmp_path: Path) -> None:
    """Megabytes of context one way while the status comes the other, with BuildKit and nothing in its place."""
    tag = f"imgcompare-test/{uuid.uuid4().hex}:1"
    files: dict[str, bytes | str] = {"Dockerfile": "FROM scratch\nCOPY . /\n", "big": uuid.uuid4().bytes * 500_000}
    context = written_context(tmp_path / "context", files)
    with closing(SdkEngine(endpoint)) as engine:
        try:
            built = engine.build(BuildRequest(context=context, tag=tag, builder="buildkit"), lambda _: None)
            assert isinstance(built, Built), built
        finally:
            engine.remove_image(tag)
