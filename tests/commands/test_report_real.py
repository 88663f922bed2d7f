"""`imgcompare report`: the saved report again, and in a fresh checkout the first one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.schemas import REPORT_SCHEMA

if TYPE_CHECKING:
    from tests.support.projects import Project, Result


@pytest.fixture(scope="module")
def two_runs(lasting_project: Project) -> tuple[Result, Result]:
    """A run in which all works, and then one with a broken variant."""
    arguments = lasting_project.stages("works", "exits")
    return lasting_project("run", arguments[0], "--json"), lasting_project("run", *arguments, "--json")


def test_the_newest_report_is_shown_again(lasting_project: Project, two_runs: tuple[Result, Result]) -> None:
    """As JSON it is what the run printed, exit code included; as a table it is readable; no engine is asked."""
    shown = lasting_project("report", "--json", DOCKER_HOST="unix:///nowhere/d.sock")
    assert (shown.code, shown.stdout, shown.stderr) == (1, two_runs[1].stdout, "")
    assert "exits is broken: exits-at-once" in lasting_project("report").stdout


def test_a_real_report_is_what_the_schema_says(two_runs: tuple[Result, Result]) -> None:
    """What a run prints, with a broken variant too, is valid."""
    for result in two_runs:
        REPORT_SCHEMA.validate(result.report)


def test_an_earlier_run_is_named_by_its_beginning(lasting_project: Project, two_runs: tuple[Result, Result]) -> None:
    """A RUN may be cut as long as it is clear; when it is not, the candidates are named."""
    first, second = sorted((lasting_project.folder / ".imgcompare/runs").glob("*.json"))
    for name in (first.stem, first.stem[:-2], str(first)):
        shown = lasting_project("report", name, "--json")
        assert (shown.code, shown.report) == (0, two_runs[0].report)
    unclear = lasting_project("report", first.stem[:4])
    assert (unclear.code, unclear.stdout) == (2, "")
    assert f"{first.stem}, {second.stem}" in unclear.stderr


def test_a_report_can_be_written_to_a_file(lasting_project: Project, two_runs: tuple[Result, Result]) -> None:
    """-o holds the same bytes as stdout would; stdout then has the table."""
    shown = lasting_project("report", "--json", "-o", "again.json")
    assert (shown.code, shown.stdout) == (1, lasting_project("report").stdout)
    assert (lasting_project.folder / "again.json").read_text() == two_runs[1].stdout


def test_the_first_report_of_a_fresh_checkout_runs_the_default_comparison(project: Project) -> None:
    """One command is enough in CI: it says on stderr that it runs first, and stdout is the JSON alone."""
    result = project("report", "--json")
    assert result.code == 0, result.stderr
    assert result.stderr.startswith("Nothing was run here yet: running the comparison first.\n")
    assert (result.report["scenario"], result.report["passed"]) == ("default", True)
    sizes = {variant["name"]: variant["image"]["uncompressed_size"] for variant in result.report["variants"]}
    assert sizes["multi-stage"] < sizes["single-stage"]
    assert project("report", "--json").stdout == result.stdout
    assert json.loads(result.stdout) == project.saved()[0]
