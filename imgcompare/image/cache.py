"""Finished layer indexes, images and what was found out about them on disk: nothing known is read or worked out again.

Keys are content addresses, so an entry never goes stale: it is right, or damaged and then treated as absent. The path
holds the version of the format. Nothing here raises: without a writable folder there simply is no cache.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

import msgspec
import platformdirs

from imgcompare.errors import ImageFormatError
from imgcompare.image.cache_format import decode_layer, encode_layer
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import ImageConfig, decode, is_digest

if TYPE_CHECKING:
    from imgcompare.image.archive import ArchivedImage

_VERSION = "v8"
_MAX_ENTRIES = 4096
_MAX_BYTES = 512 << 20
_USE_NOTED_S = 3600.0
_CHECKSUM_BYTES = 32
_LENGTH_BYTES = 4
_Loaded = TypeVar("_Loaded")
_T = TypeVar("_T", bound=msgspec.Struct)
# What was found out and is in use: a hundred comparisons of one image hold it once.
_FINDINGS: WeakValueDictionary[tuple[str, str], msgspec.Struct] = WeakValueDictionary()


class _CachedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image as one engine names it; its layers are entries of their own."""

    engine_digest: str
    platform: str
    image_id: str
    config: bytes


class _CachedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something worked out from an image: ``kind`` names what and everything else that it depends on."""

    image_id: str
    kind: str
    value: msgspec.Raw


class ImageCache:
    """Layers by diff_id and images by the engine's digest, in a folder that runs may share; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / _VERSION if folder else None
        self._loaded: dict[str, LayerIndex] = {}

    def layer(self, diff_id: str) -> LayerIndex | None:
        """The index of a layer that was read before; layers that images share are loaded once."""
        if diff_id not in self._loaded:
            index = self._load(diff_id, "", decode_layer)
            if index is None or index.diff_id != diff_id:
                return None
            self._loaded[diff_id] = index
        return self._loaded[diff_id]

    def put_layer(self, index: LayerIndex) -> None:
        """Keep a layer's index; an exact compressed size once known is not forgotten."""
        if self._loaded.get(index.diff_id) is index or (not index.compressed_size_exact and self._has(index.diff_id)):
            return
        self._loaded.pop(index.diff_id, None)
        self._store(index.diff_id, "", encode_layer(index))

    def image(self, engine_digest: str, platform: str | None) -> ArchivedImage | None:
        """The image an engine names by this digest (config, manifest or index), if it and all its layers are known."""
        entry = self._entry(engine_digest, platform)
        if entry is None:
            return None
        try:
            config = decode(entry.config, ImageConfig, "a cached config")
        except ImageFormatError:
            return None
        layers = [self.layer(diff_id) for diff_id in config.rootfs.diff_ids or ()]
        known = tuple(layer for layer in layers if layer is not None)
        if len(known) < len(layers):
            return None
        from imgcompare.image.archive import ArchivedImage  # noqa: PLC0415 - what reads images takes a while to import

        return ArchivedImage(config=entry.config, image_id=entry.image_id, layers=known)

    def config(self, engine_digest: str, platform: str | None) -> bytes | None:
        """The config of the image that an engine names by this digest, without loading its layers."""
        entry = self._entry(engine_digest, platform)
        return entry.config if entry else None

    def put_image(self, engine_digest: str, platform: str | None, image: ArchivedImage) -> None:
        """Keep an image and its layers under the engine's digest for it; a tag is no content address and is ignored."""
        if not is_digest(engine_digest):
            return
        for layer in image.layers:
            self.put_layer(layer)
        entry = _CachedImage(
            engine_digest=engine_digest, platform=platform or "", image_id=image.image_id, config=image.config
        )
        self._store(engine_digest, f"image {platform or ''}", iter((msgspec.msgpack.encode(entry),)))
        self._prune()

    def finding(self, image_id: str, kind: str, shape: type[_T]) -> _T | None:
        """What was worked out from an image; ``kind`` is as it was put."""
        entry = self._load(image_id, f"finding {kind}", _one(_CachedFinding))
        if entry is None or (entry.image_id, entry.kind) != (image_id, kind):
            return None
        known = _FINDINGS.get((image_id, kind))
        if isinstance(known, shape):
            return known
        try:
            found = msgspec.msgpack.decode(entry.value, type=shape)
        except msgspec.MsgspecError:
            return None
        if shape.__struct_config__.weakref:
            _FINDINGS[image_id, kind] = found
        return found

    def put_finding(self, image_id: str, kind: str, value: msgspec.Struct) -> None:
        """Keep what was worked out; ``kind`` must name what it is, its version, and all else that it depends on."""
        _FINDINGS.pop((image_id, kind), None)
        entry = _CachedFinding(image_id=image_id, kind=kind, value=msgspec.Raw(msgspec.msgpack.encode(value)))
        self._store(image_id, f"finding {kind}", iter((msgspec.msgpack.encode(entry),)))

    def _entry(self, engine_digest: str, platform: str | None) -> _CachedImage | None:
        entry = self._load(engine_digest, f"image {platform or ''}", _one(_CachedImage))
        if entry is None or (entry.engine_digest, entry.platform) != (engine_digest, platform or ""):
            return None
        whole = f"sha256:{hashlib.sha256(entry.config).hexdigest()}" == entry.image_id
        return entry if whole else None

    def _has(self, diff_id: str) -> bool:
        """Whether a layer is there, whole."""
        return self._load(diff_id, "", lambda messages: next(messages, None)) is not None

    def _path(self, digest: str, kind: str) -> Path | None:
        """One file for each digest and kind; hashed, so that a platform can hold anything."""
        if self._folder is None or not is_digest(digest):
            return None
        return self._folder / hashlib.sha256(f"{digest} {kind}".encode("utf-8", "surrogateescape")).hexdigest()

    def _load(self, digest: str, kind: str, read: Callable[[Iterator[bytes]], _Loaded]) -> _Loaded | None:
        path = self._path(digest, kind)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                checksum = file.read(_CHECKSUM_BYTES)
                if hashlib.file_digest(file, "sha256").digest() != checksum:
                    return None
                file.seek(_CHECKSUM_BYTES)
                entry = read(_messages(file))
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _USE_NOTED_S:
                os.utime(path)  # pruning drops what was longest unused
        return entry

    def _store(self, digest: str, kind: str, messages: Iterator[bytes]) -> None:
        """Write beside the entry and rename: a reader sees all of it or none, whoever else writes."""
        path = self._path(digest, kind)
        if path is None:
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    _write(file, messages)
                    file.close()
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except (OSError, ValueError, OverflowError):
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


def _write(file: IO[bytes], messages: Iterable[bytes]) -> None:
    """The messages, each after its length, and before them all the checksum of that."""
    checksum = hashlib.sha256()
    file.write(bytes(_CHECKSUM_BYTES))
    for message in messages:
        for part in (len(message).to_bytes(_LENGTH_BYTES, "little"), message):
            checksum.update(part)
            file.write(part)
    file.seek(0)
    file.write(checksum.digest())


def _messages(file: IO[bytes]) -> Iterator[bytes]:
    while length := file.read(_LENGTH_BYTES):
        yield file.read(int.from_bytes(length, "little"))


def _one(shape: type[_T]) -> Callable[[Iterator[bytes]], _T]:
    """A reader of entries that are one message."""
    return lambda messages: msgspec.msgpack.decode(next(messages, b""), type=shape)


def default_cache() -> ImageCache:
    """The cache in the user's own cache folder, or one that keeps nothing where there is no such folder."""
    try:
        folder = platformdirs.user_cache_path("imgcompare") / "images"
    except (OSError, RuntimeError):
        return ImageCache(None)
    # Without HOME and without a passwd entry, "~" stays "~": never make a folder of that name.
    return ImageCache(folder if folder.is_absolute() else None)
