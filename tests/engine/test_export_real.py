"""Images exported by a real engine, measured against GNU tar's view of what the docker client saves."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

import docker
import pytest

from imgcompare.image.archive import describe, read_archive

if TYPE_CHECKING:
    from pathlib import Path

BASES = ("python:3.11-slim", "python:3.11")
CHUNK = 1 << 18


@pytest.fixture(scope="module")
def saved(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both bases saved to one file by the engine."""
    path = tmp_path_factory.mktemp("saved") / "bases.tar"
    with closing(docker.APIClient(base_url=engine_url, version="auto", timeout=300)) as client, path.open("wb") as file:
        query = [("names", name) for name in BASES]
        with client.get(f"{client.base_url}/images/get", params=query, stream=True) as reply:
            reply.raise_for_status()
            for chunk in reply.iter_content(CHUNK):
                file.write(chunk)
    yield path
    path.unlink()


def chunks(path: Path) -> Iterator[bytes]:
    """The file as it would come from the engine."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def member(path: Path, name: str) -> bytes:
    """One file of the archive, by GNU tar."""
    return subprocess.run(["tar", "-xOf", str(path), name], capture_output=True, check=True).stdout


@cache
def measured(path: Path, name: str) -> tuple[str, int, int]:
    """The digest, the size, and the files in GNU tar's listing of a layer, links followed."""
    listing = subprocess.run(["tar", "-tvf", str(path), name], capture_output=True, check=True, text=True).stdout
    if " -> " in listing:
        name = listing.strip().rpartition(" -> ")[2].removeprefix("../")
    layer = member(path, name)
    listed = subprocess.run(
        ["tar", "-t", "-v", "--quoting-style=literal"], input=layer, capture_output=True, check=True
    )
    rows = [row for row in listed.stdout.splitlines() if not row.startswith(b"d") and b"/.wh." not in row]
    return "sha256:" + hashlib.sha256(layer).hexdigest(), len(layer), len(rows)


def test_layers_are_what_gnu_tar_sees(saved: Path) -> None:
    """Each layer's digest, size and file count of both bases equal those of the saved file, taken apart by GNU tar."""
    archive = read_archive(chunks(saved))
    rows = {row["RepoTags"][0]: row for row in json.loads(member(saved, "manifest.json"))}
    for base in BASES:
        image = archive.find(base)
        found = [(layer.diff_id, layer.uncompressed_size, layer.file_count) for layer in image.layers]
        assert found == [measured(saved, name) for name in rows[base]["Layers"]]
        assert describe(image).uncompressed_size == sum(size for _, size, _ in found)
        assert image.config == member(saved, rows[base]["Config"])


def test_engine_ids_lead_to_the_images(engine_url: str, saved: Path) -> None:
    """What the engine calls an image finds it in the engine's export."""
    archive = read_archive(chunks(saved))
    with closing(docker.DockerClient(base_url=engine_url)) as client:
        for base in BASES:
            engine_id = client.images.get(base).id
            assert engine_id
            assert archive.find(engine_id) == archive.find(base)
