"""Pure: which values a setting accepts, asked for a flag, a variable and a line of a file alike."""

from __future__ import annotations

import math
import re

from imgcompare.regex import regex

_ROUTE = regex(r"/[!-~]*")
_PLATFORM = regex(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+)?")

SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S = 0.1, 3600.0
"""How long a reply may be waited for, at least and at most."""


def is_route(text: str) -> bool:
    """Whether a text is a path as it stands in a URL."""
    return _ROUTE.fullmatch(text) is not None


def is_platform(text: str) -> bool:
    """Whether it is an operating system, an architecture and, if need be, its variant: ``linux/arm/v7``."""
    return _PLATFORM.fullmatch(text) is not None


def is_timeout(seconds: float) -> bool:
    """Whether so many seconds can be waited for a reply."""
    return math.isfinite(seconds) and SHORTEST_TIMEOUT_S <= seconds <= LONGEST_TIMEOUT_S


def pattern_fault(text: str) -> str | None:
    """Return what is wrong with a regular expression, or None."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as exc:
        return str(exc) or type(exc).__name__
    return None
