"""The few requests to the own engine that make a stand-in: look for an image, import one, build on one.

The requests are those of https://docs.docker.com/reference/api/engine/version/v1.41/.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from imgcompare.engine.own.host import told
from imgcompare.engine.transport.unixhttp import UnixHTTPConnection
from imgcompare.errors import BaseImageError, EngineLostError
from imgcompare.text.printable import printable

_TIMEOUT_S = 600.0  # for one read or write; a package's installation may be silent for minutes


def has_image(socket: Path, tag: str) -> bool:
    """Say whether the engine has an image of that tag. Raises EngineLostError."""
    with _reply(socket, "GET", f"/images/{quote(tag)}/json") as reply:
        return reply.status == http.client.OK


def import_root(socket: Path, tag: str, root: Iterable[bytes], changes: Sequence[str]) -> None:
    """Make an image of one layer from a root filesystem's tar, applying Dockerfile instructions to its configuration.

    An exception from ``root`` breaks the request off, and the engine then tags nothing.
    """
    name, _, version = tag.partition(":")
    query = urlencode({"fromSrc": "-", "repo": name, "tag": version, "changes": changes}, doseq=True)
    headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
    with _reply(socket, "POST", f"/images/create?{query}", root, headers) as reply:
        for _line in _messages(reply, f"importing {tag}"):
            pass


def load(socket: Path, archive: Iterable[bytes]) -> None:
    """Load an archive of images, as ``docker load`` does; an exception from ``archive`` breaks the request off."""
    headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
    with _reply(socket, "POST", "/images/load?quiet=1", archive, headers) as reply:
        for _line in _messages(reply, "loading the images"):
            pass


def build(socket: Path, tag: str, context: bytes, say: Callable[[str], None]) -> None:
    """Build an image with the classic builder, whose steps share the base's layers; nothing is tagged if a step fails.

    Ending the connection, as an interrupt does, ends the build.
    """
    query = urlencode({"t": tag, "rm": 1, "forcerm": 1, "version": 1})
    headers = {"Content-Type": "application/x-tar"}
    with _reply(socket, "POST", f"/build?{query}", context, headers) as reply:
        told(_messages(reply, f"making {tag}"), say)


@contextmanager
def _reply(
    socket: Path,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[http.client.HTTPResponse]:
    connection = UnixHTTPConnection(socket, timeout=_TIMEOUT_S)
    try:
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
        yield connection.getresponse()
    except (OSError, http.client.HTTPException) as exc:
        raise EngineLostError(
            f"the connection to imgcompare's own engine broke at {method} {path.partition('?')[0]}: {exc!r}",
            hint="See `imgcompare engine status`, and try again.",
        ) from exc
    finally:
        connection.close()


def _messages(reply: http.client.HTTPResponse, doing: str) -> Iterator[str]:
    """Yield the text lines of a stream of JSON messages. Raises BaseImageError for an error among them."""
    recent: list[str] = []
    for raw in reply:
        message = json.loads(raw)
        error = message.get("error") or (message.get("message") if reply.status != http.client.OK else None)
        if error:
            lines = [line for line in recent if line.startswith(("E:", "Err:"))] or recent[-3:]
            raise BaseImageError(
                f"{doing} failed: {printable(error, limit=300)}" + "".join(f"\n  {line}" for line in lines[-5:]),
                hint="Check that this machine's package sources answer: apt-get update",
            )
        text = str(message.get("stream") or message.get("status") or "")
        for line in text.splitlines():
            recent = [*recent[-20:], printable(line, limit=160)]
            yield line
