"""Layers put together from an engine's files, on stores made here: right, damaged and hostile ones."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imgcompare.image.overlay2 import LayerStore, LayerStoreError, chain_id

CACHE_ID = "xwn91xxlmoy5x5q1xjp1012dj"
CONTENT = b"hello" * 300_000  # more than one piece


def layer_tar() -> bytes:
    """A layer with a folder, a file in it, an empty file and a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("app")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        file = tarfile.TarInfo("app/big")
        file.size = len(CONTENT)
        tar.addfile(file, io.BytesIO(CONTENT))
        tar.addfile(tarfile.TarInfo("app/empty"))
        link = tarfile.TarInfo("app/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    return stream.getvalue()


TAR = layer_tar()
DIFF_ID = f"sha256:{hashlib.sha256(TAR).hexdigest()}"


def parts(name: str = "app/big", *, raw: bool = False) -> list[dict[str, object]]:
    """TAR split as the engine splits it."""
    start = TAR.index(CONTENT)
    named = {"name_raw": base64.b64encode(name.encode()).decode()} if raw else {"name": name}
    return [
        {"type": 2, "payload": base64.b64encode(TAR[:start]).decode(), "position": 0},
        {"type": 1, "size": len(CONTENT), "payload": "AAAA", "position": 1, **named},
        {"type": 2, "payload": base64.b64encode(TAR[start + len(CONTENT) :]).decode(), "position": 2},
        {"type": 1, "name": "app/empty", "payload": None, "position": 3},
    ]


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., LayerStore]:
    """A function that makes a store with the one layer."""

    def make(split: list[dict[str, object]] | None = None, cache_id: str = CACHE_ID) -> LayerStore:
        entry = tmp_path / "image/overlay2/layerdb/sha256" / DIFF_ID.removeprefix("sha256:")
        entry.mkdir(parents=True)
        (entry / "cache-id").write_text(cache_id)
        lines = "".join(json.dumps(part) + "\n" for part in split or parts())
        (entry / "tar-split.json.gz").write_bytes(gzip.compress(lines.encode()))
        folder = tmp_path / "overlay2" / CACHE_ID / "diff" / "app"
        folder.mkdir(parents=True)
        (folder / "big").write_bytes(CONTENT)
        (folder / "empty").touch()
        (folder / "link").symlink_to("/etc")
        return LayerStore(tmp_path)

    return make


def test_a_layer_is_put_together_byte_for_byte(store: Callable[..., LayerStore]) -> None:
    """Headers from the split, contents from the files: the tar that the diff_id hashes."""
    made = store()
    assert made.readable()
    assert b"".join(made.layer([DIFF_ID])) == TAR


def test_a_name_may_be_given_raw(store: Callable[..., LayerStore]) -> None:
    """Names that are no UTF-8 stand in another field."""
    assert b"".join(store(parts(raw=True)).layer([DIFF_ID])) == TAR


def test_stacks_are_named_as_the_image_specification_says() -> None:
    """The chain of one layer is its diff_id; of two, the digest of both."""
    other = f"sha256:{'1' * 64}"
    assert chain_id([DIFF_ID]) == DIFF_ID
    assert chain_id([DIFF_ID, other]) == f"sha256:{hashlib.sha256(f'{DIFF_ID} {other}'.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "name", ["app/link/passwd", "../../../../secret", "app/missing", "app", "app/empty", "app/fifo"]
)
def test_nothing_leads_out_of_the_layers_folder(name: str, store: Callable[..., LayerStore], tmp_path: Path) -> None:
    """Links, parents, missing, short and special files end the reading; none is followed, and a FIFO does not block."""
    made = store(parts(name))
    (tmp_path / "secret").write_bytes(CONTENT)
    os.mkfifo(tmp_path / "overlay2" / CACHE_ID / "diff" / "app" / "fifo")
    with pytest.raises(LayerStoreError):
        b"".join(made.layer([DIFF_ID]))


def test_a_damaged_store_is_an_error_of_one_kind(store: Callable[..., LayerStore], tmp_path: Path) -> None:
    """Truncated and garbled split files, and cache ids that are paths, all mean: use the export."""
    made = store()
    split = next(tmp_path.rglob("tar-split.json.gz"))
    whole = split.read_bytes()
    for damaged in (whole[:40], gzip.compress(b"{}\n"), gzip.compress(b"no json\n"), b"plain"):
        split.write_bytes(damaged)
        with pytest.raises(LayerStoreError):
            b"".join(made.layer([DIFF_ID]))
    split.write_bytes(whole)
    split.with_name("cache-id").write_text("../../../etc")
    with pytest.raises(LayerStoreError):
        b"".join(made.layer([DIFF_ID]))


def test_an_unknown_layer_is_an_error(store: Callable[..., LayerStore]) -> None:
    """A layer that the store does not have means: use the export."""
    with pytest.raises(LayerStoreError):
        b"".join(store().layer([f"sha256:{'0' * 64}"]))


def test_a_config_is_held_to_its_digest(store: Callable[..., LayerStore], tmp_path: Path) -> None:
    """A config comes back only if it hashes to the name it was asked for."""
    made = store()
    digest = hashlib.sha256(b"{}").hexdigest()
    folder = tmp_path / "image/overlay2/imagedb/content/sha256"
    folder.mkdir(parents=True)
    (folder / digest).write_bytes(b"{}")
    (folder / ("0" * 64)).write_bytes(b"{}")
    assert made.config(f"sha256:{digest}") == b"{}"
    for image in (f"sha256:{'0' * 64}", f"sha256:{'1' * 64}", "../x", "python:3.11"):
        with pytest.raises(LayerStoreError):
            made.config(image)


def test_a_folder_without_a_store_is_not_readable(tmp_path: Path) -> None:
    """Another driver's data root, or none, is no store."""
    assert not LayerStore(tmp_path).readable()
