"""Images exported by a real engine, measured against GNU tar's view of what the docker client saves."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from stat import filemode
from typing import TYPE_CHECKING, TypeAlias

import docker
import pytest

from imgcompare.image.archive import read_archive

if TYPE_CHECKING:
    from pathlib import Path

    from imgcompare.image.layer_index import FileEntry

BASES = ("python:3.11-slim", "python:3.11")
CHUNK = 1 << 18
Row: TypeAlias = tuple[str, str, str, str, str]


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
def by_gnu_tar(path: Path, name: str) -> tuple[str, int, list[Row]]:
    """The digest, the size, and GNU tar's listing of a layer, links in the archive followed."""
    listing = subprocess.run(["tar", "-tvf", str(path), name], capture_output=True, check=True, text=True).stdout
    if " -> " in listing:
        name = listing.strip().rpartition(" -> ")[2].removeprefix("../")
    layer = member(path, name)
    command = ["tar", "-t", "-v", "--numeric-owner", "--quoting-style=literal"]
    listed = subprocess.run(command, input=layer, capture_output=True, check=True).stdout
    return "sha256:" + hashlib.sha256(layer).hexdigest(), len(layer), [gnu_row(line) for line in listed.splitlines()]


def gnu_row(line: bytes) -> Row:
    """A line of the listing: mode, owner, size (or device numbers), date, time, name and link."""
    mode, owner, size, _, _, name = line.decode("utf-8", "surrogateescape").split(None, 5)
    name, _, link = name.partition({"h": " link to ", "l": " -> "}.get(mode[0], "\0"))
    link = link.removeprefix("./") if mode[0] == "h" else link
    return mode, owner, "" if mode[0] in "cb" else size, name.removeprefix("./").rstrip("/"), link


def our_row(entry: FileEntry) -> Row:
    """An entry as such a line tells it."""
    letter = "-hlcbdp"[int(entry.kind)]
    size = "" if letter in "cb" else str(entry.size)
    return letter + filemode(entry.mode)[1:], f"{entry.uid}/{entry.gid}", size, entry.path, entry.link


def test_layers_are_what_gnu_tar_sees(saved: Path) -> None:
    """Each layer's digest, size and entries (mode, owner, size, name, link) of both bases are those GNU tar finds."""
    archive = read_archive(chunks(saved))
    rows = {row["RepoTags"][0]: row for row in json.loads(member(saved, "manifest.json"))}
    for base in BASES:
        image = archive.find(base)
        for layer, name in zip(image.layers, rows[base]["Layers"], strict=True):
            digest, size, listed = by_gnu_tar(saved, name)
            assert (layer.diff_id, layer.uncompressed_size) == (digest, size)
            assert [our_row(entry) for entry in layer.entries] == listed
            folders_and_whiteouts = sum(row[0][0] == "d" or "/.wh." in f"/{row[3]}" for row in listed)
            assert layer.file_count == len(listed) - folders_and_whiteouts
            assert 1024 <= size - sum(entry.stored for entry in layer.entries) < 10240
        assert image.config == member(saved, rows[base]["Config"])


def test_engine_ids_lead_to_the_images(engine_url: str, saved: Path) -> None:
    """What the engine calls an image finds it in the engine's export."""
    archive = read_archive(chunks(saved))
    with closing(docker.DockerClient(base_url=engine_url)) as client:
        for base in BASES:
            engine_id = client.images.get(base).id
            assert engine_id
            assert archive.find(engine_id) == archive.find(base)
