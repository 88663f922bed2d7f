"""``python -m benchmarks.mending [NAME]...``: the score of ``imgcompare mend`` on broken Dockerfiles of our own.

Every mended Dockerfile is built, run and checked once more by ``imgcompare run``, so that none is called mended that is
broken, and every one that is not mended must be as it was. The exit code says whether at least 70 % are mended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mending.broken import BROKEN, FILES, Broken

_IMGCOMPARE = (sys.executable, "-m", "imgcompare")
_AT_A_TIME = 3
_GOAL = 0.7


@dataclass(frozen=True)
class Score:
    """What became of one: the codes mended on the way, what is still wrong, seconds, and whether it was made worse."""

    name: str
    mended: bool
    codes: tuple[str, ...]
    left: str
    seconds: float
    worse: str


def main(names: Sequence[str]) -> int:
    """Mend them, print a line for each and the share."""
    wanted = {name: BROKEN[name] for name in names or BROKEN}
    scores = []
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for score in pool.map(_score, wanted, wanted.values()):
            scores.append(score)
            outcome = "mended" if score.mended else f"left: {score.left}"
            rounds = " → ".join(score.codes)
            print(f"{score.name:32} {score.seconds:6.1f} s  {rounds or '-'}  {outcome}  {score.worse}", flush=True)
    mended = sum(score.mended for score in scores)
    worse = [score.name for score in scores if score.worse]
    print(f"{mended} of {len(scores)} mended ({mended / len(scores):.0%}); made worse: {', '.join(worse) or 'none'}")
    return 0 if mended / len(scores) >= _GOAL and not worse else 1


def _score(name: str, broken: Broken) -> Score:
    with tempfile.TemporaryDirectory(prefix="imgcompare-mending-") as folder:
        place = Path(folder)
        for path, text in (FILES | broken.files | {"Dockerfile": broken.dockerfile}).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(text.encode())
        began = time.monotonic()
        options = ("--timeout", "10", *broken.options)
        done = _run("mend", *options, "--json", "-o", "Dockerfile.mended", folder=place)
        seconds = time.monotonic() - began
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        works = bool(told.get("works"))
        worse = _worse(place, broken, options, works=works)
    codes = tuple(failure["code"] for failure in told.get("mended", ()))
    failure = told.get("result", {}).get("failure") or {"code": done.stderr.strip()[-200:], "message": ""}
    left = "" if works else f"{failure['code']}: {failure['message']} ({told.get('reason', '')})"
    return Score(name, works and bool(codes), codes, left if not works else "it works as it is", seconds, worse)


def _worse(place: Path, broken: Broken, options: Sequence[str], *, works: bool) -> str:
    """What speaks against the outcome, "" where nothing does."""
    if (place / "Dockerfile").read_bytes() != broken.dockerfile.encode():
        return "the original was changed"
    mended = place / "Dockerfile.mended"
    if mended.exists() != works and works:
        return ""  # nothing was to be mended
    if mended.exists() and not works:
        return "written although it does not work"
    if works:
        again = _run("run", "Dockerfile.mended", *options, "--json", "--rm-images", folder=place)
        return "" if again.returncode == 0 else "called mended and does not work"
    return ""


def _run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*_IMGCOMPARE, *arguments, "--quiet"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
