"""Which engine: a flag, the environment, a docker context, the well-known sockets, imgcompare's own engine.

What was named (by flag, variable or context) is used or refused, never replaced by something else: a run on another
engine than the one meant would build, and remove, in the wrong place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imgcompare.engine.endpoint.address import parse_address, shown
from imgcompare.engine.endpoint.docker_contexts import certificates, current_context, read_context
from imgcompare.engine.endpoint.probe import PERMISSION_DENIED, silence
from imgcompare.engine.interface import SCHEME, Endpoint
from imgcompare.engine.transport.ssh_tunnel import DEFAULT_SOCKET
from imgcompare.errors import ImgcompareError, NoEngineError, OwnEngineStoppedError, UsageError
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SOCKET_TIMEOUT_S = 2.0
NAMED_TIMEOUT_S = 10.0
PODMAN_SOCKET = "/run/podman/podman.sock"
OWN_SOURCE = "imgcompare's own engine"

_SETUP_HINT = "`imgcompare setup` installs and starts imgcompare's own engine."


class OwnStatus(Protocol):
    """What is asked of the own engine's state; ``preferred`` says that `imgcompare setup` chose it before others."""

    @property
    def running(self) -> bool:
        """Whether its process lives."""

    @property
    def preferred(self) -> bool:
        """Whether it goes before the current context and the well-known sockets."""

    @property
    def endpoint(self) -> str:
        """Its URL."""


class OwnEngine(Protocol):
    """imgcompare's own engine as seen from here; the module ``imgcompare.engine.own.daemon`` is one."""

    def status(self) -> OwnStatus:
        """Its state now."""

    def start(self, say: Callable[[str], None]) -> OwnStatus:
        """Start it and return once it answers. Raises NoEngineError or EngineError."""

    def programs_missing(self) -> tuple[str, ...]:
        """The programs it needs that are not installed."""


def own_engine() -> OwnEngine:
    """Return imgcompare's own engine, loaded only when it is asked for."""
    from imgcompare.engine.own import daemon  # noqa: PLC0415

    return daemon


def find_engine(
    host: str | None = None,
    context: str | None = None,
    *,
    start_own: bool,
    say: Callable[[str], None] = lambda _text: None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    own: OwnEngine | None = None,
) -> Endpoint:
    """Return the endpoint of an engine that answers; ``say`` hears of an own engine being started.

    Raises UsageError for an address nobody could connect to, OwnEngineStoppedError when only the own engine is left
    and ``start_own`` is false, and NoEngineError, naming every endpoint tried and its source, for everything else.
    """
    environ = os.environ if environ is None else environ
    home = _home(environ) if home is None else home
    named = _named(host, context, environ, home)
    if named is not None:
        return _require(named)
    own = own_engine() if own is None else own
    status = own.status()
    if status.preferred:
        return _use_own(own, status, start_own, say)
    config_dir = _config_dir(environ, home)
    current = current_context(config_dir)
    if current is not None and current != "default":
        return _require(_context_endpoint(current, "current context", config_dir))
    return _search(own, status, start_own, say, environ, home)


def well_known_sockets(environ: Mapping[str, str], home: Path) -> Iterator[tuple[str, Path]]:
    """Yield (product, path) of the sockets engines are known to listen on, in the order they are tried."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    yield "Docker", Path(DEFAULT_SOCKET)
    yield "Docker Desktop", home / ".docker/run/docker.sock"
    yield "Docker Desktop", home / ".docker/desktop/docker.sock"
    yield "rootless Docker", runtime / "docker.sock"
    if colima := environ.get("COLIMA_HOME"):
        yield "Colima", Path(colima) / "default/docker.sock"
    yield "Colima", home / ".colima/default/docker.sock"
    yield "OrbStack", home / ".orbstack/run/docker.sock"
    yield "Rancher Desktop", home / ".rd/docker.sock"
    yield "rootless Podman", runtime / "podman/podman.sock"
    yield "Podman", Path(PODMAN_SOCKET)
    # Since Podman 5 in the temporary folder (containers/podman#22028), before under the data folder.
    if temporary := environ.get("TMPDIR"):
        yield "Podman machine", Path(temporary) / "podman/podman-machine-default-api.sock"
    yield "Podman machine", home / ".local/share/containers/podman/machine/podman.sock"


def _named(host: str | None, context: str | None, environ: Mapping[str, str], home: Path) -> Endpoint | None:
    """The endpoint that a flag or a variable names; the order is the docker CLI's, in which DOCKER_HOST hides
    DOCKER_CONTEXT (https://docs.docker.com/engine/manage-resources/contexts/).
    """
    if host is not None and context is not None:
        raise UsageError("--host and --docker-context name two engines", hint="Give one of them.")
    config_dir = _config_dir(environ, home)
    if host is not None:
        return _host_endpoint(host, "--host", environ, config_dir)
    variable = environ.get("DOCKER_HOST") or None
    if context is None and variable is not None:
        return _host_endpoint(variable, "DOCKER_HOST", environ, config_dir)
    name = context if context is not None else environ.get("DOCKER_CONTEXT") or None
    if name is None:
        return None
    source = "DOCKER_CONTEXT" if context is None else "--docker-context"
    if name == "default":
        return _default_endpoint(variable, source, environ, config_dir)
    return _context_endpoint(name, source, config_dir)


def _default_endpoint(variable: str | None, source: str, environ: Mapping[str, str], config_dir: Path) -> Endpoint:
    """The context "default" is not stored: it means DOCKER_HOST or else the default socket."""
    if variable is not None:
        return _host_endpoint(variable, f"DOCKER_HOST, by {source} default", environ, config_dir)
    return Endpoint(url=f"unix://{DEFAULT_SOCKET}", source=f"docker context default, {source}")


def _host_endpoint(text: str, source: str, environ: Mapping[str, str], config_dir: Path) -> Endpoint:
    text = text.strip()  # as the docker CLI does
    if not text and source != "--host":
        return Endpoint(url=f"unix://{DEFAULT_SOCKET}", source=f"{source}, which is blank")
    tls: dict[str, str] = {}
    if environ.get("DOCKER_TLS_VERIFY") and not text.startswith(("unix:", f"{SCHEME}:")):
        folder = Path(environ.get("DOCKER_CERT_PATH") or config_dir)
        tls = {**certificates(folder), "verify": "1"}
    return Endpoint(url=parse_address(text, source, tls=bool(tls)), source=source, tls=tls)


def _context_endpoint(name: str, source: str, config_dir: Path) -> Endpoint:
    context = read_context(config_dir, name, source)
    label = f"docker context {printable(name, limit=80)}, {source}"
    return Endpoint(url=parse_address(context.host, label, tls=bool(context.tls)), source=label, tls=context.tls)


def _require(endpoint: Endpoint) -> Endpoint:
    reason = silence(endpoint, NAMED_TIMEOUT_S)
    if reason is None:
        return endpoint
    raise NoEngineError(
        f"the engine at {shown(endpoint.url)} ({endpoint.source}) does not answer: {reason}",
        hint=_hint(endpoint, reason),
    )


def _use_own(own: OwnEngine, status: OwnStatus, start: bool, say: Callable[[str], None]) -> Endpoint:
    if not status.running:
        if not start:
            raise OwnEngineStoppedError(
                f"{OWN_SOURCE} is not running",
                hint="`imgcompare run` starts it by itself, `imgcompare engine start` now.",
            )
        status = own.start(say)
    return _require(Endpoint(url=status.endpoint, source=OWN_SOURCE, own=True))


def _search(
    own: OwnEngine,
    status: OwnStatus,
    start: bool,
    say: Callable[[str], None],
    environ: Mapping[str, str],
    home: Path,
) -> Endpoint:
    """Ask the well-known sockets one after the other, then the own engine."""
    tried: list[tuple[Endpoint, str]] = []
    for product, path in well_known_sockets(environ, home):
        endpoint = Endpoint(url=f"unix://{path}", source=f"{product} socket")
        reason = silence(endpoint, SOCKET_TIMEOUT_S)
        if reason is None:
            return endpoint
        tried.append((endpoint, reason))
    try:
        outcome = _last_resort(own, status, tried)
        if outcome is None:
            return _use_own(own, status, start, say)
    except OwnEngineStoppedError:
        raise
    except ImgcompareError as exc:
        outcome = exc.message
    lines = [f"  {shown(endpoint.url)} ({endpoint.source}): {reason}" for endpoint, reason in tried]
    hints = [_hint(endpoint, reason) for endpoint, reason in tried if _refused(endpoint, reason)]
    raise NoEngineError(
        "\n".join(["no container engine answers", *lines, f"  {OWN_SOURCE}: {outcome}"]),
        hint=" ".join([*hints, _SETUP_HINT]),
    )


def _last_resort(own: OwnEngine, status: OwnStatus, tried: list[tuple[Endpoint, str]]) -> str | None:
    """Say why the own engine is not to be used, or None when it is."""
    if status.running:
        return None
    if missing := own.programs_missing():
        return f"not installed ({', '.join(missing)} missing)"
    # An engine that refuses us is there: mending that is better than starting another beside it.
    return "installed, not running" if any(_refused(endpoint, reason) for endpoint, reason in tried) else None


def _refused(endpoint: Endpoint, reason: str) -> bool:
    return reason == PERMISSION_DENIED and endpoint.url == f"unix://{DEFAULT_SOCKET}"


def _hint(endpoint: Endpoint, reason: str) -> str:
    if endpoint.url.startswith(f"{SCHEME}://"):
        return (
            "Name its socket where that is another, ssh://HOST/run/user/1000/docker.sock, and see that you may use it."
        )
    if reason != PERMISSION_DENIED:
        return f"Start it, or name another engine; what {endpoint.source} names is never replaced by another."
    if endpoint.own:
        return "It belongs to another user of this machine: run imgcompare as that user."
    return "Permission denied: add yourself to the group docker and log in again, or use sudo."


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # no HOME and no entry in the user database, as in a container run under a bare user id
        return Path("/")


def _config_dir(environ: Mapping[str, str], home: Path) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or home / ".docker")
