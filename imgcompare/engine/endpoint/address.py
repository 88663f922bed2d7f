"""An engine's address as people write it, made into one that can be connected to."""

from __future__ import annotations

from urllib.parse import urlsplit

from imgcompare.engine.interface import SCHEME
from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

_SSH_FORM = "Write ssh://[USER@]HOST[:PORT], or with the path of the engine's socket there: ssh://HOST/run/docker.sock"


def parse_address(text: str, source: str, *, tls: bool) -> str:
    """Normalise an engine's address as the docker CLI does: without a scheme it is TCP, without a port 2375 or 2376.

    Raises UsageError, naming ``source``, for anything but ``unix://``, ``ssh://``, ``tcp://``, ``http://`` and
    ``https://``.
    """
    if "://" not in text:
        if text.startswith("/"):
            raise UsageError(f"{shown(text)} ({source}) has no scheme", hint=f"Did you mean unix://{shown(text)}?")
        text = f"tcp://{text}"
    scheme, _, rest = text.partition("://")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise UsageError(f"{shown(text)} ({source}) is not an absolute path", hint="Write unix:///path/to.sock.")
        return text
    if scheme == SCHEME:
        return _checked_ssh(text, source)
    if scheme not in ("tcp", "http", "https"):
        raise UsageError(
            f"{shown(text)} ({source}): {shown(scheme)}:// endpoints are not supported",
            hint="Use unix://, ssh:// or tcp://.",
        )
    if "@" in rest:
        raise UsageError(f"the address in {source} holds a user name or password", hint="Use TLS certificates instead.")
    return _parse_tcp(text, source, default_port=2376 if tls else 2375)


def _checked_ssh(text: str, source: str) -> str:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as exc:
        raise UsageError(f"{shown(text)} ({source}): {exc}", hint=_SSH_FORM) from exc
    if url.password is not None:
        raise UsageError(f"the address in {source} holds a password", hint="Use a key, or an agent that has one.")
    if not url.hostname or url.hostname.startswith("-") or url.path == "/" or url.query or url.fragment:
        raise UsageError(f"{shown(text)} ({source}) is no engine's address", hint=_SSH_FORM)
    return text


def _parse_tcp(text: str, source: str, *, default_port: int) -> str:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as exc:
        raise UsageError(f"{shown(text)} ({source}): {exc}", hint="Write tcp://HOST:PORT.") from exc
    if (
        not url.hostname
        or not _can_be_asked_for(url.hostname)
        or url.path not in ("", "/")
        or url.query
        or url.fragment
    ):
        raise UsageError(f"{shown(text)} ({source}) is no engine's address", hint="Write tcp://HOST:PORT.")
    if port is None:
        port = {"http": 80, "https": 443}.get(url.scheme, default_port)
    name = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{name}:{port}"


def _can_be_asked_for(host: str) -> bool:
    """Whether a resolver takes it: parts between dots that are empty, or longer than 63 bytes, are no name's."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False


def shown(text: str) -> str:
    """Return an address fit to be printed."""
    return printable(text, limit=200)
