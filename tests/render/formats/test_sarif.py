"""What code scanning gets: a result for each thing that is wrong, at its line of the Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel
from sarif_pydantic import Sarif  # type: ignore[import-untyped]

from imgcompare.console.style import Style
from imgcompare.model import Caution, Edit, EditAction, Gate, Report, Variant
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
STYLE = Style(width=80, color=False, ascii_only=False)
EDIT = Edit(action=EditAction.INSERT_BEFORE, stage="0", line=7, instruction="CMD", lines=("USER app",))


def results(report: Report, folder: str = "", repository: str = "") -> list[dict[str, Any]]:
    """The results of the only run."""
    text = render(report, "sarif", STYLE, folder=folder, repository=repository)
    log = json.loads(text)
    # Of the standard, these models lack this property of a run.
    assert unknown(Sarif.model_validate_json(text)) == ["log.runs.columnKind"]
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {one["ruleId"] for one in run["results"]}
    return list(run["results"])


def unknown(read: object, where: str = "log") -> list[str]:
    """The properties that SARIF's object model does not have, anywhere in a log."""
    if isinstance(read, list | tuple):
        return [one for each in read for one in unknown(each, where)]
    if not isinstance(read, BaseModel):
        return []
    extra = [f"{where}.{name}" for name in read.model_extra or {}]
    return extra + [one for name in type(read).model_fields for one in unknown(getattr(read, name), f"{where}.{name}")]


def test_failures_warnings_and_limits_are_results(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """What is broken and what is not kept are errors, what will hurt later is a warning, each at its Dockerfile."""
    caution = Caution(code="runs-as-root", message="The app runs as root.", hint="Add a user.", edits=(EDIT,))
    gate = Gate(name="uncompressed_size", subject="single-stage", limit=1, actual=9, passed=False)
    found = results(make_report(replace(single, warnings=(caution,)), tutorial, gates=(gate,)))
    told = [
        (one["level"], one["ruleId"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for one in found
        for place in [one["locations"][0]["physicalLocation"]]
    ]
    assert told == [
        ("warning", "runs-as-root", "dockerfiles/default/single-stage.Dockerfile", 7),
        ("error", "exits-at-once", "dockerfiles/default/tutorial.Dockerfile", 1),
        ("error", "limit-not-kept", "dockerfiles/default/single-stage.Dockerfile", 1),
    ]
    assert found[0]["message"]["text"] == "The app runs as root. Add a user."


def test_the_same_finding_is_the_same_alert_the_next_time(make_report: MakeReport, tutorial: Variant) -> None:
    """Fingerprints do not hang on logs or times, and tell comparisons apart."""
    assert tutorial.failure is not None
    other = replace(tutorial, failure=replace(tutorial.failure, evidence=("another log line",)))
    first, second = (results(make_report(each))[0]["partialFingerprints"] for each in (tutorial, other))
    assert first == second
    elsewhere = results(replace(make_report(tutorial), scenario="elsewhere"))
    assert elsewhere[0]["partialFingerprints"] != first


def test_what_breaks_as_declared_is_no_finding(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A comparison that passes has no errors; one without findings is a whole log all the same."""
    assert results(make_report(single, replace(tutorial, expected_failure="exits-at-once"))) == []
    assert json.loads(render(collect([], created="now"), "sarif", STYLE))["runs"][0]["results"] == []


def test_a_dockerfile_outside_the_repository_has_no_place(make_report: MakeReport, tutorial: Variant) -> None:
    """Code scanning shows files of the repository only, by the paths that it has for them."""
    report = make_report(tutorial)
    (inside,) = results(report, folder="/repo/a b", repository="/repo")
    place = inside["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "a%20b/dockerfiles/default/tutorial.Dockerfile"}
    outside = make_report(replace(tutorial, source=replace(tutorial.source, dockerfile="/elsewhere/Dockerfile")))
    assert "locations" not in results(outside, folder="/repo", repository="/repo")[0]
