"""What each code of a failure or warning means, at length: ``imgcompare explain``. Texts only."""

from __future__ import annotations

import difflib

from imgcompare.diagnosis.explanations.building import BUILDING
from imgcompare.diagnosis.explanations.entry import Explanation
from imgcompare.diagnosis.explanations.programs import PROGRAMS
from imgcompare.diagnosis.explanations.python import PYTHON
from imgcompare.diagnosis.explanations.running import RUNNING
from imgcompare.diagnosis.explanations.warnings import WARNINGS
from imgcompare.errors import UsageError

TOPICS: dict[str, tuple[Explanation, ...]] = {
    "Python, its packages and the app": PYTHON,
    "Programs and libraries": PROGRAMS,
    "Containers that run": RUNNING,
    "Builds, base images and the engine": BUILDING,
    "Warnings and restrictions": WARNINGS,
}
"""All explanations by topic, the most frequent causes first."""

EXPLANATIONS = {one.code: one for topic in TOPICS.values() for one in topic}


def explanation(code: str) -> Explanation:
    """Return the explanation of a code. Raises UsageError, naming the nearest code, for one that does not exist."""
    found = EXPLANATIONS.get(code.strip().lower())
    if found is not None:
        return found
    nearest = difflib.get_close_matches(code, EXPLANATIONS, n=1, cutoff=0.5)
    question = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise UsageError(f"there is no code {code!r}", hint=f"{question}`imgcompare explain` lists all codes.")


__all__ = ["EXPLANATIONS", "TOPICS", "Explanation", "explanation"]
