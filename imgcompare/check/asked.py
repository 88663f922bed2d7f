"""Pure: what is asked of an app: the routes and what each has to reply, and how the request is made."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.regex import regex

FORMS = "PATH, PATH STATUS or PATH STATUS LOCATION"
_PATH = regex(r"/[!-~]*")
_STATUS = regex(r"[1-5]\d\d")
_LOCATION = regex(r"[!-~]+")
# A token and what a field may hold: https://www.rfc-editor.org/rfc/rfc9110#section-5
_NAME = regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = regex(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = {"connection", "content-length", "transfer-encoding", "accept-encoding", "expect", "upgrade"}
_SAFE = {"GET", "HEAD", "OPTIONS"}
FORM_HEADER = ("Content-Type", "application/x-www-form-urlencoded")
"""What a body is, where no header says it."""


class RouteCheck(Struct, frozen=True):
    """A route; ``status`` and ``location`` are those of a good reply, None where nothing was said of them.

    One that is not ``held`` may reply what it likes.
    """

    path: str
    status: int | None = None
    location: str | None = None
    held: bool = True

    def __str__(self) -> str:
        """Return it as it is written on a command line."""
        return " ".join(str(part) for part in (self.path, self.status, self.location) if part is not None)


class Asking(Struct, frozen=True):
    """How a request is made: its method, headers beside our own, and its body."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def is_safe(self) -> bool:
        """Whether it may be made again and again (RFC 9110 §9.2.1)."""
        return self.method in _SAFE

    def only_looking(self) -> Asking:
        """Return the same request, as one that changes nothing."""
        return self if self.is_safe else Asking(headers=_without_content(self.headers))


GET = Asking()
"""A plain request."""


def parse_route(text: str) -> RouteCheck:
    """Read a route as it is written: ``/healthz``, ``/old 410`` or ``/ 302 /login``. Raises UsageError."""
    path, *more = text.split(" ")
    fits = _PATH.fullmatch(path) and len(more) <= 2
    if not (fits and all(pattern.fullmatch(part) for pattern, part in zip((_STATUS, _LOCATION), more, strict=False))):
        raise UsageError(
            f"the route {text!r} is no path",
            hint=f"Write it as in --route /healthz, followed by what it has to reply if that is not 200: {FORMS}.",
        )
    status = int(more[0]) if more else None
    location = more[1] if len(more) > 1 else None
    if location is not None and not 300 <= int(more[0]) < 400:
        raise UsageError(
            f"the route {text!r}: only a redirect, 301 to 308, sends on to {location}",
            hint="Leave the location out, or name the redirect's status.",
        )
    return RouteCheck(path, status, location)


def parse_headers(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Read headers as they are written, ``Name: value``. Raises UsageError, which never tells a value."""
    headers = []
    for text in texts:
        name, colon, value = text.partition(":")
        value = value.strip()
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            shown = name if _NAME.fullmatch(name) else "--request-header"
            raise UsageError(f"{shown}: this is no header", hint="Write it as HTTP does: 'Name: value'.")
        if name.lower() in _OURS:
            raise UsageError(f"the header {name} is imgcompare's own", hint="Leave it out.")
        headers.append((name, value))
    return tuple(headers)


def asking(method: str | None, headers: tuple[tuple[str, str], ...], body: bytes) -> Asking:
    """Put a request together: a body alone means POST, and a form unless a header says otherwise, as with curl."""
    if method is not None and not re.fullmatch(r"[A-Za-z][A-Za-z-]*", method):
        raise UsageError(f"{method!r} is no method", hint="One of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.")
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, FORM_HEADER)
    return Asking((method or ("POST" if body else "GET")).upper(), headers, body)


def _without_content(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if not name.lower().startswith("content-"))
