"""Pure: how the comparisons of a project are shared out among machines."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from imgcompare.errors import UsageError
from imgcompare.regex import regex

MOST_SHARDS = 1000
_SHARD = regex(r"([0-9]{1,9})/([0-9]{1,9})")


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``I/N``, the I-th of N shares counted from 1. Raises UsageError."""
    match = _SHARD.fullmatch(text)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= index <= count <= MOST_SHARDS:
        raise UsageError(
            f"--shard {text!r} is no share",
            hint=f"Write I/N, the I-th of N shares: --shard 1/3, --shard 2/3, --shard 3/3; at most {MOST_SHARDS}.",
        )
    return index, count


def share(names: Sequence[str], index: int, count: int, seconds: Mapping[str, float]) -> tuple[str, ...]:
    """Return the ``index``-th of ``count`` shares of ``names``, in their order; ``seconds`` is how long some took.

    Every name is in one share, and only a change of the names or of the seconds changes who gets what. Where no times
    are known, sorted names are dealt out one by one, and shares differ by one name at most.
    """
    known = {name: seconds[name] for name in names if name in seconds}
    mine = frozenset(_by_time(names, count, known)[index - 1] if known else sorted(names)[index - 1 :: count])
    return tuple(name for name in names if name in mine)


def _by_time(names: Sequence[str], count: int, known: Mapping[str, float]) -> list[list[str]]:
    """The longest first, each to who has least to do; what is new takes as long as the others on average.

    The longest share is at most 4/3 of the best there can be (R. L. Graham, Bounds on Multiprocessing Timing Anomalies,
    SIAM Journal on Applied Mathematics 17, 1969).
    """
    usual = sum(known.values()) / len(known)
    shares: list[list[str]] = [[] for _ in range(count)]
    load = [(0.0, 0, number) for number in range(count)]
    for name in sorted(names, key=lambda name: (-known.get(name, usual), name)):
        busy, held, number = heapq.heappop(load)
        shares[number].append(name)
        heapq.heappush(load, (busy + known.get(name, usual), held + 1, number))
    return shares
