"""``python -m benchmarks.shrink_speed``: how long ``imgcompare shrink`` takes, and its look at what can be imported.

Each run begins with nothing in the cache but the bases: the bundled single-stage Dockerfile gets a line that no builder
has seen, as its multi-stage counterpart by hand is built with ``--no-cache``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import median
from uuid import uuid4

from benchmarks.pairs import Command, report
from imgcompare.remedy.probe import TEXTS
from imgcompare.scenarios import scenario

_RUNS = 3
_DISTRIBUTIONS = 60
_REQUEST = {
    "healthcheck": [],
    "env": [],
    "roots": [],
    "skip": [],
    "time_s": 10.0,
    "deadline_s": 120.0,
    "own_s": 20.0,
    "library_folders": ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"],
}


@dataclass(frozen=True)
class Bench:
    """Where it is measured."""

    docker: str
    environ: dict[str, str]
    folder: Path


def main(docker: str, url: str) -> list[bool]:
    """Print each figure with its limit; say which are within theirs."""
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as name:
        bench = Bench(docker, os.environ | {"DOCKER_HOST": url}, Path(name))
        return [_against_by_hand(bench), _imports(bench)]


def _against_by_hand(bench: Bench) -> bool:
    bundled = scenario("default")
    single, multi = (variant.dockerfile for variant in bundled.variants)
    shrink = [sys.executable, "-m", "imgcompare", "shrink", "Dockerfile", "--build-context", str(bundled.context)]
    ours = [*shrink, "--route", bundled.route, "--quiet", "--rm-images", "-o", "smaller", "--force"]
    build = [bench.docker, "build", "--quiet", "--no-cache", "-t", "by-hand:shrink", "-f", str(multi)]
    by_hand = Command([*build, str(bundled.context)], bench.environ | {"DOCKER_BUILDKIT": "1"})
    pairs = []
    for _ in range(_RUNS):
        unseen = single.read_text().replace("WORKDIR /app", f"ENV UNSEEN={uuid4().hex}\nWORKDIR /app")
        (bench.folder / "Dockerfile").write_text(unseen)
        pairs.append((Command(ours, bench.environ, str(bench.folder)).seconds(), by_hand.seconds()))
    subprocess.run([bench.docker, "image", "rm", "by-hand:shrink"], env=bench.environ, check=False, capture_output=True)
    shrunk, built = (median(column) for column in zip(*pairs, strict=True))
    how = f"{shrunk:.2f} s ÷ {built:.2f} s, nothing cached, median of {_RUNS}"
    return report("imgcompare shrink ÷ docker build of the multi-stage", shrunk / built, 3.0, how)


def _imports(bench: Bench) -> bool:
    """The look inside an environment of many distributions: what we ourselves are tested with."""
    environment = bench.folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    site = next((environment / "lib").glob("python*/site-packages"))
    ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    for each in sorted(ours.glob("*.dist-info"))[:_DISTRIBUTIONS]:
        _copy(each, ours, site)
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "compileall", "-q", site], check=False)
    request = json.dumps({**_REQUEST, "command": [python]})
    package = resources.files("imgcompare")
    texts = [package.joinpath(*path).read_text() for path in TEXTS]
    began = time.monotonic()
    done = subprocess.run([python, "-c", *texts, request], capture_output=True, text=True, check=True, cwd="/")
    took, seen = time.monotonic() - began, json.loads(done.stdout)
    how = f"{len(seen['distributions'])} distributions, {len(seen['modules'])} modules"
    return report("the look at all that can be imported, s", took, 10.0, how)


def _copy(record: Path, ours: Path, site: Path) -> None:
    """Put one distribution into the environment, as far as its files lie in site-packages."""
    for line in (record / "RECORD").read_text().splitlines():
        top = line.partition(",")[0].partition("/")[0]
        if top in {"..", "__pycache__"} or (site / top).exists():
            continue
        if (ours / top).is_dir():
            shutil.copytree(ours / top, site / top)  # with its bytecode, which pip makes
        elif (ours / top).exists():
            shutil.copy2(ours / top, site / top)
