"""How long comparisons took, by what a report says."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.errors import UsageError
from imgcompare.reports.collection import collect
from imgcompare.reports.times import measured_times
from imgcompare.text.as_json import as_json
from tests.support.reports import report


def test_times_are_those_of_every_comparison_that_was_measured(tmp_path: Path) -> None:
    """A merged report has many, a single one its own; one that was cut short says nothing."""
    web, api, cut = (
        report(scenario="web", duration_s=12.5),
        report(scenario="api", duration_s=3.0),
        report(scenario="x"),
    )
    whole, single = tmp_path / "whole.json", tmp_path / "single.json"
    whole.write_bytes(as_json(collect([web, api, cut], created="")))
    single.write_bytes(as_json(web))
    assert measured_times(whole) == {"web": 12.5, "api": 3.0}
    assert measured_times(single) == {"web": 12.5}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 99}', '{"schema_version": 1, "comparisons": 1}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    """Shares by a wrong file would leave comparisons out."""
    (tmp_path / "times.json").write_text(text)
    with pytest.raises(UsageError, match=r"times\.json"):
        measured_times(tmp_path / "times.json")
