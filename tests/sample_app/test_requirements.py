"""The pinned requirements of the image against what the installed packages say they need."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sample_app

REQUIREMENTS = Path(sample_app.__file__).with_name("requirements.txt")
SERVED_WITH = {"flask", "gunicorn", "waitress"}


def needed_by(name: str) -> set[str]:
    """Return the names that the installed distribution needs on this interpreter, without extras."""
    requirements = map(Requirement, importlib.metadata.requires(name) or ())
    return {
        canonicalize_name(one.name) for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})
    }


def pinned() -> list[str]:
    """Return the requirement lines without comments."""
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line]


def test_every_line_is_a_name_and_an_exact_version() -> None:
    """No range, option or address slips in: the build is the same tomorrow and on any index."""
    assert [line for line in pinned() if not re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)] == []


def test_what_the_requirements_need_is_pinned_too_and_nothing_else() -> None:
    """The list is the whole closure of what the app is served with."""
    closure: set[str] = set()
    waiting = set(SERVED_WITH)
    while waiting:
        name = waiting.pop()
        closure.add(name)
        waiting |= needed_by(name) - closure
    assert {line.partition("==")[0] for line in pinned()} == closure
