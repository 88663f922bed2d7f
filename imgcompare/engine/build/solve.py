"""BuildKit as buildx speaks to it: a Solve call over gRPC on the engine's own connection, with a session beside it.

The frontend in the engine reads the Dockerfile and the ignore file, and asks the session for what the build needs: so
an image is exactly what ``docker build`` makes of the same folder, and only what changed travels.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imgcompare.engine.build import control
from imgcompare.engine.build.buildkit import failed_build
from imgcompare.engine.build.buildkit_trace import BuildLog
from imgcompare.engine.build.cache_store import CacheFolder
from imgcompare.engine.build.request import summary
from imgcompare.engine.build.session import OpenHttp2, Session, Sessions, dockerfile_name, local_name
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.engine.options import HOST_GATEWAY, BuildOptions, CacheEntry
from imgcompare.engine.transport.grpc import UNIMPLEMENTED, ClientCall, GrpcError
from imgcompare.errors import EngineLostError, NoBuildKitError, UsageError

if TYPE_CHECKING:
    from imgcompare.engine.transport.http2 import Connection

_FRONTEND = "dockerfile.v0"
_STATUS_TIMEOUT_S = 5.0
# dockerd's daemon sets it from its host-gateway-ip: https://github.com/moby/moby, builder-next/worker/label.
_GATEWAY_LABEL = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"


def build(
    open_http2: OpenHttp2, sessions: Sessions, request: BuildRequest, progress: Callable[[str], None]
) -> Built | BuildFailed:
    """Build with BuildKit; closing the connection that ``open_http2`` opens stops it.

    Raises NoBuildKitError when the engine cannot, before anything ran; EngineLostError when it died under the build;
    EngineError when the build was cancelled; UsageError for a path of the context that cannot be read.
    """
    started = time.monotonic()
    log = BuildLog()
    with open_http2("/grpc") as connection, sessions.lease(request) as (session, dockerfile):
        ref = uuid.uuid4().hex
        with _watching(connection, ref, log, progress):
            outcome = _solve(connection, ref, request, session, dockerfile)
        build = summary(log.steps(), duration_s=time.monotonic() - started)
        if isinstance(outcome, GrpcError):
            if session.failure is not None:
                raise session.failure
            if outcome.code == UNIMPLEMENTED:
                raise NoBuildKitError(f"the engine's BuildKit does not build over gRPC: {outcome.message}")
            return failed_build(outcome.message, log, request, build)
    return Built(outcome, build)


def _solve(
    connection: Connection, ref: str, request: BuildRequest, session: Session, dockerfile: str
) -> str | GrpcError:
    """Return the image's digest as the engine knows it, or how the build failed."""
    attributes = _attributes(request, dockerfile)
    if request.options.add_hosts:
        attributes["add-hosts"] = ",".join(f"{host}={at}" for host, at in _hosts(connection, request.options))
    message = control.solve_request(
        ref,
        session.id,
        frontend=_FRONTEND,
        attributes=attributes,
        name=request.tag,
        exports=request.options.cache_to,
        entitlements=("network.host",) if request.options.network == "host" else (),
    )
    try:
        answer = ClientCall(connection, control.SOLVE, message).result()
    except GrpcError as exc:
        return exc
    response = control.solve_response(answer)
    _name_caches(request.options, response)
    image = response.get("containerimage.digest") or response.get("containerimage.config.digest")
    if not image:
        raise EngineLostError("the engine ended the build without an image and without an error")
    return image


def _name_caches(options: BuildOptions, response: Mapping[str, str]) -> None:
    """Put an exported cache's name into its folder: that is the client's part."""
    if not (exported := response.get("cache.manifest")):
        return
    for entry in options.cache_to:
        if entry.type == "local":
            CacheFolder(entry.settings["dest"]).put(entry.settings.get("tag", "latest"), json.loads(exported))


def _attributes(request: BuildRequest, dockerfile: str) -> dict[str, str]:
    """Say it in the words of the frontend: https://github.com/moby/buildkit, frontend/dockerui/config.go."""
    attributes = {
        "filename": dockerfile_name(request.context),
        "dockerfilekey": dockerfile,
        # What the engine has is what is built on, as ever; what it has not was pulled before.
        "image-resolve-mode": "local",
    }
    attributes |= _option_attributes(request.options)
    attributes |= {f"build-arg:{name}": value for name, value in request.build_args.items()}
    if request.target is not None:
        attributes["target"] = request.target
    if request.platform is not None:
        attributes["platform"] = request.platform
    if request.no_cache:
        attributes["no-cache"] = ""
    return attributes


def _hosts(connection: Connection, options: BuildOptions) -> Iterator[tuple[str, str]]:
    """Yield hosts and addresses, the machine's own as the engine tells it. Raises UsageError where it does not."""
    for host, address in options.add_hosts:
        if address == HOST_GATEWAY:
            workers = ClientCall(connection, control.LIST_WORKERS, b"").result()
            address = control.worker_labels(workers).get(_GATEWAY_LABEL, "")  # noqa: PLW2901 - resolved
            if not address:
                raise UsageError(
                    f"--add-host {host}:{HOST_GATEWAY}: this engine's BuildKit does not tell its machine's address",
                    hint="Name the address itself: on Linux that of the bridge docker0, mostly 172.17.0.1.",
                )
        yield host, address


def _option_attributes(options: BuildOptions) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, source in options.contexts:
        attributes[f"context:{name}"] = f"local:{local_name(name)}" if isinstance(source, Path) else source
    if options.contexts:
        # A frontend that does not know them must say so, and not look for an image of that name.
        attributes["frontend.caps"] = "moby.buildkit.frontend.contexts+forward"
    if options.network is not None and options.network != "default":
        attributes["force-network-mode"] = options.network
    if options.shm_size is not None:
        attributes["shm-size"] = str(options.shm_size)
    if options.ulimits:
        attributes["ulimit"] = ",".join(options.ulimits)
    if options.cache_from:
        imports = [{"Type": each.type, "Attrs": settings} for each in options.cache_from if (settings := _source(each))]
        attributes["cache-imports"] = json.dumps(imports)
    return attributes


def _source(entry: CacheEntry) -> Mapping[str, str]:
    """The settings of a cache to import; none for a folder that has no such cache yet, as on the first run."""
    settings = dict(entry.settings)
    if entry.type == "local" and "digest" not in settings:
        digest = CacheFolder(settings["src"]).manifest(settings.get("tag", "latest"))
        return {**settings, "digest": digest} if digest else {}
    return settings


@contextmanager
def _watching(connection: Connection, ref: str, log: BuildLog, progress: Callable[[str], None]) -> Iterator[None]:
    """Take the build's status in while it runs; what a status cannot tell is no reason for a build to fail."""
    call = ClientCall(connection, control.STATUS, control.status_request(ref))

    def watch() -> None:
        shown = ""
        with suppress(GrpcError, ConnectionError):
            for message in call:
                log.take(message)
                if (current := log.current()) and current != shown:
                    shown = current
                    progress(shown)

    watcher = threading.Thread(target=watch, daemon=True, name="build-status")
    watcher.start()
    try:
        yield
    finally:
        watcher.join(_STATUS_TIMEOUT_S)
        call.cancel()
        watcher.join()
