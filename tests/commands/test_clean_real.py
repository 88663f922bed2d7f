"""What killed runs leave is removed by the next run and by `imgcompare clean`, and nothing of anybody else's."""

from __future__ import annotations

import io
import json
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import RUN_LABEL, VARIANT_LABEL

if TYPE_CHECKING:
    from tests.support.projects import Project, Proxy

BASE = "python:3.11-slim"


@pytest.fixture
def killed(project: Project, client: docker.DockerClient) -> Any:
    """The container that a run left which was killed in the middle of its check."""
    running = project.start("run", *project.stages("sleeps"))
    running.wait_for("^sleeps: check: waiting")
    running.send(signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL
    (path,) = project.ledgers()
    container = client.containers.get(f"imgcompare-{path.stem}-sleeps")
    assert container.status == "running"
    return container


def test_the_next_run_removes_what_a_killed_one_left(
    project: Project, client: docker.DockerClient, killed: Any
) -> None:
    """Only the container; the image goes on as that of a run that ended well, and `clean` still knows it."""
    result = project("run", *project.stages("works"))
    assert result.code == 0
    assert "Removed 1 container(s) that a killed run had left." in result.stderr
    assert not _exists(client, killed.name)
    assert "0 container(s) and 2 image(s)" in project("clean").stderr
    assert project.ledgers() == []


def test_clean_removes_what_a_killed_run_left(project: Project, client: docker.DockerClient, killed: Any) -> None:
    """With no other run in between."""
    result = project("clean")
    assert (result.code, result.stdout, result.stderr) == (0, "", "Removed 1 container(s) and 1 image(s).\n")
    assert not _exists(client, killed.name)
    assert project("clean").stderr == "Removed 0 container(s) and 0 image(s).\n"


def test_images_can_be_left_for_the_next_run(project: Project, client: docker.DockerClient, killed: Any) -> None:
    """--keep-images removes containers only, and a later `clean` still finds the images."""
    assert "1 container(s) and 0 image(s)" in project("clean", "--keep-images").stderr
    assert not _exists(client, killed.name)
    assert "0 container(s) and 1 image(s)" in project("clean").stderr


def test_a_container_made_after_the_kill_is_found_by_its_name(
    project: Project, proxy: Proxy, client: docker.DockerClient
) -> None:
    """The engine may carry out a request whose sender is dead: its name was written down before it was sent."""
    proxy.hold("POST /containers/create")
    running = project.start("run", *project.stages("works"), DOCKER_HOST=proxy.url)
    proxy.wait(running)
    running.send(signal.SIGKILL)
    running.end()
    (path,) = project.ledgers()
    name = f"imgcompare-{path.stem}-works"
    assert not _exists(client, name)
    proxy.let_go()
    patience_ends = time.monotonic() + 60
    while not _exists(client, name):
        assert time.monotonic() < patience_ends, "the engine dropped the request with its sender"
    assert "Removed 1 container(s)" in project("clean").stderr
    assert not _exists(client, name)


def test_what_a_killed_classic_build_left_is_removed(project: Project, client: docker.DockerClient) -> None:
    """Its images have no tag; the builder told of each, and the ledger holds what it told.

    So is what it makes of the step under way when nobody listens any more, here in its place: one image upon the last.
    """
    project.write({"Dockerfile": f"FROM {BASE}\nRUN echo {time.time_ns()} > /mark\nENV A=1\nRUN sleep 3600\n"})
    before = _untagged(client)
    running = project.start("run", "Dockerfile", "--builder", "classic")
    running.wait_for(r"^Dockerfile: build: \[4/4\]")
    running.send(signal.SIGKILL)
    running.end()
    last = json.loads(project.ledgers()[0].read_text().splitlines()[-1])["name"]
    late, _ = client.images.build(fileobj=io.BytesIO(f"FROM {last}\nENV B=1\n".encode()), rm=True, forcerm=True)
    made = _untagged(client) - before
    assert late.id in made
    assert len(made) >= 3
    cleaned = project("clean")
    assert cleaned.code == 0, cleaned.stderr
    assert not _untagged(client) & made, (len(made), len(_untagged(client) & made), cleaned.stderr)
    assert project.ledgers() == []


def _untagged(client: docker.DockerClient) -> set[str]:
    untagged = ("<none>:<none>",)
    return {image["Id"] for image in client.api.images(all=True) if tuple(image["RepoTags"] or untagged) == untagged}


def test_a_living_run_is_not_touched(project: Project, client: docker.DockerClient) -> None:
    """Neither another run nor `clean` takes anything from a run whose process lives."""
    arguments = project.stages("works", "sleeps")
    running = project.start("run", *arguments)
    running.wait_for("^sleeps: check: waiting")
    (path,) = project.ledgers()
    name = f"imgcompare-{path.stem}-sleeps"
    assert project("run", arguments[0]).code == 0
    project("clean")
    assert _exists(client, name)
    running.send(signal.SIGINT)
    assert running.end().code == 130
    assert not _exists(client, name)


@pytest.fixture
def strangers(client: docker.DockerClient) -> Iterator[list[Any]]:
    """Containers of somebody else: one with our labels forged, one without any."""
    forged = {RUN_LABEL: "20200101T000000000-abcdef", VARIANT_LABEL: "works"}
    made = [client.containers.create(BASE, ["true"], labels=labels) for labels in (forged, {})]
    yield made
    for container in made:
        container.remove(force=True)


def test_nothing_of_anybody_elses_is_touched(
    project: Project, client: docker.DockerClient, strangers: list[Any]
) -> None:
    """Containers stay whatever their labels, an image keeps the tag a user gave it, and the base image stays."""
    tag = _image_of_its_own(project)
    client.images.get(tag).tag("imgcompare-test/mine:1")
    try:
        assert "Removed 0 container(s) and 1 image(s)." in project("clean").stderr
        assert client.images.get("imgcompare-test/mine:1").tags == ["imgcompare-test/mine:1"]
        assert client.images.get(BASE)
        for stranger in strangers:
            assert _exists(client, stranger.name)
    finally:
        client.images.remove("imgcompare-test/mine:1")


def test_an_image_in_use_stays(project: Project, client: docker.DockerClient) -> None:
    """Somebody else's container that runs on our image keeps it."""
    tag = _image_of_its_own(project)
    image = str(client.images.get(tag).id)
    user = client.containers.create(image, ["true"])
    try:
        assert project("clean").code == 0
        assert client.images.get(image).id == image
    finally:
        user.remove()
        client.images.remove(image)


def _image_of_its_own(project: Project) -> str:
    """The tag of a run's image that no other run has made."""
    text = f'FROM {BASE}\nLABEL of="{project.folder}"\nCOPY app.py /\nEXPOSE 8000\nCMD ["python", "/app.py"]\n'
    project.write({"Dockerfile": text})
    return str(project("run", "Dockerfile", "--json").variant("Dockerfile")["image"]["reference"])


def _exists(client: docker.DockerClient, name: str) -> bool:
    try:
        client.containers.get(name)
    except docker.errors.NotFound:
        return False
    return True
