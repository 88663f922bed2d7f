"""Registry credentials, given to the engine when a build's own pull asks for them: a frontend, ``COPY --from``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, GrpcError, Handler, unary
from imgcompare.engine.transport.protobuf import as_text, field, fields

CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"
# What the engine calls Docker Hub, and what the docker CLI's configuration calls it.
_HUB_HOST = "registry-1.docker.io"
_HUB = "docker.io"

Credentials = Callable[[str], tuple[str, str]]
"""Returns user name and password for a registry; a token has no user name, and both are empty where none is known."""


def handlers(credentials: Credentials) -> Mapping[str, Handler]:
    """Return the session's service; without FetchToken the engine gets its tokens itself, from these.

    https://github.com/moby/buildkit/blob/master/session/auth/auth.proto
    """

    def answer(request: bytes) -> bytes:
        try:
            host = as_text(dict(fields(request)).get(1, b""))
        except ValueError as exc:
            raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
        user, secret = credentials(_HUB if host == _HUB_HOST else host)
        return field(1, user) + field(2, secret)

    return {CREDENTIALS: unary(answer)}
