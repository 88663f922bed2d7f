"""Secrets that a build mounts: given by their ids, to the engine alone, when it asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imgcompare.engine.options import Secret
from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, NOT_FOUND, GrpcError, Handler, unary
from imgcompare.engine.transport.protobuf import as_text, field, fields

_METHOD = "/moby.buildkit.secrets.v1.Secrets/GetSecret"


def handlers(secrets: Iterable[Secret]) -> Mapping[str, Handler]:
    """Return the session's service: https://github.com/moby/buildkit/blob/master/session/secrets/secrets.proto."""
    values = {secret.id: secret.value for secret in secrets}

    def get(request: bytes) -> bytes:
        try:
            name = as_text(dict(fields(request)).get(1, b""))
        except ValueError as exc:
            raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
        if name not in values:
            # So the builder knows an optional secret's absence from a mishap.
            raise GrpcError(NOT_FOUND, f"secret {name}: not found")
        return field(1, values[name])

    return {_METHOD: unary(get)}
