"""The messages of BuildKit's control service that a build needs.

Field numbers: https://github.com/moby/buildkit/blob/master/api/services/control/control.proto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imgcompare.engine.options import CacheEntry
from imgcompare.engine.transport import protobuf
from imgcompare.engine.transport.protobuf import as_bytes, as_text, fields

SOLVE = "/moby.buildkit.v1.Control/Solve"
STATUS = "/moby.buildkit.v1.Control/Status"
LIST_WORKERS = "/moby.buildkit.v1.Control/ListWorkers"

# What dockerd calls the exporter that leaves an image in its store, whichever store it is.
_EXPORTER = "moby"


def solve_request(
    ref: str,
    session: str,
    *,
    frontend: str,
    attributes: Mapping[str, str],
    name: str,
    exports: Sequence[CacheEntry] = (),
    entitlements: Sequence[str] = (),
) -> bytes:
    """Encode a SolveRequest whose image is to be called ``name``."""
    exporter = {"name": name}
    cache = b"".join(
        protobuf.message(4, protobuf.field(1, entry.type) + protobuf.mapping(2, entry.settings)) for entry in exports
    )
    return b"".join(
        (
            protobuf.field(1, ref),
            protobuf.field(3, _EXPORTER),
            protobuf.mapping(4, exporter),
            protobuf.field(5, session),
            protobuf.field(6, frontend),
            protobuf.mapping(7, attributes),
            protobuf.message(8, cache) if cache else b"",
            *(protobuf.message(9, entitlement.encode()) for entitlement in entitlements),
            # The same in the words of newer engines, which know several exporters.
            protobuf.message(13, protobuf.field(1, _EXPORTER) + protobuf.mapping(2, exporter)),
        )
    )


def solve_response(data: bytes) -> dict[str, str]:
    """Decode a SolveResponse: what the exporter says of the image. Raises ValueError."""
    return _mapping(data, 1)


def worker_labels(data: bytes) -> dict[str, str]:
    """Decode a ListWorkersResponse: what the workers say of themselves; dockerd has one. Raises ValueError."""
    labels: dict[str, str] = {}
    for number, record in fields(data):
        if number == 1:
            labels |= _mapping(as_bytes(record), 2)
    return labels


def _mapping(data: bytes, of: int) -> dict[str, str]:
    pairs = (dict(fields(as_bytes(value))) for number, value in fields(data) if number == of)
    return {as_text(pair.get(1, b"")): as_text(pair.get(2, b"")) for pair in pairs}


def status_request(ref: str) -> bytes:
    """Encode a StatusRequest."""
    return protobuf.field(1, ref)
