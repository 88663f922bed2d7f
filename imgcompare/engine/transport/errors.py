"""What goes wrong between us and an engine, in our own words: the one translation of every client exception."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3

from imgcompare.errors import EngineLostError, ImgcompareError, NoEngineError
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imgcompare.engine.interface import Endpoint

# A time-out inside a stream leaves urllib3 unwrapped, a cut body comes as requests' own; ValueError is JSON's.
CLIENT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

# Not their connect time-outs: urllib3 counts a refused connection among them, and a true one ends in TimeoutError.
_TIMEOUTS = (TimeoutError, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
_START_HINT = "Start it, or name another engine with --host; `imgcompare setup` prepares imgcompare's own."
_GROUP_HINT = (
    "Add yourself to the socket's group (often `sudo usermod -aG docker $USER`) and log in again, or use sudo."
)
_TLS_HINT = "Compare the endpoint's certificates (DOCKER_CERT_PATH, or those of the docker context) with the engine's."

# The first that fits counts, so what is more special comes first.
_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str], ...] = (
    (_TIMEOUTS, "it does not answer in time", "It may be frozen or overloaded: restart it, or use another."),
    (ssl.SSLError, "TLS failed: {}", _TLS_HINT),
    (socket.gaierror, "unknown host: {}", "Look for a typing error in the host name."),
    (FileNotFoundError, "there is no such socket", _START_HINT),
    (PermissionError, "permission denied", _GROUP_HINT),
    (ConnectionRefusedError, "connection refused: nothing listens there", _START_HINT),
    (
        (ConnectionError, http.client.IncompleteRead, urllib3.exceptions.ProtocolError),
        "it closed the connection before its answer was complete",
        _START_HINT,
    ),
    (http.client.HTTPException, "what listens there does not speak HTTP: {}", _START_HINT),
    (json.JSONDecodeError, "what listens there does not speak the Docker API: {}", _START_HINT),
)


def place(endpoint: Endpoint) -> str:
    """Name an endpoint and what named it, fit to be printed."""
    return f"{printable(endpoint.url, limit=200)} ({printable(endpoint.source, limit=120)})"


def translate(error: BaseException, endpoint: Endpoint, *, met: bool) -> ImgcompareError:
    """Return our error for one of CLIENT_ERRORS; an engine that answered before (``met``) is lost, else there is none.

    EngineLostError when the connection broke, timed out or carried garbage; NoEngineError at first contact.
    """
    reason, hint = _reason(error)
    if met:
        return EngineLostError(
            f"the connection to the engine at {place(endpoint)} broke: {reason}",
            hint="See whether the engine still runs (its own log says why it stopped), then run again.",
        )
    return NoEngineError(f"no engine answers at {place(endpoint)}: {reason}", hint=hint)


def _reason(error: BaseException) -> tuple[str, str]:
    """Say in a few words what went wrong at the bottom of an exception's chain, and what to do about it."""
    for cause in _chain(error):
        for kinds, reason, hint in _REASONS:
            if isinstance(cause, kinds):
                return reason.format(_text(cause)), hint
    return _text(error), _START_HINT


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it came from; the innermost names the true cause, so the wrappers are passed over."""
    current: BaseException | None = error
    while current is not None:
        wrapper = isinstance(current, requests.RequestException | urllib3.exceptions.HTTPError)
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if not wrapper or isinstance(current, _TIMEOUTS) or cause is None:
            yield current
        current = cause


def _text(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__, limit=200)
