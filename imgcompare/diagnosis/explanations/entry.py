"""What is told of one code."""

from __future__ import annotations

from msgspec import Struct

HEALTHCHECK = (
    'HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen(\'http://127.0.0.1:5000/\', timeout=2)"]'
)
"""A check that needs nothing but Python."""


class Explanation(Struct, frozen=True, kw_only=True):
    """One code at length.

    ``summary`` is one sentence without its full stop, ``looks`` are lines as a log or engine has them, ``why`` is the
    cause in plain words. ``before`` and ``after`` are Dockerfile lines (or commands, where no Dockerfile is to blame),
    ``see`` are commands that show it without imgcompare; IMAGE stands for the image's name.
    """

    code: str
    summary: str
    looks: tuple[str, ...]
    why: str
    after: tuple[str, ...]
    before: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
