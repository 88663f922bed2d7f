"""Reading both default images whole, packages and pull size included, against what does less with the same bytes.

dive looks at files only, ``sha256sum`` only hashes, ``docker save`` only sends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pairs import Command, report

# Below are configs and manifests.
_SMALLEST_LAYER_BYTES = 100_000


def compare_with_dive(images: Sequence[str], docker: str, environ: dict[str, str], folder: str) -> list[bool]:
    """Print what reading ``images`` costs: with nothing known, with all known, and beside the bare export."""
    dive = Path(sys.executable).with_name("dive")
    ours = [sys.executable, "-m", "benchmarks.measure", *images]
    cache = Path(folder, "cache")
    project = str(Path(__file__).parent.parent)
    known = Command(ours, environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": project}, folder)
    listed = Path(folder, "layers.txt")
    listed.write_text("\n".join(map(str, layers_of(images, docker, environ, Path(folder, "layers")))))
    hashing = Command(["xargs", "-n1", f"-P{os.cpu_count()}", "-a", str(listed), "sha256sum"], environ)
    cold, warm, peer, floor, hashed = [], [], [], [], []
    for _ in range(3):
        shutil.rmtree(cache, ignore_errors=True)
        cold.append(known.seconds())
        warm.append(known.seconds())
        peer.append(sum(Command([str(dive), "--ci", name], environ | {"CI": "true"}).seconds() for name in images))
        floor.append(_bare_export(images, docker, environ))
        hashed.append(hashing.seconds())
    a, b, c, d, e = (sorted(column)[1] for column in (cold, warm, peer, floor, hashed))
    how = f"{os.cpu_count()} processors, median of 3"
    return [
        report("reading both images ÷ dive on both", a / c, 0.6, f"{a:.2f} s ÷ {c:.2f} s, {how}"),
        report("reading both images ÷ sha256sum of their layers", a / e, 2.0, f"{a:.2f} s ÷ {e:.2f} s, {how}"),
        report("reading both images ÷ docker save of both", a / d, 1.25, f"{a:.2f} s ÷ {d:.2f} s, median of 3"),
        report("the same, layers known ÷ dive on both", b / c, 0.05, f"{b:.2f} s ÷ {c:.2f} s, median of 3"),
    ]


def _bare_export(images: Sequence[str], docker: str, environ: dict[str, str]) -> float:
    """Seconds of `docker save` into nothing."""
    command = ["sh", "-c", f'exec "{docker}" save "$@" >/dev/null', "sh", *images]
    return Command(command, environ).seconds()


def layers_of(images: Sequence[str], docker: str, environ: dict[str, str], folder: Path) -> list[Path]:
    """The tars of the images' layers, each once, in a new folder."""
    folder.mkdir()
    save = f'"{docker}" save "$@" | tar --extract --directory "{folder}"'
    subprocess.run(["sh", "-c", save, "sh", *images], env=environ, check=True)
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in found if path.stat().st_size > _SMALLEST_LAYER_BYTES)
