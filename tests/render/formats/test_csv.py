"""The comparison as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from imgcompare.comparison.spread import spread
from imgcompare.console.style import Style
from imgcompare.model import Repeated, Report, Variant
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]
STYLE = Style(width=80, color=True, ascii_only=False)


def test_a_row_for_each_variant(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """The columns' names have their units, the numbers are raw, and what there is not is empty."""
    assert (
        render(make_report(single, tutorial), "csv", STYLE, ("notes are not data",))
        == """\
comparison,variant,verdict,as_expected,failure,baseline,uncompressed_bytes,uncompressed_delta_bytes,\
uncompressed_ratio,compressed_bytes,compressed_exact,compressed_delta_bytes,compressed_ratio,base_bytes,own_bytes,\
shared_bytes,unique_bytes,wasted_bytes,efficiency,files,layers,build_s,build_steps,cached_steps,ready_s,memory_bytes,\
stopped_s,health,status_code,response_s,image_id,os,architecture,engine,engine_version,created,measured_runs,\
cached_build_s,ready_min_s,ready_max_s,ready_deviation_s,response_min_s,response_max_s,response_deviation_s,\
memory_min_bytes,memory_max_bytes,memory_deviation_bytes,cached_build_min_s,cached_build_max_s,cached_build_deviation_s,packages
default,single-stage,works,true,,true,957200000,0,1.0,,,,,,,,,,,,7,3.1,6,0,0.41,41200000,,,200,0.004,\
"""
        + f"sha256:{'a' * 64},linux,amd64,Docker Engine,20.10.24,2025-11-21T08:00:00Z{',' * 15}0\n"
        + "default,tutorial,broken,false,exits-at-once,false,150100000,-807100000,0.1568115336397827"
        + f",,,,,,,,,,,,5,72.4,8,2,,,,,,,sha256:{'a' * 64},linux,amd64,Docker Engine,20.10.24,2025-11-21T08:00:00Z"
        + f"{',' * 15}0\n"
    )


def test_what_was_measured_several_times(make_report: MakeReport, single: Variant) -> None:
    """How often, and the least, the most and the deviation of each; builds from the cache are not the first build."""
    again = Repeated(ready_s=spread([0.4, 0.41, 0.45]), build_s=spread([0.2, 0.3]))
    (row,) = csv.DictReader(io.StringIO(render(make_report(replace(single, repeated=again)), "csv", STYLE)))
    assert (row["measured_runs"], row["ready_min_s"], row["ready_max_s"], row["build_s"]) == ("3", "0.4", "0.45", "3.1")
    assert float(row["ready_deviation_s"]) == pytest.approx(0.0264575)
    assert (row["cached_build_s"], row["cached_build_max_s"], row["memory_min_bytes"]) == ("0.25", "0.3", "")


def test_comparisons_follow_one_another(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """A collection is one table, with the comparison's name in each row."""
    reports = make_report(single, scenario="a"), make_report(single, multi, scenario="b")
    rows = [*csv.DictReader(io.StringIO(render(collect(reports, created="now"), "csv", STYLE)))]
    assert [(row["comparison"], row["variant"]) for row in rows] == [
        ("a", "single-stage"),
        ("b", "single-stage"),
        ("b", "multi-stage"),
    ]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\x1b[31m\u202e=1", "'=1"),
        ("＝1", "'＝1"),
        ('a"b,c\nd', 'a"b,c d'),
    ],
)
def test_no_text_is_a_formula(make_report: MakeReport, make_variant: MakeVariant, name: str, cell: str) -> None:
    """What a spreadsheet would run is marked as text; separators and line feeds stay inside their cell."""
    (row,) = csv.DictReader(io.StringIO(render(make_report(make_variant(name)), "csv", STYLE)))
    assert row["variant"] == cell
    assert row["uncompressed_bytes"] == "100000000"


def test_a_negative_number_stays_one(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """The protection is for texts: numbers can be added up."""
    rows = [*csv.DictReader(io.StringIO(render(make_report(single, replace(multi, name="m")), "csv", STYLE)))]
    assert int(rows[1]["uncompressed_delta_bytes"]) == -757_800_000
