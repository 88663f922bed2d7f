"""Which engine is taken, in what order, and that what was named is never replaced by another."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socket
import socketserver
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.engine.endpoint import find as module
from imgcompare.engine.endpoint.find import find_engine
from imgcompare.engine.interface import Endpoint, is_local
from imgcompare.errors import EngineError, NoEngineError, OwnEngineStoppedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class PingHandler(http.server.BaseHTTPRequestHandler):
    """Answers /_ping as an engine does."""

    status = 200

    def do_GET(self) -> None:
        """Reply OK, and nothing else."""
        self.send_response(self.status if self.path == "/_ping" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


class TeapotHandler(PingHandler):
    """Something that speaks HTTP and is no engine."""

    status = 418


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An HTTP server on a Unix socket."""

    daemon_threads = True

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Give the handler the address pair it expects."""
        return self.socket.accept()[0], ("unix", 0)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread for as long as the block lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(path: Path, handler: type[PingHandler] = PingHandler) -> Iterator[str]:
    """Put a socket there that answers /_ping; yield its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with serving(UnixServer(str(path), handler)):
        yield f"unix://{path}"


def dead_socket(path: Path) -> str:
    """Leave a socket behind that nothing listens on, as a killed engine does; return its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    return f"unix://{path}"


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Give up root's passage through permissions for a while, if this is root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def write_context(home: Path, name: str, host: object, *, skip_verify: bool = False, tls: tuple[str, ...] = ()) -> None:
    """Write a context as `docker context create` does."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker/contexts/meta" / digest
    folder.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip_verify}
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (folder / "meta.json").write_text(json.dumps(meta))
    certificates = home / ".docker/contexts/tls" / digest / "docker"
    certificates.mkdir(parents=True)
    for file in tls:
        (certificates / f"{file}.pem").write_text("not a certificate")


def use_context(home: Path, name: object) -> None:
    """Make a context the current one, as `docker context use` does."""
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


class State(Struct, frozen=True):
    """The own engine's state as find_engine reads it."""

    running: bool = False
    preferred: bool = False
    endpoint: str = "unix:///nowhere/own.sock"


class Own(Struct):
    """Stands for imgcompare's own engine: a state, and whether it can be started."""

    state: State = field(default_factory=State)
    missing: tuple[str, ...] = ("dockerd",)
    fault: str = ""
    started: int = 0

    def status(self) -> State:
        """Its state."""
        return self.state

    def start(self, say: Callable[[str], None]) -> State:
        """Become running, or fail as told."""
        if self.fault:
            raise EngineError(self.fault)
        say("started")
        self.started += 1
        self.state = replace(self.state, running=True)
        return self.state

    def programs_missing(self) -> tuple[str, ...]:
        """What it lacks."""
        return self.missing


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, short enough for socket paths; the machine's engines are out of sight."""
    with tempfile.TemporaryDirectory(prefix="ic") as name:
        monkeypatch.setattr(module, "DEFAULT_SOCKET", f"{name}/var/docker.sock")
        monkeypatch.setattr(module, "PODMAN_SOCKET", f"{name}/run/podman.sock")
        yield Path(name)


def find(
    home: Path,
    host: str | None = None,
    context: str | None = None,
    environ: dict[str, str] | None = None,
    *,
    own: Own | None = None,
    start: bool = False,
    say: Callable[[str], None] = lambda _text: None,
) -> Endpoint:
    """Look for an engine with nothing but ``home`` and ``environ`` around."""
    environ = {"XDG_RUNTIME_DIR": f"{home}/run/user", **(environ or {})}
    return find_engine(
        host, context, start_own=start, say=say, environ=environ, home=home, own=Own() if own is None else own
    )


def test_the_order_is_flag_variable_context_socket(home: Path) -> None:
    """--host goes before DOCKER_HOST, that before DOCKER_CONTEXT, that before the current context and the sockets."""
    with (
        answering(home / "flag.sock") as flag,
        answering(home / "variable.sock") as variable,
        answering(home / "a.sock") as named,
        answering(home / "b.sock") as current,
        answering(home / "var/docker.sock") as well_known,
    ):
        write_context(home, "a", named)
        write_context(home, "b", current)
        assert find(home).url == well_known
        use_context(home, "b")
        assert find(home) == Endpoint(url=current, source="docker context b, current context")
        both = {"DOCKER_CONTEXT": "a"}
        assert find(home, environ=both) == Endpoint(url=named, source="docker context a, DOCKER_CONTEXT")
        both["DOCKER_HOST"] = variable
        assert find(home, environ=both) == Endpoint(url=variable, source="DOCKER_HOST")
        assert find(home, context="a", environ=both) == Endpoint(url=named, source="docker context a, --docker-context")
        assert find(home, host=flag, environ=both) == Endpoint(url=flag, source="--host")


def test_the_context_default_means_the_default_socket_or_docker_host(home: Path) -> None:
    """`default` is no stored context: as in the docker CLI it is DOCKER_HOST, or else the default socket alone."""
    use_context(home, "default")
    with answering(home / ".colima/default/docker.sock") as colima:
        assert find(home).url == colima
        assert find(home, context="default", environ={"DOCKER_HOST": colima}).url == colima
        with pytest.raises(NoEngineError, match=r"var/docker\.sock .*--docker-context.* no such socket"):
            find(home, context="default")


def test_two_flags_are_a_usage_error(home: Path) -> None:
    """Which of two named engines was meant is not guessed."""
    with pytest.raises(UsageError, match="--host and --docker-context"):
        find(home, host="unix:///a", context="b")


def test_a_blank_variable_means_the_default_socket(home: Path) -> None:
    """As for the docker CLI: DOCKER_HOST is set, and what it names is the default."""
    with pytest.raises(NoEngineError, match=r"docker\.sock \(DOCKER_HOST, which is blank\)"):
        find(home, environ={"DOCKER_HOST": " \t"})


@pytest.mark.parametrize("source", ["--host", "DOCKER_HOST", "DOCKER_CONTEXT", "--docker-context", "current context"])
def test_a_named_engine_that_is_dead_is_never_replaced(home: Path, source: str) -> None:
    """However it was named, a dead endpoint is reported with its URL and source although other engines would answer."""
    dead = dead_socket(home / "dead.sock")
    write_context(home, "a", dead)
    if source == "current context":
        use_context(home, "a")
    host = dead if source == "--host" else None
    context = "a" if source == "--docker-context" else None
    environ = {"DOCKER_HOST": {"DOCKER_HOST": dead}, "DOCKER_CONTEXT": {"DOCKER_CONTEXT": "a"}}.get(source)
    own = Own(missing=())
    with answering(home / "var/docker.sock"), pytest.raises(NoEngineError) as caught:
        find(home, host, context, environ, own=own, start=True)
    assert dead in caught.value.message
    assert source in caught.value.message
    assert "connection refused" in caught.value.message
    assert caught.value.exit_code == 3
    assert own.started == 0


def test_a_context_that_does_not_exist_names_those_that_do(home: Path) -> None:
    """A misspelt context ends the search with exit code 3 and a suggestion, and no socket is tried instead."""
    write_context(home, "staging", "unix:///x")
    write_context(home, "desktop-linux", "unix:///y")
    with answering(home / "var/docker.sock"), pytest.raises(NoEngineError, match=r"'desktop-linx'.*does not") as caught:
        find(home, environ={"DOCKER_CONTEXT": "desktop-linx"})
    assert caught.value.hint == "Did you mean 'desktop-linux'? Contexts here: desktop-linux, staging."


def test_a_context_that_does_not_exist_where_there_are_none(home: Path) -> None:
    """Without any context the hint does not offer an empty list."""
    with pytest.raises(NoEngineError) as caught:
        find(home, context="../../etc")
    assert caught.value.hint == "There are no docker contexts here; name the engine with --host."


@pytest.mark.parametrize("text", ["", "{", "[]", '{"currentContext": 5}', "[" * 100_000, "\xff\xfe"])
def test_a_damaged_docker_configuration_is_named(home: Path, text: str) -> None:
    """Which context is current cannot be told from a damaged config.json, so no engine is picked by chance."""
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(text, encoding="latin-1")
    with answering(home / "var/docker.sock"), pytest.raises(NoEngineError, match=r"\.docker/config\.json"):
        find(home)


@pytest.mark.parametrize("meta", ["", "{}", '{"Endpoints": []}', '{"Endpoints": {"docker": {"Host": ""}}}'])
def test_a_damaged_context_is_named(home: Path, meta: str) -> None:
    """A context file that says no endpoint is an error with its path."""
    write_context(home, "a", "unix:///x")
    (path,) = (home / ".docker/contexts/meta").glob("*/meta.json")
    path.write_text(meta)
    with pytest.raises(NoEngineError, match=r"meta\.json"):
        find(home, context="a")


def test_docker_config_moves_the_contexts(home: Path) -> None:
    """DOCKER_CONFIG names the folder the contexts are read from, as for the docker CLI."""
    with answering(home / "a.sock") as url:
        write_context(home, "a", url)
        (home / ".docker").rename(home / "elsewhere")
        assert find(home, context="a", environ={"DOCKER_CONFIG": str(home / "elsewhere")}).url == url


def test_the_certificates_of_a_context_are_used(home: Path) -> None:
    """A context with TLS files is spoken to with them: files that are no certificates are reported, not left aside."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PingHandler)
    with serving(server):
        port = server.server_address[1]
        write_context(home, "plain", f"tcp://127.0.0.1:{port}")
        write_context(home, "secure", f"tcp://127.0.0.1:{port}", tls=("ca", "cert", "key"))
        write_context(home, "lax", f"tcp://127.0.0.1:{port}", skip_verify=True)
        assert find(home, context="plain").tls == {}
        for name in ("secure", "lax"):
            with pytest.raises(NoEngineError, match="does not answer"):
                find(home, context=name)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:{port}", "tcp://127.0.0.1:{port}"),
        ("tcp://localhost:{port}/", "tcp://localhost:{port}"),
        (" tcp://127.0.0.1:{port}\t\n", "tcp://127.0.0.1:{port}"),
    ],
)
def test_tcp_addresses_are_taken_as_docker_takes_them(home: Path, address: str, url: str) -> None:
    """HOST:PORT without a scheme is TCP, and blanks around it are nothing, as for the docker CLI."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PingHandler)
    with serving(server):
        port = server.server_address[1]
        assert find(home, environ={"DOCKER_HOST": address.format(port=port)}).url == url.format(port=port)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("npipe:////./pipe/docker_engine", "npipe:// endpoints are not supported"),
        ("ssh://", "no engine's address"),
        ("ssh://me:secret@host", "holds a password"),
        ("ssh://-oProxyCommand=true", "no engine's address"),
        ("ssh://host:port", "Port could not be cast"),
        ("ssh://host/", "no engine's address"),
        ("ssh://host?x=\x1b[31m", "no engine's address"),
        ("/var/run/docker.sock", "has no scheme"),
        ("unix://docker.sock", "not an absolute path"),
        ("tcp://", "no engine's address"),
        ("tcp://a..b", "no engine's address"),
        (f"tcp://{'a' * 64}", "no engine's address"),
        ("tcp://\udcff", "no engine's address"),
        ("tcp://host:port", "Port could not be cast"),
        ("tcp://host:99999", "Port out of range"),
        ("tcp://host:1/path", "no engine's address"),
        ("tcp://host:1?x=\x1b[31m", "no engine's address"),
        ("tcp://me:secret@host:1", "user name or password"),
    ],
)
def test_an_address_nobody_can_connect_to_is_a_usage_error(home: Path, address: str, words: str) -> None:
    """Unsupported and malformed addresses are told apart from engines that are down; a password is not repeated."""
    with pytest.raises(UsageError) as caught:
        find(home, environ={"DOCKER_HOST": address})
    assert words in caught.value.message
    assert "DOCKER_HOST" in caught.value.message
    assert "secret" not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_well_known_sockets_are_asked_in_order(home: Path) -> None:
    """A dead socket, a socket of something else and a missing one are passed over; the first that answers is used."""
    dead_socket(home / "var/docker.sock")
    with (
        answering(home / ".docker/run/docker.sock", TeapotHandler),
        answering(home / ".orbstack/run/docker.sock") as orbstack,
        answering(home / "run/user/podman/podman.sock") as podman,
    ):
        assert find(home) == Endpoint(url=orbstack, source="OrbStack socket")
        (home / ".orbstack/run/docker.sock").unlink()
        assert find(home).url == podman


def test_the_sockets_of_moved_homes_are_found(home: Path) -> None:
    """COLIMA_HOME and TMPDIR move the sockets of Colima and of a Podman machine."""
    with answering(home / "c/default/docker.sock") as url:
        assert find(home, environ={"COLIMA_HOME": str(home / "c")}).url == url
    with answering(home / "t/podman/podman-machine-default-api.sock") as url:
        assert find(home, environ={"TMPDIR": str(home / "t")}).url == url


def test_when_nothing_answers_everything_tried_is_listed(home: Path) -> None:
    """The error names each endpoint, its source and what happened, and the way to an engine."""
    dead = dead_socket(home / "var/docker.sock")
    with (
        answering(home / ".docker/run/docker.sock", TeapotHandler) as teapot,
        pytest.raises(NoEngineError) as caught,
    ):
        find(home, start=True)
    lines = caught.value.message.splitlines()
    assert lines[0] == "no container engine answers"
    assert lines[1] == f"  {dead} (Docker socket): connection refused: nothing listens there"
    assert lines[2] == f"  {teapot} (Docker Desktop socket): what listens there answers /_ping with HTTP 418"
    assert lines[-1] == "  imgcompare's own engine: not installed (dockerd missing)"
    assert sum("no such socket" in line for line in lines) == 8
    assert "imgcompare setup" in str(caught.value.hint)


def test_a_socket_that_never_answers_is_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that accepts and then stays silent is frozen: the search goes on and says so."""
    monkeypatch.setattr(module, "SOCKET_TIMEOUT_S", 0.05)
    (home / "var").mkdir()
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(home / "var/docker.sock"))
        frozen.listen()
        with pytest.raises(NoEngineError, match=r"\(Docker socket\): no answer within 0\.05 s"):
            find(home)


def test_the_own_engine_is_used_when_it_runs(home: Path) -> None:
    """A running own engine is the last resort, marked as private; any other that answers goes before it."""
    with answering(home / "own.sock") as url:
        own = Own(State(running=True, endpoint=url))
        assert find(home, own=own) == Endpoint(url=url, source="imgcompare's own engine", own=True)
        with answering(home / "var/docker.sock") as docker:
            assert find(home, own=own).url == docker


def test_the_own_engine_is_started_when_nothing_else_answers(home: Path) -> None:
    """With its programs installed it starts by itself and says so; where that is not wanted, it is a named error."""
    said: list[str] = []
    with answering(home / "own.sock") as url:
        own = Own(State(endpoint=url), missing=())
        with pytest.raises(OwnEngineStoppedError) as caught:
            find(home, own=own)
        assert caught.value.exit_code == 3
        assert find(home, own=own, start=True, say=said.append).own
    assert own.started == 1
    assert said == ["started"]


def test_a_socket_without_permission_is_said_and_not_gone_around(home: Path) -> None:
    """An engine that refuses this user is there: the hint is to get in, and no second engine is started beside it."""
    with answering(home / "var/docker.sock") as url:
        home.chmod(0o755)
        (home / "var/docker.sock").chmod(0o600 if os.geteuid() == 0 else 0)
        own = Own(missing=())
        with as_ordinary_user(), pytest.raises(NoEngineError) as caught:
            find(home, own=own, start=True)
    assert f"{url} (Docker socket): permission denied" in caught.value.message
    assert caught.value.message.endswith("imgcompare's own engine: installed, not running")
    assert "group docker" in str(caught.value.hint)
    assert own.started == 0


def test_an_own_engine_that_fails_to_start_is_listed_with_the_others(home: Path) -> None:
    """Its failure stands beside the endpoints tried before it."""
    with pytest.raises(NoEngineError, match="own engine: needs root") as caught:
        find(home, own=Own(missing=(), fault="needs root"), start=True)
    assert "var/docker.sock" in caught.value.message


def test_a_preferred_own_engine_goes_before_contexts_and_sockets(home: Path) -> None:
    """What `imgcompare setup` chose is used until it is stopped, restarted when it died; a variable still wins."""
    with answering(home / "own.sock") as url, answering(home / "var/docker.sock") as docker:
        write_context(home, "a", docker)
        use_context(home, "a")
        own = Own(State(preferred=True, endpoint=url), missing=())
        with pytest.raises(OwnEngineStoppedError):
            find(home, own=own)
        assert find(home, own=own, start=True).url == url
        assert find(home, own=own).url == url
        assert find(home, own=own, environ={"DOCKER_HOST": docker}).url == docker


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("tcp://localhost:2375", True),
        ("tcp://127.0.0.9:2375", True),
        ("https://[::1]:2376", True),
        ("tcp://192.0.2.1:2375", False),
        ("tcp://engine.example:2375", False),
    ],
)
def test_only_a_socket_or_loopback_is_local(url: str, local: bool) -> None:
    """On any other engine 127.0.0.1 is another machine's loopback."""
    assert is_local(Endpoint(url=url, source="test")) is local
