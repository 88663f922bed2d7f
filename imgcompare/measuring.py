"""From images on the engine to their true sizes: what is known is not read again, the rest is read while it streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imgcompare.building import BuiltVariant
from imgcompare.engine.layerstore import LayerStore, LayerStoreError
from imgcompare.errors import EngineError, ImageFormatError
from imgcompare.image.archive import ArchivedImage, describe, read_archive
from imgcompare.image.documents import Config, decode
from imgcompare.image.layer import LayerIndex, read_blob
from imgcompare.model import Image, Stage
from imgcompare.plan import Plan
from imgcompare.units import format_bytes
from imgcompare.workbench import Workbench

_SUBJECT = "images"
_REPORT_EVERY_BYTES = 16 << 20


def measure_images(plan: Plan, built: Mapping[str, BuiltVariant], bench: Workbench) -> dict[str, Image]:
    """Measure every built variant's image, by variant name; layers that several share are read once.

    An image that was read before comes from the cache, and new layers straight from the engine's store where that can
    be read; all other images are exported, in one call.
    """
    platform = plan.config.platform
    keys = dict.fromkeys(variant.image.image for variant in built.values())
    images = {key: image for key in keys if (image := bench.cache.image(key, platform)) is not None}
    images |= _from_store([key for key in keys if key not in images], bench)
    images |= _export([key for key in keys if key not in images], platform, bench)
    for key, image in images.items():
        bench.cache.put_image(key, platform, image)
    references = {variant.name: variant.spec.image or variant.tag for variant in plan.variants}
    return {
        name: describe(images[variant.image.image], references[name], variant.stand_ins)
        for name, variant in built.items()
    }


def _from_store(keys: Sequence[str], bench: Workbench) -> dict[str, ArchivedImage]:
    """The images that the engine's store gives us whole; every digest is checked, and any doubt means the export."""
    store = bench.engine.layer_store() if keys else None
    images: dict[str, ArchivedImage] = {}
    if store is None:
        return images
    read: dict[str, LayerIndex] = {}
    for key in keys:
        try:
            config = store.config(key)
            diff_ids = decode(config, Config, f"the config {key}").rootfs.diff_ids or ()
            for count, diff_id in enumerate(diff_ids, 1):
                if diff_id not in read:
                    read[diff_id] = bench.cache.layer(diff_id) or _stored_layer(store, diff_ids[:count], bench)
        except (LayerStoreError, ImageFormatError):
            continue
        image_id = f"sha256:{hashlib.sha256(config).hexdigest()}"
        layers = tuple(read[diff_id] for diff_id in diff_ids)
        images[key] = ArchivedImage(config=config, image_id=image_id, layers=layers)
    return images


def _stored_layer(store: LayerStore, diff_ids: Sequence[str], bench: Workbench) -> LayerIndex:
    layer = read_blob(_told(store.layer(diff_ids), bench), keep=0).layer
    if layer is None or layer.diff_id != diff_ids[-1]:
        raise LayerStoreError(f"what the store has for {diff_ids[-1]} is something else")
    return layer


def _export(keys: Sequence[str], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    if not keys:
        return {}
    bench.progress.stage(_SUBJECT, Stage.EXPORT, "waiting for the engine")
    archive = read_archive(_told(bench.engine.export(keys), bench))
    bench.progress.finished(_SUBJECT, "exported and measured", ok=True)
    return {key: archive.find(key, platform=platform) for key in keys}


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
