"""Pure: the smaller base image of the same distribution and Python, as its tag is spelled."""

from __future__ import annotations

import re
from collections.abc import Mapping

from imgcompare.dockerfile.slim_tags import is_slim
from imgcompare.dockerfile.variables import expand
from imgcompare.regex import regex

_IMAGE = regex(r"(?P<name>(?:[^\s@]*/)?(?P<kind>python|debian|ubuntu))(?::(?P<tag>[^\s@/]+))?")
_RELEASE = r"bookworm|bullseye|buster|trixie|stretch|sid"
_VARIABLE = r"\$\w+|\$\{[^}]*\}"
_PYTHON = regex(rf"(?P<version>(?:\d[\w.]*|{_VARIABLE})?)(?:-(?P<release>{_RELEASE}))?|(?P<bare>latest|{_RELEASE})")
_DEBIAN = regex(
    rf"latest|(?P<version>\d+(?:\.\d+)?|{_VARIABLE})|(?:{_RELEASE}|(?:old){{0,2}}stable|testing|unstable)(?:-\d{{8}})?"
)


def slim_base(expression: str, values: Mapping[str, str], escape: str = "\\") -> str | None:
    """What to write after FROM for the slim variant; None where there is none, or it cannot be told from the tag.

    Python's ``X`` has ``X-slim`` and ``X-bullseye`` has ``X-slim-bullseye``; Debian's ``X`` has ``X-slim``. A variable
    in the tag may stand for a version only.
    """
    match = _IMAGE.fullmatch(expression)
    if match is None or match["kind"] == "ubuntu":
        return None
    written = match["tag"] or "latest"
    tag = (_PYTHON if match["kind"] == "python" else _DEBIAN).fullmatch(written)
    if tag is None or not _is_version(tag["version"] or "", values, escape):
        return None
    if match["kind"] == "debian":
        return f"{match['name']}:{'stable' if written == 'latest' else written}-slim"
    if tag["bare"]:
        return f"{match['name']}:slim" + ("" if tag["bare"] == "latest" else f"-{tag['bare']}")
    return f"{match['name']}:{tag['version']}-slim" + (f"-{tag['release']}" if tag["release"] else "")


def last_base(expression: str, values: Mapping[str, str], escape: str = "\\") -> str | None:
    """What a last stage is to stand on: the slim variant, or what the original stands on where that is as small."""
    if is_slim(expression) or has_no_slim(expression):
        return expression
    return slim_base(expression, values, escape)


def _is_version(written: str, values: Mapping[str, str], escape: str) -> bool:
    """Whether it is a version, whatever a variable in it stands for."""
    if "$" not in written:
        return True
    value = expand(written, values, escape)
    return value is not None and re.fullmatch(r"\d[\d.]*(?:rc\d+)?", value) is not None


def has_no_slim(reference: str) -> bool:
    """Whether an image is of a kind of which there is no smaller one: Ubuntu's."""
    match = _IMAGE.fullmatch(reference)
    return match is not None and match["kind"] == "ubuntu"
