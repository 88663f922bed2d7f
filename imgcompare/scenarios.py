"""The bundled comparisons: which app, which Dockerfiles, and which of them the others are compared with."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from imgcompare.errors import UsageError


class ScenarioVariant(NamedTuple):
    """One way a scenario makes the image: its name, its Dockerfile, and the stage to stop at (None: the last one)."""

    name: str
    dockerfile: Path
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A named set of variants of one app, the route that each must answer, and the name of the baseline variant."""

    name: str
    description: str
    context: Path
    variants: tuple[ScenarioVariant, ...]
    route: str
    baseline: str


def bundled_root() -> Path:
    """Return the folder that holds ``sample_app/`` and ``dockerfiles/``: ``bundled/`` in a wheel, else the checkout."""
    package = Path(__file__).resolve().parent
    bundled = package / "bundled"  # force-included by pyproject.toml; a checkout or an editable install has none
    return bundled if bundled.is_dir() else package.parent


def scenario(name: str) -> Scenario:
    """Return the scenario of this name; raise UsageError, with the nearest name as the hint, if there is none."""
    found = SCENARIOS.get(name)
    if found is not None:
        return found
    nearest = difflib.get_close_matches(name, SCENARIOS, n=1)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UsageError(f"there is no scenario {name!r}", hint=f"{question}Scenarios: {', '.join(SCENARIOS)}.")


def _default(root: Path) -> Scenario:
    dockerfiles = root / "dockerfiles" / "default"
    return Scenario(
        name="default",
        description="A Flask app in one stage on the full Python image, and in two stages on the slim one.",
        context=root / "sample_app",
        variants=(
            ScenarioVariant("single-stage", dockerfiles / "single-stage.Dockerfile"),
            ScenarioVariant("multi-stage", dockerfiles / "multi-stage.Dockerfile"),
        ),
        route="/",
        baseline="single-stage",
    )


SCENARIOS: Mapping[str, Scenario] = MappingProxyType({"default": _default(bundled_root())})
"""Every bundled scenario by its name, in the order in which they are listed."""
