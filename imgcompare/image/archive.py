"""An exported image stream → its images, in one pass: every blob hashed, every digest verified, nothing on disk.

Formats: ``docker save`` as it was (``manifest.json``, ``<id>/layer.tar``, ``<hex>.json``) and as OCI layout since 25
(https://github.com/opencontainers/image-spec/blob/main/image-layout.md), containerd's export, podman's docker-archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from posixpath import dirname, join

import msgspec

from imgcompare.errors import ImageFormatError, UsageError
from imgcompare.image.blob import Blob
from imgcompare.image.blob_store import Contents, document_of, refuse
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import Descriptor, SavedImage, SavedImages, decode, is_digest
from imgcompare.image.platforms import is_platform
from imgcompare.image.tarheader import HARDLINK, REGULAR, SYMLINK
from imgcompare.image.tarstream import Chunk, TarStream
from imgcompare.text.printable import printable

_MAX_NESTING = 8
# Each is told with why; more are an attack.
_MAX_BROKEN = 100
# Compressing and hashing release the interpreter's lock; more would only compete with the engine that exports.
THREADS = 2
_REFERENCE_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
# https://docs.docker.com/build/metadata/attestations/attestation-storage/
ATTESTATION = "vnd.docker.reference.type"


class ArchivedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image as exported: its config's bytes, their digest ``image_id``, and its layers from the lowest up."""

    config: bytes
    image_id: str
    layers: tuple[LayerIndex, ...]


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """An image and every key that leads to it."""

    image: ArchivedImage
    platform: str
    keys: frozenset[str]


class _Other(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the archive beside images: a signature, an artifact."""

    kind: str
    keys: frozenset[str]


class _Broken(msgspec.Struct, frozen=True, kw_only=True):
    """An image that cannot be read, and why."""

    error: ImageFormatError
    keys: frozenset[str]


class _Beside(msgspec.Struct, frozen=True):
    """What is met on the way to images: other things, images that cannot be read, and what is missing."""

    others: list[_Other] = []
    broken: list[_Broken] = []
    missing: list[str] = []


class Archive:
    """The images of one exported stream; one that cannot be read only matters where it is what was asked for."""

    def __init__(
        self, found: tuple[_Found, ...], others: tuple[_Other, ...] = (), broken: tuple[_Broken, ...] = ()
    ) -> None:
        self._found = found
        self._others = others
        self._broken = broken

    @property
    def images(self) -> tuple[ArchivedImage, ...]:
        """Every image, once, in the archive's order."""
        return tuple({found.image.image_id: found.image for found in self._found}.values())

    def only(self, *, platform: str | None = None) -> ArchivedImage:
        """The archive's one image, or that of a platform. UsageError lists them if that leaves more than one."""
        return self._chosen(self._found, self._broken, platform)

    def find(self, key: str, *, platform: str | None = None) -> ArchivedImage:
        """The image of a reference, or of a digest: its config's, its manifest's, or an index's that leads to it.

        Where that is several, ``platform`` (``os/architecture[/variant]``) chooses, else the first of an index for
        several platforms. Raises ImageFormatError when the archive has no such image, UsageError where it stays open.
        """
        wanted = _key(key)
        broken = [one for one in self._broken if wanted in one.keys]
        if matches := [found for found in self._found if wanted in found.keys]:
            return self._chosen(matches, broken, platform)
        if broken:
            raise broken[0].error
        for other in self._others:
            if wanted in other.keys:
                raise ImageFormatError(f"{printable(key, limit=200)} is no image, but {printable(other.kind)}.")
        there = sorted({name for keys in self._keys() for name in keys})
        names = printable(", ".join(there), limit=300)
        raise ImageFormatError(f"The archive has no image {printable(key, limit=200)}; it has {names}.")

    def _keys(self) -> Iterator[frozenset[str]]:
        yield from (found.keys for found in self._found)
        yield from (broken.keys for broken in self._broken)

    def has(self, key: str) -> bool:
        """Whether it has an image of that reference or digest, readable or not."""
        return any(_key(key) in keys for keys in self._keys())

    def beside(self, image: ArchivedImage) -> str:
        """What else the archive has, each by its own name, in a sentence; "" where there is nothing."""
        rest = [one for one in self._distinct(self._found) if one.image.image_id != image.image_id]
        names = [self._name(one, self._found) for one in rest]
        names += [f"{_shortest(other.keys)}, which is no image but {other.kind}" for other in self._others]
        names += map(self._told, self._broken)
        return printable(f"It also has {'; '.join(names)}.", limit=500) if names else ""

    def _chosen(self, candidates: Sequence[_Found], broken: Sequence[_Broken], platform: str | None) -> ArchivedImage:
        left = self._distinct(candidates)
        # Of an index for several platforms those that can be read are images all the same.
        apart = [one for one in broken if not any(one.keys & found.keys for found in left)]
        if platform:
            processor = "/".join(platform.split("/")[:2])
            exact, alike = ([x for x in left if is_platform(x.platform, each)] for each in (platform, processor))
            if broken and not exact and not alike:
                raise broken[0].error
            left, apart = exact or alike or left, []
        if not apart and (len(left) == 1 or (not platform and self._is_one_index(left))):
            return left[0].image
        listed = printable("; ".join([*(self._name(one, left) for one in left), *map(self._told, apart)]), limit=500)
        raise UsageError(
            f"The archive has {len(left) + len(apart)} images: {listed}.",
            hint="Name the one meant, FILE#NAME or FILE#DIGEST, or its --platform.",
        )

    def _distinct(self, candidates: Sequence[_Found]) -> list[_Found]:
        return list({found.image.image_id: found for found in reversed(candidates)}.values())[::-1]

    def _is_one_index(self, images: Sequence[_Found]) -> bool:
        """Whether the images are one for several platforms: of one name, and each of another platform."""
        platforms = {found.platform for found in images}
        return len(platforms) == len(images) and bool(frozenset.intersection(*(found.keys for found in images)))

    def _name(self, one: _Found, among: Sequence[_Found]) -> str:
        """A name that no other of these images has, and the platform."""
        taken = {key for found in among if found.image.image_id != one.image.image_id for key in found.keys}
        return f"{_shortest(one.keys - taken)} ({one.platform})"

    def _told(self, one: _Broken) -> str:
        taken = {key for found in self._found for key in found.keys}
        return f"{_shortest(one.keys - taken or one.keys)}, which cannot be read: {one.error.message}"


def _shortest(keys: frozenset[str]) -> str:
    """A name, where there is one, else a digest."""
    return min(keys, key=lambda key: (is_digest(key), len(key), key))


def read_archive(chunks: Iterable[Chunk]) -> Archive:
    """Read an exported stream to its end. Raises ImageFormatError naming what is missing, damaged or foreign."""
    with ThreadPoolExecutor(THREADS) as executor:
        contents = Contents(executor)
        stream = TarStream(chunks)
        for entry in stream:
            if entry.type == REGULAR:
                contents.add(entry.path, stream.payload())
            elif entry.type == SYMLINK:
                contents.link(entry.path, join(dirname(entry.path), entry.linkname))
            elif entry.type == HARDLINK:
                contents.link(entry.path, entry.linkname)
    return archive_of(contents)


def archive_of(contents: Contents) -> Archive:
    """The images of contents that were read whole. Raises ImageFormatError as ``read_archive`` does."""
    if not contents.has("index.json") and not contents.has("manifest.json"):
        contents.refuse_damaged()
        refuse("it has neither index.json nor manifest.json")
    beside = _Beside()
    found = (*_from_index(contents, beside), *_from_manifest(contents, beside))
    if not found and beside.broken:
        raise beside.broken[0].error
    if not found:
        contents.refuse_damaged()
        told = ", ".join(sorted({other.kind for other in beside.others}))
        refuse(f"its index names no image{f', but {told}' if told else ''}")
    return Archive(found, tuple(beside.others), tuple(beside.broken))


def _each(images: Iterator[_Found], keys: frozenset[str], beside: _Beside) -> Iterator[_Found]:
    """The images, as far as they can be read; what is wrong with another is noted under its keys."""
    try:
        yield from images
    except ImageFormatError as exc:
        if len(beside.broken) >= _MAX_BROKEN:
            raise
        beside.broken.append(_Broken(error=exc, keys=keys))


def _from_manifest(contents: Contents, beside: _Beside) -> Iterator[_Found]:
    """The images of ``manifest.json``, which names each by the paths of its config and layers."""
    if not contents.has("manifest.json"):
        return
    for saved in decode(document_of(contents.at("manifest.json"), "manifest.json"), SavedImages, "manifest.json"):
        tags = frozenset(_key(tag) for tag in saved.repo_tags or ())
        claimed = saved.config.rpartition("/")[2].removesuffix(".json").removeprefix("sha256:")
        yield from _each(_saved(contents, saved, tags), tags | {_key(claimed)}, beside)


def _saved(contents: Contents, saved: SavedImage, tags: frozenset[str]) -> Iterator[_Found]:
    layers = [contents.at(path) for path in saved.layers or ()]
    yield _found(contents, contents.at(saved.config), layers, tags)


def _from_index(contents: Contents, beside: _Beside) -> Iterator[_Found]:
    """The images that ``index.json`` leads to; each of its rows must lead to a complete one, or to none at all."""
    if not contents.has("index.json"):
        return
    for top in contents.manifest(contents.at("index.json"), "index.json").manifests or ():
        names = [(top.annotations or {}).get(name) for name in _REFERENCE_ANNOTATIONS]
        keys = frozenset(_key(name) for name in names if name)
        yield from _each(_complete(contents, top, keys, beside), keys | {top.digest}, beside)


def _complete(contents: Contents, top: Descriptor, keys: frozenset[str], beside: _Beside) -> Iterator[_Found]:
    missing, broken = len(beside.missing), len(beside.broken)
    images = list(_walk(contents, top, keys, beside))
    if not images and len(beside.broken) == broken and len(beside.missing) > missing:
        refuse(f"{beside.missing[missing]} is missing")
    yield from images


def _walk(
    contents: Contents, descriptor: Descriptor, keys: frozenset[str], beside: _Beside, depth: int = 0
) -> Iterator[_Found]:
    """The complete images below a descriptor, attestations left out; what others lack and what is none is noted."""
    if ATTESTATION in (descriptor.annotations or {}):
        return
    if depth > _MAX_NESTING:
        refuse(f"its indexes are nested more than {_MAX_NESTING} deep")
    blob = contents.of(descriptor)
    if blob is None:
        beside.missing.append(f"the manifest {descriptor.digest}")
        return
    keys |= {descriptor.digest}
    manifest = contents.manifest(blob, f"the manifest {descriptor.digest}")
    for below in manifest.manifests or ():
        yield from _each(_walk(contents, below, keys, beside, depth + 1), keys | {below.digest}, beside)
    if kind := manifest.foreign:
        beside.others.append(_Other(kind=kind, keys=keys))
        return
    if manifest.config is None:
        return
    config, *layers = (contents.of(part) for part in (manifest.config, *(manifest.layers or ())))
    if config is None or None in layers:
        parts = (manifest.config, *(manifest.layers or ()))
        lacking = next(part.digest for part, there in zip(parts, (config, *layers), strict=True) if there is None)
        beside.missing.append(f"{lacking}, which the manifest {descriptor.digest} names,")
        return
    yield _found(contents, config, [layer for layer in layers if layer], keys)


def _found(contents: Contents, blob: Blob, blobs: list[Blob], keys: frozenset[str]) -> _Found:
    """Hold an image's layers to its config, which lists the digest of each, uncompressed."""
    config = contents.config(blob)
    diff_ids = config.rootfs.diff_ids or ()
    if len(diff_ids) != len(blobs):
        refuse(f"the config {blob.digest} lists {len(diff_ids)} layers, its manifest {len(blobs)}")
    layers = []
    for position, (part, diff_id) in enumerate(zip(blobs, diff_ids, strict=True), 1):
        if part.layer is None:
            refuse(f"layer {position} of {blob.digest} ({part.digest}) is no tar")
        if part.layer.diff_id != diff_id:
            refuse(f"layer {position} of {blob.digest} is {part.layer.diff_id}, not {diff_id}")
        layers.append(part.layer)
    image = ArchivedImage(config=document_of(blob, "a config"), image_id=blob.digest, layers=tuple(layers))
    platform = "/".join(part for part in (config.os, config.architecture, config.variant) if part)
    return _Found(image=image, platform=platform, keys=keys | {blob.digest})


def _key(name: str) -> str:
    """A digest as it is, or a reference as Docker writes it in full: every engine shortens it differently."""
    digest = name.rpartition("@")[2]
    if is_digest(digest):
        return digest
    if is_digest(f"sha256:{name}"):
        return f"sha256:{name}"
    for prefix in ("index.docker.io/", "docker.io/", "localhost/", "library/"):
        name = name.removeprefix(prefix)
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
