"""An image's layers → everything the report says of it: sizes, packages, waste, and a category for every byte."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from imgcompare.analysis.breakdown import Categories, breakdown
from imgcompare.analysis.caches import caches
from imgcompare.analysis.describe import describe
from imgcompare.analysis.dive_efficiency import efficiency
from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import find_packages
from imgcompare.analysis.savings import find_savings
from imgcompare.analysis.security import security
from imgcompare.analysis.size_tree import grow
from imgcompare.analysis.waste import waste
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import ImageConfig, Settings, decode
from imgcompare.model import Image, SecretFile
from imgcompare.text.printable import file_name

_LARGEST = 20
_MOST_SECRETS = 20


def analyse(archived: ArchivedImage, base_layer_count: int | None) -> Image:
    """Work out all that an image alone can tell; the lowest ``base_layer_count`` layers are its base's, if known.

    Reference and stand-ins, and what it shares with others, are the caller's to add. Raises ImageFormatError when the
    config is no image's.
    """
    image = describe(archived)
    layers = archived.layers
    settings = decode(archived.config, ImageConfig, "the image's config").config
    score = efficiency(layers)  # before merging: both take their memory for each file
    root = merge(layers)
    inventory = find_packages(layers, root)
    wasted = waste(layers, root, [layer.created_by for layer in image.layers])
    categories = Categories(inventory, (settings.working_dir or "") if settings else "", _command(settings))
    apart, contents = breakdown(layers, categories, base_layer_count=base_layer_count)
    base_size = None if base_layer_count is None else sum(x.uncompressed_size for x in layers[:base_layer_count])
    return replace(
        image,
        layers=tuple(
            replace(layer, base=None if base_layer_count is None else index < base_layer_count)
            for index, layer in enumerate(image.layers)
        ),
        base_size=base_size,
        own_size=None if base_size is None else image.uncompressed_size - base_size,
        file_count=root.file_count,
        wasted_bytes=wasted.wasted_bytes,
        efficiency=score,
        wasted_files=wasted.files,
        breakdown=apart,
        contents=contents,
        caches=caches(layers, categories),
        tree=grow(layers, categories, inventory),
        packages=inventory.packages,
        largest_files=root.largest_files(_LARGEST),
        largest_folders=root.largest_folders(_LARGEST),
        security=security(root, image.user),
        secret_files=_secret_files(layers[base_layer_count or 0 :]),
        savings=find_savings(layers, root, categories, base_layer_count, [one.created_by for one in image.layers]),
    )


def _command(settings: Settings | None) -> tuple[str, ...]:
    """The words of what a container starts; those of one string are a shell's, and taken apart at spaces."""
    found: list[str] = []
    for part in (settings.entrypoint, settings.cmd) if settings else ():
        words = part.split() if isinstance(part, str) else part or ()
        found += words[-1].split() if tuple(words[:2]) == ("/bin/sh", "-c") else words
    return tuple(found)


def _secret_files(layers: Sequence[LayerIndex]) -> tuple[SecretFile, ...]:
    """The files of some layers that hold secrets; one that a later layer deletes is in the image all the same."""
    found = {path: kinds for layer in layers for path, kinds in layer.secrets.items()}
    return tuple(SecretFile(path=f"/{file_name(path)}", holds=found[path]) for path in sorted(found)[:_MOST_SECRETS])
