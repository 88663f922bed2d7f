"""Pure: apt-get finds no package: there are no lists to look in, or it is not in them, or has another name by now."""

from __future__ import annotations

import re
from itertools import takewhile

from imgcompare.diagnosis.downloads import unreached
from imgcompare.diagnosis.evidence import Case
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure
from imgcompare.regex import regex

_APT_UPDATE = regex(r"\bapt(?:-get)?\b[^&|;]*\bupdate\b")
_NO_LISTS = regex(r"\brm -\S+ (?:.* )?/var/lib/apt(?:/lists)?\b")
_NAME = regex(r"([a-z0-9][a-z0-9.+-]*)(?: [\w.+:~-]+)?")
_INSTEAD = regex(r"^However the following packages replace|is a virtual package provided by:")
_NOT_FOUND = regex(r"E: Unable to locate package (\S+)|E: Package '(\S+)' has no installation candidate")
# Of several packages that bring the same, what is mostly meant.
_USUAL = {"netcat-openbsd"}


def no_debian_package(case: Case, line: str, match: re.Match[str], step: str) -> Failure:
    """Why, by what stands above the step and what apt-get says of the name."""
    if offline := unreached(case):
        return offline
    package = match["package"]
    above = _updated_above(case, step)
    if above or _APT_UPDATE.search(step) or _instead(case)[1]:  # what it replaces it with, it has from lists
        return _gone(case, line, package, step, above)
    return case.found(
        "package-not-found",
        f"apt-get has no package lists to look for {package} in: images come without them.",
        (line, f"the step has no apt-get update: RUN {step}"),
        hint="Instead of that step: update, install and clean up belong into one.",
        fix=(f"RUN apt-get update && {step} && rm -rf /var/lib/apt/lists/*",) if _is_one_line(step) else (),
        spot=Spot(instruction=case.written_as("RUN", step)),
    )


def _updated_above(case: Case, step: str) -> str:
    """The RUN above a step, in its stage or those it stands on, that fetches the package lists and lets them be."""
    run = case.written_as("RUN", step)
    if run is None or case.document is None or (stage := case.document.stage_of(run)) is None:
        return ""
    lines = [one for each in (*reversed([*case.document.parents(stage)]), stage) for one in each.instructions]
    runs = [one.text for one in lines if one.keyword == "RUN" and one.line < run.line]
    last = next((text for text in reversed(runs) if _APT_UPDATE.search(text) or _NO_LISTS.search(text)), "")
    return "" if _NO_LISTS.search(last) else last


def _gone(case: Case, line: str, package: str, step: str, above: str) -> Failure:
    """There are package lists, and the package is not in them; apt may know what is there in its place."""
    told, instead = _instead(case)
    others = [one for one in _not_found(case) if one != package]
    chosen = instead[0] if len(instead) == 1 else next((one for one in instead if one in _USUAL), "")
    whole = case.written_as("RUN", step)
    fixed = re.sub(rf"(?<![\w.+-]){re.escape(package)}(?![\w.+-])", chosen, step)
    fix = (f"RUN {fixed}",) if chosen and whole and fixed != step and not others else ()
    one = len(instead) == 1
    verb = ("brings" if one else "bring") if "virtual" in told else ("replaces" if one else "replace")
    return case.found(
        "package-not-found",
        f"apt-get finds no package {' and no '.join([*others, package])} in this release of the distribution"
        + (f": {' and '.join(instead)} {verb} it." if instead else "."),
        (line, told, *instead, f"above it stands: RUN {above}" if above else ""),
        hint="Instead of that step: with the package that apt-get names."
        if fix
        else "See how it is spelt; a name with a version in it changes from release to release (libfoo1, libfoo2).",
        fix=fix,
        spot=Spot(instruction=whole),
    )


def _instead(case: Case) -> tuple[str, list[str]]:
    """What apt-get says of the packages that replace or provide one, and which they are."""
    lines = [one.strip() for one in case.evidence.log]
    at = next((at for at, one in enumerate(lines) if _INSTEAD.search(one)), None)
    if at is None:
        return "", []
    return lines[at], [match[1] for match in takewhile(bool, map(_NAME.fullmatch, lines[at + 1 :])) if match]


def _not_found(case: Case) -> list[str]:
    """All packages that apt-get does not find, each once."""
    found = (match[1] or match[2] for one in case.evidence.log if (match := _NOT_FOUND.search(one)))
    return list(dict.fromkeys(found))


def _is_one_line(step: str) -> bool:
    """Whether a step is shown whole and begins with apt-get."""
    return bool(re.match(r"apt(?:-get)? ", step)) and "…" not in step and "\\" not in step
