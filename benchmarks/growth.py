"""``python -m benchmarks.growth DOCKER URL``: 2 to 32 variants, and 1 to 100 comparisons, beside a shell script.

By hand is what people do who are in a hurry: as many at a time as imgcompare takes, by ``xargs -P``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.pairs import Command, report
from benchmarks.render_report import used
from imgcompare.run.plan import default_jobs
from imgcompare.scenarios import scenario

_IMGCOMPARE = (sys.executable, "-m", "imgcompare", "run", "--quiet", "--json")
_BY_HAND = Path(__file__).parent / "by_hand.sh"
_VARIANTS, _COMPARISONS, _RUNS = (2, 8, 32), (1, 10, 100), 3
_RATIO, _CPU_S, _MEGABYTES = 0.9, 0.02, 80.0


class _Size(NamedTuple):
    """What one size took: the medians of wall seconds, ours and by hand, and of our own CPU seconds and peak MB."""

    number: int
    ours_s: float
    by_hand_s: float
    cpu_s: float
    megabytes: float


def main(docker: str, url: str) -> list[bool]:
    """Print both tables, and each figure with its limit."""
    environ = os.environ | {"DOCKER_HOST": url}
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as name:
        folder = Path(name)
        variants = [_measured(count, _variants(count), docker, environ, folder) for count in _VARIANTS]
        comparisons = [_measured(count, _comparisons(count, folder), docker, environ, folder) for count in _COMPARISONS]
    results = [*_told("variants", variants), *_told("comparisons", comparisons)]
    first, last = variants[0], variants[-1]
    each = (last.cpu_s - first.cpu_s) / (last.number - first.number)
    results.append(report("own CPU of each further variant, s", each, _CPU_S, f"{first.number} to {last.number}"))
    most = comparisons[-1]
    results.append(report(f"{most.number} comparisons, MB", most.megabytes, _MEGABYTES, "peak memory"))
    return results


def _told(what: str, sizes: list[_Size]) -> list[bool]:
    print(f"{what:>12}  {'ours':>8}  {'by hand':>8}  {'own CPU':>8}  {'memory':>8}   on {os.cpu_count()} processors")
    for size in sizes:
        print(
            f"{size.number:>12}  {size.ours_s:>6.2f} s  {size.by_hand_s:>6.2f} s  {size.cpu_s:>6.2f} s  "
            f"{size.megabytes:>5.0f} MB"
        )
    return [
        report(f"{size.number} {what} ÷ by hand", size.ours_s / size.by_hand_s, _RATIO, "everything cached")
        for size in sizes
    ]


def _measured(count: int, arguments: list[str], docker: str, environ: dict[str, str], folder: Path) -> _Size:
    """Ours and by hand in turn; what is cached is made in a round that does not count."""
    bundled = scenario("default")
    dockerfiles = "\n".join(islice(cycle(str(variant.dockerfile) for variant in bundled.variants), count))
    script = f'printf "%s\\n" "$1" | xargs -P{default_jobs(os.cpu_count())} -n1 "$2" "$3" "$4"'
    context = str(bundled.context)
    by_hand = Command(["sh", "-c", script, "sh", dockerfiles, str(_BY_HAND), docker, context], environ, str(folder))
    ours = [*_IMGCOMPARE, *arguments]
    used(ours, folder, environ)
    by_hand.seconds()
    rounds = [(used(ours, folder, environ), by_hand.seconds()) for _ in range(_RUNS)]
    middle = sorted(rounds)[_RUNS // 2][0]
    return _Size(count, middle.seconds, sorted(hand for _, hand in rounds)[_RUNS // 2], middle.cpu_s, middle.megabytes)


def _variants(count: int) -> list[str]:
    bundled = scenario("default")
    given = islice(cycle(bundled.variants), count)
    return [
        "--build-context",
        str(bundled.context),
        *(f"v{number}={variant.dockerfile}" for number, variant in enumerate(given)),
    ]


def _comparisons(count: int, folder: Path) -> list[str]:
    bundled = scenario("default")
    given = islice(cycle(bundled.variants), count)
    text = "\n".join(
        f'[comparisons.app-{number}]\ncontext = "{bundled.context}"\nvariants = ["only={variant.dockerfile}"]'
        for number, variant in enumerate(given)
    )
    config = folder / f"{count}.toml"
    config.write_text(text, encoding="utf-8")
    return ["--config", str(config), "--all"]


if __name__ == "__main__":
    sys.exit(0 if all(main(*sys.argv[1:])) else 1)
