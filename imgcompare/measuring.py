"""From images on the engine to their true sizes: one export for all that are not known yet, read while it streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from imgcompare.building import BuiltVariant
from imgcompare.image.archive import ArchivedImage, describe, read_archive
from imgcompare.model import Image, Stage
from imgcompare.plan import Plan
from imgcompare.units import format_bytes
from imgcompare.workbench import Workbench

_SUBJECT = "images"
_REPORT_EVERY_BYTES = 16 << 20


def measure_images(plan: Plan, built: Mapping[str, BuiltVariant], bench: Workbench) -> dict[str, Image]:
    """Measure every built variant's image, by variant name; layers that several share are exported once."""
    platform = plan.config.platform
    keys = dict.fromkeys(variant.image.image for variant in built.values())
    known = {key: image for key in keys if (image := bench.cache.image(key, platform)) is not None}
    missing = [key for key in keys if key not in known]
    if missing:
        known |= _export(missing, platform, bench)
    references = {variant.name: variant.spec.image or variant.tag for variant in plan.variants}
    return {
        name: describe(known[variant.image.image], references[name], variant.stand_ins)
        for name, variant in built.items()
    }


def _export(keys: list[str], platform: str | None, bench: Workbench) -> dict[str, ArchivedImage]:
    bench.progress.stage(_SUBJECT, Stage.EXPORT, "waiting for the engine")
    archive = read_archive(_told(bench.engine.export(keys), bench))
    images = {key: archive.find(key, platform=platform) for key in keys}
    for key, image in images.items():
        bench.cache.put_image(key, platform, image)
    return images


def _told(chunks: Iterable[bytes], bench: Workbench) -> Iterator[bytes]:
    """Pass the stream on, saying how far it is."""
    total, told = 0, -_REPORT_EVERY_BYTES
    for chunk in chunks:
        total += len(chunk)
        if total - told >= _REPORT_EVERY_BYTES:
            told = total
            bench.progress.stage(_SUBJECT, Stage.EXPORT, f"{format_bytes(total)} read")
        yield chunk
    bench.progress.finished(_SUBJECT, f"{format_bytes(total)} exported and measured", ok=True)
