"""Two commands measured in turn, A B A B …, so that a machine whose speed drifts changes both alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command with its environment."""

    arguments: Sequence[str]
    environ: Mapping[str, str]
    cwd: str | None = None

    def seconds(self) -> float:
        """Run it once; wall seconds. Raises when it fails, with what it said."""
        began = time.monotonic()
        done = subprocess.run(
            self.arguments,
            env=self.environ,
            cwd=self.cwd,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        took = time.monotonic() - began
        if done.returncode:
            raise SystemExit(f"{' '.join(self.arguments)} failed:\n{done.stdout}{done.stderr}")
        return took


def compare(title: str, ours: Command, other: Command, *, limit: float, runs: int) -> bool:
    """Print the ratio of the medians with both, and whether it is within ``limit``."""
    for command in (ours, other):
        command.seconds()
    pairs = [(ours.seconds(), other.seconds()) for _ in range(runs)]
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    return report(title, a / b, limit, f"{a:.3f} s ÷ {b:.3f} s, median of {runs}")


def report(title: str, value: float, limit: float, how: str) -> bool:
    """Print one figure with its limit."""
    within = value <= limit
    print(f"{'ok    ' if within else 'MISSED'} {value:5.2f} (≤ {limit:.2f})  {title}  [{how}]", flush=True)
    return within
