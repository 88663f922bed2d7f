"""Pure: why one image is larger than another, by category."""

from __future__ import annotations

from collections.abc import Mapping


def reason(before: Mapping[str, int], after: Mapping[str, int]) -> list[tuple[str, int]]:
    """Which categories grew or shrank, by how many bytes, the greatest change first."""
    deltas = {category: after.get(category, 0) - before.get(category, 0) for category in {**before, **after}}
    return sorted(((name, delta) for name, delta in deltas.items() if delta), key=lambda item: (-abs(item[1]), item[0]))
