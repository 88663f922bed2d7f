"""One bounded question to an engine, asked with the standard library alone: does it answer, and what does it say."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from imgcompare.engine.interface import SCHEME
from imgcompare.engine.transport.dial import dial
from imgcompare.engine.transport.ssh_tunnel import tunnel
from imgcompare.regex import regex
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.engine.interface import Endpoint

PERMISSION_DENIED = "permission denied"

_BODY_LIMIT = 1 << 20
_CHANNEL = regex(r"^channel \d+: open failed: ")


def get(endpoint: Endpoint, path: str, timeout_s: float) -> tuple[int, bytes]:
    """GET ``path`` and return the status and at most 1 MiB of the body; ``timeout_s`` bounds each wait.

    Raises OSError (TLS errors among them) or http.client.HTTPException, and NoEngineError where ssh finds no way.
    """
    connection = dial(endpoint, timeout_s)
    try:
        # Without keep-alive: an engine that holds the connection open must not hold us.
        connection.request("GET", path, headers={"Host": "docker", "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(_BODY_LIMIT)
    finally:
        connection.close()


def silence(endpoint: Endpoint, timeout_s: float) -> str | None:
    """Return why the engine does not answer ``GET /_ping``, in a few words, or None when it does."""
    try:
        status, _ = get(endpoint, "/_ping", timeout_s)
    except FileNotFoundError:
        return "no such socket"
    except PermissionError:
        return PERMISSION_DENIED
    except ConnectionRefusedError:
        return "connection refused: nothing listens there"
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except (http.client.HTTPException, OSError) as exc:
        if told := _told_by_ssh(endpoint):
            return told
        if isinstance(exc, http.client.HTTPException):
            return f"what listens there is no engine ({type(exc).__name__})"
        return printable(exc.strerror or str(exc), limit=200)
    return None if status == http.client.OK else f"what listens there answers /_ping with HTTP {status}"


def _told_by_ssh(endpoint: Endpoint) -> str:
    """What ssh said of the engine's socket on the other side: here it only shows as a connection that ends."""
    words = tunnel(endpoint.url).last_words() if endpoint.url.startswith(f"{SCHEME}://") else ""
    refused = _CHANNEL.match(words)  # not a server's banner, nor a warning
    return f"ssh does not reach its socket there: {words[refused.end() :]}" if refused else ""
