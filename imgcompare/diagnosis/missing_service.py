"""Pure: a program that needs another one to talk to (a database, a cache), where each image runs alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from imgcompare.diagnosis.evidence import Case
from imgcompare.model import Failure
from imgcompare.regex import regex

_LAST_LINES = 15
_UNKNOWN = (
    r"(?:\[Errno -[235]\] ?)?(?:Name or service not known|Temporary failure in name resolution"
    r"|No address associated with hostname|Name does not resolve|nodename nor servname provided)"
)
_REFUSED = r"(?:\[Errno 111\] ?)?Connection refused"
_HOST = r"(?P<host>[A-Za-z0-9][\w.-]*)"
_PORT = r"(?P<port>\d{1,5})"
# As libpq, psycopg, redis, MySQL's clients, pymongo, urllib3 (HTTP), netcat and scripts that wait say it.
_NAMED = tuple(
    regex(pattern)
    for pattern in (
        rf"could not translate host name \"{_HOST}\" to address",
        rf"failed to resolve host '{_HOST}'",
        rf"connection to server at \"{_HOST}\"(?: \([^)]*\))?, port {_PORT} failed: {_REFUSED}",
        rf"could not connect to server: {_REFUSED}.*on host \"{_HOST}\"",
        rf"Error (?:-\d+|111|61) (?:while )?connecting to {_HOST}:{_PORT}\. (?:{_UNKNOWN}|{_REFUSED})",
        rf"Can't connect to (?:MySQL|MariaDB) server on '{_HOST}(?::{_PORT})?'",
        rf"Unknown (?:MySQL|MariaDB) server host '{_HOST}'",
        rf"{_HOST}:{_PORT}: (?:{_UNKNOWN}|{_REFUSED})",
        rf"host='{_HOST}', port={_PORT}\): Max retries exceeded.*(?:Failed to resolve|{_UNKNOWN}|{_REFUSED})",
        rf"nc: (?:bad address '|getaddrinfo for host \"){_HOST}(?:\"? port {_PORT})?",
        rf"timeout occurred after waiting \d+ seconds for {_HOST}:{_PORT}",
        rf"^{_HOST}:{_PORT} - no (?:response|attempt)",
    )
)
_UNNAMED = regex(r"Error: \(?\[Errno -[235]\]|gaierror: \(?(?:\[Errno )?-[235]\b")
_URL = regex(r"^[a-z][\w+.-]*://(?:[^/@\s]*@)?(?P<host>[A-Za-z0-9][\w.-]*)(?::(?P<port>\d{1,5}))?")
_HOST_VARIABLE = regex(r"(?:^|_)(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$")
_OWN = {"localhost", "ip6-localhost"}


def service_missing(case: Case) -> Failure | None:
    """Which host the program's last words name that does not answer, or is not known at all."""
    evidence = case.evidence
    nothing_listens = evidence.listeners == ()
    if not (evidence.exit_code or (evidence.status_code or 0) >= 500 or nothing_listens):
        return None
    error = case.last_error if evidence.exit_code else None
    said = (error.line,) if error else (*evidence.log[-_LAST_LINES:], *evidence.errors[-_LAST_LINES:])
    for line in reversed(said):
        if match := next((match for pattern in _NAMED if (match := pattern.search(line))), None):
            groups = match.groupdict()
            return _told(case, line, groups["host"], groups.get("port") or "")
    line = next((line for line in reversed(said) if _UNNAMED.search(line)), "")
    if not line:
        return None
    hosts = {(host, port) for host, port, _ in _variables(case) if not _is_own(host)}
    host, port = hosts.pop() if len(hosts) == 1 else ("", "")
    return _told(case, line, host, port)


def _told(case: Case, line: str, host: str, port: str) -> Failure:
    where = f"{host}:{port}" if port else host
    variables = sorted(name for named, _, name in _variables(case) if host and named == host)
    proof = (line.strip(), case.ended(), f"{', '.join(variables)} names it" if variables else "")
    give = f"--env {variables[0]}=…" if variables else "--env NAME=…"
    if host and _is_own(host):
        return case.found(
            "service-missing",
            f"The app connects to {where}, which is its own container, and nothing listens there.",
            proof,
            hint=f"In a container, localhost is the container: name the machine that has it ({give}).",
        )
    if host in case.evidence.beside:
        return case.found(
            "service-missing",
            f"The app connects to {where}, and gets no answer there, though {host} runs beside it.",
            proof,
            hint="See on which port that listens, and whether the app waits for it: depends_on: "
            f"{{{host}: {{condition: service_healthy}}}}",
        )
    if host in case.evidence.services:
        return case.found(
            "service-missing",
            f"The app needs the service {where}, and it did not run beside it.",
            proof,
            hint=case.evidence.services[host],
        )
    if "." in host and not _is_address(host):
        return case.found(
            "service-missing",
            f"The app needs {where}, and does not reach it from its container.",
            proof,
            hint="See whether containers on this machine reach that host at all; or let the app start without it.",
        )
    ran = f"; beside it ran {', '.join(case.evidence.beside)}" if case.evidence.beside else ": each image runs alone"
    with_ = f", or one beside it: --with {host}=IMAGE" if host and not case.evidence.beside else ""
    return case.found(
        "service-missing",
        f"The app needs a service at {where}, and none is there{ran}."
        if host
        else f"The app needs a service, and does not find its host{ran}.",
        proof,
        hint=f"Let it start without, or give it one that is reached from its container: {give}{with_}",
    )


def _variables(case: Case) -> Iterator[tuple[str, str, str]]:
    """The hosts and ports that the container's variables name, and their names; never a value, which may be secret."""
    for name, value in case.environment.items():
        if match := _URL.match(value):
            yield match["host"], match["port"] or "", name
        elif _HOST_VARIABLE.search(name) and re.fullmatch(r"[A-Za-z][\w.-]*", value):
            yield value, "", name


def _is_own(host: str) -> bool:
    return host in _OWN or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
