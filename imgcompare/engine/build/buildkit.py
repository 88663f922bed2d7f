"""BuildKit builds over the engine's HTTP API, without a session and without the docker CLI: ``POST /build?version=2``.

The body is the context's tar; the answer is JSON messages: ``moby.buildkit.trace`` (see buildkit_trace.py) while it
builds, then ``moby.image.id`` or an error. Bases must be on the engine: without a session BuildKit has no registry's
credentials.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from imgcompare.engine.build.buildkit_trace import BuildLog
from imgcompare.engine.build.errors import explain, refuse_unknown_options
from imgcompare.engine.build.request import TAR_HEADERS, Post, parameters, summary
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.engine.transport.json_stream import error_text, messages
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError, NoBuildKitError
from imgcompare.model import Build
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_CANCELLED = regex(r"(?:.*: )?context canceled", re.DOTALL)
# The containerd store of engines 24 to 27 asks the network for a context that came without a session, under a made-up
# host name (moby#47717). What answers, if anything, is up to the network: a proxy's status, or no such host.
_UNREADABLE_CONTEXT = regex(
    r"failed to read downloaded context: .*(?:invalid response status \d+|Get \"http://build-context-)", re.DOTALL
)
# frontend/dockerfile/dockerfile2llb: what is looked up of a base image before anything is built.
_BASE = regex(r"\[internal\] load metadata for (?:docker\.io/(?:library/)?)?(\S+)")
_HINT = "Build with --builder classic, or update the engine."


def build(post: Post, request: BuildRequest, progress: Callable[[str], None], *, build_id: str) -> Built | BuildFailed:
    """Build with BuildKit; ``POST /build/cancel?id=`` with that ``build_id`` stops it at once.

    Raises NoBuildKitError when the engine cannot, before anything ran; EngineLostError when it died under the build;
    EngineError when the build was cancelled.
    """
    started = time.monotonic()
    log = BuildLog()
    params = parameters(request, version=2) | {"buildid": build_id}
    try:
        image, error = _follow(messages(post("/build", params, request.context.stream(), TAR_HEADERS)), log, progress)
    except EngineRefusedError as exc:
        if "invalid version" in exc.text:
            raise NoBuildKitError("the engine has no BuildKit", hint=_HINT) from exc
        raise
    build = summary(log.steps(), duration_s=time.monotonic() - started)
    if error is not None:
        return failed_build(error, log, request, build)
    if image is None:
        raise EngineLostError("the engine ended the build without an image and without an error")
    return Built(image, build)


def _follow(
    answer: Iterable[dict[str, Any]], log: BuildLog, progress: Callable[[str], None]
) -> tuple[str | None, str | None]:
    """Read the answer to its end: the image's id, and the error, whichever came."""
    image = error = None
    shown = ""
    traced = False
    for message in answer:
        match message:
            case {"id": "moby.buildkit.trace", "aux": aux}:
                traced = True
                log.feed(aux)
                if (current := log.current()) and current != shown:
                    shown = current
                    progress(shown)
            case {"id": "moby.image.id", "aux": {"ID": str(found)}}:
                image = found
            case {"stream": str()} if (
                not traced
            ):  # Podman, and whatever else ignores the version and builds classically
                raise NoBuildKitError("the engine answers a BuildKit build with a classic one", hint=_HINT)
            case _:
                error = error_text(message) or error
    return image, error


def failed_build(error: str, log: BuildLog, request: BuildRequest, build: Build) -> BuildFailed:
    """Return how a build failed by its error and its log.

    Raises EngineError when it was cancelled, UsageError when the engine does not know what it was given.
    """
    refuse_unknown_options(error)
    if _UNREADABLE_CONTEXT.search(error) and not _CANCELLED.fullmatch(error):
        raise NoBuildKitError("the engine's BuildKit cannot read a build context sent over the API", hint=_HINT)
    failed = log.failed(error)
    if failed is None:
        if _CANCELLED.fullmatch(error):
            raise EngineError(f"the build of {printable(request.tag, limit=80)} was cancelled")
        return BuildFailed(explain(error, None, request), None, (), build)
    if failed.name.startswith("exporting cache"):
        raise EngineError(
            f"the cache cannot be exported: {printable(failed.error, limit=300)}",
            hint="The image was built; see that --cache-to names a place where the engine may write.",
        )
    base = _BASE.fullmatch(failed.name)
    return BuildFailed(
        explain(error, failed.name, request),
        failed.instruction,
        failed.log,
        build,
        missing_base=printable(base[1], limit=200) if base else None,
    )
