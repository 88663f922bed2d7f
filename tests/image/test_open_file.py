"""Images from files and folders: every form is the same image, and what is none gets an error that names it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.errors import ImageFormatError, UsageError
from imgcompare.image.open_file import open_image

if TYPE_CHECKING:
    from tests.support.images import Make

FORMS = ("legacy", "oci", "containerd", "podman")


def folder_of(path: Path, data: bytes) -> Path:
    """An archive, unpacked."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(path, filter="fully_trusted")  # noqa: S202 - we made it
    return path


@pytest.mark.parametrize("form", FORMS)
def test_files_and_folders_are_the_same_image(make: Make, tmp_path: Path, form: str) -> None:
    """A tar, the same packed (gzip, zstd, xz, bzip2), and unpacked into a folder give equal images."""
    data: bytes = getattr(make, form)(make.layers())
    (tmp_path / "plain.tar").write_bytes(data)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data))
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(data))
    (tmp_path / "b.tar.xz").write_bytes(lzma.compress(data[:999]) + bytes(8) + lzma.compress(data[999:]) + bytes(4))
    (tmp_path / "a.tar.bz2").write_bytes(bz2.compress(data[:999]) + bz2.compress(data[999:]))
    (tmp_path / "a.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(data))
    folder_of(tmp_path / "folder", data)
    image, *others = [open_image(path) for path in sorted(tmp_path.iterdir())]
    assert others == [image] * 6
    assert image.image_id == make.digest(make.config(make.layers()))
    assert open_image(tmp_path / "folder", "shop:1") == image


def test_a_pipe_will_do(make: Make, tmp_path: Path) -> None:
    """``<(docker save …)`` of a shell is read like a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes(make.oci(make.layers())))
    writer.start()
    assert open_image(pipe).layers
    writer.join()


def test_several_images_need_a_name(make: Make, tmp_path: Path) -> None:
    """An archive of two images says which there are; one of several platforms or names is one image."""
    layers = make.layers()
    configs = [make.config(layers), make.config(layers, architecture="arm64")]
    manifests = [make.manifest(config, layers) for config in configs]
    names = [{"io.containerd.image.name": name} for name in ("docker.io/library/shop:1", "shop:2")]
    blobs = [*make.blobs(*configs, *manifests, *layers)]
    two = [make.descriptor(manifest, annotations=name) for manifest, name in zip(manifests, names, strict=True)]
    path = tmp_path / "two.tar"
    path.write_bytes(make.tar([*blobs, ("index.json", make.index(*two))]))
    with pytest.raises(UsageError, match=r"two.*2 images: shop:1 \(linux/amd64\); shop:2 \(linux/arm64\)") as caught:
        open_image(path)
    assert caught.value.hint
    assert open_image(path, "shop:2").config == configs[1]

    nested = make.index(*map(make.descriptor, manifests))
    index = make.index(make.descriptor(nested))
    path.write_bytes(make.tar([*blobs, *make.blobs(nested), ("index.json", index)]))
    assert open_image(path, platform="linux/arm64").config == configs[1]
    assert open_image(path).config == configs[0]

    again = [make.descriptor(manifests[0], annotations=name) for name in names]
    path.write_bytes(make.tar([*blobs, ("index.json", make.index(*again))]))
    assert open_image(path).config == configs[0]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress], ids=["tar", "gz", "xz", "bz2"])
def test_a_name_and_a_platform_choose_of_many(make: Make, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A layout of two images for two platforms each, with a signature beside them: each is had, and no other for it."""
    layers, found, rows = make.layers(), {}, []
    blobs: list[tuple[str, bytes]] = [*make.blobs(*layers)]
    for name in ("shop:1", "shop:2"):
        manifests = []
        for architecture in ("amd64", "arm64"):
            config = make.config(layers, architecture=architecture, author=name)
            found[name, architecture] = config
            manifests.append(make.manifest(config, layers))
            blobs += make.blobs(config, manifests[-1])
        nested = make.index(*map(make.descriptor, manifests))
        blobs += make.blobs(nested)
        rows.append(make.descriptor(nested, annotations={"io.containerd.image.name": name}))
    artifact = {"artifactType": "application/vnd.sbom", "config": make.descriptor(b"{}", mediaType="x"), "layers": []}
    blobs += make.blobs(json.dumps(artifact).encode(), b"{}")
    rows.append(make.descriptor(json.dumps(artifact).encode()))
    path = tmp_path / "many.tar"
    path.write_bytes(pack(make.tar([*blobs, ("index.json", make.index(*rows))])))
    for (name, architecture), config in found.items():
        assert open_image(path, name, platform=f"linux/{architecture}").config == config
    assert open_image(path, "shop:2").config == found["shop:2", "amd64"]
    with pytest.raises(UsageError, match=r"2 images: .*shop:1.*shop:2"):
        open_image(path, platform="linux/arm64")
    with pytest.raises(UsageError, match="no image shop:3"):
        open_image(path, "shop:3")


def layout(make: Make, tmp_path: Path, form: str, damage: str) -> Path:
    """Three images in one file: shop:1 and shop:3 are well and share a layer, shop:2 is damaged."""
    base, upper = make.layers()
    bad = gzip.compress(make.tar([("a", b"a" * 5000)]), mtime=0)
    layers = [[base], [base, bad], [base, upper]]
    plain = [[gzip.decompress(x) if x == bad else x for x in some] for some in layers]
    configs = [make.config(some, author=str(number)) for number, some in enumerate(plain)]
    if damage == "config":
        configs[1] = b"[]"
    held = {"cut": bad[:-9], "flipped": bad[:-1] + bytes([bad[-1] ^ 1]), "missing": None}.get(damage, bad)
    contents = [*configs, base, upper]
    if form == "manifest":
        rows = [
            {
                "Config": make.digest(config)[7:] + ".json",
                "RepoTags": [f"shop:{number}"],
                "Layers": [f"{make.digest(x)[7:]}.tar" for x in some],
            }
            for number, (config, some) in enumerate(zip(configs, layers, strict=True), 1)
        ]
        files = [(f"{make.digest(x)[7:]}{'.json' if x in configs else '.tar'}", x) for x in contents]
        files += [(f"{make.digest(bad)[7:]}.tar", held)] if held else []
        files.append(("manifest.json", json.dumps(rows).encode()))
    else:
        manifests = [make.manifest(config, some) for config, some in zip(configs, layers, strict=True)]
        named = [
            make.descriptor(manifest, annotations={"io.containerd.image.name": f"shop:{number}"})
            for number, manifest in enumerate(manifests, 1)
        ]
        files = make.blobs(*contents, *manifests) + ([(make.blobs(bad)[0][0], held)] if held else [])
        files.append(("index.json", make.index(*named)))
    path = tmp_path / "three.tar"
    path.write_bytes(make.tar(files))
    return path


@pytest.mark.parametrize("form", ["manifest", "index", "folder"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "config"])
def test_an_unreadable_image_takes_no_other_with_it(make: Make, tmp_path: Path, form: str, damage: str) -> None:
    """Each image alone is told; the damaged one says why it is not, and the list of all says so too."""
    path = layout(make, tmp_path, "manifest" if form == "manifest" else "index", damage)
    if form == "folder":
        path = folder_of(tmp_path / "folder", path.read_bytes())
    base, upper = make.layers()
    assert [layer.diff_id for layer in open_image(path, "shop:1").layers] == [make.digest(base)]
    assert [layer.uncompressed_size for layer in open_image(path, "shop:3").layers] == [len(base), len(upper)]
    config = make.config([base, make.tar([("a", b"a" * 5000)])], author="1")
    for name in ("shop:2", *([make.digest(config)] if form == "manifest" and damage != "config" else ())):
        with pytest.raises(ImageFormatError, match=r"damaged|missing|config"):
            open_image(path, name)
    with pytest.raises(
        UsageError, match=r"3 images: shop:1 \(.*; shop:3 \(.*; shop:2, which cannot be read: "
    ) as caught:
        open_image(path)
    assert caught.value.hint


def test_a_platform_that_is_damaged_is_not_answered_by_another(make: Make, tmp_path: Path) -> None:
    """Of an index for several platforms the others are read; asked for, the damaged one is an error."""
    layers = make.layers()
    configs = [make.config(layers), make.config(layers, architecture="arm64")]
    manifests = [make.manifest(config, layers) for config in configs]
    nested = make.index(*map(make.descriptor, manifests))
    top = make.index(make.descriptor(nested, annotations={"io.containerd.image.name": "shop:1"}))
    blobs = make.blobs(configs[0], b"[]", *manifests, *layers, nested)
    blobs[1] = (make.blobs(configs[1])[0][0], b"[]")
    path = tmp_path / "shop.tar"
    path.write_bytes(make.tar([*blobs, ("index.json", top)]))
    told: list[str] = []
    assert open_image(path, note=told.append).config == open_image(path, platform="linux/amd64").config == configs[0]
    assert "which cannot be read" in told[0]
    for name in (None, "shop:1"):
        with pytest.raises(ImageFormatError, match="damaged"):
            open_image(path, name, platform="linux/arm64")


def test_a_file_that_breaks_off_is_refused_whole(make: Make, tmp_path: Path) -> None:
    """What follows is not known then: packed or not, an archive without its end is no archive of fewer images."""
    data = layout(make, tmp_path, "index", "none").read_bytes()
    for content in (data[:700], data[: data.index(b"index.json") + 600], gzip.compress(data)[:-9]):
        (tmp_path / "cut.tar").write_bytes(content)
        with pytest.raises(ImageFormatError, match=r"cut short|damaged"):
            open_image(tmp_path / "cut.tar", "shop:1")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no tar archive"),
        (b"PK\x03\x04" + b"x" * 600, "no tar archive, but packed with zip"),
        (b"\x04\x22\x4d\x18" + b"x" * 600, "no tar archive, but packed with lz4"),
        (b"hello", "no tar archive"),
        (gzip.compress(b"hello"), "no tar archive"),
        (gzip.compress(b"hello" * 500)[:-9], "no tar archive|damaged"),
        (b"\x1f\x8b\x08" + b"\xff" * 600, "damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 600, "damaged"),
        (lzma.compress(b"hello"), "no tar archive"),
        (lzma.compress(b"hello" * 500)[:-9], "no tar archive|damaged"),
        (b"\xfd7zXZ\0" + b"\xff" * 600, "damaged"),
        (bz2.compress(b"hello"), "no tar archive"),
        (bz2.compress(bytes(9999))[:-9], "no tar archive|damaged"),
        (bz2.compress(b"hello")[:10] + b"\xff" * 600, "damaged"),
        (b"BZh is no archive", "no tar archive"),
        (bytes(10240), "neither index.json nor manifest.json"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes, problem: str) -> None:
    """Whatever else a file holds, the error names it and says what it is not."""
    path = tmp_path / "no\x1b[31mimage"
    path.write_bytes(content)
    with pytest.raises((UsageError, ImageFormatError), match=problem) as caught:
        open_image(path)
    assert "image" in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


def test_other_paths_are_refused(tmp_path: Path) -> None:
    """Absent and unusual paths, devices and folders that are no image are wrong usage, and end at once."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "absent", tmp_path / "loop", tmp_path / "empty", Path("/dev/zero"), Path("nul\0")):
        with pytest.raises(UsageError):
            open_image(path)
    for document in (b"{}", b"[]", b"null", b'{"name": "web app", "icons": []}'):
        (tmp_path / "empty" / "manifest.json").write_bytes(document)
        with pytest.raises(ImageFormatError, match="empty"):
            open_image(tmp_path / "empty")


def test_nothing_outside_of_a_folder_is_read(make: Make, tmp_path: Path) -> None:
    """Links out of the folder, paths that lead out, FIFOs and damaged blobs are refused."""
    layers = make.layers()
    (tmp_path / "outside").write_bytes(layers[0])
    folder = folder_of(tmp_path / "folder", make.podman(layers))
    blob = folder / f"{make.digest(layers[0])[7:]}.tar"
    blob.unlink()
    blob.symlink_to(tmp_path / "outside")
    with pytest.raises(ImageFormatError, match="missing"):
        open_image(folder)
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(ImageFormatError, match="missing"):
        open_image(folder)
    blob.unlink()
    blob.write_bytes(layers[1])
    with pytest.raises(ImageFormatError, match="damaged"):
        open_image(folder)
    (folder / "manifest.json").write_text(json.dumps([{"Config": "../outside", "Layers": []}]))
    with pytest.raises(ImageFormatError, match="missing"):
        open_image(folder)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_raise_only_our_errors(
    make: Make, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Random damage to a file, packed or not, ends in one of our errors or in an image."""
    good = getattr(make, data.draw(st.sampled_from(FORMS)))(make.layers())
    pack = data.draw(st.sampled_from(("plain", "gzip", "zstd")))
    packed = {"plain": good, "gzip": gzip.compress(good), "zstd": zstandard.ZstdCompressor().compress(good)}[pack]
    damaged = bytearray(packed)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 1 << 20)) % len(damaged)  # packed, it is not always as long
        junk = data.draw(st.binary(min_size=1, max_size=40))
        damaged[place : place + len(junk)] = junk
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    path.write_bytes(damaged)
    with suppress(ImageFormatError, UsageError):
        assert open_image(path).layers is not None
