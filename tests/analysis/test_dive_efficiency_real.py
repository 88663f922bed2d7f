"""The efficiency score against dive's, on images that a real engine stores and saves."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import docker
import pytest

from imgcompare.analysis.dive_efficiency import efficiency
from imgcompare.image.archive import read_archive

Entry: TypeAlias = tuple[str, bytes, bytes, str]
DIVE = Path(sys.executable).with_name("dive")
TAG = "imgcompare-test-dive:1"


def file(name: str, kib: int = 0) -> Entry:
    """A file of so many KiB; a whiteout has none."""
    return name, tarfile.REGTYPE, name[-1:].encode() * (kib << 10), ""


def folder(name: str) -> Entry:
    """A folder."""
    return name, tarfile.DIRTYPE, b"", ""


def link(name: str, target: str) -> Entry:
    """A hard link."""
    return name, tarfile.LNKTYPE, b"", target


LOWER = [folder("app"), file("app/a", 40), file("app/b", 30), folder("app/sub"), file("app/sub/c", 20), file("d", 10)]
SHAPES = {
    "single layer": [LOWER],
    "overwritten": [LOWER, [file("d", 90)], [file("d", 5), folder("app"), file("app/a", 41)]],
    "files deleted": [LOWER, [file(".wh.d"), folder("app"), file("app/.wh.a")]],
    "folder deleted": [LOWER, [folder("app"), file("app/.wh.sub"), file("e", 7)]],
    "chmod -R": [LOWER, [*LOWER[:5], file("new", 1)]],
    "opaque": [LOWER, [folder("app"), file("app/.wh..wh..opq"), file("app/a", 4)], [file(".wh.app")]],
    "hard links": [[*LOWER, link("app/e", "app/a")], [folder("app"), file("app/e", 40), link("f", "app/e")]],
    "deleted and back": [LOWER, [file(".wh.d")], [file("d", 11)], [file(".wh.app"), file("d", 1)]],
}


def tar(entries: Sequence[Entry]) -> bytes:
    """A tar of entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, content, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, len(content)
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def loadable(layers: Sequence[Sequence[Entry]]) -> bytes:
    """An archive that an engine loads."""
    tars = [tar(layer) for layer in layers]
    diff_ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in tars]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    names = [f"{position}.tar" for position in range(len(tars))]
    manifest = [{"Config": "config.json", "RepoTags": [TAG], "Layers": names}]
    documents = [("manifest.json", json.dumps(manifest).encode()), ("config.json", json.dumps(config).encode())]
    return tar([(name, tarfile.REGTYPE, data, "") for name, data in (*documents, *zip(names, tars, strict=True))])


@pytest.fixture(scope="module")
def client(engine_url: str) -> Iterator[docker.APIClient]:
    """The engine's API, by Docker's own client."""
    with closing(docker.APIClient(base_url=engine_url, version="auto", timeout=300)) as client:
        yield client


def assert_same_score(client: docker.APIClient, image: str, work: Path) -> None:
    """Save an image and have both read the file."""
    saved, told = work / "image.tar", work / "told.json"
    with saved.open("wb") as out:
        out.writelines(client.get_image(image))
    command: list[str | Path] = [DIVE, "--source", "docker-archive", "--json", told, saved]
    subprocess.run(command, check=True, capture_output=True, cwd=work, env={"HOME": str(work)})
    score = json.loads(told.read_bytes())["image"]["efficiencyScore"]
    with saved.open("rb") as file:
        layers = read_archive(iter(lambda: file.read(1 << 20), b"")).find(image).layers
    saved.unlink()
    assert efficiency(layers) == pytest.approx(score, rel=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_score_of_shapes(client: docker.APIClient, tmp_path: Path, shape: str) -> None:
    """An image of each shape, loaded into the engine and saved by it, scores as dive scores it."""
    said = list(client.load_image(loadable(SHAPES[shape])))  # type: ignore[no-untyped-call]
    try:
        assert not [line for line in said if "error" in line]
        assert_same_score(client, TAG, tmp_path)
    finally:
        client.remove_image(TAG, force=True)


def test_score_of_a_real_base(client: docker.APIClient, tmp_path: Path) -> None:
    """So does the base image with its thousands of files."""
    assert_same_score(client, "python:3.11-slim", tmp_path)
