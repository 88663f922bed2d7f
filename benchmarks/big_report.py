"""A report of two images of 1 GB and 20,000 files each, made in memory as a run would have found it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from imgcompare.analysis.analyse import analyse
from imgcompare.comparison.compare import share
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.model import (
    Build,
    Check,
    Expectation,
    Report,
    Run,
    Source,
    Step,
    Variant,
    Verdict,
)
from tests.support.reports import report

FILES = 20_000
BYTES = 10**9
_SHARES = (("system", 0.6), ("python", 0.35), ("application", 0.05))
_BLOCK = 512
_SITE = "usr/local/lib/python3.11/site-packages"


def big_report() -> Report:
    """Two variants that work; the second has other packages and an application of its own."""
    variants = share(tuple(_variant(name, seed) for seed, name in enumerate(("before", "after"))))
    return report(*variants, created="2025-01-01T00:00:00Z", scenario="bench")


def _variant(name: str, seed: int) -> Variant:
    chance = random.Random(seed)  # noqa: S311 - the same each time, no secret
    made = [_layer(kind, round(FILES * part), chance) for kind, part in _SHARES]
    total = sum(layer.uncompressed_size for layer in made)
    layers = tuple(_scaled(layer, BYTES / total) for layer in made)
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {"WorkingDir": "/app", "User": "app"},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created_by": f"RUN make {kind}"} for kind, _ in _SHARES],
        }
    ).encode()
    image_id = f"sha256:{hashlib.sha256(config).hexdigest()}"
    image = analyse(ArchivedImage(config=config, image_id=image_id, layers=layers), 1)
    steps = tuple(Step(name=f"[{n}/20] RUN step {n}", duration_s=n / 10, cached=False) for n in range(1, 21))
    return Variant(
        name=name,
        source=Source(dockerfile=f"{name}.Dockerfile"),
        verdict=Verdict.WORKS,
        image=replace(image, reference=f"bench:{name}"),
        build=Build(duration_s=21, step_count=20, cached_step_count=0, steps=steps),
        run=Run(container_port=80, host_port=49152, ready_after_s=0.4, memory_bytes=40_000_000),
        check=Check(passed=True, url="http://127.0.0.1:49152/", expected=Expectation(), status_code=200),
    )


def _layer(kind: str, count: int, chance: random.Random) -> LayerIndex:
    """A layer of so many files; their sizes are spread as those of real files are."""
    paths = list(_paths(kind, count, chance))
    entries = tuple(
        FileEntry(path, "0", 0o644, 0, 0, size := round(chance.lognormvariate(9, 2)), size + _BLOCK, "", b"x" * 16)
        for path in paths
    )
    return LayerIndex(
        diff_id="sha256:" + hashlib.sha256("".join(paths).encode()).hexdigest(),
        uncompressed_size=sum(entry.stored for entry in entries),
        file_count=count,
        compressed_size=BYTES // 9,
        compressed_size_exact=True,
        entries=entries,
        documents=dict(_documents(kind, paths)),
    )


def _scaled(layer: LayerIndex, factor: float) -> LayerIndex:
    entries = tuple(
        FileEntry(e.path, e.kind, e.mode, e.uid, e.gid, size := round(e.size * factor), size + _BLOCK, e.link, e.digest)
        for e in layer.entries
    )
    return replace(layer, entries=entries, uncompressed_size=sum(entry.stored for entry in entries))


def _paths(kind: str, count: int, chance: random.Random) -> Iterator[str]:
    for number in range(count):
        group = chance.randrange(400 if kind == "system" else 120)
        part = chance.randrange(8)
        if kind == "system":
            yield f"usr/{('bin', 'lib', 'share', 'include')[part % 4]}/package{group}/part{part}/file{number}"
        elif kind == "python":
            yield f"{_SITE}/dist{group}/part{part}/module{number}.py"
        else:
            yield f"app/source{group}/part{part}/page{number}.html"


def _documents(kind: str, paths: list[str]) -> Iterator[tuple[str, bytes]]:
    """What dpkg and pip would have written down."""
    if kind == "application":
        return
    depth = 2 if kind == "system" else len(_SITE.split("/"))
    ordered = sorted(paths, key=lambda path: path.split("/")[depth])
    starts = [n for n, (a, b) in enumerate(pairwise(ordered), 1) if a.split("/")[depth] != b.split("/")[depth]]
    status = b""
    for start, end in pairwise([0, *starts, len(ordered)]):
        name, files = ordered[start].split("/")[depth], ordered[start:end]
        if kind == "system":
            status += f"Package: {name}\nStatus: install ok installed\nVersion: 1.{start}-1\n\n".encode()
            yield f"var/lib/dpkg/info/{name}.list", "".join(f"/{file}\n" for file in files).encode()
        else:
            info = f"{_SITE}/{name}-1.{start}.dist-info"
            yield f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.{start}\n".encode()
            yield f"{info}/RECORD", "".join(f"{file.removeprefix(_SITE)[1:]},,\n" for file in files).encode()
    if status:
        yield "var/lib/dpkg/status", status
