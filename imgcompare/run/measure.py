"""From images on the engine to their true sizes: what is known is not read again, the rest is read while it streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.analysis.analyse import VERSION, analyse
from imgcompare.analysis.layer_origin import origins
from imgcompare.dockerfile.slim_tags import has_slim_variant
from imgcompare.engine.interface import EngineImage
from imgcompare.engine.transport.faults import engine_fault
from imgcompare.errors import EngineError, EngineRefusedError, ImageFormatError
from imgcompare.image.archive import THREADS, ArchivedImage, read_archive
from imgcompare.image.blob import BlobReader
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.image.overlay2 import LayerStore, LayerStoreError
from imgcompare.model import Image, Layer, SavingKind, Stage
from imgcompare.run.base_layers import base_layer_count
from imgcompare.run.build import BuiltVariant
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

_SUBJECT = "images"
_REPORT_EVERY_BYTES = 16 << 20

_Subject: TypeAlias = tuple[str, int | None]
"""The engine's digest of an image, and how many of its layers are its base's."""


class _Measured(NamedTuple):
    """What an image's config and layers say of it."""

    config: bytes
    image: Image


class Images(Struct, frozen=True):
    """What was measured, by variant, and why the image of another one could not be read."""

    measured: dict[str, Image]
    unread: dict[str, ImageFormatError]

    def all(self) -> dict[str, Image]:
        """The images, if all of them could be read. Raises ImageFormatError for the first that could not."""
        for error in self.unread.values():
            raise error
        return self.measured


def measure_images(plan: Plan, builds: Iterable[tuple[str, BuiltVariant]], bench: Workbench) -> Images:
    """Measure each variant's image as its build is finished, by variant name; layers that several share are read once.

    What was worked out before comes from the cache, layers read before too, and new ones straight from the engine's
    store where that can be read; all other images are exported in one call, when the last is built.
    """
    platform = plan.config.platform
    built: dict[str, BuiltVariant] = {}
    layers: dict[str, LayerIndex] = {}
    found: dict[_Subject, _Measured | ImageFormatError] = {}
    for name, variant in builds:
        built[name] = variant
        key, base = subject = _subject(variant)
        if subject in found:
            continue
        if known := _known(bench.cache.config(key, platform), base, bench):
            found[subject] = known
        elif image := images_at_hand([key], platform, layers, bench).get(key):
            found[subject] = _analysed(image, base, bench)
            bench.progress.finished(_SUBJECT, f"{name} measured", ok=True)
    missing = dict.fromkeys(subject for subject in map(_subject, built.values()) if subject not in found)
    exported = _export_each(list(dict.fromkeys(key for key, _ in missing)), platform, bench)
    for key, base in missing:
        read = exported[key]
        found[key, base] = read if isinstance(read, ImageFormatError) else _analysed(read, base, bench)
    return _by_variant(plan, built, found)


def _by_variant(
    plan: Plan, built: Mapping[str, BuiltVariant], found: Mapping[_Subject, _Measured | ImageFormatError]
) -> Images:
    references = {variant.name: variant.spec.image or variant.tag for variant in plan.variants}
    images = Images({}, {})
    for name, variant in built.items():
        match found[_subject(variant)]:
            case ImageFormatError() as error:
                message = f"the image of {printable(name, limit=200)} cannot be read: {error.message}"
                images.unread[name] = ImageFormatError(message, hint=error.hint)
            case measured:
                images.measured[name] = _of_variant(measured, variant, references[name])
    return images


def pull_sizes(images: Mapping[str, tuple[EngineImage, EngineImage]], plan: Plan, bench: Workbench) -> dict[str, int]:
    """What a server that has the first image of each pair would pull for the second: its other layers, compressed."""
    keys, platform = [after.image for _, after in images.values()], plan.config.platform
    archived: dict[str, ArchivedImage | ImageFormatError] = {**images_at_hand(keys, platform, {}, bench)}
    archived |= _export_each([key for key in keys if key not in archived], platform, bench)
    sizes = {}
    for name, (before, after) in images.items():
        if isinstance(image := archived[after.image], ArchivedImage):
            added = {x.diff_id: x.compressed_size for x in image.layers if x.diff_id not in before.diff_ids}
            sizes[name] = sum(added.values())
    return sizes


def _subject(variant: BuiltVariant) -> _Subject:
    return variant.image.image, base_layer_count(variant)


def _known(config: bytes | None, base: int | None, bench: Workbench) -> _Measured | None:
    """What was worked out of an image before, without loading a single layer."""
    image = bench.cache.finding(_digest(config), _kind(base), Image) if config else None
    return _Measured(config, image) if config and image else None


def _analysed(archived: ArchivedImage, base: int | None, bench: Workbench) -> _Measured | ImageFormatError:
    try:
        image = analyse(archived, base)
    except ImageFormatError as exc:
        return exc
    bench.cache.put_finding(image.image_id, _kind(base), image)
    return _Measured(archived.config, image)


def _of_variant(measured: _Measured, variant: BuiltVariant, reference: str) -> Image:
    layers = _with_origins(measured.image.layers, measured.config, variant)
    savings = tuple(
        replace(one, stage=layers[one.layer - 1].stage, dockerfile_line=layers[one.layer - 1].dockerfile_line)
        if one.layer
        else one
        for one in measured.image.savings
        # Tools of a base are no saving where there is no base without them; what is cached of an image knows no names.
        if one.kind is not SavingKind.FULL_BASE or has_slim_variant(variant.base)
    )
    return replace(measured.image, layers=layers, savings=savings, reference=reference, stand_ins=variant.stand_ins)


def _with_origins(layers: tuple[Layer, ...], config: bytes, built: BuiltVariant) -> tuple[Layer, ...]:
    """Say which line of the Dockerfile made each layer; two Dockerfiles can make one image, so this is never cached."""
    if not built.stages:
        return layers
    history = decode(config, ImageConfig, "the image's config").history or ()
    made = origins(history, built.stages, base_layer_count(built))
    return tuple(
        replace(layer, stage=origin.stage, dockerfile_line=origin.line) if origin else layer
        for layer, origin in zip_longest(layers, made[: len(layers)])
    )


def _digest(config: bytes) -> str:
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def _kind(base: int | None) -> str:
    return f"analysis {VERSION}, base of {base} layers"


def read_images(keys: Sequence[str], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    """Read images by the engine's digests for them, with the index of every layer; what is known is not read again."""
    images = images_at_hand(keys, platform, {}, bench)
    return images | _export([key for key in keys if key not in images], platform, bench)


def images_at_hand(
    keys: Sequence[str], platform: str | None, layers: dict[str, LayerIndex], bench: Workbench
) -> dict[str, ArchivedImage]:
    """The images that are known or that the engine's store gives us; ``layers`` holds the new ones that were read."""
    images = {key: image for key in keys if (image := bench.cache.image(key, platform)) is not None}
    stored = _from_store([key for key in keys if key not in images], layers, bench)
    return images | _kept(stored, platform, bench)


def _kept(images: dict[str, ArchivedImage], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    for key, image in images.items():
        bench.cache.put_image(key, platform, image)
        bench.cache.put_image(image.image_id, None, image)
    return images


def _from_store(keys: Sequence[str], layers: dict[str, LayerIndex], bench: Workbench) -> dict[str, ArchivedImage]:
    """The images that the engine's store gives us whole; every digest is checked, and any doubt means the export."""
    store = bench.engine.layer_store() if keys else None
    images: dict[str, ArchivedImage] = {}
    if store is None:
        return images
    with ThreadPoolExecutor(THREADS) as executor:
        for key in keys:
            try:
                config = store.config(key)
                diff_ids = decode(config, ImageConfig, f"the config {key}").rootfs.diff_ids or ()
                reader = BlobReader(executor)
                for count, diff_id in enumerate(diff_ids, 1):
                    if diff_id not in layers:
                        known = bench.cache.layer(diff_id)
                        layers[diff_id] = known or _stored_layer(reader, store, diff_ids[:count], bench)
            except (LayerStoreError, ImageFormatError):
                continue
            read = tuple(layers[diff_id] for diff_id in diff_ids)
            images[key] = ArchivedImage(config=config, image_id=_digest(config), layers=read)
    return images


def _stored_layer(reader: BlobReader, store: LayerStore, diff_ids: Sequence[str], bench: Workbench) -> LayerIndex:
    layer = reader.read(_told(store.layer(diff_ids), bench), keep=0).layer
    if layer is None or layer.diff_id != diff_ids[-1]:
        raise LayerStoreError(f"what the store has for {diff_ids[-1]} is something else")
    return layer


def _export(keys: Sequence[str], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    if not keys:
        return {}
    bench.progress.stage(_SUBJECT, Stage.EXPORT, "waiting for the engine")
    archive = read_archive(_told(bench.engine.export(keys), bench))
    bench.progress.finished(_SUBJECT, "exported and measured", ok=True)
    return _kept({key: archive.find(key, platform=platform) for key in keys}, platform, bench)


def _export_each(
    keys: Sequence[str], platform: str | None, bench: Workbench
) -> dict[str, ArchivedImage | ImageFormatError]:
    """Export images in one call; where that cannot be read, one by one, so that only the one to blame is lost."""
    try:
        return dict(_export(keys, platform, bench))
    except (ImageFormatError, EngineRefusedError) as exc:
        if len(keys) == 1:
            told = engine_fault(exc.message) or exc
            return {keys[0]: ImageFormatError(told.message, hint=told.hint)}
    each: dict[str, ArchivedImage | ImageFormatError] = {}
    for key in keys:
        each |= _export_each([key], platform, bench)
    return each


def _told(chunks: Iterable[bytes], bench: Workbench) -> Iterator[bytes]:
    """Pass a stream on, saying how far it is. Raises EngineError when the run is cancelled."""
    total = told = 0
    for chunk in chunks:
        if bench.cancelled.is_set():
            raise EngineError("cancelled")
        total += len(chunk)
        if total - told >= _REPORT_EVERY_BYTES:
            told = total
            bench.progress.stage(_SUBJECT, Stage.EXPORT, f"{format_bytes(total)} read")
        yield chunk
