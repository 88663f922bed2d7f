"""Two variants with a Postgres and a Redis each, everything cached, against the same by hand with Compose.

The one by hand looks at its health checks each second, where people mostly write 5 or 10.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.pairs import Command, compare
from imgcompare.scenarios import scenario
from imgcompare.services.program import needed_program

_LIMIT = 0.8
_RUNS = 5


def main(docker: str, environ: dict[str, str], folder: str) -> list[bool]:
    """Measure; whether it is within its limit."""
    bundled = scenario("with-database")
    dockerfiles = [str(variant.dockerfile) for variant in bundled.variants if variant.expected_failure is None]
    compose = needed_program().words
    if len(compose) > 1:
        raise SystemExit("the script by hand needs Compose as one program: pip install 'docker-imgcompare[compose]'")
    ours = [sys.executable, "-m", "imgcompare", "run", "--quiet", "--json", "--compose", str(bundled.compose)]
    by_hand = [str(Path(__file__).with_name("by_hand_compose.sh")), docker, *compose, str(bundled.context)]
    return [
        compare(
            "two variants with Postgres and Redis ÷ by hand, everything cached",
            Command([*ours, *dockerfiles], environ, folder),
            Command([*by_hand, *dockerfiles], environ, folder),
            limit=_LIMIT,
            runs=_RUNS,
        )
    ]
