"""Pure: several reports as one Collection, run one after another or merged from the shards of a CI fan-out."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare import __version__
from imgcompare.model import SCHEMA_VERSION, Collection, Report, Shard, Tool
from imgcompare.shards import share


def collect(reports: Sequence[Report], *, created: str, shard: Shard | None = None) -> Collection:
    """Put reports together in their order; a collection passes when it has some, and each passes.

    That of a shard passes when all of its share is there and passes: an empty share has nothing that could fail.
    """
    wanted = share(shard.comparisons, shard.index, shard.count) if shard else ()
    complete = {report.scenario for report in reports} >= set(wanted) if shard else bool(reports)
    return Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created=created,
        comparisons=tuple(reports),
        passed=complete and all(report.passed for report in reports),
        shard=shard,
    )
