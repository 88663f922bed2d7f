"""``python -m benchmarks.fleet``: what grows with the number of comparisons: shares, a merge of 200, a page of 50."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace

from benchmarks.big_report import big_report
from benchmarks.pairs import report
from benchmarks.render_report import drawn, measured
from imgcompare.reports.collection import collect
from imgcompare.reports.shards import share
from imgcompare.text.as_json import as_json

_IMGCOMPARE = (sys.executable, "-m", "imgcompare")
_REPORTS, _ON_A_PAGE, _MACHINES = 200, 50, 16
_RUNS = 3


def main() -> bool:
    """Print each figure with its limit; say whether all are within theirs."""
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as name:
        return all([_shares(), *_merge(Path(name)), *_page(Path(name))])


def _shares() -> bool:
    """The slowest machine against the mean, of comparisons most of which take seconds and some minutes."""
    chance = random.Random(1)  # noqa: S311 - the same each time, no secret
    seconds = {f"app-{number}": chance.lognormvariate(2, 1) for number in range(_REPORTS)}
    shares = [share(tuple(seconds), index, _MACHINES, seconds) for index in range(1, _MACHINES + 1)]
    slowest = max(sum(seconds[name] for name in one) for one in shares)
    ratio = slowest / (sum(seconds.values()) / _MACHINES)
    return report("slowest share ÷ the mean", ratio, 1.2, f"{_REPORTS} comparisons on {_MACHINES} machines")


def _merge(folder: Path) -> list[bool]:
    one = big_report()
    for number in range(_REPORTS):
        (folder / f"{number}.json").write_bytes(as_json(replace(one, scenario=f"app-{number}")))
    files = [str(folder / f"{number}.json") for number in range(_REPORTS)]
    found = [measured([*_IMGCOMPARE, "merge", *files, "--json"], folder) for _ in range(_RUNS)]
    how = f"best of {_RUNS}"
    return [
        report(f"merge of {_REPORTS} reports, s", min(seconds for seconds, _ in found), 1.0, how),
        report(f"merge of {_REPORTS} reports, MB", min(peak for _, peak in found), 150.0, f"peak memory, {how}"),
    ]


def _page(folder: Path) -> list[bool]:
    one = big_report()
    reports = [replace(one, scenario=f"app-{number}") for number in range(_ON_A_PAGE)]
    (folder / "all.json").write_bytes(as_json(collect(reports, created="2025-01-01T00:00:00Z")))
    page = folder / "all.html"
    command = [*_IMGCOMPARE, "report", str(folder / "all.json"), "--format", "html", "-o", str(page)]
    seconds, peak = measured(command, folder)
    what = f"a page of {_ON_A_PAGE} comparisons"
    return [
        report(f"{what}, MB", page.stat().st_size / 1e6, 10.0, f"written in {seconds:.2f} s, {peak:.0f} MB"),
        report(f"{what}, drawn, s", drawn(page, folder), 1.0, "headless Chromium"),
    ]


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
