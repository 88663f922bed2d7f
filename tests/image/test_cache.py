"""The cache: what was put comes back, and nothing that is damaged, foreign or unwritable ever gets in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from imgcompare.analysis.describe import describe
from imgcompare.image import cache as module
from imgcompare.image.archive import ArchivedImage, read_archive
from imgcompare.image.cache import ImageCache, default_cache
from imgcompare.model import Image, LargeFile

if TYPE_CHECKING:
    from tests.support.images import Make

ENGINE_DIGEST = "sha256:" + "e" * 64


@pytest.fixture
def image(make: Make) -> ArchivedImage:
    """An image as read from an archive, its compressed sizes known."""
    return read_archive([make.containerd(make.layers())]).find("shop:1")


def files(folder: Path) -> list[Path]:
    """Every file of the cache."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_image_comes_back_as_it_was(tmp_path: Path, image: ArchivedImage) -> None:
    """An image and its layers are found again, by another cache on the same folder."""
    ImageCache(tmp_path).put_image(ENGINE_DIGEST, "linux/amd64", image)
    again = ImageCache(tmp_path)
    assert again.image(ENGINE_DIGEST, "linux/amd64") == image
    assert again.layer(image.layers[0].diff_id) == image.layers[0]
    assert len(files(tmp_path)) == 3


def test_other_keys_miss(tmp_path: Path, image: ArchivedImage) -> None:
    """Another platform or digest is another image, and a tag is never a key."""
    cache = ImageCache(tmp_path)
    cache.put_image("shop:1", None, image)
    assert files(tmp_path) == []
    cache.put_image(ENGINE_DIGEST, None, image)
    assert cache.image(ENGINE_DIGEST, "linux/arm64") is None
    assert cache.image("sha256:" + "0" * 64, None) is None
    for key in ("shop:1", "", "sha256:..", "sha256:" + "E" * 64, "../" * 5):
        assert cache.image(key, None) is None
        assert cache.layer(key) is None


def test_a_known_compressed_size_is_kept(tmp_path: Path, image: ArchivedImage) -> None:
    """An export without compressed blobs does not make the cache forget the exact size."""
    cache = ImageCache(tmp_path)
    (exact, _) = image.layers
    cache.put_layer(exact)
    cache.put_layer(replace(exact, compressed_size=5, compressed_size_exact=False))
    assert cache.layer(exact.diff_id) == exact


def test_every_entry_comes_back(tmp_path: Path, make: Make) -> None:
    """More entries than a slice holds, names that are not UTF-8, huge numbers and documents are as they were read."""
    odd = make.special("dir\udcff/\u202e\n", b"2", "to\udc80")
    odd.uid = 1 << 40
    layer = make.tar(
        [odd, ("var/lib/dpkg/status", b"Package: x\n\xff"), *((f"f{n}", b"x" * (n % 9)) for n in range(9000))]
    )
    image = read_archive([make.legacy([layer, make.tar([])])]).find("shop:1")
    ImageCache(tmp_path).put_image(ENGINE_DIGEST, None, image)
    assert ImageCache(tmp_path).image(ENGINE_DIGEST, None) == image
    assert image.layers[0].entries[0].path == "dir\udcff/\u202e\n"
    assert image.layers[0].documents == {"var/lib/dpkg/status": b"Package: x\n\xff"}


def test_findings_come_back(tmp_path: Path, image: ArchivedImage) -> None:
    """What was worked out from an image is found under its kind alone, and only in the shape it has."""
    cache = ImageCache(tmp_path)
    found = describe(image)
    cache.put_finding(image.image_id, "sizes 1", found)
    assert cache.finding(image.image_id, "sizes 1", Image) == found
    assert cache.finding(image.image_id, "sizes 2", Image) is None
    assert cache.finding(ENGINE_DIGEST, "sizes 1", Image) is None
    assert cache.finding(image.image_id, "sizes 1", LargeFile) is None
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert cache.finding(image.image_id, "sizes 1", Image) is None


def test_an_image_is_known_by_its_digest(tmp_path: Path, image: ArchivedImage) -> None:
    """What an engine's digest stands for is told without its layers."""
    cache = ImageCache(tmp_path)
    assert cache.config(ENGINE_DIGEST, None) is None
    cache.put_image(ENGINE_DIGEST, None, image)
    assert cache.config(ENGINE_DIGEST, None) == image.config


def test_damage_is_a_miss(tmp_path: Path, image: ArchivedImage) -> None:
    """Cut at any byte or with any bit flipped, an entry is absent; storing it again heals it."""
    cache = ImageCache(tmp_path)
    cache.put_image(ENGINE_DIGEST, None, image)
    for path in files(tmp_path):
        whole = path.read_bytes()
        damaged = [whole[:end] for end in range(0, len(whole), 7)]
        damaged += [whole[:at] + bytes((whole[at] ^ 4,)) + whole[at + 1 :] for at in range(0, len(whole), 5)]
        for content in damaged:
            path.write_bytes(content)
            assert ImageCache(tmp_path).image(ENGINE_DIGEST, None) is None
        path.write_bytes(whole)
    files(tmp_path)[0].unlink()
    assert ImageCache(tmp_path).image(ENGINE_DIGEST, None) is None
    cache.put_image(ENGINE_DIGEST, None, image)
    assert ImageCache(tmp_path).image(ENGINE_DIGEST, None) == image


def test_swapped_entries_are_misses(tmp_path: Path, image: ArchivedImage) -> None:
    """An entry that is whole but stands in another's place is not believed."""
    cache = ImageCache(tmp_path)
    cache.put_image(ENGINE_DIGEST, None, image)
    contents = [path.read_bytes() for path in files(tmp_path)]
    for path, content in zip(files(tmp_path), contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    assert ImageCache(tmp_path).image(ENGINE_DIGEST, None) is None
    assert ImageCache(tmp_path).layer(image.layers[0].diff_id) is None


def test_no_folder_is_no_cache(tmp_path: Path, image: ArchivedImage) -> None:
    """Without a usable folder nothing is kept and nothing fails."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    for cache in (ImageCache(None), ImageCache(blocked), ImageCache(Path("/proc/none"))):
        cache.put_image(ENGINE_DIGEST, None, image)
        assert cache.image(ENGINE_DIGEST, None) is None


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: ArchivedImage) -> None:
    """The default is below the user's cache folder, and readable for its owner only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    default_cache().put_image(ENGINE_DIGEST, None, image)
    assert ImageCache(tmp_path / "imgcompare" / "images").image(ENGINE_DIGEST, None) == image
    assert {path.stat().st_mode & 0o077 for path in files(tmp_path)} == {0}


def test_without_home_nothing_is_written_here(tmp_path: Path) -> None:
    """A user without HOME and without an account gets no folder named "~"."""
    code = (
        "import os; from imgcompare.image.cache import default_cache\n"
        "from imgcompare.image.layer_index import LayerIndex\n"
        "if os.getuid() == 0: os.setuid(54321)\n"
        "default_cache().put_layer(LayerIndex(diff_id='sha256:' + 'a' * 64, uncompressed_size=1, file_count=1,"
        " compressed_size=1, compressed_size_exact=True, entries=(), documents={}))"
    )
    tmp_path.chmod(0o777)
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=True
    )
    assert list(tmp_path.iterdir()) == []


def test_old_entries_make_room(tmp_path: Path, image: ArchivedImage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the longest unused entries go; what was used lately stays."""
    monkeypatch.setattr(module, "_MAX_ENTRIES", 10)
    ImageCache(tmp_path).put_image(ENGINE_DIGEST, None, image)
    for number in range(20):
        for path in files(tmp_path):
            os.utime(path, (0, path.stat().st_mtime - 10_000))
        cache = ImageCache(tmp_path)
        assert cache.image(ENGINE_DIGEST, None) == image
        cache.put_image(f"sha256:{number:064x}", None, image)
    assert len(files(tmp_path)) == 10
    assert cache.image(ENGINE_DIGEST, None) == image
    assert cache.image(f"sha256:{0:064x}", None) is None


def test_concurrent_runs_do_not_disturb_each_other(tmp_path: Path, image: ArchivedImage) -> None:
    """While several write the same entries, a reader sees a whole one or none."""
    ImageCache(tmp_path).put_image(ENGINE_DIGEST, None, image)

    def work(_: int) -> bool:
        cache = ImageCache(tmp_path)
        cache.put_image(ENGINE_DIGEST, None, image)
        return cache.image(ENGINE_DIGEST, None) == image

    with ThreadPool(4) as pool:
        assert all(pool.map(work, range(60)))
    assert len(files(tmp_path)) == 3
