"""Many comparisons of one file on the real engine: chosen, shared among machines, merged, looked at again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project

BASE = "python:3.11-slim"
SERVE = 'COPY app.py /\nEXPOSE 8000\nCMD ["python", "/app.py"]\n'
FLEET = """\
context = "app"
timeout = 20

[comparisons.web]
variants = ["plain=app/Dockerfile", "noted=app/noted.Dockerfile"]

[comparisons.api]
variants = ["noted=app/noted.Dockerfile"]
gates = { max_layers = 9 }

[comparisons.cron]
description = "What runs at night."
variants = { plain = "app/Dockerfile" }
"""


@pytest.fixture(scope="module")
def fleet(lasting_project: Project) -> Project:
    """A project with three comparisons."""
    lasting_project.write(
        {
            "app/app.py": (lasting_project.folder / "app.py").read_text(),
            "app/Dockerfile": f"FROM {BASE}\n{SERVE}",
            "app/noted.Dockerfile": f"FROM {BASE}\nLABEL note=1\n{SERVE}",
            "imgcompare.toml": FLEET,
        }
    )
    return lasting_project


def without_times(value: Any, key: str = "") -> Any:
    """A report without what is not the same in two runs: times, ports, memory, and cached steps."""
    if isinstance(value, dict):
        return {name: without_times(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [without_times(each, key) for each in value]
    if key.endswith("_s") or key in {"created", "host_port", "memory_bytes", "cached_step_count", "cached"}:
        return None
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", value) if key == "url" else value


def test_three_shards_merged_are_one_whole_run(fleet: Project) -> None:
    """Each machine takes its share; put together, the reports say what one run of everything says, but for times."""
    for index in (1, 2, 3):
        result = fleet("run", "--all", "--shard", f"{index}/3", "-q", "-o", f"shard-{index}.json")
        assert (result.code, result.stderr) == (0, "")
    merged = fleet("merge", "shard-3.json", "shard-1.json", "shard-2.json", "--json")
    whole = fleet("run", "--all", "-q", "--json")
    assert (merged.code, whole.code) == (0, 0), whole.stderr
    assert [each["scenario"] for each in whole.report["comparisons"]] == ["web", "api", "cron"]
    assert without_times(merged.report) == without_times(whole.report)
    assert merged.report["created"] <= whole.report["created"]


def test_a_merge_without_all_shards_fails_and_says_what_is_missing(fleet: Project) -> None:
    """CI must not go on as if everything had been checked; the shards' own files are left alone."""
    for index in (1, 2):
        assert fleet("run", "--all", "--shard", f"{index}/2", "-q", "-o", f"half-{index}.json").code == 0
    before = (fleet.folder / "half-1.json").read_bytes()
    result = fleet("merge", "half-1.json")
    assert result.code == 1
    assert "Shard 2/2 is missing, and with it cron." in result.stdout
    twice = fleet("merge", "half-1.json", "half-1.json")
    assert (twice.code, twice.stdout) == (2, "")
    assert "half-1.json and half-1.json are both shard 1/2" in twice.stderr
    assert (fleet.folder / "half-1.json").read_bytes() == before


def test_a_shard_with_nothing_to_do_passes_without_an_engine(fleet: Project) -> None:
    """More machines than comparisons are no error; the empty report still says what all of them have to run."""
    result = fleet("run", "--all", "--shard", "4/4", "--json", DOCKER_HOST="unix:///nowhere/d.sock")
    assert result.code == 0, result.stderr
    assert result.report["comparisons"] == []
    assert result.report["shard"] == {
        "index": 4,
        "count": 4,
        "comparisons": ["web", "api", "cron"],
        "seconds": {},
    }
    assert "Shard 4/4 has nothing to run: there are 3 comparisons." in result.stderr


def test_comparisons_are_run_by_name_and_seen_again(fleet: Project) -> None:
    """One is a report, several are a collection whose variants go by comparison and name."""
    one = fleet("run", "--comparison", "cron", "-q", "--json")
    assert (one.code, one.report["scenario"], one.report["description"]) == (0, "cron", "What runs at night.")
    two = fleet("run", "--comparison", "api", "--comparison", "web", "-q", "--json", "--max-layers", "1")
    assert [each["scenario"] for each in two.report["comparisons"]] == ["web", "api"]
    assert two.code == 1, "the flag's limit goes before the file's"
    shown = fleet("report", "--json")
    assert (shown.code, shown.report) == (1, two.report)
    different = fleet("diff", "web/plain", "web/noted", "--json")
    assert different.code == 0, different.stderr
    assert json.loads(different.stdout)["after"]["name"] == "web/noted"


def test_without_a_choice_the_ways_to_choose_are_named(fleet: Project) -> None:
    """Nothing is run by guess where a file has several comparisons."""
    result = fleet("run", DOCKER_HOST="unix:///nowhere/d.sock")
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: imgcompare.toml has 3 comparisons: web, api, cron\n"
        "Next: Run one or more, `imgcompare run --comparison web`, or all: `imgcompare run --all`\n"
    )
