"""From images on the engine to their true sizes: what is known is not read again, the rest is read while it streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

from msgspec.structs import replace

from imgcompare.building import BuiltVariant, base_layer_count
from imgcompare.engine import EngineImage
from imgcompare.engine.layerstore import LayerStore, LayerStoreError
from imgcompare.errors import EngineError, ImageFormatError
from imgcompare.image.analysis import VERSION, analyse
from imgcompare.image.archive import THREADS, ArchivedImage, read_archive
from imgcompare.image.documents import Config, decode
from imgcompare.image.index import LayerIndex
from imgcompare.image.layer import BlobReader
from imgcompare.image.origin import origins
from imgcompare.model import Image, Layer, Stage
from imgcompare.plan import Plan
from imgcompare.units import format_bytes
from imgcompare.workbench import Workbench

_SUBJECT = "images"
_REPORT_EVERY_BYTES = 16 << 20


def measure_images(plan: Plan, built: Mapping[str, BuiltVariant], bench: Workbench) -> dict[str, Image]:
    """Measure every built variant's image, by variant name; layers that several share are read once.

    What was worked out before comes from the cache, layers read before too, and new ones straight from the engine's
    store where that can be read; all other images are exported, in one call.
    """
    platform = plan.config.platform
    wanted = {name: (variant.image.image, base_layer_count(variant)) for name, variant in built.items()}
    configs = {key: bench.cache.config(key, platform) for key, _ in wanted.values()}
    images = {each: found for each in set(wanted.values()) if (found := _known(configs[each[0]], each[1], bench))}
    missing = [each for each in dict.fromkeys(wanted.values()) if each not in images]
    archived = read_images(list(dict.fromkeys(key for key, _ in missing)), platform, bench)
    for key, base in missing:
        image = images[key, base] = analyse(archived[key], base)
        bench.cache.put_finding(image.image_id, _kind(base), image)
    configs |= {key: image.config for key, image in archived.items()}
    references = {variant.name: variant.spec.image or variant.tag for variant in plan.variants}
    return {
        name: replace(
            images[wanted[name]],
            layers=_with_origins(images[wanted[name]].layers, configs[variant.image.image] or b"", variant),
            reference=references[name],
            stand_ins=variant.stand_ins,
        )
        for name, variant in built.items()
    }


def pull_sizes(images: Mapping[str, tuple[EngineImage, EngineImage]], plan: Plan, bench: Workbench) -> dict[str, int]:
    """What a server that has the first image of each pair would pull for the second: its other layers, compressed."""
    archived = read_images([after.image for _, after in images.values()], plan.config.platform, bench)
    return {
        name: sum(
            {
                layer.diff_id: layer.compressed_size
                for layer in archived[after.image].layers
                if layer.diff_id not in before.diff_ids
            }.values()
        )
        for name, (before, after) in images.items()
    }


def _known(config: bytes | None, base: int | None, bench: Workbench) -> Image | None:
    """What was worked out of an image before, without loading a single layer."""
    return bench.cache.finding(_digest(config), _kind(base), Image) if config else None


def _with_origins(layers: tuple[Layer, ...], config: bytes, built: BuiltVariant) -> tuple[Layer, ...]:
    """Say which line of the Dockerfile made each layer; two Dockerfiles can make one image, so this is never cached."""
    if not built.stages:
        return layers
    history = decode(config, Config, "the image's config").history or ()
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
    images = {key: image for key in keys if (image := bench.cache.image(key, platform)) is not None}
    fresh = _from_store([key for key in keys if key not in images], bench)
    fresh |= _export([key for key in keys if key not in images and key not in fresh], platform, bench)
    for key, image in fresh.items():
        bench.cache.put_image(key, platform, image)
        bench.cache.put_image(image.image_id, None, image)
    return images | fresh


def _from_store(keys: Sequence[str], bench: Workbench) -> dict[str, ArchivedImage]:
    """The images that the engine's store gives us whole; every digest is checked, and any doubt means the export."""
    store = bench.engine.layer_store() if keys else None
    images: dict[str, ArchivedImage] = {}
    if store is None:
        return images
    read: dict[str, LayerIndex] = {}
    with ThreadPoolExecutor(THREADS) as executor:
        for key in keys:
            try:
                config = store.config(key)
                diff_ids = decode(config, Config, f"the config {key}").rootfs.diff_ids or ()
                reader = BlobReader(executor)
                for count, diff_id in enumerate(diff_ids, 1):
                    if diff_id not in read:
                        known = bench.cache.layer(diff_id)
                        read[diff_id] = known or _stored_layer(reader, store, diff_ids[:count], bench)
            except (LayerStoreError, ImageFormatError):
                continue
            layers = tuple(read[diff_id] for diff_id in diff_ids)
            images[key] = ArchivedImage(config=config, image_id=_digest(config), layers=layers)
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
