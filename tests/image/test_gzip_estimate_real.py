"""Pull sizes against a registry: what ``docker push`` stored of each layer, and what was estimated from the export."""

from __future__ import annotations

import base64
import json
import math
import random
import shutil
import socket
import struct
import subprocess
import time
import urllib.request
from array import array
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.analysis.describe import describe
from imgcompare.engine.own.host import run_as_root
from imgcompare.image.archive import read_archive

if TYPE_CHECKING:
    from pathlib import Path

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_DOCKERFILES = {
    "python": "FROM scratch\nCOPY --from=python:3.11-slim /usr/local /usr/local\n",
    "flask": "FROM python:3.11-slim\nRUN pip install --no-cache-dir flask && useradd app\nCOPY a.py /app/\n",
    "tiny": "FROM scratch\nCOPY a.py /\nCOPY b.py /b/\n",
    "mixed": "FROM scratch\nCOPY random zeros text /\nCOPY text a.py /again/\n",
    # What nothing was fitted to: compilers, headers, git, perl; and data such as no software is made of.
    "tools": "FROM scratch\nCOPY --from=python:3.11 /usr/lib/gcc /gcc\nCOPY --from=python:3.11 /usr/include /include\n"
    "COPY --from=python:3.11 /usr/lib/git-core /usr/share/perl /git/\n",
    "data": "FROM scratch\nCOPY log.json /\nCOPY floats /\nCOPY base64 /\nCOPY database /\nCOPY chinese /\n",
}


def files() -> dict[str, bytes]:
    """Content of many kinds, by name."""
    chance = random.Random(1)
    return {
        "a.py": b"print('hello')\n" * 9,
        "b.py": b"".join(b"x%d = %d\n" % (n, n * n) for n in range(300)),
        "random": chance.randbytes(3_000_000),
        "zeros": bytes(9_000_000),
        "text": b"\n".join(b"%x %d" % (chance.getrandbits(30), n) for n in range(400_000)),
        "log.json": b"\n".join(
            b'{"time": "2026-01-%02dT%02d:%02d:00Z", "level": "%s", "user": %d, '
            b'"path": "/api/v1/orders/%d", "ms": %.3f}'
            % (
                n % 28 + 1,
                n % 24,
                n % 60,
                chance.choice((b"info", b"warning")),
                n % 977,
                n * 31 % 9973,
                chance.random(),
            )
            for n in range(120_000)
        ),
        "floats": array("d", (math.sin(n / 100) * n for n in range(1_500_000))).tobytes(),
        "base64": base64.encodebytes(chance.randbytes(6_000_000)),
        "database": b"".join(
            struct.pack(">IHd20s", n, n % 300, n / 7, b"name %d" % (n % 1000)) for n in range(300_000)
        ),
        "chinese": "".join(chr(0x4E00 + int(chance.gauss(0, 600)) % 6000) for _ in range(2_000_000)).encode(),
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
    for name, content in files().items():
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
    """The image's pull size is within 1 % of what a registry holds, each layer within 1 % or a few bytes.

    Bulk data is within 4 %: there compressors of the same level differ by as much among themselves.
    """
    tolerance = 0.04 if name == "data" else 0.01
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
    assert image.compressed_size == pytest.approx(sum(stored), rel=tolerance)
    for layer, size in zip(image.layers, stored, strict=True):
        assert layer.compressed_size == pytest.approx(size, rel=tolerance, abs=8)
    assert image.compressed_size_exact in (False, sum(stored) == image.compressed_size)
