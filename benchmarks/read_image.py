"""Measure the image reader: peak memory for images of 1 GB, 8 GB, 200,000 and 500,000 files, and its speed.

The archives are generated as they are read, never stored. Prints a line for each figure, with its limit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from imgcompare.image.archive import read_archive
from imgcompare.image.cache import ImageCache
from imgcompare.image.tarstream import TarStream

# The same in every process, and whole blocks of 512 bytes that divide a gigabyte.
PIECE = random.Random(1).randbytes(10**6)  # noqa: S311 - no secret
FILE_BYTES = 40 * 10**6
ENTRIES = 200_000
MANY = 500_000
CHUNK = 1 << 16
Parts: TypeAlias = Iterator[bytes]


def header(name: str, size: int) -> bytes:
    """One file's header; tarfile makes that of one for each size, for half a million take it longer than the reader."""
    rest, total = _header_without_name(size)
    path = name.encode()
    assert len(path) <= 100
    return path.ljust(100, b"\0") + rest[:48] + b"%06o\0 " % (total + sum(path)) + rest[56:]


@lru_cache
def _header_without_name(size: int) -> tuple[bytes, int]:
    """What follows the name, and the checksum as it is without one."""
    info = tarfile.TarInfo("")
    info.size = size
    block = info.tobuf(tarfile.GNU_FORMAT)
    return block[100:], int(block[148:154], 8)


def layer(size: int) -> Parts:
    """A layer of ``size`` bytes in files of 40 MB; a negative size is one of so many small files."""
    if size < 0:
        for number in range(-size):
            path = f"usr/local/lib/python3.11/site-packages/package{number % 97}/module_number_{number}.py"
            yield header(path, 100) + b"%-100d" % number + bytes(412)
    for number in range(size // FILE_BYTES):
        yield header(f"srv/data/{number}", FILE_BYTES)
        yield from [PIECE] * (FILE_BYTES // len(PIECE))
    yield bytes(1024)


@lru_cache
def facts(size: int) -> tuple[str, int]:
    """The digest and length of such a layer."""
    digest, length = hashlib.sha256(), 0
    for part in layer(size):
        digest.update(part)
        length += len(part)
    return "sha256:" + digest.hexdigest(), length


def legacy(sizes: tuple[int, ...]) -> Parts:
    """A ``docker save`` archive of one image with such layers."""
    known = {size: facts(size) for size in sizes}
    diff_ids = [known[size][0] for size in sizes]
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    paths = [f"{number}/layer.tar" for number in range(len(sizes))]
    manifest = json.dumps([{"Config": name, "RepoTags": ["big:1"], "Layers": paths}]).encode()
    for path, size in zip(paths, sizes, strict=True):
        yield header(path, known[size][1])
        yield from layer(size)
    for path, content in ((name, config), ("manifest.json", manifest)):
        yield header(path, len(content)) + content + bytes(-len(content) % 512)
    yield bytes(1024)


def as_sent(parts: Parts) -> Parts:
    """The same in pieces as an engine sends them."""
    gathered = bytearray()
    for part in parts:
        gathered += part
        if len(gathered) >= CHUNK:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def read(sizes: tuple[int, ...]) -> None:
    """In a process of its own: read the archive, keep it, load it; print seconds of both and peak resident bytes."""
    archive = as_sent(legacy(sizes))
    head = next(archive)  # by then all digests are known
    started = time.perf_counter()
    image = read_archive(chain((head,), archive)).find("big:1")
    elapsed = time.perf_counter() - started
    assert [layer.uncompressed_size for layer in image.layers] == [facts(size)[1] for size in sizes]
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as folder:
        ImageCache(Path(folder)).put_image(image.image_id, None, image)
        image_id = image.image_id
        del image
        started = time.perf_counter()
        assert ImageCache(Path(folder)).image(image_id, None)
        loading = time.perf_counter() - started
    print(elapsed, loading, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def in_fresh_process(*sizes: int) -> tuple[float, float, int]:
    """Seconds to read an image of such layers and to load it from the cache, and peak bytes of both."""
    command = [sys.executable, "-m", "benchmarks.read_image", *map(str, sizes)]
    elapsed, loading, peak = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return float(elapsed), float(loading), int(peak)


def entries_a_second() -> float:
    """Headers read a second, of small files as in a Python image."""
    buffer = io.BytesIO()
    for number in range(ENTRIES):
        size = number % 3000
        buffer.write(header(f"usr/lib/python3/dist-packages/package{number % 97}/module{number}.py", size))
        buffer.write(bytes(size + -size % 512))
    buffer.write(bytes(1024))
    data = buffer.getvalue()
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        assert sum(1 for _ in TarStream(chunks)) == ENTRIES
        best = min(best, time.perf_counter() - started)
    return ENTRIES / best


def gigabytes_a_second(size: int) -> float:
    """Payload that the tar reader passes on a second from a warm file; nothing hashed."""
    with tempfile.TemporaryFile() as file:
        file.writelines(layer(size))
        best = 0.0
        for _ in range(3):
            file.seek(0)
            started = time.perf_counter()
            stream = TarStream(iter(lambda: file.read(1 << 20), b""))
            assert sum(len(piece) for _ in stream for piece in stream.payload()) == size
            best = max(best, size / 1e9 / (time.perf_counter() - started))
    return best


def line(what: str, value: str, limit: str, *, ok: bool) -> None:
    """One figure."""
    print(f"{what:<58} {value:>14}  {limit:<16} {'ok' if ok else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    small, large = 10**9, (5 * 10**9, 3 * 10**9)
    print(f"{os.cpu_count()} processors")
    _, loading, files_peak = in_fresh_process(-ENTRIES)
    many, _, many_peak = in_fresh_process(-MANY)
    (_, _, small_peak), (elapsed, _, large_peak) = in_fresh_process(small), in_fresh_process(*large)
    growth, rate = large_peak - small_peak, sum(large) / 1e9 / elapsed
    entries, passed = entries_a_second(), gigabytes_a_second(small)
    line("peak memory, 200,000 files", f"{files_peak / 1e6:.1f} MB", "<= 120 MB", ok=files_peak <= 120e6)
    line("peak memory, 500,000 files", f"{many_peak / 1e6:.1f} MB", "<= 300 MB", ok=many_peak <= 300e6)
    line("500,000 files read", f"{many:.1f} s", "<= 12 s", ok=many <= 12)
    line("peak memory, 8 GB with a layer of 5 GB", f"{large_peak / 1e6:.1f} MB", "<= 120 MB", ok=large_peak <= 120e6)
    line("peak memory, 8 GB beyond 1 GB", f"{growth / 1e6:.1f} MB", "<= 16 MB", ok=growth <= 16e6)
    line("hashed twice, indexed, pull size estimated", f"{rate:.2f} GB/s", ">= 0.25 GB/s", ok=rate >= 0.25)
    line("payload through the reader alone", f"{passed:.1f} GB/s", ">= 1 GB/s", ok=passed >= 1)
    line("tar entries a second, the reader alone", f"{entries:,.0f}", ">= 150,000", ok=entries >= 150_000)
    line("200,000 entries loaded from the cache", f"{loading:.2f} s", "<= 0.5 s", ok=loading <= 0.5)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(tuple(map(int, sys.argv[1:])))
    else:
        main()
