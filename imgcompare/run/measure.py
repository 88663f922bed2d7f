"""From images on the engine to their true sizes: what is known is not worked out again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.analysis.layer_origin import origins
from imgcompare.analysis.version import VERSION
from imgcompare.dockerfile.slim_tags import has_slim_variant
from imgcompare.errors import ImageFormatError
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.model import Image, Layer, SavingKind
from imgcompare.run.base_layers import base_layer_count
from imgcompare.run.build import BuiltVariant
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.image.archive import ArchivedImage
    from imgcompare.image.layer_index import LayerIndex

SUBJECT = "images"
"""What is told of reading and measuring goes by this name."""

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
        elif image := _at_hand(key, platform, layers, bench):
            found[subject] = _analysed(image, base, bench)
            bench.progress.finished(SUBJECT, f"{name} measured", ok=True)
    missing = dict.fromkeys(subject for subject in map(_subject, built.values()) if subject not in found)
    if missing:
        from imgcompare.run.read_images import export_each  # noqa: PLC0415 - not where all is known

        exported = export_each(list(dict.fromkeys(key for key, _ in missing)), platform, bench)
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


def _subject(variant: BuiltVariant) -> _Subject:
    return variant.image.image, base_layer_count(variant)


def _known(config: bytes | None, base: int | None, bench: Workbench) -> _Measured | None:
    """What was worked out of an image before, without loading a single layer."""
    image = bench.cache.finding(digest_of(config), _kind(base), Image) if config else None
    return _Measured(config, image) if config and image else None


def _at_hand(key: str, platform: str | None, layers: dict[str, LayerIndex], bench: Workbench) -> ArchivedImage | None:
    from imgcompare.run.read_images import images_at_hand  # noqa: PLC0415 - not where all is known

    return images_at_hand([key], platform, layers, bench).get(key)


def _analysed(archived: ArchivedImage, base: int | None, bench: Workbench) -> _Measured | ImageFormatError:
    from imgcompare.analysis.analyse import analyse  # noqa: PLC0415 - not where all is known

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


def digest_of(config: bytes) -> str:
    """The digest that an image goes by."""
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def _kind(base: int | None) -> str:
    return f"analysis {VERSION}, base of {base} layers"
