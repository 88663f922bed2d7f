"""A forge's REST API with a token: requests bounded in time and bytes, refusals as errors that name the next step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
import requests
from requests.auth import AuthBase

from imgcompare import __version__
from imgcompare.errors import ForgeBusyError, ForgeError, ForgeRefusedError, UsageError, reason_of
from imgcompare.text.printable import printable
from imgcompare.text.redact import redact

_CONNECT_S, _READ_S, _WHOLE_S = 10.0, 30.0, 120.0
_REPLY_LIMIT_BYTES = 32 << 20  # a page of PAGE comments at their longest, each character escaped
_PAGE, _PAGES = 50, 200

T = TypeVar("T")


class _Says(msgspec.Struct, frozen=True):
    message: object = ""


class _Token(AuthBase):
    """Puts the token into a header of its own choice; with it, requests takes nothing from a ``.netrc``."""

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._value
        return request


class Api:
    """One API, named ``forge`` in errors: paths are below ``base`` unless whole URLs, redirects are not followed.

    Raises ForgeBusyError for what may work later, ForgeRefusedError with ``hint`` for a token that may not, and
    ForgeError for all else.
    """

    def __init__(
        self, forge: str, base: str, token: str, *, header: str, scheme: str, headers: Mapping[str, str], hint: str
    ) -> None:
        token = token.strip()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise UsageError(f"the token for {forge} has characters that no token has", hint="Copy it once more.")
        self.forge = forge
        self._base = base.rstrip("/")
        self._token = token
        self._hint = hint
        self._session = requests.Session()
        self._session.auth = _Token(header, scheme + token)
        self._session.headers.update({"User-Agent": f"imgcompare/{__version__}", **headers})

    def get(self, path: str, reply: type[T]) -> T:
        """GET one thing."""
        return self._decode(self._ask("GET", path)[0], reply)

    def send(self, method: str, path: str, body: Mapping[str, str], reply: type[T]) -> T:
        """POST, PUT or PATCH a JSON body."""
        return self._decode(self._ask(method, path, body=body)[0], reply)

    def pages(self, path: str, each: type[T]) -> Iterator[T]:
        """GET a list, page by page: a ``Link`` header says whether there is another (RFC 8288), we which it is."""
        for page in range(1, _PAGES + 1):
            data, more = self._ask("GET", path, params={"per_page": str(_PAGE), "page": str(page)})
            # A type known only when it runs is none to mypy, and what msgspec takes.
            yield from self._decode(data, list[each])  # type: ignore[valid-type]
            if not more:
                return

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Mapping[str, str] | None = None
    ) -> tuple[bytes, bool]:
        """Return the reply's body, and whether another page follows."""
        url = path if path.startswith("http") else f"{self._base}/{path}"
        try:
            with self._session.request(
                method,
                url,
                params=params,
                json=body,
                timeout=(_CONNECT_S, _READ_S),
                allow_redirects=False,
                stream=True,
            ) as reply:
                data = self._read(reply)
                if reply.status_code not in {200, 201}:
                    raise self._error(reply, data)
                return data, "next" in reply.links
        except requests.RequestException as exc:
            raise ForgeBusyError(
                f"no reply from {self.forge}: {redact(reason_of(exc), [self._token])}",
                hint="Is its API reachable from this job?",
            ) from exc

    def _read(self, reply: requests.Response) -> bytes:
        data = bytearray()
        deadline = time.monotonic() + _WHOLE_S
        for chunk in reply.iter_content(65536):
            data += chunk
            if len(data) > _REPLY_LIMIT_BYTES:
                raise ForgeError(f"{self.forge} sent more than {_REPLY_LIMIT_BYTES >> 20} MiB for one page")
            if time.monotonic() > deadline:
                raise ForgeBusyError(f"{self.forge} took more than {_WHOLE_S:.0f} s for one reply")
        return bytes(data)

    def _decode(self, data: bytes, reply: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise ForgeError(f"{self.forge} replied with what is none of its replies: {exc}") from exc

    def _error(self, reply: requests.Response, data: bytes) -> ForgeError:
        """Tell what a status means; the forge's own words are data."""
        try:
            said = printable(str(msgspec.json.decode(data, type=_Says).message), limit=300)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = ""
        status = reply.status_code
        text = f"{self.forge} answered {status}" + (f": {redact(said, [self._token])}" if said else "")
        wait_s = _asked_to_wait(reply)
        if status == 429 or status >= 500 or (status == 403 and (wait_s is not None or "rate limit" in said.lower())):
            # Without a time of its own, a rate limit wants a minute: docs.github.com/rest, "Best practices".
            lacking = 60.0 if status == 403 else 0.0
            return ForgeBusyError(text, wait_s=lacking if wait_s is None else wait_s)
        if status == 401:
            return ForgeRefusedError(
                text, hint=f"It does not take the token: a wrong one, or out of date. {self._hint}"
            )
        if status in {403, 404}:
            return ForgeRefusedError(text, hint=self._hint)
        return ForgeError(text)


def _asked_to_wait(reply: requests.Response) -> float | None:
    """Seconds to wait as a limit's headers tell them: ``Retry-After``, or when the used-up quota is filled again."""
    after = reply.headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after[:9])
    reset = reply.headers.get("X-RateLimit-Reset", "")
    if reply.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(float(reset[:12]) - time.time(), 0.0)
    return None
