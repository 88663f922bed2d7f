"""Images that are not known yet, read: from the engine's store where that can be, else exported in one stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from imgcompare.engine.interface import EngineImage
from imgcompare.engine.transport.faults import engine_fault
from imgcompare.errors import EngineError, EngineRefusedError, ImageFormatError
from imgcompare.image.archive import THREADS, ArchivedImage, read_archive
from imgcompare.image.blob import BlobReader
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.image.overlay2 import LayerStore, LayerStoreError
from imgcompare.model import Stage
from imgcompare.run.measure import SUBJECT, digest_of
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.text.units import format_bytes

_REPORT_EVERY_BYTES = 16 << 20


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
            images[key] = ArchivedImage(config=config, image_id=digest_of(config), layers=read)
    return images


def _stored_layer(reader: BlobReader, store: LayerStore, diff_ids: Sequence[str], bench: Workbench) -> LayerIndex:
    layer = reader.read(_told(store.layer(diff_ids), bench), keep=0).layer
    if layer is None or layer.diff_id != diff_ids[-1]:
        raise LayerStoreError(f"what the store has for {diff_ids[-1]} is something else")
    return layer


def _export(keys: Sequence[str], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    if not keys:
        return {}
    bench.progress.stage(SUBJECT, Stage.EXPORT, "waiting for the engine")
    archive = read_archive(_told(bench.engine.export(keys), bench))
    bench.progress.finished(SUBJECT, "exported and measured", ok=True)
    return _kept({key: archive.find(key, platform=platform) for key in keys}, platform, bench)


def export_each(
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
        each |= export_each([key], platform, bench)
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
            bench.progress.stage(SUBJECT, Stage.EXPORT, f"{format_bytes(total)} read")
        yield chunk


def pull_sizes(images: Mapping[str, tuple[EngineImage, EngineImage]], plan: Plan, bench: Workbench) -> dict[str, int]:
    """What a server that has the first image of each pair would pull for the second: its other layers, compressed."""
    keys, platform = [after.image for _, after in images.values()], plan.config.platform
    archived: dict[str, ArchivedImage | ImageFormatError] = {**images_at_hand(keys, platform, {}, bench)}
    archived |= export_each([key for key in keys if key not in archived], platform, bench)
    sizes = {}
    for name, (before, after) in images.items():
        if isinstance(image := archived[after.image], ArchivedImage):
            added = {x.diff_id: x.compressed_size for x in image.layers if x.diff_id not in before.diff_ids}
            sizes[name] = sum(added.values())
    return sizes
