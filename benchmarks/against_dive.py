"""Reading both default images whole, packages and pull size included, against dive, which looks at files only."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pairs import Command, report


def compare_with_dive(images: Sequence[str], docker: str, environ: dict[str, str], folder: str) -> list[bool]:
    """Print what reading ``images`` costs: with nothing known, with all known, and beside the bare export."""
    dive = Path(sys.executable).with_name("dive")
    ours = [sys.executable, "-m", "benchmarks.measure", *images]
    cache = Path(folder, "cache")
    project = str(Path(__file__).parent.parent)
    known = Command(ours, environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": project}, folder)
    cold, warm, peer, floor = [], [], [], []
    for _ in range(3):
        shutil.rmtree(cache, ignore_errors=True)
        cold.append(known.seconds())
        warm.append(known.seconds())
        peer.append(sum(Command([str(dive), "--ci", name], environ | {"CI": "true"}).seconds() for name in images))
        floor.append(_bare_export(images, docker, environ))
    a, b, c, d = (sorted(column)[1] for column in (cold, warm, peer, floor))
    return [
        report("reading both images ÷ dive on both", a / c, 1.0, f"{a:.2f} s ÷ {c:.2f} s, median of 3"),
        report("reading both images ÷ docker save of both", a / d, 1.25, f"{a:.2f} s ÷ {d:.2f} s, median of 3"),
        report("the same, layers known ÷ dive on both", b / c, 0.05, f"{b:.2f} s ÷ {c:.2f} s, median of 3"),
    ]


def _bare_export(images: Sequence[str], docker: str, environ: dict[str, str]) -> float:
    """Seconds of `docker save` into nothing."""
    command = ["sh", "-c", f'exec "{docker}" save "$@" >/dev/null', "sh", *images]
    return Command(command, environ).seconds()
