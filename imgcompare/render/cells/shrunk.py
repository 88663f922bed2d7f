"""Pure: what ``imgcompare shrink`` found, in words: the answer, the proof, and what was not used or not proved."""

from __future__ import annotations

from imgcompare.model import Finding, Report, Shrunk, Variant
from imgcompare.text.printable import printable, verbatim
from imgcompare.text.units import format_bytes

_WHAT_SHORT = {
    "replies": "replies",
    "healthcheck": "HEALTHCHECK",
    "imports": "imports",
    "libraries": "libraries",
    "extensions": "compiled modules",
    "package files": "package files",
    "distributions": "distributions",
    "packages": "packages",
    "files": "files",
    "users": "users",
    "named": "named files",
    "settings": "settings",
    "commands": "commands",
}


def answer(report: Report) -> str:
    """What came out, in one sentence."""
    shrunk = report.shrunk
    if shrunk is None:
        return ""
    winner = next((one for one in report.variants if one.name == shrunk.result), None)
    original = next((one for one in report.variants if one.name == report.baseline), None)
    if winner is None or not (winner.image and original and original.image):
        return _no_result(report, shrunk)
    saved = original.image.uncompressed_size - winner.image.uncompressed_size
    share = f"{100 * saved / original.image.uncompressed_size:.0f} %"
    where = f"; written to {printable(shrunk.written)}" if shrunk.written else ""
    told = f"{format_bytes(saved)} ({share}) smaller{where}."
    return f"{printable(winner.name)} is proved to do what the original does, and {told}"


def _no_result(report: Report, shrunk: Shrunk) -> str:
    """Nothing to gain is another answer than nothing that could be proved."""
    if len(report.variants) > 1 or not shrunk.refused:
        return "Nothing to gain: no candidate that is proved is 3 % smaller."
    return "No smaller Dockerfile was found that is proved to do what the original does; what was tried, stands below."


def proof(variant: Variant) -> str:
    """What a variant's proof rests on, in one line: "" where there is none."""
    if variant.proof is None:
        return ""
    return " · ".join(map(_told, (one for one in variant.proof.findings if one.name in _WHAT_SHORT and one.compared)))


def _told(finding: Finding) -> str:
    return f"{_WHAT_SHORT[finding.name]} {finding.compared}{'' if finding.passed else ' ✗'}"


def proved(report: Report) -> tuple[str, ...]:
    """A line for each variant with a proof."""
    return tuple(f"{printable(one.name)}: {line}" for one in report.variants if (line := proof(one)))


def exempt(report: Report) -> str:
    """What the result leaves out on purpose."""
    result = report.shrunk.result if report.shrunk else None
    found = next((one.proof for one in report.variants if one.name == result and one.proof), None)
    return f"Left out on purpose: {printable(', '.join(found.exempt))}." if found and found.exempt else ""


def remarks(shrunk: Shrunk) -> tuple[str, ...]:
    """What was not used, and why; and what no proof can reach."""
    refused = tuple(f"Not used: {printable(text, limit=400)}" for text in shrunk.refused)
    return (
        *refused,
        *((f"Not proved: {printable('; '.join(shrunk.unproved), limit=1000)}.",) if shrunk.result else ()),
    )


def diff_lines(shrunk: Shrunk) -> tuple[str, ...]:
    """The diff, line by line."""
    return tuple(verbatim(line) for line in shrunk.diff.splitlines())
