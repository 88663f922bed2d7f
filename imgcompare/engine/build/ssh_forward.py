"""SSH agents for ``RUN --mount=type=ssh``: one that runs here, or one that is started for keys and goes with the build.

What passes is the agent's own protocol; the keys never leave this machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from imgcompare.engine.options import SshSource
from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, NOT_FOUND, UNAVAILABLE, GrpcError, Handler, ServerCall
from imgcompare.engine.transport.protobuf import as_bytes, as_text, field, fields
from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

CHECK_AGENT = "/moby.sshforward.v1.SSH/CheckAgent"
FORWARD_AGENT = "/moby.sshforward.v1.SSH/ForwardAgent"
_DEFAULT = "default"
_READ_BYTES = 32 << 10
_TIMEOUT_S = 10.0


@contextmanager
def agents(sources: Iterable[SshSource]) -> Iterator[Mapping[str, str]]:
    """Yield the agents' sockets by their ids; those that were started for key files end with the block.

    Raises UsageError for a key that cannot be used.
    """
    with ExitStack() as stack:
        yield {
            source.id: stack.enter_context(_agent_of(source.keys)) if source.keys else source.socket
            for source in sources
        }


def handlers(sockets: Mapping[str, str]) -> Mapping[str, Handler]:
    """Return the session's service: https://github.com/moby/buildkit/blob/master/session/sshforward/ssh.proto."""

    def check(call: ServerCall) -> None:
        name = as_text(dict(fields(call.message())).get(1, b""))
        _connect(sockets, name).close()
        call.send(b"")

    def forward(call: ServerCall) -> None:
        name = next(iter(call.metadata("buildkit.ssh.id")), "")
        with _connect(sockets, name) as agent:
            answers = threading.Thread(target=_answer, args=(call, agent), daemon=True, name="ssh-agent")
            answers.start()
            try:
                for message in call.messages():
                    agent.sendall(as_bytes(dict(fields(message)).get(1, b"")))
                agent.shutdown(socket.SHUT_WR)
            except ValueError as exc:
                raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
            except ConnectionError:
                with suppress(OSError):
                    agent.shutdown(socket.SHUT_RDWR)
            finally:
                answers.join()

    return {CHECK_AGENT: check, FORWARD_AGENT: forward}


def _answer(call: ServerCall, agent: socket.socket) -> None:
    with suppress(OSError):
        while data := agent.recv(_READ_BYTES):
            call.send(field(1, data))


def _connect(sockets: Mapping[str, str], name: str) -> socket.socket:
    path = sockets.get(name or _DEFAULT)
    if path is None:
        raise GrpcError(NOT_FOUND, f"no ssh agent is given as {name or _DEFAULT}: give it with --ssh")
    agent = socket.socket(socket.AF_UNIX)
    try:
        agent.connect(path)
    except OSError as exc:
        agent.close()
        raise GrpcError(UNAVAILABLE, f"the ssh agent at {path} does not answer: {exc.strerror}") from exc
    return agent


@contextmanager
def _agent_of(keys: Iterable[str]) -> Iterator[str]:
    """Run an ssh-agent that holds the keys."""
    if shutil.which("ssh-agent") is None or shutil.which("ssh-add") is None:
        raise UsageError("--ssh with a key file needs ssh-agent", hint="Install OpenSSH's client, or name an agent.")
    with tempfile.TemporaryDirectory(prefix="imgcompare-") as folder:
        path = str(Path(folder, "agent"))
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(["ssh-agent", "-D", "-a", path], **quiet) as agent:  # type: ignore[call-overload]
            try:
                deadline = time.monotonic() + _TIMEOUT_S
                while not os.path.lexists(path) and agent.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.01)
                for key in keys:
                    _add(key, path)
                yield path
            finally:
                agent.terminate()


def _add(key: str, agent: str) -> None:
    # Nobody is there to be asked for a passphrase.
    environ = {**os.environ, "SSH_AUTH_SOCK": agent, "SSH_ASKPASS_REQUIRE": "never"}
    environ.pop("DISPLAY", None)
    done = subprocess.run(
        ["ssh-add", "-q", "--", key],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        start_new_session=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise UsageError(
            f"the ssh key {printable(key, limit=200)} cannot be used: {printable(done.stderr.strip(), limit=200)}",
            hint="A key with a passphrase has to be in an agent: ssh-add it there, and give --ssh default.",
        )
