"""Pure: how the comparisons of a project are shared out among machines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imgcompare.errors import UsageError

MOST_SHARDS = 1000
_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


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


def share(names: Sequence[str], index: int, count: int) -> tuple[str, ...]:
    """Return the ``index``-th of ``count`` shares of ``names``, in their order.

    Sorted names are dealt out one by one: every name is in one share, shares differ by one name at most, and only a
    change of the names themselves changes who gets what.
    """
    mine = set(sorted(names)[index - 1 :: count])
    return tuple(name for name in names if name in mine)
