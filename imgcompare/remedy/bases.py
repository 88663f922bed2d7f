"""Pure: the smaller base image of the same Python and distribution, as its tag is spelled."""

from __future__ import annotations

import re
from collections.abc import Mapping

from imgcompare.dockerfile.variables import expand

_PYTHON = re.compile(r"(?P<name>(?:[^\s@]*/)?python)(?::(?P<tag>[^\s@/]+))?")
_RELEASE = r"bookworm|bullseye|buster|trixie|stretch|sid"
_TAG = re.compile(
    rf"(?P<version>(?:\d[\w.]*|\$\w+|\$\{{[^}}]*\}})?)(?:-(?P<release>{_RELEASE}))?|(?P<bare>latest|{_RELEASE})"
)


def slim_base(expression: str, values: Mapping[str, str], escape: str = "\\") -> str | None:
    """What to write after FROM for the slim variant; None where there is none, or it cannot be told from the tag.

    ``X`` has ``X-slim`` and ``X-bullseye`` has ``X-slim-bullseye``. A variable in the tag may stand for a version only.
    """
    match = _PYTHON.fullmatch(expression)
    if match is None:
        return None
    tag = _TAG.fullmatch(match["tag"] or "latest")
    if tag is None:
        return None
    if tag["bare"]:
        return f"{match['name']}:slim" + ("" if tag["bare"] == "latest" else f"-{tag['bare']}")
    if "$" in tag["version"]:  # it may stand for more than a version
        value = expand(tag["version"], values, escape)
        if value is None or not re.fullmatch(r"\d[\d.]*(?:rc\d+)?", value):
            return None
    return f"{match['name']}:{tag['version']}-slim" + (f"-{tag['release']}" if tag["release"] else "")
