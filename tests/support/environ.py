"""The environment of the programs that tests start."""

from __future__ import annotations

import os


def path_and_coverage() -> dict[str, str]:
    """Of this process's variables PATH, and what lets coverage count the program's lines where it counts ours."""
    return {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
