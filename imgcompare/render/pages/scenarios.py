"""The list of scenarios, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from imgcompare.console.style import Style
from imgcompare.model import SCHEMA_VERSION
from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.render.page import Page
from imgcompare.scenarios.kinds import Scenario, ScenarioVariant

_COLUMNS = (Column(key="name", title=""), Column(key="expected", title=""), Column(key="about", title=""))


def render(scenarios: Sequence[Scenario], root: Path, style: Style) -> str:
    """Return the page: each scenario with its variants and what is expected of them, and where their files are."""
    page = Page(style)
    for scenario in scenarios:
        page.say(scenario.name, "strong")
        page.say(scenario.description, lead="  ")
        _variants(page, tuple(_row(variant) for variant in scenario.variants))
        page.gap()
    page.say("Run one: imgcompare run --scenario NAME; or all of them: imgcompare run --scenario all", hang=2)
    page.say(f"Their Dockerfiles, each with comments: {root / 'dockerfiles'}", hang=2)
    return page.text()


def to_json(scenarios: Sequence[Scenario]) -> str:
    """Return the list as JSON; ``expected`` is a verdict."""
    listed = {"schema_version": SCHEMA_VERSION, "scenarios": [_described(scenario) for scenario in scenarios]}
    return msgspec.json.format(msgspec.json.encode(listed), indent=2).decode() + "\n"


def _variants(page: Page, rows: tuple[tuple[Cell, ...], ...]) -> None:
    """Add the variants as a table, or as sentences where a cell would have to be cut."""
    if not page.whole(Grid(_COLUMNS, rows)):
        for name, expected, about in rows:
            page.say(f"{name.text.strip()}: {expected.text}; {about.text}", lead="  ", hang=4)


def _row(variant: ScenarioVariant) -> tuple[Cell, ...]:
    return Cell(text=f"  {variant.name}"), _expected(variant), Cell(text=variant.about)


def _expected(variant: ScenarioVariant) -> Cell:
    if variant.expected_failure:
        return Cell(text=f"✗ {variant.expected_failure}", tone="bad")
    return Cell(text="✓ works, hardened too" if variant.hardened else "✓ works", tone="good")


def _described(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "description": scenario.description,
        "lessons": scenario.lessons,
        "route": scenario.route,
        "baseline": scenario.baseline,
        "variants": [
            {
                "name": variant.name,
                "about": variant.about,
                "dockerfile": str(variant.dockerfile),
                "target": variant.target,
                "expected": "broken" if variant.expected_failure else "works",
                "expected_failure": variant.expected_failure,
                "hardened": variant.hardened,
            }
            for variant in scenario.variants
        ],
    }
