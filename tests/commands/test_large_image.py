"""An image of 100,000 files and a large layer: read in flat memory, until somebody has seen enough."""

from __future__ import annotations

import hashlib
import io
import json
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.projects import Offline

FILES = 100_000
LARGE_BYTES = 192 << 20
MOST_MEMORY_BYTES = 150 << 20
_NAME, _CHECKSUM = slice(0, 100), slice(148, 156)  # of a ustar header
_END = bytes(1024)
_ZEROS = bytes(1 << 20)


def many_files() -> Iterator[bytes]:
    """The tar of a layer of 100,000 small files in 2,000 folders."""
    entry = tarfile.TarInfo()
    entry.size = 10
    header = entry.tobuf(tarfile.USTAR_FORMAT)
    without_name, checksum = header[_NAME.stop : _CHECKSUM.start], int(header[_CHECKSUM].rstrip(b"\0 "), 8)
    rest = header[_CHECKSUM.stop :] + b"print()\n\n\n".ljust(512, b"\0")
    for number in range(FILES):
        name = b"srv/%d/file-%d.py" % (number % 2000, number)
        yield name.ljust(_NAME.stop, b"\0") + without_name + b"%06o\0 " % (checksum + sum(name)) + rest
    yield _END


def one_large_file(size: int) -> Iterator[bytes]:
    """The tar of a layer of one file."""
    entry = tarfile.TarInfo("data")
    entry.size = size
    yield entry.tobuf(tarfile.USTAR_FORMAT)
    for _ in range(size >> 20):
        yield _ZEROS
    yield _END


def saved(*layers: tuple[Iterator[bytes], int]) -> Iterator[bytes]:
    """What ``docker save`` would write of layers of these sizes, as a stream: the layers come first."""
    diff_ids, paths = [], []
    for number, (layer, size) in enumerate(layers):
        paths.append(f"{number}/layer.tar")
        entry = tarfile.TarInfo(paths[-1])
        entry.size = size
        yield entry.tobuf(tarfile.USTAR_FORMAT)
        digest = hashlib.sha256()
        for piece in layer:
            digest.update(piece)
            yield piece
        diff_ids.append(f"sha256:{digest.hexdigest()}")
        yield bytes(-size % 512)
    rest = io.BytesIO()
    config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    content = json.dumps(config).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["large:1"], "Layers": paths}]).encode()
    with tarfile.open(fileobj=rest, mode="w") as tar:
        for path, data in ((name, content), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    yield rest.getvalue()


def start(offline: Offline) -> subprocess.Popen[bytes]:
    """Inspect what comes on stdin."""
    with (offline.folder / "stdout").open("wb") as stdout, (offline.folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "imgcompare", "inspect", "-", "--json"],
            cwd=offline.folder,
            env=offline.environ,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
        )


def test_a_large_image_takes_little_memory(offline: Offline) -> None:
    """Every file counted, every byte too, in less memory than the layer has bytes."""
    small = FILES * 1024 + len(_END)
    large = LARGE_BYTES + 512 + len(_END)
    process = start(offline)
    assert process.stdin is not None
    with process.stdin as stdin:
        for piece in saved((many_files(), small), (one_large_file(LARGE_BYTES), large)):
            stdin.write(piece)
    # The kernel's own account of a child begins with what its parent had when it was forked.
    status, used = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        used = max(used, *map(int, re.findall(r"VmHWM:\s+([0-9]+) kB", status.read_text())), 0)
        time.sleep(0.02)
    assert process.returncode == 0, (offline.folder / "stderr").read_text()
    found = json.loads((offline.folder / "stdout").read_bytes())
    assert found["file_count"] == FILES + 1
    assert [layer["uncompressed_size"] for layer in found["layers"]] == [small, large]
    assert 0 < used << 10 < MOST_MEMORY_BYTES


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_reading_a_large_layer_can_be_broken_off(offline: Offline, number: signal.Signals) -> None:
    """In the middle of it, at once and without a word on stdout."""
    process = start(offline)
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stdin:
        for count, piece in enumerate(saved((one_large_file(7 << 30), 7 << 30))):
            stdin.write(piece)
            if count == 100:
                process.send_signal(number)
                began = time.monotonic()
    assert process.wait(timeout=10) in {128 + number, -number}
    assert time.monotonic() - began < 10
    assert (offline.folder / "stdout").read_bytes() == b""
    assert b"Traceback" not in (offline.folder / "stderr").read_bytes()
