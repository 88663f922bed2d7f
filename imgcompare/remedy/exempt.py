"""Pure: which distributions a smaller image may leave out: installers, and tools with what only they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imgcompare.remedy.probe import Probe
from imgcompare.remedy.steps import PLUGINS

_INSTALLERS = ("pip", "wheel", "setuptools")
TOOLS = ("poetry", "pipenv", "uv", "pdm", "hatch")
"""Tools that install a project, and may start the application."""


def exempt(probe: Probe, *, tools: bool) -> frozenset[str]:
    """The distributions that need not be in a candidate; setuptools must where a module imports it, pip where its
    program is started.

    With ``tools`` those that only install are among them, and what nothing else requires.
    """
    installers = set(_INSTALLERS) - ({"setuptools"} if probe.setuptools else set())
    installers -= {"pip"} if uses_pip(probe) else set()
    return frozenset(installers | (_only_for(probe, TOOLS) if tools else set()))


def uses_pip(probe: Probe) -> bool:
    """Whether the application starts pip or imports it."""
    imported = any(name.partition(".")[0] == "pip" for name in probe.imported)
    return imported or any(name.startswith("pip") and name[3:4] in "0123456789" for name in probe.programs)


def _only_for(probe: Probe, tools: Collection[str]) -> set[str]:
    """The tools that are installed, and what nothing else requires."""
    there = probe.distributions
    found = [name for name in there if name in tools or name.startswith(PLUGINS)]
    required = {name for one in there.values() for name in one.requires}
    others = [name for name in there if name not in required and name not in found]
    return _closure(probe, found) - _closure(probe, others) if found else set()


def _closure(probe: Probe, names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen and name in probe.distributions:
            seen.add(name)
            waiting += probe.distributions[name].requires
    return seen
