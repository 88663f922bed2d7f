"""A stream of JSON messages, as the engine answers with when it builds, pulls or loads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from imgcompare.errors import EngineError, EngineLostError
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    pass

# A BuildKit message carries at most one batch of log lines, some hundred KiB.
_MESSAGE_LIMIT = 8 << 20


_decode = json.JSONDecoder().raw_decode


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
