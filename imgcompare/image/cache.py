"""Finished layer indexes and images on disk, so that what was read once is neither exported nor read again.

Keys are content addresses, so an entry never goes stale: it is right, or damaged and then treated as absent. The path
holds the version of the format. Nothing here raises: without a writable folder there simply is no cache.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from imgcompare.errors import ImageFormatError
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.documents import Config, decode, is_digest
from imgcompare.image.index import LayerIndex

_VERSION = "v2"
_MAX_ENTRIES = 4096
_MAX_BYTES = 64 << 20
_T = TypeVar("_T")


class _CachedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image as one engine names it; its layers are entries of their own."""

    engine_digest: str
    platform: str
    image_id: str
    config: bytes


class ImageCache:
    """Layers by diff_id and images by the engine's digest, in a folder that runs may share; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / _VERSION if folder else None

    def layer(self, diff_id: str) -> LayerIndex | None:
        """The index of a layer that was read before."""
        index = self._load(diff_id, "", LayerIndex)
        return index if index and index.diff_id == diff_id else None

    def put_layer(self, index: LayerIndex) -> None:
        """Keep a layer's index; a compressed size once known is not forgotten."""
        if not index.compressed_size_exact and self.layer(index.diff_id):
            return
        self._store(index.diff_id, "", index)

    def image(self, engine_digest: str, platform: str | None) -> ArchivedImage | None:
        """The image an engine names by this digest (config, manifest or index), if it and all its layers are known."""
        entry = self._load(engine_digest, f"image {platform or ''}", _CachedImage)
        if entry is None or (entry.engine_digest, entry.platform) != (engine_digest, platform or ""):
            return None
        if f"sha256:{hashlib.sha256(entry.config).hexdigest()}" != entry.image_id:
            return None
        try:
            config = decode(entry.config, Config, "a cached config")
        except ImageFormatError:
            return None
        layers = [self.layer(diff_id) for diff_id in config.rootfs.diff_ids or ()]
        known = tuple(layer for layer in layers if layer is not None)
        if len(known) < len(layers):
            return None
        return ArchivedImage(config=entry.config, image_id=entry.image_id, layers=known)

    def put_image(self, engine_digest: str, platform: str | None, image: ArchivedImage) -> None:
        """Keep an image and its layers under the engine's digest for it; a tag is no content address and is ignored."""
        if not is_digest(engine_digest):
            return
        for layer in image.layers:
            self.put_layer(layer)
        entry = _CachedImage(
            engine_digest=engine_digest, platform=platform or "", image_id=image.image_id, config=image.config
        )
        self._store(engine_digest, f"image {platform or ''}", entry)
        self._prune()

    def _path(self, digest: str, kind: str) -> Path | None:
        """One file for each digest and kind; hashed, so that a platform can hold anything."""
        if self._folder is None or not is_digest(digest):
            return None
        return self._folder / hashlib.sha256(f"{digest} {kind}".encode("utf-8", "surrogateescape")).hexdigest()

    def _load(self, digest: str, kind: str, shape: type[_T]) -> _T | None:
        path = self._path(digest, kind)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                checksum, data = file.read(32), file.read(_MAX_BYTES)
            if hashlib.sha256(data).digest() != checksum:
                return None
            entry = msgspec.json.decode(data, type=shape)
        except (OSError, msgspec.MsgspecError):
            return None
        with suppress(OSError):
            os.utime(path)  # pruning drops what was longest unused
        return entry

    def _store(self, digest: str, kind: str, value: LayerIndex | _CachedImage) -> None:
        """Write beside the entry and rename: a reader sees all of it or none, whoever else writes."""
        path = self._path(digest, kind)
        if path is None:
            return
        try:
            data = msgspec.json.encode(value)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(hashlib.sha256(data).digest() + data)
                    file.close()
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except (OSError, UnicodeError):
            return

    def _prune(self) -> None:
        """Drop the entries that were longest unused (and what killed runs left) until the rest is within the limits."""
        if self._folder is None:
            return
        try:
            with os.scandir(self._folder) as entries:
                found = sorted(((status := entry.stat()).st_mtime, status.st_size, entry.path) for entry in entries)
            count, total = len(found), sum(size for _, size, _ in found)
            for _, size, path in found:
                if count <= _MAX_ENTRIES and total <= _MAX_BYTES:
                    return
                Path(path).unlink(missing_ok=True)
                count, total = count - 1, total - size
        except OSError:
            return


def default_cache() -> ImageCache:
    """The cache in the user's own cache folder, or one that keeps nothing where there is no such folder."""
    try:
        folder = platformdirs.user_cache_path("imgcompare") / "images"
    except (OSError, RuntimeError):
        return ImageCache(None)
    # Without HOME and without a passwd entry, "~" stays "~": never make a folder of that name.
    return ImageCache(folder if folder.is_absolute() else None)
