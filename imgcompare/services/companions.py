"""Companions of a variant: waited for until they serve, and what is told of one that does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from imgcompare.check.ports import likeliest_first
from imgcompare.engine.interface import Container, Endpoint, Engine, Member
from imgcompare.errors import EngineError, EngineRefusedError, NoEngineError
from imgcompare.model import Companion, Failure, Stage
from imgcompare.services.composed import COMPLETED, HEALTHY, STARTED
from imgcompare.text.printable import printable

_CHECK_S = 30.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5
_LISTENS_WITHIN_S = 10.0
_CANNOT_RUN = (126, 127)
_LOG_LINES = 12


class Fallen(Struct, frozen=True):
    """A companion that does not serve, why, and the end of its log."""

    service: str
    image: str
    why: str
    log: tuple[str, ...] = ()


class Patience(Struct, frozen=True, kw_only=True):
    """How long each companion is waited for, and whether to stop."""

    timeout_s: float
    cancelled: Callable[[], bool]


def wait_for(
    engine: Engine,
    members: Sequence[Member],
    awaited: Mapping[str, str],
    patience: Patience,
    optional: Collection[str] = (),
) -> tuple[Companion, ...] | Fallen:
    """Wait until each serves: by its HEALTHCHECK and its port, or by its end where that is what is awaited.

    Only of one that is to be healthy, or to end well, it is a failure that it does not; never of one that is
    ``optional``.
    """
    began = time.monotonic()
    companions = []
    for member in members:
        condition = awaited.get(member.service, STARTED)
        container = engine.attach(member.name)
        why = _until(member, container, condition, patience)
        ended = why.startswith(("it ended", "it could not"))
        if why and (ended or condition != STARTED) and member.service not in optional:
            log = container.log(_LOG_LINES).lines
            return Fallen(member.service, member.image, why, log)
        image = printable(member.image, limit=200)
        after_s = time.monotonic() - began
        companions.append(Companion(name=member.service, image=image, ready_after_s=after_s, note=why))
    return tuple(companions)


def first_fallen(engine: Engine, members: Sequence[Member], optional: Collection[str] = ()) -> Fallen | None:
    """The first companion that has ended badly or calls itself unhealthy, and is not ``optional``."""
    for member in (each for each in members if each.service not in optional):
        container = engine.attach(member.name)
        state = container.state()
        if state.error or state.exit_code or state.health == "unhealthy":
            why = state.error or ("it is unhealthy" if state.running else f"it ended with exit code {state.exit_code}")
            return Fallen(member.service, member.image, printable(why, limit=300), container.log(_LOG_LINES).lines)
    return None


def _until(member: Member, container: Container, condition: str, patience: Patience) -> str:
    """Wait for one; what is wrong with it, "" where nothing is."""
    began, pause = time.monotonic(), _FIRST_PAUSE_S
    while True:
        if patience.cancelled():
            raise EngineError("cancelled")
        waited_s = time.monotonic() - began
        state = container.state()
        if state.error:
            return f"it could not be started: {printable(state.error, limit=300)}"
        if not state.running and state.exit_code is not None:
            well = state.exit_code == 0 and condition != HEALTHY
            return "" if well else f"it ended with exit code {state.exit_code}{' (out of memory)' * state.oom_killed}"
        if condition != COMPLETED and (told := _serves(member, container, state.health, waited_s)) is not None:
            return told
        if waited_s > patience.timeout_s:
            what = "end" if condition == COMPLETED else "serve"
            return _in_vain(member, container, what, patience.timeout_s)
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _serves(member: Member, container: Container, health: str, waited_s: float) -> str | None:
    """ "" once it serves, what is wrong with it once that is certain, None while neither is.

    A database that is being set up may call itself healthy on a socket of its own: it must listen, too, where its image
    says on which port.
    """
    check = member.settings.healthcheck
    try:
        if check and check.command:
            ran = container.execute(check.command, min(check.timeout_s, _CHECK_S))
            if ran.exit_code in _CANNOT_RUN:
                return f"its health check cannot run: {' '.join(ran.output[-1:])}"
            if ran.exit_code != 0:
                return f"its health check fails: {' '.join(ran.output[-1:])}" if health == "unhealthy" else None
        ports = {int(port.partition("/")[0]) for port in member.settings.exposed_ports if not port.endswith("/udp")}
        seen = container.listening() if ports else None
    except EngineRefusedError:  # it has ended, which its state tells
        return None
    if seen is None or ports & set(likeliest_first(seen)):
        return ""
    # It says that it is well, or nothing at all: another port than its image's is its own affair.
    return "" if waited_s > _LISTENS_WITHIN_S and (check or seen) else None


def _in_vain(member: Member, container: Container, what: str, timeout_s: float) -> str:
    return f"it did not {what} within {timeout_s:g} s{_said_by_check(member, container)}"


def _said_by_check(member: Member, container: Container) -> str:
    """What its health check says of one that was waited for in vain."""
    check = member.settings.healthcheck
    try:
        ran = container.execute(check.command, min(check.timeout_s, _CHECK_S)) if check and check.command else None
    except EngineRefusedError:
        return ""
    return f"; its health check fails: {' '.join(ran.output[-1:])}" if ran and ran.exit_code != 0 else ""


def companion_failed(fallen: Fallen, source: str) -> Failure:
    """Tell of a companion that does not serve: nothing is known of the variant by it."""
    return Failure(
        stage=Stage.RUN,
        code="companion-failed",
        message=f"The companion {printable(fallen.service, limit=80)} failed: {fallen.why}.",
        hint=f"No variant is to blame for it. Mend it in {source}, or give it more time: --timeout",
        evidence=(f"{fallen.service}: {fallen.why}", *(printable(line, limit=300) for line in fallen.log)),
    )


def compose_environment(endpoint: Endpoint, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which Compose uses the engine that the run uses. Raises NoEngineError."""
    own = {name: value for name, value in environ.items() if name not in _ENGINE and not name.startswith("COMPOSE_")}
    told = {"DOCKER_HOST": endpoint.url}
    if endpoint.tls:
        folders = {endpoint.tls[name].rpartition("/")[0] for name in ("ca", "cert", "key") if name in endpoint.tls}
        if len(folders) != 1:
            raise NoEngineError(
                f"Compose cannot use the certificates of {endpoint.url}: they are in several folders",
                hint="Put ca.pem, cert.pem and key.pem into one: DOCKER_CERT_PATH",
            )
        told["DOCKER_CERT_PATH"] = folders.pop()
        if endpoint.tls.get("verify") != "0":
            told["DOCKER_TLS_VERIFY"] = "1"
    if urlsplit(endpoint.url).scheme == "ssh" and "SSH_AUTH_SOCK" in environ:
        told["SSH_AUTH_SOCK"] = environ["SSH_AUTH_SOCK"]
    return {**own, **told}


_ENGINE = {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"}
