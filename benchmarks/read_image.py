"""Measure the image reader: peak memory for archives of 1 GB and 4 GB, payload speed against SHA-256, entries a second.

The archives are generated as they are read, never stored. Prints a line for each figure, with its limit.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from imgcompare.image.archive import read_archive
from imgcompare.image.tarstream import TarStream

# The same in every process, and whole blocks of 512 bytes that divide a gigabyte.
PIECE = random.Random(1).randbytes(10**6)  # noqa: S311
FILE_BYTES = 40 * 10**6
ENTRIES = 200_000
CHUNK = 1 << 16
Parts: TypeAlias = Iterator[bytes]


def header(name: str, size: int) -> bytes:
    """One file's header."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def layer(size: int) -> Parts:
    """A layer of ``size`` bytes in files of 40 MB."""
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


def legacy(size: int, diff_id: str, length: int) -> Parts:
    """A ``docker save`` archive with one such layer."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [diff_id]}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["big:1"], "Layers": ["1/layer.tar"]}]).encode()
    yield header("1/layer.tar", length)
    yield from layer(size)
    for path, content in ((name, config), ("manifest.json", manifest)):
        yield header(path, len(content)) + content + bytes(-len(content) % 512)
    yield bytes(1024)


def read(size: int, diff_id: str, length: int) -> None:
    """In a process of its own: read the archive, print seconds and peak resident bytes."""
    started = time.perf_counter()
    image = read_archive(legacy(size, diff_id, length)).find("big:1")
    elapsed = time.perf_counter() - started
    assert image.layers[0].uncompressed_size == length
    print(elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def in_fresh_process(size: int) -> tuple[float, int]:
    """Seconds and peak bytes of reading an archive of ``size``."""
    diff_id, length = facts(size)
    command = [sys.executable, __file__, str(size), diff_id, str(length)]
    elapsed, peak = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return float(elapsed), int(peak)


def bare_hash(size: int) -> float:
    """Seconds that SHA-256 alone takes for the same bytes."""
    started = time.perf_counter()
    digest = hashlib.sha256()
    for part in layer(size):
        digest.update(part)
    return time.perf_counter() - started


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


def skipped_gigabytes_a_second(size: int) -> float:
    """Payload that passes through the tar reader a second, nothing hashed."""
    started = time.perf_counter()
    for _ in TarStream(layer(size)):
        pass
    return size / 1e9 / (time.perf_counter() - started)


def line(what: str, value: str, limit: str, *, ok: bool) -> None:
    """One figure."""
    print(f"{what:<58} {value:>14}  {limit:<16} {'ok' if ok else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    small, large = 10**9, 4 * 10**9
    (_, small_peak), (elapsed, large_peak) = in_fresh_process(small), in_fresh_process(large)
    bare = bare_hash(large)
    speed, entries, skipped = bare / elapsed, entries_a_second(), skipped_gigabytes_a_second(large)
    rate = large / 1e9 / elapsed
    line("peak memory reading a 1 GB image", f"{small_peak / 1e6:.1f} MB", "<= 80 MB", ok=small_peak <= 80e6)
    line("peak memory reading a 4 GB image", f"{large_peak / 1e6:.1f} MB", "<= 80 MB", ok=large_peak <= 80e6)
    growth = large_peak / small_peak
    line("peak memory, 4 GB / 1 GB", f"{growth:.2f}", "<= 1.05", ok=growth <= 1.05)
    line("payload read and verified", f"{rate:.2f} GB/s", ">= 1 GB/s", ok=rate >= 1)
    line("payload speed / SHA-256 alone", f"{speed:.2f}", ">= 0.80", ok=speed >= 0.8)
    line("payload passed through the tar reader", f"{skipped:.1f} GB/s", ">= 1 GB/s", ok=skipped >= 1)
    line("tar entries a second", f"{entries:,.0f}", ">= 150,000", ok=entries >= 150_000)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    else:
        main()
