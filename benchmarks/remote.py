"""Reading an image from its registry, without an engine, beside `curl` of the same blobs.

What must be done with each byte, whoever does it: hash the blob, unpack it, hash what comes out. So over loopback the
pair is a pipe that does just that; against `curl` into nothing it is the line that counts, here one of a gigabit.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from isal import igzip

from benchmarks.pairs import Command, report

_IMGCOMPARE = (sys.executable, "-m", "imgcompare")
_OCI = "application/vnd.oci.image"
# What is left of a gigabit for TCP's payload.
_GIGABIT = 118_000_000
_CHUNK = 1 << 18
_RUNS = 3


def compare_with_curl(layers: Sequence[Path], environ: dict[str, str], folder: Path) -> list[bool]:
    """Print what reading an image of these layers costs: over loopback as fast as it goes, and over a gigabit."""
    folder.mkdir()
    _make_registry(layers, folder)
    with _serving(folder, 0) as address:
        unpack = "curl --silent --fail {} | gzip --decompress --stdout | sha256sum"
        here = _pair(address, folder, environ, unpack)
    with _serving(folder, _GIGABIT) as address:
        line = _pair(address, folder, environ, "curl --silent --fail --output /dev/null {}")
    how = f"{os.cpu_count()} processors, median of {_RUNS}"
    return [
        report("inspect over loopback ÷ curl | gunzip | sha256sum", here[0] / here[1], 1.0, _told(here, how)),
        report("inspect over a gigabit ÷ curl into nothing", line[0] / line[1], 1.3, _told(line, how)),
    ]


def _told(pair: tuple[float, float], how: str) -> str:
    return f"{pair[0]:.2f} s ÷ {pair[1]:.2f} s, {how}"


def _pair(address: str, folder: Path, environ: dict[str, str], peer: str) -> tuple[float, float]:
    """Median seconds of ours, with an empty cache, and of the peer's command for every blob, all at once."""
    cache = folder / "cache"
    ours = Command(
        [*_IMGCOMPARE, "inspect", f"registry:http://{address}/bench/app:1", "--json"],
        environ | {"XDG_CACHE_HOME": str(cache)},
    )
    blobs = [f"http://{address}/v2/bench/app/blobs/{name}" for name in _layer_digests(folder)]
    other = Command(["xargs", f"-P{len(blobs)}", "-I{}", "-a", str(folder / "blobs.txt"), "sh", "-c", peer], environ)
    (folder / "blobs.txt").write_text("\n".join(blobs))
    found = []
    for _ in range(_RUNS):
        shutil.rmtree(cache, ignore_errors=True)
        found.append((ours.seconds(), other.seconds()))
    a, b = (sorted(column)[_RUNS // 2] for column in zip(*found, strict=True))
    return a, b


def _layer_digests(folder: Path) -> list[str]:
    manifest = json.loads((folder / "manifest").read_bytes())
    return [layer["digest"] for layer in manifest["layers"]]


def _make_registry(layers: Sequence[Path], folder: Path) -> None:
    """Blobs by their digests, and the manifest of an image of all of them."""
    with ThreadPoolExecutor() as threads:
        packed = list(threads.map(lambda layer: _keep(igzip.compress(layer.read_bytes(), 1), folder), layers))
        diff_ids = list(threads.map(lambda layer: f"sha256:{hashlib.sha256(layer.read_bytes()).hexdigest()}", layers))
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "config": _keep(json.dumps(config).encode(), folder) | {"mediaType": f"{_OCI}.config.v1+json"},
        "layers": [one | {"mediaType": f"{_OCI}.layer.v1.tar+gzip"} for one in packed],
    }
    (folder / "manifest").write_text(json.dumps(manifest))


def _keep(content: bytes, folder: Path) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    (folder / digest).write_bytes(content)
    return {"digest": digest, "size": len(content)}


@contextmanager
def _serving(folder: Path, rate: int) -> Iterator[str]:
    """The registry in a process of its own, which sends ``rate`` bytes a second (0: as it can): ``host:port``."""
    command = [sys.executable, "-m", "benchmarks.remote", str(folder), str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def serve(folder: Path, rate: int) -> None:
    """Print the port, and serve until ended."""
    line = threading.Lock()
    free_at = time.monotonic()

    def paced(count: int) -> None:
        nonlocal free_at
        with line:
            free_at = max(free_at, time.monotonic() - 0.01) + count / rate
            wait = free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            kept = folder / ("manifest" if "/manifests/" in self.path else name)
            self.send_response(200)
            self.send_header("Content-Length", str(kept.stat().st_size))
            self.send_header("Content-Type", f"{_OCI}.manifest.v1+json")
            self.end_headers()
            with kept.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    if rate:
                        paced(len(chunk))
                    self.wfile.write(chunk)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
