"""The name of a saved run tells when it was made, and sorts after all that were there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imgcompare.reports.run_id import RUN_ID, after_all, new_run_id

NOW = "20261128T120000500-aaaaaa"


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ([], NOW),
        (["20261128T120000499-ffffff"], NOW),
        (["20261128T120000500-000000"], "20261128T120000501-aaaaaa"),
        (["20361128T120000999-ffffff", "20251128T120000000-ffffff"], "20361128T120001000-aaaaaa"),
        (["20261231T235959999-ffffff"], "20270101T000000000-aaaaaa"),
        (["99991231T235959999-ffffff"], NOW),
        (["20269999T999999999-ffffff"], NOW),
    ],
)
def test_what_is_written_last_sorts_last(others: list[str], name: str) -> None:
    """Whatever a clock that was ahead has made of those before it; names that hold no time change nothing."""
    assert after_all(NOW, others) == name
    assert RUN_ID.fullmatch(name)


def test_an_id_is_the_time_and_no_other() -> None:
    """Two of one moment differ."""
    now = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    one, other = new_run_id(now), new_run_id(now)
    assert one[:19] == other[:19] == "20260102T030405678-"
    assert one != other
