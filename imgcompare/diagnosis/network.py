"""Pure: a program that runs and cannot be reached: on another address, another port, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from posixpath import basename

from imgcompare.diagnosis.command import is_plain_line, rewritten
from imgcompare.diagnosis.evidence import Case
from imgcompare.engine.interface import Listener
from imgcompare.model import Failure, Stage
from imgcompare.regex import regex

# "Running on http://127.0.0.1:5000", "Listening at: http://127.0.0.1:8000", "Serving on http://0.0.0.0:8080", …
_TOLD = regex(
    r"(?:Running on|Listening at:|Serving on|Uvicorn running on|listening on|Serving HTTP on \S+ port \d+ \()"
    r"\s*https?://(?P<host>\[[0-9a-fA-F:.]+\]|[\w.\-*]+):(?P<port>\d+)",
    re.IGNORECASE,
)
_UNIX = regex(r"(?:Listening at:|Uvicorn running on|listening on) (?:unix:|unix socket )(?P<path>\S+)", re.IGNORECASE)
_LOCAL = {"localhost": "127.0.0.1", "*": "0.0.0.0"}  # noqa: S104 - compared with, not bound to


def unreachable(case: Case) -> Failure | None:
    """Where the program listens instead, by the kernel's tables, else by what the log says."""
    evidence = case.evidence
    asked_nowhere = evidence.port is None and evidence.listeners is None
    if evidence.observed.stage is not Stage.CHECK or evidence.status_code is not None or asked_nowhere:
        return None
    told = tuple(_told(evidence.log))
    seen = evidence.listeners
    if seen is None:
        seen = tuple(dict.fromkeys(listener for listener, _ in told))
        if not seen:
            return _unknown(case)
    lines = tuple(dict.fromkeys(line for listener, line in told if listener in seen))
    proof = (
        *lines,
        *(f"inside the container something listens on {_shown(one)}" for one in seen[:4] if evidence.listeners),
    )
    at_port = [one for one in seen if one.port == evidence.port]
    if any(not _is_loopback(one) for one in at_port) or not seen:
        return _silent(case, "nothing listens on any port" if not seen else "a server takes connections there")
    if at_port or (seen and all(map(_is_loopback, seen))):
        return _loopback(case, at_port or list(seen), proof)
    return _other_port(case, [one for one in seen if not _is_loopback(one)], told, proof)


def _loopback(case: Case, seen: Sequence[Listener], proof: tuple[str, ...]) -> Failure:
    port, wanted = seen[0].port, case.evidence.port or seen[0].port
    fix = tuple(bound_elsewhere(case, wanted))
    other = f", and on port {port} instead of {wanted}" if port != wanted else ""
    return case.found(
        "binds-loopback",
        f"The app listens on {_shown(seen[0])}, the container's own loopback{other}: nobody outside can reach it.",
        proof,
        hint="Instead of the image's own line: listen on 0.0.0.0 (not on 127.0.0.1)."
        if fix
        else f'Listen on 0.0.0.0 (not on 127.0.0.1), port {wanted}; in Flask\'s own server: app.run(host="0.0.0.0").',
        fix=fix,
    )


def _other_port(
    case: Case, seen: Sequence[Listener], told: Sequence[tuple[Listener, str]], proof: tuple[str, ...]
) -> Failure:
    logged = [one for one, _ in told if one in seen]
    port = (logged or list(seen))[0].port
    wanted = case.evidence.port
    exposed = {text.partition("/")[0] for text in case.evidence.image.exposed_ports} if case.evidence.image else set()
    asked = f"--container-port names {wanted}" if case.evidence.port_given else f"the image's EXPOSE: {wanted}"
    if not case.evidence.port_given and str(wanted) not in exposed:
        return _another_each_time(case, port, proof)
    return case.found(
        "wrong-port",
        f"The app listens on port {port}, and it was asked at port {wanted}.",
        (*proof, asked),
        hint=f"Ask at the right one: --container-port {port}"
        if case.evidence.port_given
        else f"Instead of EXPOSE {wanted}; or let the app listen on {wanted}.",
        fix=() if case.evidence.port_given else (f"EXPOSE {port}",),
    )


def _another_each_time(case: Case, port: int, proof: tuple[str, ...]) -> Failure:
    """No port was named, and it listens on another than when it was first started and looked at."""
    return case.found(
        "wrong-port",
        f"The app listened on port {case.evidence.port} when it was first started, and on port {port} the next time.",
        proof,
        hint="Let it listen on one port, and name it: EXPOSE in the Dockerfile.",
    )


def _silent(case: Case, seen: str) -> Failure:
    """What was observed, and what was seen inside."""
    observed = case.evidence.observed
    if seen.startswith("nothing") and (found := _on_unix_socket(case)):
        return found
    hint = "CMD must start what serves the app; if it starts slowly, --timeout waits longer."
    return case.found(
        "never-listens",
        observed.message,
        (*observed.evidence, f"inside the container {seen}"),
        hint=hint
        if seen.startswith("nothing")
        else "It listens to IPv6, and is asked by IPv4: let it listen on 0.0.0.0; or it began only when the time was "
        "over: --timeout waits longer."
        if _by_ipv6(case)
        else "It is asked in plain HTTP: see whether it speaks HTTPS or something else, and whether --route names a "
        "route that replies at once; --timeout waits longer.",
    )


def _by_ipv6(case: Case) -> bool:
    """Whether it takes no connection, and what listens has addresses of IPv6 alone: one with TLS would take it."""
    evidence = case.evidence
    addresses = [one.address for one in evidence.listeners or () if one.port == evidence.port]
    return bool(addresses) and all(":" in one for one in addresses) and "refused" in evidence.observed.message


def _on_unix_socket(case: Case) -> Failure | None:
    line, match = next(((line, match) for line in case.evidence.log if (match := _UNIX.search(line))), ("", None))
    if match is None:
        return None
    port = case.evidence.port or 8000
    fix = tuple(bound_elsewhere(case, port))
    return case.found(
        "never-listens",
        f"The app listens on the Unix socket {match['path']}, and on no port.",
        (line.strip(), "inside the container nothing listens on any port"),
        hint="Instead of the image's own line: a port, which can be published."
        if fix
        else f"Let it listen on a port: 0.0.0.0:{port}.",
        fix=fix,
    )


def _unknown(case: Case) -> Failure:
    """Nobody could look into the container, and its log names no address."""
    return case.found(
        "unknown",
        f"{case.evidence.observed.message} What listens inside the container could not be seen.",
        case.evidence.observed.evidence,
        hint="See that the app listens on 0.0.0.0 and on the port that EXPOSE names.",
    )


def bound_elsewhere(case: Case, port: int) -> Iterator[str]:
    """The command again, told to listen on all addresses, for the servers whose options are known."""
    image, words = case.evidence.image, list(case.command.words)
    if image is None or not words or (case.command.in_shell and not is_plain_line(image, words)):
        return
    name = basename(words[0])
    if re.fullmatch(r"python[\d.]*", name) and words[1:2] == ["-m"] and len(words) > 2:
        name = words[2]
    if name == "flask" and "run" in words:
        words = _without(words, ("--host", "-h"))
        words += (
            ["--host=0.0.0.0"]
            if port == 5000 or _has(words, ("--port", "-p"))
            else ["--host=0.0.0.0", f"--port={port}"]
        )
    elif name == "gunicorn":
        words = _without(words, ("--bind", "-b"))
        words.insert(_after_program(words), f"--bind=0.0.0.0:{port}")
    elif name in {"waitress-serve", "waitress"}:
        words = _without(words, ("--host", "--port", "--listen"))
        words.insert(_after_program(words), f"--listen=0.0.0.0:{port}")
    elif name == "uvicorn":
        words = [*_without(words, ("--host", "--port")), "--host=0.0.0.0", f"--port={port}"]
    else:
        return
    yield from rewritten(image, words)


def _after_program(words: Sequence[str]) -> int:
    return 3 if words[1:2] == ["-m"] else 1


def _has(words: Sequence[str], names: tuple[str, ...]) -> bool:
    return any(word.partition("=")[0] in names for word in words)


def _without(words: Sequence[str], names: tuple[str, ...]) -> list[str]:
    """Words without these options and their values, each in the same word or the next."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
            continue
        if word.partition("=")[0] in names:
            skip = "=" not in word
            continue
        kept.append(word)
    return kept


def _told(log: Sequence[str]) -> Iterator[tuple[Listener, str]]:
    for line in log:
        if match := _TOLD.search(line):
            host = match["host"].strip("[]")
            address = _LOCAL.get(host, host)
            try:
                ip_address(address)
            except ValueError:
                continue
            yield Listener(address, int(match["port"])), line.strip()


def _is_loopback(listener: Listener) -> bool:
    return ip_address(listener.address).is_loopback


def _shown(listener: Listener) -> str:
    return f"[{listener.address}]:{listener.port}" if ":" in listener.address else f"{listener.address}:{listener.port}"
