"""A folder as a place for a build's cache: an OCI layout that the engine reads and writes through the session.

It asks as containerd's content service does:
https://github.com/containerd/containerd/blob/main/api/services/content/v1/content.proto. Nothing but blobs is served,
and a blob is kept only if it is what its digest says.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from imgcompare.engine.options import CacheEntry
from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, NOT_FOUND, GrpcError, Handler, ServerCall
from imgcompare.engine.transport.protobuf import as_bytes, as_int, as_text, field, fields, message
from imgcompare.errors import UsageError
from imgcompare.regex import regex

_SERVICE = "/containerd.services.content.v1.Content/"
_STORE = "buildkit-attachable-store-id"
_ALREADY_EXISTS = 6
_DIGEST = regex(r"sha256:([0-9a-f]{64})")
_COMMIT = 2
_CHUNK_BYTES = 512 << 10
_INDEX_LIMIT = 4 << 20
_NAME = "org.opencontainers.image.ref.name"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class CacheFolder:
    """One such folder; it need not be there before something is written."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def manifest(self, tag: str) -> str | None:
        """Return the digest of the cache of that tag, None where there is none."""
        found = (entry for entry in self._index() if entry.get("annotations", {}).get(_NAME) == tag)
        digest = next(found, {}).get("digest")
        return digest if isinstance(digest, str) and self.blob(digest).is_file() else None

    def put(self, tag: str, descriptor: Mapping[str, Any]) -> None:
        """Name an exported cache. Raises UsageError where the folder cannot be written."""
        others = [entry for entry in self._index() if entry.get("annotations", {}).get(_NAME) != tag]
        entry = {**descriptor, "annotations": {**(descriptor.get("annotations") or {}), _NAME: tag}}
        index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": [*others, entry]}
        self._write("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        self._write("index.json", json.dumps(index).encode())

    def blob(self, digest: str) -> Path:
        """Return where a blob is, or would be. Raises GrpcError for what is no digest."""
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise GrpcError(INVALID_ARGUMENT, f"{digest[:80]!r} is no sha256 digest")
        return self.path / "blobs/sha256" / match[1]

    def _index(self) -> list[dict[str, Any]]:
        try:
            with (self.path / "index.json").open("rb") as file:
                manifests = json.loads(file.read(_INDEX_LIMIT)).get("manifests", [])
        except (OSError, ValueError, AttributeError):
            return []
        return [each for each in manifests if isinstance(each, dict)] if isinstance(manifests, list) else []

    def _write(self, name: str, data: bytes) -> None:
        partial = self.path / f".{name}.{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(self.path / name)
        except OSError as exc:
            raise UsageError(
                f"the cache cannot be written to {self.path}: {exc.strerror}", hint="Name a folder of your own."
            ) from exc


def handlers(imports: Iterable[CacheEntry], exports: Iterable[CacheEntry]) -> Mapping[str, Handler]:
    """Return the session's service for the folders among the caches, by the names the engine has for them."""
    given = [(entry, "src") for entry in imports] + [(entry, "dest") for entry in exports]
    paths = {entry.settings.get(key) for entry, key in given if entry.type == "local"}
    stores = {f"local:{path}": CacheFolder(path) for path in paths if path}
    if not stores:
        return {}

    def of(call: ServerCall) -> CacheFolder:
        store = stores.get(next(iter(call.metadata(_STORE)), ""))
        if store is None:
            raise GrpcError(NOT_FOUND, "unknown store")
        return store

    return {
        f"{_SERVICE}Info": lambda call: _info(call, of(call)),
        f"{_SERVICE}Read": lambda call: _read(call, of(call)),
        f"{_SERVICE}Write": lambda call: _write(call, of(call)),
        f"{_SERVICE}Status": _no_status,
        f"{_SERVICE}Abort": lambda call: call.send(b""),
    }


def _no_status(call: ServerCall) -> None:
    call.message()
    raise GrpcError(NOT_FOUND, "nothing is being written under that name")


def _info(call: ServerCall, store: CacheFolder) -> None:
    digest = as_text(_parts(call.message()).get(1, b""))
    try:
        size = store.blob(digest).stat().st_size
    except OSError as exc:
        raise GrpcError(NOT_FOUND, f"content {digest}: not found") from exc
    call.send(message(1, field(1, digest) + field(2, size)))


def _read(call: ServerCall, store: CacheFolder) -> None:
    parts = _parts(call.message())
    offset, left = as_int(parts.get(2, 0)), as_int(parts.get(3, 0))
    try:
        with store.blob(as_text(parts.get(1, b""))).open("rb") as file:
            file.seek(offset)
            left = left or os.fstat(file.fileno()).st_size - offset
            while left > 0 and (data := file.read(min(left, _CHUNK_BYTES))):
                call.send(field(1, offset) + field(2, data))
                offset, left = offset + len(data), left - len(data)
    except (OSError, ValueError, OverflowError) as exc:
        raise GrpcError(NOT_FOUND, f"content cannot be read: {exc}") from exc


def _write(call: ServerCall, store: CacheFolder) -> None:
    """Take one blob: asked about, written in order, and put in its place when it is whole and what it should be."""
    blobs = store.path / "blobs/sha256"
    try:
        blobs.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".partial-", dir=blobs) as file:
            _take(call, store, file)
    except ConnectionError:
        raise
    except OSError as exc:
        raise GrpcError(INVALID_ARGUMENT, f"the cache cannot be written to {store.path}: {exc.strerror}") from exc


def _take(call: ServerCall, store: CacheFolder, file: IO[bytes]) -> None:
    expected, written, digest = "", 0, hashlib.sha256()
    for data in call.messages():
        parts = _parts(data)
        action = as_int(parts.get(1, 0))
        expected = as_text(parts.get(4, b"")) or expected
        if expected and store.blob(expected).exists():
            raise GrpcError(_ALREADY_EXISTS, f"content {expected}: already exists")
        chunk = as_bytes(parts.get(6, b""))
        file.write(chunk)
        digest.update(chunk)
        written += len(chunk)
        found = f"sha256:{digest.hexdigest()}"
        if action == _COMMIT:
            if found != (expected or found):
                raise GrpcError(INVALID_ARGUMENT, f"content is {found}, expected {expected}")
            file.flush()
            # Linked, not moved: the temporary name is the context manager's to remove.
            with suppress(FileExistsError):
                store.blob(found).hardlink_to(file.name)
        call.send(field(1, action) + field(4, written) + field(5, as_int(parts.get(3, 0))) + field(6, found))
        if action == _COMMIT:
            return


def _parts(data: bytes) -> dict[int, int | bytes]:
    try:
        return dict(fields(data))
    except ValueError as exc:
        raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
