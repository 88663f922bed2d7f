"""Sessions: what the engine may ask of us while it builds, on a connection on which it is the client.

Builds that run at the same time and want the same of us share one session. BuildKit then takes what they read of their
context for one source, so that it travels once. A build that begins later gets a new one, and with it the files as
they are by then; only those that changed travel again, for the sessions of one context share a key.
"""

from __future__ import annotations

import hashlib
import platform
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imgcompare.engine.build import cache_store, registry_auth, secrets, ssh_forward
from imgcompare.engine.build.context import NEVER_SENT
from imgcompare.engine.build.file_sync import diff_copy
from imgcompare.engine.build.folders import DiskFolder, Folder, MadeFolder
from imgcompare.engine.build.registry_auth import Credentials
from imgcompare.engine.interface import BuildContext, BuildRequest
from imgcompare.engine.transport.grpc import Handler, server, unary
from imgcompare.errors import ImgcompareError

if TYPE_CHECKING:
    from imgcompare.engine.transport.http2 import Connection, Stream

DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"
HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
_HEADER = "X-Docker-Expose-Session-"


class OpenHttp2(Protocol):
    """Opens an HTTP/2 connection to a path of the engine's for as long as the ``with`` block lasts.

    With ``accept`` the engine is the client on it. Raises NoBuildKitError where the engine does not do that.
    """

    def __call__(
        self, path: str, *, headers: Sequence[tuple[str, str]] = (), accept: Callable[[Stream], None] | None = None
    ) -> AbstractContextManager[Connection]:
        """Open it."""


class Session:
    """One session: its id, the folders it serves, and the first thing of ours that could not be read."""

    def __init__(self, request: BuildRequest, services: Mapping[str, Handler]) -> None:
        context = request.context
        self.id = uuid.uuid4().hex
        self.failure: ImgcompareError | None = None
        self.sent_bytes = 0
        self._folders: dict[str, Folder] = {
            "context": DiskFolder(str(context.root), NEVER_SENT, context.appended),
            **{
                local_name(name): DiskFolder(str(folder), NEVER_SENT)
                for name, folder in request.options.contexts
                if isinstance(folder, Path)
            },
        }
        # With this key, and the folder's name, the builder finds what it has kept of the folder's last transfer.
        self._shared_key = hashlib.sha256(f"{platform.node()}:{context.root}".encode("utf-8", "surrogateescape"))
        self._handlers = {
            HEALTH: unary(lambda _: _SERVING),
            DIFF_COPY: diff_copy(self._folders.get, self._failed, self._sent),
            **services,
        }

    def serve(self, name: str, folder: Folder) -> None:
        """Let the engine read a folder under that name."""
        self._folders[name] = folder

    def connect(self, open_http2: OpenHttp2) -> AbstractContextManager[Connection]:
        """Offer the session to the engine."""
        headers = [
            (f"{_HEADER}Uuid", self.id),
            (f"{_HEADER}Name", "imgcompare"),
            (f"{_HEADER}Sharedkey", self._shared_key.hexdigest()),
            *((f"{_HEADER}Grpc-Method", path) for path in self._handlers),
        ]
        return open_http2("/session", headers=headers, accept=server(self._handlers))

    def _failed(self, failure: ImgcompareError) -> None:
        self.failure = self.failure or failure

    def _sent(self, count: int) -> None:
        self.sent_bytes += count


class _Open:
    def __init__(self, session: Session, connection: Connection, stack: ExitStack) -> None:
        self.session = session
        self.connection = connection
        self.stack = stack
        self.users = 0


class Sessions:
    """The open sessions of an engine; safe to use from several threads."""

    def __init__(self, open_http2: OpenHttp2, credentials: Credentials) -> None:
        self._open_http2 = open_http2
        self._credentials = credentials
        self._lock = threading.Lock()
        self._open: dict[object, _Open] = {}

    @contextmanager
    def lease(self, request: BuildRequest) -> Iterator[tuple[Session, str]]:
        """Give a build its session, and the name under which it has the Dockerfile.

        Raises NoBuildKitError, EngineLostError.
        """
        context = request.context
        options = request.options
        folders = tuple(each for each in (*options.cache_from, *options.cache_to) if each.type == "local")
        key = (context.root, context.appended, options.secrets, options.ssh, options.contexts, folders)
        with self._lock:
            used = self._open.get(key)
            if used is None or not used.connection.is_open:
                used = self._open[key] = self._begin(request)
            used.users += 1
        try:
            yield used.session, _serve_dockerfile(used.session, context)
        finally:
            with self._lock:
                used.users -= 1
                if not used.users:
                    used.stack.close()
                    if self._open.get(key) is used:
                        del self._open[key]

    def _begin(self, request: BuildRequest) -> _Open:
        with ExitStack() as stack:
            services = {
                **registry_auth.handlers(self._credentials),
                **secrets.handlers(request.options.secrets),
                **cache_store.handlers(request.options.cache_from, request.options.cache_to),
                **ssh_forward.handlers(stack.enter_context(ssh_forward.agents(request.options.ssh))),
            }
            session = Session(request, services)
            connection = stack.enter_context(session.connect(self._open_http2))
            return _Open(session, connection, stack.pop_all())


def local_name(context: str) -> str:
    """Return the name under which a session serves a further context's folder."""
    return f"_{context}" if context in {"context", "dockerfile"} else context


def _serve_dockerfile(session: Session, context: BuildContext) -> str:
    """Let the builder read the Dockerfile and its own ignore file, and nothing else of where they are."""
    name = dockerfile_name(context)
    files = {name: context.dockerfile_content}
    if context.ignore_file is not None:
        files[f"{name}.dockerignore"] = context.ignore_file
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    folder = f"dockerfile-{digest[:12]}"
    session.serve(folder, MadeFolder(files))
    return folder


def dockerfile_name(context: BuildContext) -> str:
    """Return what the builder knows the Dockerfile by: its file's name where that is plain, for errors show it."""
    name = context.name
    return name if name.isascii() and name.isprintable() and not set(name) & set("*?[]\\!#, ") else "Dockerfile"
