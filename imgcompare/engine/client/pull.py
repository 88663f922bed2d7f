"""Pulling an image: the engine's stream of layer events made into progress, its errors into the way out.

The events: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image/operation/ImageCreate
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from imgcompare.engine.interface import STAND_IN_TAG
from imgcompare.engine.transport.json_stream import error_text, messages
from imgcompare.errors import BaseImageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

_PYTHON = regex(rf"(?:(?:docker\.io/)?library/)?({STAND_IN_TAG.pattern})")


def follow_pull(chunks: Iterable[bytes], reference: str, progress: Callable[[str], None]) -> None:
    """Tell ``progress`` how far the layers are until the stream ends. Raises BaseImageError for an error in it."""
    layers: dict[str, tuple[int, int]] = {}
    told = ""
    for event in messages(chunks):
        if problem := error_text(event):
            raise unavailable(reference, problem)
        text = _advance(layers, event)
        if text and text != told:
            progress(text)
            told = text


def unavailable(reference: str, problem: str) -> BaseImageError:
    """Return the error for an image that cannot be pulled, with the ways out; Python's and Debian's have stand-ins."""
    python = _PYTHON.fullmatch(reference)
    stand_in = (
        f"`imgcompare setup --stand-in {python[1]}` makes a stand-in in imgcompare's own engine. " if python else ""
    )
    hint = (
        f"{stand_in}Use an engine that has the image (`docker pull` it first) or that reaches a registry: --host URL."
    )
    return BaseImageError(f"cannot pull {printable(reference, limit=200)}: {printable(problem, limit=500)}", hint=hint)


def _advance(layers: dict[str, tuple[int, int]], event: dict[str, Any]) -> str | None:
    """Take one event in and return the bytes done and to do over all layers seen so far, as ``12.3 MB / 40.1 MB``."""
    layer, status, detail = str(event.get("id")), event.get("status"), event.get("progressDetail")
    if status == "Downloading":
        match detail:
            case {"current": int(current), "total": int(total)} if total > 0:
                layers[layer] = (min(current, total), total)
            case _:
                return None
    elif status in {"Download complete", "Pull complete", "Extracting"} and layer in layers:
        layers[layer] = (layers[layer][1], layers[layer][1])
    else:
        return None
    done, total = (sum(known[column] for known in layers.values()) for column in (0, 1))
    return f"{format_bytes(done)} / {format_bytes(total)}" if done < total else f"{format_bytes(total)}, unpacking"
