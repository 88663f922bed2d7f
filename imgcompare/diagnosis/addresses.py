"""Pure: a program told to listen on an address that nobody can ask it at: IPv6 alone, or one the container lacks."""

from __future__ import annotations

from ipaddress import ip_address

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.network import bound_elsewhere
from imgcompare.model import Failure, Stage
from imgcompare.regex import regex

# Uvicorn and hypercorn ask the kernel for a socket of IPv6 alone (asyncio does); gunicorn and waitress do not.
_TOLD = regex(r"(?:Uvicorn running|Running) on http://\[::\]:(?P<port>\d+)")
_NOT_TAKEN = regex(r"refused|reset|closed")
_NO_ADDRESS = regex(r"Cannot assign requested address|could not bind on any address|Can't assign requested address")
_IN_LINE = regex(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,7})(?![\w.])")
_LAST_LINES = 12


def on_ipv6_only(case: Case) -> Failure | None:
    """A server that says it listens on ``[::]``, and takes no connection from IPv4."""
    evidence = case.evidence
    if evidence.observed.stage is not Stage.CHECK or not evidence.listeners or evidence.status_code is not None:
        return None
    port = evidence.port
    line = next((one for one in evidence.log if (match := _TOLD.search(one)) and int(match["port"]) == port), "")
    addresses = {one.address for one in evidence.listeners if one.port == port}
    if not line or addresses != {"::"} or not _NOT_TAKEN.search(evidence.observed.message):
        return None
    fix = tuple(bound_elsewhere(case, port or 0))
    return case.found(
        "never-listens",
        f"The app listens on [::]:{port} for IPv6 alone, and it is asked by IPv4.",
        (line.strip(), f"inside the container something listens on [::]:{port}, and takes no connection from IPv4"),
        hint="Instead of the image's own line: listen on 0.0.0.0." if fix else "Listen on 0.0.0.0.",
        fix=fix,
    )


def no_such_address(case: Case) -> Failure | None:
    """A server that was told to listen on an address of another machine, or of IPv6 where there is none."""
    evidence = case.evidence
    if evidence.image is None or (not evidence.exit_code and evidence.listeners != ()):
        return None
    for line in reversed(evidence.errors[-_LAST_LINES:]):
        if _NO_ADDRESS.search(line):
            break
    else:
        return None
    wanted = next((text for text in _addresses(line, " ".join(case.command.words)) if _is_one(text)), "")
    port = evidence.port or _port(evidence.image.exposed_ports)
    fix = tuple(bound_elsewhere(case, port)) if port else ()
    return case.found(
        "unknown-address",
        f"The app is told to listen on {wanted or 'an address'}, which the container does not have.",
        (line.strip(), case.ended()),
        hint="Instead of the image's own line: 0.0.0.0 stands for all addresses, whatever they are."
        if fix
        else "Listen on 0.0.0.0, which stands for all addresses of the container, whatever they are.",
        fix=fix,
    )


def _addresses(*texts: str) -> list[str]:
    return [found for text in texts for found in _IN_LINE.findall(text)]


def _is_one(text: str) -> bool:
    try:
        return not ip_address(text).is_unspecified
    except ValueError:
        return False


def _port(exposed: tuple[str, ...]) -> int | None:
    return int(exposed[0].partition("/")[0]) if len(exposed) == 1 else None
