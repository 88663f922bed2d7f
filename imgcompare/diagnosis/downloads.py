"""Pure: a step that could not download what it wanted, and says instead that it is not there."""

from __future__ import annotations

from imgcompare.diagnosis.evidence import Case
from imgcompare.model import Failure
from imgcompare.regex import regex

_UNREACHED = regex(
    r"Failed to fetch|Some index files failed to download|Temporary failure (?:in name resolution|resolving)"
    r"|Failed to establish a new connection|Name or service not known|Could not (?:resolve|connect to)"
    r"|failed to lookup address information|dns error"
    r"|not a trusted or secure host|Could not fetch URL|ProxyError|Connection timed out|Network is unreachable"
)


def unreached(case: Case) -> Failure | None:
    """Pip and apt-get go on without what they could not download, and then say that a package is not there."""
    line = next((line.strip() for line in case.evidence.log if _UNREACHED.search(line)), "")
    if not line:
        return None
    return case.found(
        "build-failed",
        "The step did not reach what it wanted to download from.",
        (line, case.evidence.log[-1].strip()),
        hint="See that the machine has a network, that a proxy is given as --build-arg HTTPS_PROXY, and run it again.",
    )
