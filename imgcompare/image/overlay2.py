"""Layers read where a Docker engine on this machine keeps them, so that a gigabyte that is known is not exported again.

An export always carries whole images, however little of them is new. Where we may read the engine's data root, as
with imgcompare's own engine as root, the few new layers are put together from its files instead: the same bytes, held
to their ``diff_id`` by the reader all the same, so a store of another shape can only lead back to the export.

Layout of the overlay2 graph driver: https://github.com/moby/moby/tree/v28.5.2/layer (``filestore.go``); how a tar is
split into headers and files: https://github.com/vbatts/tar-split/tree/main/tar/storage.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CACHE_ID = re.compile(r"[0-9a-z-]{1,128}")
_CONFIG_LIMIT_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 20
_FILE, _SEGMENT = 1, 2


class LayerStoreError(Exception):
    """The store cannot be read, or is not laid out as expected; the export has the same bytes."""


class _Part(msgspec.Struct):
    """A piece of a layer's tar: bytes as they are (headers, padding), or the content of a file."""

    type: int
    payload: str | None = None
    name: str = ""
    name_raw: str = ""
    size: int = 0


class LayerStore:
    """The image store of an engine with the overlay2 driver below its data root."""

    def __init__(self, root: Path) -> None:
        self._images = root / "image" / "overlay2"
        self._layers = root / "overlay2"

    def readable(self) -> bool:
        """Whether this process may read it."""
        return os.access(self._images / "layerdb" / "sha256", os.R_OK | os.X_OK) and os.access(
            self._layers, os.R_OK | os.X_OK
        )

    def config(self, image: str) -> bytes:
        """The bytes of an image's config by their digest. Raises LayerStoreError."""
        if not _DIGEST.fullmatch(image):
            raise LayerStoreError(f"{image} is no digest")
        path = self._images / "imagedb" / "content" / "sha256" / image.removeprefix("sha256:")
        try:
            with path.open("rb") as file:
                config = file.read(_CONFIG_LIMIT_BYTES)
        except OSError as exc:
            raise LayerStoreError(f"{path}: {exc.strerror}") from exc
        if f"sha256:{hashlib.sha256(config).hexdigest()}" != image:
            raise LayerStoreError(f"{path} does not have the digest it is named after")
        return config

    def layer(self, diff_ids: Sequence[str]) -> Iterator[bytes]:
        """The tar of the last of ``diff_ids``, an image's layers from the lowest up. Raises LayerStoreError."""
        entry = self._images / "layerdb" / "sha256" / chain_id(diff_ids).removeprefix("sha256:")
        try:
            cache_id = (entry / "cache-id").read_text(encoding="ascii").strip()
            if not _CACHE_ID.fullmatch(cache_id):
                raise LayerStoreError(f"{entry}/cache-id names no folder")
            folder = os.open(self._layers / cache_id / "diff", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                with gzip.open(entry / "tar-split.json.gz", "rb") as lines:
                    for line in lines:
                        yield from _content(folder, msgspec.json.decode(line, type=_Part))
            finally:
                os.close(folder)
        except (OSError, EOFError, ValueError, zlib.error, binascii.Error) as exc:
            raise LayerStoreError(f"{entry}: {exc}") from exc


def chain_id(diff_ids: Sequence[str]) -> str:
    """The identity of a stack of layers (https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md)."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}"
    return chain


def _content(folder: int, part: _Part) -> Iterator[bytes]:
    if part.type == _SEGMENT:
        yield base64.b64decode(part.payload or "")
    elif part.type == _FILE and part.size:
        name = base64.b64decode(part.name_raw) if part.name_raw else os.fsencode(part.name)
        yield from _file(folder, name, part.size)


def _file(folder: int, name: bytes, size: int) -> Iterator[bytes]:
    """A file's bytes; no link on the way is followed, so a layer cannot lead us out of its folder."""
    *parents, last = [part for part in name.split(b"/") if part not in {b"", b"."}]
    here = os.dup(folder)
    try:
        for parent in parents:
            below = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise LayerStoreError(f"{name!r} is no regular file")
        while size > 0:
            piece = os.read(file, min(size, _CHUNK_BYTES))
            if not piece:
                raise LayerStoreError(f"{name!r} is shorter than the layer says")
            size -= len(piece)
            yield piece
    finally:
        os.close(file)
