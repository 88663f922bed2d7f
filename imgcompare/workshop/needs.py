"""Pure but for reading files: which base images and packages the bundled Dockerfiles need from elsewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from imgcompare.dockerfile.parser import parse
from imgcompare.regex import regex
from imgcompare.scenarios import EVERY, SCENARIOS, scenarios
from imgcompare.workshop.acts import ACTS
from imgcompare.workshop.catalog import bundled, exercises, find_exercise
from imgcompare.workshop.exercise import DOCKERFILE, SOLUTION, TOML, read_exercise

# What builds a package that its index holds as source only: pip asks for these by itself.
BUILD_TOOLS = ("setuptools", "wheel")
_PIP_INSTALL = regex(r"\bpip3?\b(?P<before>[^&|;\n]*?)\binstall\b(?P<arguments>[^&|;\n]*)")
_CONTINUED = regex(r"\\\n")
_COMMENT = regex(r"^\s*#.*$\n?", re.MULTILINE)


class Recipe(Struct, frozen=True, kw_only=True):
    """A Dockerfile, the stage to stop at, and the folder that holds its app's requirement files."""

    dockerfile: Path
    app: Path
    target: str | None = None


class Needs(Struct, frozen=True):
    """Base images, and for some of them the sets of packages that pip installs there, each set by itself."""

    bases: tuple[str, ...]
    packages: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


def chosen(scenario_names: Sequence[str], exercise_names: Sequence[str]) -> tuple[Recipe, ...]:
    """Return the recipes of what was asked for; the demo and everything else where nothing was. Raises UsageError."""
    if not scenario_names and not exercise_names:
        scenario_names, exercise_names = tuple(SCENARIOS), tuple(exercises())
        demo = [(path, act.errand.context) for act in ACTS for path in act.errand.variants.values()]
    else:
        demo = []
    if EVERY in exercise_names:
        exercise_names = tuple(exercises())
    found = [Recipe(dockerfile=path, app=app) for path, app in demo]
    for scenario in scenarios(scenario_names):
        found += (
            Recipe(dockerfile=each.dockerfile, app=scenario.context, target=each.target) for each in scenario.variants
        )
    for name in exercise_names:
        folder = find_exercise(name)
        app = (folder / read_exercise(folder / TOML).app).resolve()
        found += (Recipe(dockerfile=bundled() / name / file, app=app) for file in (DOCKERFILE, SOLUTION))
    return tuple(dict.fromkeys(found))


def needed(recipes: Iterable[Recipe], images: Sequence[str] = ()) -> Needs:
    """Return what the recipes need, and the images that were named besides."""
    bases: dict[str, None] = {}
    packages: dict[str, dict[tuple[str, ...], None]] = {}
    for recipe in recipes:
        text = recipe.dockerfile.read_text(encoding="utf-8")
        wanted = parse(text, str(recipe.dockerfile)).base_images(recipe.target, {})
        bases |= dict.fromkeys(wanted)
        sets = installed(text, recipe.app)
        if sets and wanted:
            # The first is where it is built, and it has what a package may need to be built.
            packages.setdefault(wanted[0], {}).update(dict.fromkeys(sets))
    bases |= dict.fromkeys(images)
    return Needs(tuple(bases), {base: tuple(sets) for base, sets in packages.items()})


def installed(dockerfile: str, app: Path) -> tuple[tuple[str, ...], ...]:
    """Return the packages of each ``pip install`` in a Dockerfile, as pip takes them; files are read in ``app``."""
    text = _CONTINUED.sub(" ", _COMMENT.sub("", dockerfile))
    found = []
    for match in _PIP_INSTALL.finditer(text):
        words, wanted = shlex.split(match["arguments"]), list[str]()
        for before, word in zip(("", *words), words, strict=False):
            if before in {"-r", "--requirement"}:
                wanted += _requirements(app / Path(word).name)
            elif not word.startswith("-"):
                wanted.append(word)
        if wanted:
            found.append(tuple(wanted))
    return tuple(found)


def _requirements(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]
