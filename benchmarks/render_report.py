"""``python -m benchmarks.render_report``: every format of a big report, and how long a browser takes to draw it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.big_report import big_report
from benchmarks.pairs import Command, compare, report
from imgcompare.render.registry import FORMATS
from imgcompare.reports.store import save
from tests.support.browser import started

_IMGCOMPARE = (sys.executable, "-m", "imgcompare")
_RUNS = 5
_MEASURE = """
import resource, subprocess, sys, time
began = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
took, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(took, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
_SECONDS, _MEGABYTES, _PAGE_MEGABYTES, _DRAWN_S = 1.0, 150.0, 5.0, 1.0


def main() -> bool:
    """Print each figure with its limit; say whether all are within theirs."""
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as name:
        folder = Path(name)
        saved = str(save(big_report(), folder, "big"))
        results = [figure for format_ in FORMATS for figure in _format(saved, format_, folder)]
        page = folder / "out.html"
        megabytes = page.stat().st_size / 1e6
        results.append(report("size of the page, MB", megabytes, _PAGE_MEGABYTES, "two images of 20,000 files"))
        results.append(report("page drawn, s", drawn(page, folder), _DRAWN_S, f"headless Chromium, best of {_RUNS}"))
        results.append(
            compare(
                "imgcompare report --json ÷ python -c 'import click, msgspec'",
                Command([*_IMGCOMPARE, "report", saved, "--json"], os.environ, name),
                Command([sys.executable, "-c", "import click, msgspec"], os.environ, name),
                limit=1.5,
                runs=15,
            )
        )
    return all(results)


def _format(saved: str, format_: str, folder: Path) -> list[bool]:
    """Seconds and peak memory of the whole command that writes one format."""
    command = [*_IMGCOMPARE, "report", saved, "--format", format_, "-o", str(folder / f"out.{format_}")]
    found = [measured(command, folder) for _ in range(_RUNS)]
    how = f"best of {_RUNS}"
    return [
        report(f"report --format {format_}, s", min(seconds for seconds, _ in found), _SECONDS, how),
        report(f"report --format {format_}, MB", min(peak for _, peak in found), _MEGABYTES, f"peak memory, {how}"),
    ]


class Used(NamedTuple):
    """What a command used: wall seconds, seconds of all processors, and megabytes at its peak."""

    seconds: float
    cpu_s: float
    megabytes: float


def used(command: list[str], folder: Path, environ: Mapping[str, str] = os.environ) -> Used:
    """Run it; a small process starts it, for a child begins with its parent's peak."""
    measure = [sys.executable, "-c", _MEASURE, *command]
    done = subprocess.run(measure, cwd=folder, env=environ, stdout=subprocess.PIPE, check=True)
    seconds, cpu_s, kilobytes = done.stdout.split()
    return Used(float(seconds), float(cpu_s), int(kilobytes) * 1024 / 1e6)


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds, and megabytes at the peak."""
    found = used(command, folder)
    return found.seconds, found.megabytes


def drawn(page: Path, folder: Path) -> float:
    """Seconds from the start of loading until scripts have drawn the charts and two more frames were made."""
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    times = []
    with started(folder / "profile") as browser:
        for _ in range(_RUNS):
            browser.open(page)
            times.append(float(browser.script(frames)))
    return min(times) / 1000


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
