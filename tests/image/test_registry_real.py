"""`imgcompare inspect` and `diff` of a real registry (Debian's docker-registry) that asks for a password; no engine."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.image.test_gzip_estimate_real import registry_program
from tests.support.images import Make
from tests.support.projects import Offline
from tests.support.registry import OCI, PASSWORD, USER

# Of the password, by crypt(3): what htpasswd -B -C 4 writes. Each request has it hashed, so the least cost will do.
_HASHED = "$2b$04$8Z.QS1kVA/SIZ0nK3T.v6ei1skNrIxx5AnLZfyQlzZCOCQbo496ZW"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Iterator[str]:
    """A guarded registry on loopback with shop/app:1 and :2: ``host:port``."""
    with running(tmp_path_factory.mktemp("registry"), make, guarded=True) as address:
        yield address


@contextmanager
def running(folder: Path, make: Make, *, guarded: bool, **settings: object) -> Iterator[str]:
    """A registry on loopback with shop/app:1 and :2, what it keeps below ``folder/data``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "passwords").write_text(f"{USER}:{_HASHED}\n")
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
        **({"auth": {"htpasswd": {"realm": "tests", "path": str(folder / "passwords")}}} if guarded else {}),
        **settings,
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    command = [registry_program(folder), "serve", str(folder / "config.yml")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with suppress(requests.ConnectionError):
                    requests.get(f"http://{address}/v2/", timeout=10).close()
                    break
            layers = make.layers()
            push(address, make, layers[:1], "1")
            push(address, make, layers, "2")
            yield address
        finally:
            process.terminate()


@contextmanager
def files_of(folder: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """What a cloud keeps a registry's blobs in: a server of files, and the headers of each request to it."""
    asked: list[dict[str, str]] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def push(address: str, make: Make, layers: list[bytes], tag: str) -> None:
    """Put an image of these layers, packed with gzip, into the registry."""
    api = f"http://{address}/v2/shop/app"
    config, packed = make.config(layers), [gzip.compress(layer, mtime=0) for layer in layers]
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)
        for content in (config, *packed):
            place = session.post(f"{api}/blobs/uploads/", timeout=10).headers["Location"]
            sent = session.put(place, params={"digest": make.digest(content)}, data=content, timeout=10)
            assert sent.status_code == 201
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": make.descriptor(config, mediaType=f"{OCI}.config.v1+json"),
            "layers": [make.descriptor(blob, mediaType=f"{OCI}.layer.v1.tar+gzip") for blob in packed],
        }
        headers = {"Content-Type": f"{OCI}.manifest.v1+json"}
        sent = session.put(f"{api}/manifests/{tag}", data=json.dumps(manifest), headers=headers, timeout=10)
        assert sent.status_code == 201


def log_in(folder: Path, address: str, *, by_helper: bool) -> dict[str, str]:
    """The environment of somebody who has logged in: with the password in the file, or in a helper's keeping."""
    (folder / "docker").mkdir()
    config: dict[str, object] = {"auths": {address: {"auth": b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}
    if by_helper:
        config = {"credHelpers": {address: "tests"}}
        helper = folder / "docker-credential-tests"
        told = json.dumps({"ServerURL": address, "Username": USER, "Secret": PASSWORD})
        helper.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{told}'\n")
        helper.chmod(0o755)
    (folder / "docker" / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(folder / "docker"), "PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize("by_helper", [False, True])
def test_an_image_in_a_guarded_registry(offline: Offline, registry: str, make: Make, by_helper: bool) -> None:
    """It is inspected with the password that docker keeps, wherever it does, as exactly as its manifest tells."""
    environ = log_in(offline.folder, registry, by_helper=by_helper)
    done = offline(
        "inspect", f"registry:http://{registry}/shop/app:2", "--platform", "linux/amd64", "--json", **environ
    )
    assert (done.returncode, done.stderr) == (0, "")
    image = json.loads(done.stdout)
    assert image["reference"] == f"{registry}/shop/app:2"
    assert image["uncompressed_size"] == sum(map(len, make.layers()))
    assert image["compressed_size"] == sum(len(gzip.compress(layer, mtime=0)) for layer in make.layers())
    assert image["compressed_size_exact"] is True


def test_two_images_in_a_registry(offline: Offline, registry: str) -> None:
    """A bare reference is one in a registry where --remote says so."""
    environ = log_in(offline.folder, registry, by_helper=False)
    names = (f"registry:http://{registry}/shop/app:{tag}" for tag in (1, 2))
    done = offline("diff", "--remote", *names, "--platform", "linux/amd64", "--json", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    difference = json.loads(done.stdout)
    assert [pair["shared"] for pair in difference["layers"]] == [True, False]


@pytest.mark.parametrize("guarded", [False, True])
def test_blobs_that_lie_elsewhere(offline: Offline, tmp_path: Path, make: Make, guarded: bool) -> None:
    """A registry that leads to another host for its blobs, as clouds have it, for anybody and for who has logged in.

    Nothing of the login goes there.
    """
    (tmp_path / "registry" / "data").mkdir(parents=True)
    with files_of(tmp_path / "registry" / "data") as (store, asked):
        middleware = {"storage": [{"name": "redirect", "options": {"baseurl": store}}]}
        with running(tmp_path / "registry", make, guarded=guarded, middleware=middleware) as address:
            environ = log_in(offline.folder, address, by_helper=False) if guarded else {}
            name = f"registry:http://{address}/shop/app:2"
            done = offline("inspect", name, "--platform", "linux/amd64", "--json", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["uncompressed_size"] == sum(map(len, make.layers()))
    assert len(asked) == 3
    assert not any("authorization" in map(str.lower, headers) for headers in asked)


def test_nobody_has_logged_in(offline: Offline, registry: str) -> None:
    """The next step is named, and it is a matter of usage."""
    done = offline("inspect", f"registry:http://{registry}/shop/app:2")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{registry} does not let us read shop/app" in done.stderr
    assert f"docker login {registry}" in done.stderr
    assert "Traceback" not in done.stderr
