"""Layers read where a Docker engine on this machine keeps them, so that a gigabyte that is known is not exported again.

An export always carries whole images, however little of them is new. Where we may read the engine's data root, as
with imgcompare's own engine as root, the few new layers are put together from its files instead: the same bytes, held
to their ``diff_id`` by the reader all the same, so a store of another shape can only lead back to the export.

Layout of the overlay2 graph driver: https://github.com/moby/moby/tree/v28.5.2/layer (``filestore.go``); how a tar is
split into headers and files: https://github.com/vbatts/tar-split/tree/main/tar/storage.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from imgcompare.errors import ImageFormatError
from imgcompare.image.decompress import decompressed, peek
from imgcompare.regex import regex

_DIGEST = regex(r"sha256:[0-9a-f]{64}")
_CACHE_ID = regex(r"[0-9a-z-]{1,128}")
_CONFIG_LIMIT_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 20
_FILE, _SEGMENT = 1, 2
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class LayerStoreError(Exception):
    """The store cannot be read, or is not laid out as expected; the export has the same bytes."""


class _Part(msgspec.Struct):
    """A piece of a layer's tar: bytes as they are (headers, padding), or the content of a file."""

    type: int
    payload: bytes | None = None
    name: str = ""
    name_raw: bytes = b""
    size: int = 0


_decoder = msgspec.json.Decoder(_Part)


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
            with _Files(self._layers / cache_id / "diff") as files:
                yield from _gathered(_pieces(_parts(entry / "tar-split.json.gz"), files))
        except (OSError, ValueError, msgspec.MsgspecError, ImageFormatError) as exc:
            raise LayerStoreError(f"{entry}: {exc}") from exc


def chain_id(diff_ids: Sequence[str]) -> str:
    """The identity of a stack of layers (https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md)."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}"
    return chain


def _parts(path: Path) -> Iterator[_Part]:
    """The pieces of a layer's tar in order, one a line."""
    with path.open("rb") as file:
        head, packed = peek(iter(lambda: file.read(_CHUNK_BYTES), b""))
        rest = b""
        for text in decompressed(packed, head):
            lines, _, rest = (rest + text).rpartition(b"\n")
            yield from _decoder.decode_lines(lines)
        yield from _decoder.decode_lines(rest)


def _pieces(parts: Iterable[_Part], files: _Files) -> Iterator[bytes]:
    for part in parts:
        if part.type == _SEGMENT:
            yield part.payload or b""
        elif part.type == _FILE and part.size:
            yield from files.read(part.name_raw or os.fsencode(part.name), part.size)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a step each: most files and all headers are small."""
    small: list[bytes] = []
    size = 0
    for piece in pieces:
        if small and size + len(piece) > _CHUNK_BYTES:
            yield b"".join(small)
            small, size = [], 0
        small.append(piece)
        size += len(piece)
    yield b"".join(small)


class _Files:
    """The files of one layer; no link on the way is followed, so that a layer cannot lead us out of its folder."""

    def __init__(self, folder: Path) -> None:
        self._root = os.open(folder, _FOLDER)
        # Most files lie in the same folder as the one before.
        self._parents: list[bytes] = []
        self._here = os.dup(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._here)
        os.close(self._root)

    def read(self, name: bytes, size: int) -> Iterator[bytes]:
        """A file's bytes. Raises LayerStoreError, OSError and ValueError for any that is not there, whole."""
        *parents, last = [part for part in name.split(b"/") if part not in {b"", b"."}]
        if parents != self._parents:
            self._enter(parents)
        file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._here)
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

    def _enter(self, parents: list[bytes]) -> None:
        if b".." in parents:
            raise ValueError(f"{b'/'.join(parents)!r} leads out of its folder")
        here = os.dup(self._root)
        try:
            for parent in parents:
                below = os.open(parent, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
        except BaseException:
            os.close(here)
            raise
        os.close(self._here)
        self._here, self._parents = here, parents
