"""Pure: several reports as one Collection, run one after another or merged from the shards of a CI fan-out."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare import __version__
from imgcompare.model import SCHEMA_VERSION, Collection, Report, Shard, Tool


def collect(reports: Sequence[Report], *, created: str, shard: Shard | None = None) -> Collection:
    """Put reports together in their order; a collection passes when each does, and an empty one does not."""
    return Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=created,
        comparisons=tuple(reports),
        passed=bool(reports) and all(report.passed for report in reports),
        shard=shard,
    )
