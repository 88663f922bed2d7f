"""Print what the tests reach of each room in their own processes: statements and branches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import PurePath


def main() -> None:
    """Read the data that pytest-cov left here."""
    report = subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-q", "-o", "-"], stdout=subprocess.PIPE, check=True
    )
    rooms: dict[str, Counter[str]] = {}
    for name, file in json.loads(report.stdout)["files"].items():
        parts = PurePath(name).parts
        room = parts[1] if len(parts) > 2 else "model, errors …"
        rooms.setdefault(room, Counter()).update(
            {key: value for key, value in file["summary"].items() if isinstance(value, int)}
        )
    print(f"\n{'Room':18} {'Statements':>12} {'Branches':>10} {'Reached':>8}")
    for room, counts in [*sorted(rooms.items()), ("all", sum(rooms.values(), Counter()))]:
        there = counts["num_statements"] + counts["num_branches"]
        reached = counts["covered_lines"] + counts["covered_branches"]
        share = f"{reached / there:.0%}" if there else "–"
        print(f"{room:18} {counts['num_statements']:12} {counts['num_branches']:10} {share:>8}")


if __name__ == "__main__":
    main()
