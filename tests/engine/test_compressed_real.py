"""Pull sizes against a registry: what ``docker push`` stored of each layer, and what was estimated from the export."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.host import run_as_root
from imgcompare.image.archive import describe, read_archive

if TYPE_CHECKING:
    from pathlib import Path

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_CHANCE = random.Random(1)
_DOCKERFILES = {
    "python": "FROM scratch\nCOPY --from=python:3.11-slim /usr/local /usr/local\n",
    "flask": "FROM python:3.11-slim\nRUN pip install --no-cache-dir flask && useradd app\nCOPY a.py /app/\n",
    "tiny": "FROM scratch\nCOPY a.py /\nCOPY b.py /b/\n",
    "mixed": "FROM scratch\nCOPY random zeros text /\nCOPY text a.py /again/\n",
}
_FILES = {
    "a.py": b"print('hello')\n" * 9,
    "b.py": b"".join(b"x%d = %d\n" % (n, n * n) for n in range(300)),
    "random": _CHANCE.randbytes(3_000_000),
    "zeros": bytes(9_000_000),
    "text": b"\n".join(b"%x %d" % (_CHANCE.getrandbits(30), n) for n in range(400_000)),
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of our own on loopback: ``host:port``."""
    folder = tmp_path_factory.mktemp("registry")
    program = registry_program(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with subprocess.Popen([program, "serve", str(folder / "config.yml")], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with suppress(OSError):
                    get(f"http://{address}/v2/")
                    break
                time.sleep(0.05)
            yield address
        finally:
            process.terminate()
    shutil.rmtree(folder)


def registry_program(folder: Path) -> str:
    """Debian's registry: the installed one, or the package's program unpacked here, which starts no service."""
    if installed := shutil.which("docker-registry"):
        return installed
    download = ["apt-get", "download", "--quiet", "docker-registry"]
    if subprocess.run(download, cwd=folder, check=False, capture_output=True).returncode:
        run_as_root(["apt-get", "update", "--quiet"], "fetching the lists of packages")
        subprocess.run(download, cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("docker-registry_*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder / "package"], check=True)
    return str(folder / "package/usr/bin/docker-registry")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build context with files of all kinds of content."""
    folder = tmp_path_factory.mktemp("context")
    for name, content in _FILES.items():
        (folder / name).write_bytes(content)
    return folder


def get(url: str) -> dict[str, Any]:
    """A JSON document of the registry."""
    request = urllib.request.Request(url, headers={"Accept": _MANIFEST})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
        document: dict[str, Any] = json.load(reply)
    return document


@pytest.mark.parametrize("name", _DOCKERFILES)
def test_as_a_registry_holds_it(engine_url: str, registry: str, context: Path, name: str) -> None:
    """The image's pull size is within 1 % of what a registry holds, each layer within 1 % or a few bytes."""
    reference = f"{registry}/sizes:{name}"
    with closing(docker.DockerClient(base_url=engine_url, timeout=300)) as client:
        (context / "Dockerfile").write_text(_DOCKERFILES[name])
        client.images.build(path=str(context), tag=reference, rm=True)
        try:
            exported = b"".join(client.images.get(reference).save(named=True))
            assert "error" not in str(client.images.push(reference)).lower()
        finally:
            client.images.remove(reference)
    manifest = get(f"http://{registry}/v2/sizes/manifests/{name}")
    stored = [layer["size"] for layer in manifest["layers"]]
    image = describe(read_archive([exported]).find(reference))
    assert image.compressed_size == pytest.approx(sum(stored), rel=0.01)
    for layer, size in zip(image.layers, stored, strict=True):
        assert layer.compressed_size == pytest.approx(size, rel=0.01, abs=8)
    assert image.compressed_size_exact in (False, sum(stored) == image.compressed_size)
