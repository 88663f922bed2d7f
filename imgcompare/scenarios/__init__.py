"""The bundled comparisons: which app, which Dockerfiles, which of them break and how, and what that teaches."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from imgcompare.errors import UsageError
from imgcompare.scenarios.catalog import ALL
from imgcompare.scenarios.files import bundled_root
from imgcompare.scenarios.kinds import Scenario, ScenarioVariant

__all__ = ["EVERY", "SCENARIOS", "Scenario", "ScenarioVariant", "bundled_root", "scenario", "scenarios"]

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({each.name: each for each in ALL})
"""Every bundled scenario by its name, in the order in which they are listed."""

EVERY = "all"
"""What stands for all of them."""


def scenario(name: str) -> Scenario:
    """Return the scenario of this name; raise UsageError, with the nearest name as the hint, if there is none."""
    found = SCENARIOS.get(name)
    if found is not None:
        return found
    nearest = difflib.get_close_matches(name, SCENARIOS, n=1)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UsageError(f"there is no scenario {name!r}", hint=f"{question}Scenarios: {', '.join(SCENARIOS)}.")


def scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of these names, each once, in the order given; ``all`` stands for every one."""
    wanted = [each for name in names for each in (SCENARIOS if name == EVERY else (name,))]
    return tuple(scenario(name) for name in dict.fromkeys(wanted))
