"""The published JSON Schema is the model's, and whatever imgcompare writes or reads is held against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from imgcompare.model import Mending, Report
from imgcompare.reports import store
from imgcompare.reports.collection import collect
from imgcompare.reports.schema import report_schema
from tests.reports.test_store import REPORT, reports
from tests.support.schemas import REPORT_SCHEMA

_PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_the_published_schema_is_the_model_s() -> None:
    """docs/report.schema.json is what `imgcompare schema` prints; ``UPDATE_DOCS=1`` writes it anew."""
    printed = subprocess.run(
        [sys.executable, "-m", "imgcompare", "schema"], capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    if os.environ.get("UPDATE_DOCS"):
        _PUBLISHED.write_text(printed, encoding="utf-8")
    assert _PUBLISHED.read_text(encoding="utf-8") == printed


def test_it_is_a_schema() -> None:
    """It keeps to its dialect, each struct is told in words, and no name points anywhere but into itself."""
    schema = report_schema()
    REPORT_SCHEMA.validate(json.loads(msgspec.json.encode(REPORT)))
    structs = {name: part for name, part in schema["$defs"].items() if part.get("type") == "object"}
    assert {"Report", "Collection", "Mending", "Variant", "Image", "Part", "Gate", "Against"} <= set(structs)
    assert all(part["description"] and "  " not in part["description"] for part in structs.values())
    assert "http" not in json.dumps({key: part for key, part in schema.items() if key not in {"$schema", "$defs"}})


@given(report=reports)
def test_every_report_is_valid(report: Report) -> None:
    """Whatever a report holds, alone or in a collection, its JSON is what the schema says."""
    REPORT_SCHEMA.validate(json.loads(msgspec.json.encode(report)))
    REPORT_SCHEMA.validate(json.loads(msgspec.json.encode(collect([report], created="2025-01-02T03:04:05Z"))))


@given(report=reports)
def test_what_mend_prints_is_valid(report: Report) -> None:
    """Whatever variant comes out of it: each of its fields is named, and none is missing."""
    for variant in report.variants[:1]:
        mending = Mending(
            schema_version=report.schema_version,
            tool=report.tool,
            created=report.created,
            engine=report.engine,
            works=variant.failure is None,
            mended=(variant.failure,) if variant.failure else (),
            diff="--- Dockerfile",
            result=variant,
        )
        REPORT_SCHEMA.validate(json.loads(msgspec.json.encode(mending)))
        assert set(report_schema()["$defs"]["Mending"]["properties"]) == set(Mending.__struct_fields__)


def test_a_later_report_is_still_valid_and_read(tmp_path: Path) -> None:
    """Fields that a later version adds, at the top and deep inside, neither break the schema nor the reading."""
    later = json.loads(msgspec.json.encode(REPORT))
    later |= {"later": {"a": [1]}, "gates": [{"name": "x", "subject": "a", "limit": 1, "actual": 2, "passed": True}]}
    later["gates"][0]["severity"] = "low"
    later["variants"][0]["check"]["later"] = None
    path = tmp_path / "later.json"
    for document in (
        later,
        json.loads(msgspec.json.encode(collect([REPORT], created="now"))) | {"comparisons": [later]},
    ):
        REPORT_SCHEMA.validate(document)
        path.write_text(json.dumps(document), encoding="utf-8")
        (loaded,) = store.reports_of(store.load(path))
        assert loaded.variants == REPORT.variants


@pytest.mark.parametrize(
    "changes",
    [{"schema_version": 2}, {"variants": None}, {"passed": "true"}, {"engine": {}}, {"variants": [{"name": "a"}]}],
    ids=str,
)
def test_what_is_no_report_is_invalid(changes: dict[str, object]) -> None:
    """The schema refuses what the loader refuses."""
    assert not REPORT_SCHEMA.is_valid(json.loads(msgspec.json.encode(REPORT)) | changes)


def test_fields_are_added_and_never_taken_away() -> None:
    """What the first published version required and offered is still there, with its meaning's type."""
    parts = report_schema()["$defs"]
    assert parts["Report"]["required"] == [
        "schema_version",
        "tool",
        "created",
        "engine",
        "scenario",
        "baseline",
        "variants",
        "comparison",
        "gates",
        "passed",
    ]
    assert parts["Variant"]["required"] == ["name", "source", "verdict"]
    assert parts["Verdict"]["enum"] == ["broken", "not_checked", "works"]
    assert parts["Collection"]["required"] == ["schema_version", "tool", "created", "comparisons", "passed"]
