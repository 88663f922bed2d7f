"""The list of scenarios as it looks, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from imgcompare.console.style import Style
from imgcompare.render.pages.scenarios import render, to_json
from imgcompare.scenarios import SCENARIOS, Scenario, ScenarioVariant

LISTED = (
    Scenario(
        name="one",
        description="What one app needs.",
        context=Path("app"),
        baseline="a",
        lessons=("Take it along.",),
        variants=(
            ScenarioVariant(name="a", about="one stage", dockerfile=Path("a.Dockerfile")),
            ScenarioVariant(
                name="b", about="two", dockerfile=Path("b.Dockerfile"), expected_failure="missing-python-module"
            ),
            ScenarioVariant(name="c", about="three", dockerfile=Path("c"), target="c", hardened=True),
        ),
    ),
)


def test_the_list_says_what_is_expected_of_each() -> None:
    """Name, description, variants, and where to read their Dockerfiles."""
    assert (
        render(LISTED, Path("/opt/imgcompare"), Style(width=80, color=False, ascii_only=False))
        == """\
one
  What one app needs.
  a  ✓ works                  one stage
  b  ✗ missing-python-module  two
  c  ✓ works, hardened too    three

Run one: imgcompare run --scenario NAME; or all of them: imgcompare run
  --scenario all
Their Dockerfiles, each with comments: /opt/imgcompare/dockerfiles
"""
    )


def test_every_width_is_kept() -> None:
    """No line of the real list is wider than the terminal, and a code is never cut."""
    for width in (20, 40, 60, 80, 200):
        text = render(tuple(SCENARIOS.values()), Path("/opt/x"), Style(width=width, color=False, ascii_only=True))
        assert max(map(len, text.splitlines())) <= width
        assert text.isascii()
        assert width < 60 or "user-site-as-other-user" in text


def test_the_json_has_all_of_it() -> None:
    """What a script needs to choose a scenario and to know what will come."""
    (one,) = json.loads(to_json(LISTED))["scenarios"]
    assert (one["name"], one["baseline"], one["route"], one["lessons"]) == ("one", "a", "/", ["Take it along."])
    assert one["variants"][1] == {
        "name": "b",
        "about": "two",
        "dockerfile": "b.Dockerfile",
        "target": None,
        "expected": "broken",
        "expected_failure": "missing-python-module",
        "hardened": False,
    }
    assert [variant["expected"] for variant in one["variants"]] == ["works", "broken", "works"]
