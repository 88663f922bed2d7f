"""What both builders share on the wire: the request's parameters, and the stream of JSON messages that answers it.

``POST /build``: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from imgcompare.errors import EngineError, EngineLostError
from imgcompare.model import Build, Step
from imgcompare.safetext import printable

if TYPE_CHECKING:
    from imgcompare.engine import BuildRequest

TAR_HEADERS: Mapping[str, str] = {"Content-Type": "application/x-tar"}

# A BuildKit message carries at most one batch of log lines, some hundred KiB.
_MESSAGE_LIMIT = 8 << 20
_decode = json.JSONDecoder().raw_decode


class Post(Protocol):
    """Posts a streamed body to the engine and gives the answer's body as it arrives; ``path`` has no API version.

    An answer with an error status raises EngineRefusedError with the engine's text, a connection that breaks off,
    before or within the answer, raises EngineLostError.
    """

    def __call__(
        self, path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Send the request."""


def parameters(request: BuildRequest, version: int) -> dict[str, str]:
    """Return the query of ``POST /build``; no labels, so that the image is exactly what the Dockerfile says."""
    params = {"version": str(version), "t": request.tag, "dockerfile": request.dockerfile, "rm": "1", "forcerm": "1"}
    if request.target is not None:
        params["target"] = request.target
    if request.build_args:
        params["buildargs"] = json.dumps(dict(request.build_args))
    if request.platform is not None:
        params["platform"] = request.platform
    if request.no_cache:
        params["nocache"] = "1"
    return params


def messages(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield each JSON object of a stream of them, one or more to a line, however the stream is cut into chunks.

    Raises EngineLostError when the stream ends within a message, EngineError when it holds anything else.
    """
    buffer = bytearray()
    for chunk in chunks:
        searched = len(buffer)
        buffer += chunk
        if (end := buffer.rfind(b"\n", searched)) >= 0:
            for line in bytes(buffer[:end]).splitlines():
                yield from _line(line)
            del buffer[: end + 1]
        if len(buffer) > _MESSAGE_LIMIT:
            raise EngineError(f"the engine's answer to the build has a message of more than {_MESSAGE_LIMIT} bytes")
    try:
        rest = list(_line(bytes(buffer)))
    except EngineError as exc:
        raise EngineLostError("the engine broke off in the middle of its answer to the build") from exc
    yield from rest


def error_text(message: Mapping[str, Any]) -> str | None:
    """Return the error a message reports, or None; ``errorDetail`` is read before the older ``error``."""
    detail = message.get("errorDetail")
    text = detail.get("message") if isinstance(detail, dict) else None
    text = text or message.get("error")
    return text if isinstance(text, str) and text else None


def summary(steps: tuple[Step, ...], *, duration_s: float) -> Build:
    """Return how a build went, from its steps and its whole duration by our clock, the context's sending included."""
    return Build(
        duration_s=duration_s,
        step_count=len(steps),
        cached_step_count=sum(step.cached for step in steps),
        steps=steps,
    )


def _line(line: bytes) -> Iterator[dict[str, Any]]:
    text = line.decode("utf-8", "replace").strip()
    position = 0
    while position < len(text):
        try:
            value, position = _decode(text, position)
        except (ValueError, RecursionError) as exc:
            excerpt = printable(text[position:], limit=80)
            raise EngineError(f"the engine's answer to the build is not JSON: {excerpt!r}") from exc
        if not isinstance(value, dict):
            raise EngineError(f"the engine's answer to the build is not a JSON object: {printable(text, limit=80)!r}")
        yield value
        while position < len(text) and text[position].isspace():
            position += 1
