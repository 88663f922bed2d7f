"""The shapes of archives that other tools write and are tested with, each made anew: what is read of it, or why not."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from imgcompare.analysis.describe import describe
from imgcompare.errors import ImageFormatError
from imgcompare.image.archive import read_archive

if TYPE_CHECKING:
    from tests.support.images import Entries, Make

Shape: TypeAlias = Callable[["Make"], "Entries"]


def _manifest(*rows: dict[str, Any]) -> tuple[str, bytes]:
    return "manifest.json", json.dumps(rows).encode()


def _names(make: Make, layers: list[bytes], ending: str = ".tar.gz") -> dict[str, bytes]:
    return {f"{make.digest(layer)[7:]}{ending}": layer for layer in layers}


def crane(make: Make) -> Entries:
    """Crane and kaniko: the config named by its digest, layers packed and named by theirs, manifest.json in the end."""
    files = _names(make, [gzip.compress(layer) for layer in make.layers()])
    config = make.config(make.layers())
    saved = {"Config": make.digest(config), "RepoTags": ["shop:1"], "Layers": list(files)}
    return [(make.digest(config), config), *files.items(), _manifest(saved)]


def bazel(make: Make) -> Entries:
    """rules_docker: names that begin with a dot, folders, the manifest first."""
    config = make.config(make.layers())
    paths = {f"{index}/layer.tar": layer for index, layer in enumerate(make.layers())}
    saved = {"Config": "config.json", "RepoTags": ["bazel/shop:1", "shop:1"], "Layers": list(paths)}
    name, manifest = _manifest(saved)
    folders = [make.special(f"./{index}", tarfile.DIRTYPE) for index in range(2)]
    files = [(f"./{path}", content) for path, content in {"config.json": config, **paths}.items()]
    return [(f"./{name}", manifest), *folders, *files]


def hard_linked(make: Make) -> Entries:
    """A layer that is there once, and under its other name as a hard link."""
    first, second = make.layers()
    config = make.config([first, second, first])
    saved = {"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}
    link = make.special("c/layer.tar", tarfile.LNKTYPE, "a/layer.tar")
    return [("c.json", config), ("a/layer.tar", first), ("b/layer.tar", second), link, _manifest(saved)]


def with_sources(make: Make) -> Entries:
    """A manifest with fields of which we know nothing (LayerSources, Parent), and a file that nothing names."""
    config = make.config(make.layers())
    files = _names(make, make.layers(), ".tar")
    saved = {"Config": "c.json", "Layers": list(files), "LayerSources": {}, "Parent": "sha256:0"}
    return [("c.json", config), *files.items(), ("README", b"hello"), _manifest(saved)]


@pytest.mark.parametrize("shape", [crane, bazel, hard_linked, with_sources])
def test_what_other_tools_write_is_read(make: Make, shape: Shape) -> None:
    """Each holds the sample image's layers, under names of its own."""
    (image,) = read_archive([make.tar(shape(make))]).images
    layers = make.layers()
    expected = [*layers, layers[0]] if shape is hard_linked else layers
    told = describe(image)
    assert [layer.diff_id for layer in told.layers] == [make.digest(layer) for layer in expected]
    assert told.uncompressed_size == sum(map(len, expected))
    assert told.compressed_size_exact is (shape is crane)


def test_several_images_share_layers(make: Make) -> None:
    """A bundle of two images, one layer in both, each with names of its own, found by any of them."""
    first, second = make.layers()
    configs = [make.config([first]), make.config([first, second])]
    rows = [
        {"Config": "1.json", "RepoTags": ["shop:1", "shop:latest"], "Layers": ["a.tar"]},
        {"Config": "2.json", "RepoTags": ["shop:2"], "Layers": ["a.tar", "b.tar"]},
    ]
    files: Entries = [("1.json", configs[0]), ("2.json", configs[1]), ("a.tar", first), ("b.tar", second)]
    read = read_archive([make.tar([*files, _manifest(*rows)])])
    assert [len(image.layers) for image in read.images] == [1, 2]
    assert read.find("shop").image_id == read.find("shop:1").image_id == make.digest(configs[0])
    assert read.find("shop:2").layers[0] is read.find("shop:1").layers[0]


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (None, "neither index.json nor manifest.json"),
        (b"null", "manifest.json is no JSON"),
        (b"[]", "its index names no image"),
        (b"{}", "manifest.json of an exported image cannot be read"),
        (b'[{"Config": "none.json", "Layers": []}]', "none.json, which manifest.json names, is missing"),
        (b'[{"Config": "c.json", "Layers": ["none.tar"]}]', "none.tar, which manifest.json names, is missing"),
        (b'[{"Config": "c.json", "Layers": ["a.tar"]}]', "lists 2 layers, its manifest 1"),
        (b'[{"Config": "c.json", "Layers": ["b.tar", "a.tar"]}]', "layer 1 of"),
        (b'[{"Config": "a.tar", "Layers": []}]', "no JSON"),
    ],
)
def test_what_names_no_whole_image_is_refused_with_what_is_missing(
    make: Make, manifest: bytes | None, problem: str
) -> None:
    """No manifest, an empty one, names of nothing, layers that are others than the config says (foreign ones too)."""
    first, second = make.layers()
    files: list[tuple[str, bytes]] = [("c.json", make.config([first, second])), ("a.tar", first), ("b.tar", second)]
    if manifest is not None:
        files.append(("manifest.json", manifest))
    with pytest.raises(ImageFormatError, match=problem):
        read_archive([make.tar(files)])
