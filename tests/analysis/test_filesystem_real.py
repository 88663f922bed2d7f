"""The merged file system against what a real engine makes of the same image: ``docker export`` of a container."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import docker
import pytest

from imgcompare.analysis.filesystem import RootFilesystem, merge
from imgcompare.image.archive import read_archive
from imgcompare.image.tarheader import normalised
from tests.support.stacks import SHAPES

if TYPE_CHECKING:
    from tests.support.images import Make

TAG = "imgcompare-test-filesystem:1"
DOCKERFILE = b"""
FROM python:3.11-slim
RUN mkdir -p /t/opaque/sub /t/gone/sub /t/tree && cd /t && echo 1 > opaque/a && echo 1 > opaque/sub/b \
 && echo 1 > gone/sub/c && echo 1 > deleted && echo 12345 > linked && ln linked link-1 && ln linked link-2 \
 && echo 1 > tree/a && echo 1 > tree/b && echo 1 > becomes-folder && ln -s tree becomes-file && mkfifo fifo \
 && cp /bin/true suid && chown 7:8 suid && chmod 4755 suid \
 && mkdir -m 1777 sticky && echo 1 > "name with space and umlaut \xc3\xbc"
RUN cd /t && rm -r opaque && mkdir opaque && echo 2 > opaque/new && rm -r gone && rm deleted link-1 \
 && chmod -R go-rwx tree && rm becomes-folder && mkdir becomes-folder && echo 2 > becomes-folder/x \
 && rm becomes-file && echo 2 > becomes-file && chmod 750 sticky && chown 7 fifo
RUN cd /t && rm -r tree && ln -s opaque tree && echo 3 > gone && rm /usr/share/doc -rf && rm -r opaque && mkdir opaque
"""
# What the engine adds to a container of its own.
ADDED = {".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
MOUNTED = ("dev", "proc", "sys")


@pytest.fixture(scope="module")
def client(engine_url: str) -> Iterator[docker.APIClient]:
    """The engine's API, by Docker's own client."""
    with closing(docker.APIClient(base_url=engine_url, version="auto", timeout=300)) as client:
        yield client


@pytest.fixture(scope="module")
def image(client: docker.APIClient) -> Iterator[str]:
    """An image whose layers overwrite, delete, replace, link and hide."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(DOCKERFILE)
        archive.addfile(info, io.BytesIO(DOCKERFILE))
    said = list(
        client.build(fileobj=io.BytesIO(context.getvalue()), custom_context=True, tag=TAG, rm=True, decode=True)
    )
    assert not [line for line in said if "error" in line]
    yield TAG
    client.remove_image(TAG, force=True)


def shown(path: str, kind: str, mode: int, owner: tuple[int, int], size: int, link: str) -> tuple[object, ...]:
    """What is compared of a path; an engine's export knows a hard-linked file by its size, whichever name has it."""
    return path, kind, mode & 0o7777 if kind != "2" else 0, owner, size, link if kind == "2" else ""


def exported(client: docker.APIClient, image: str) -> set[tuple[object, ...]]:
    """The engine's view, from a container that never ran."""
    container = client.create_container(image, command=["true"])["Id"]
    try:
        data = io.BytesIO(b"".join(client.export(container)))
    finally:
        client.remove_container(container)
    found = set()
    with tarfile.open(fileobj=data) as archive:
        for member in archive:
            file = archive.getmember(member.linkname) if member.islnk() else member
            kind = file.type.decode()
            owner = file.uid, file.gid
            found.add(shown(normalised(member.name), kind, file.mode, owner, file.size, file.linkname))
    return found


def merged(root: RootFilesystem) -> set[tuple[object, ...]]:
    """Ours."""
    return {
        shown(path, entry.kind, entry.mode, (entry.uid, entry.gid), entry.size, entry.link)
        for path, entry in root.entries.items()
    }


def of_image(row: tuple[object, ...]) -> bool:
    """Whether a row is the image's and not the engine's."""
    path = str(row[0])
    return path not in ADDED and path.partition("/")[0] not in MOUNTED and path != ""


def test_merged_is_what_a_container_sees(client: docker.APIClient, image: str) -> None:
    """Names, types, modes, owners, sizes and link targets of every path equal those of a container of the image."""
    layers = read_archive(client.get_image(image)).find(image).layers
    root = merge(layers)
    ours, theirs = set(filter(of_image, merged(root))), set(filter(of_image, exported(client, image)))
    assert sorted(map(str, ours - theirs)) == []
    assert sorted(map(str, theirs - ours)) == []
    assert root.entries["t/linked"] is root.entries["t/link-2"]
    assert "t/link-1" not in root.entries
    assert "t/suid" in root.setuid()


# What engine 20.10 does not unpack, where others do.
REFUSED = {"the link comes after the file", "a folder in the link's place", "a file in the link's place"}


def test_the_shapes_of_links_are_what_an_engine_makes_of_them(client: docker.APIClient, make: Make) -> None:
    """The right values of the pure test, each from a container of an image of those layers."""
    found = {}
    for number, (name, layers, _files) in enumerate(SHAPES):
        if name not in REFUSED:
            tars, tag = [make.tar(layer) for layer in layers], f"imgcompare-test-links:{number}"
            config = make.config(tars, config={"Cmd": ["x"]}, history=[])
            list(client.load_image(make.legacy(tars, config, tag)))  # type: ignore[no-untyped-call]
            try:
                found[name] = files_of(client, tag)
            finally:
                client.remove_image(tag, force=True)
    assert found == {name: files for name, _layers, files in SHAPES if name not in REFUSED}


def files_of(client: docker.APIClient, image: str) -> dict[str, bytes]:
    """The image's own files, by path and content."""
    container = client.create_container(image)["Id"]
    try:
        data = io.BytesIO(b"".join(client.export(container)))
    finally:
        client.remove_container(container)
    files = {}
    with tarfile.open(fileobj=data) as archive:
        for member in archive:
            if (member.isfile() or member.islnk()) and member.name.partition("/")[0] not in {*MOUNTED, "etc"}:
                file = archive.extractfile(member)
                assert file is not None
                files[member.name] = file.read()
    files.pop(".dockerenv")
    return files
