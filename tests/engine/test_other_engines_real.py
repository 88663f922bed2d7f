"""imgcompare on engines of other versions and makes: it works on each, and an image has the same numbers on all."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from imgcompare.analysis.describe import describe
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import (
    GROUP_LABEL,
    RUN_LABEL,
    BuildFailed,
    BuildRequest,
    Built,
    ContainerSpec,
    Endpoint,
    Removal,
)
from imgcompare.errors import NoBuildKitError
from imgcompare.image.archive import read_archive
from imgcompare.model import Image
from tests.support.builds import written_context

if TYPE_CHECKING:
    from tests.support.engines import OtherEngine

# Whichever of these tests comes first may have root filesystems to make.
pytestmark = pytest.mark.timeout(900)

WITH_BUILDKIT = ("docker 26", "docker 26, containerd store", "docker of Debian testing, containerd store")
WITHOUT_BUILDKIT = ("podman 4.3",)

PORT = 8000
SERVE = f"""
EXPOSE {PORT}
CMD ["/bin/busybox", "httpd", "-f", "-p", "{PORT}", "-h", "/www"]
"""
# What layers hold that stores and builders pass on with care: hard and symbolic links, a set-user-id bit, whiteouts of
# a file and of a folder that is there again, a layer without files, names that are long and not ASCII.
SPECIMEN = f"""\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY index.html /www/index.html
COPY index.html /old/index.html
RUN ln /www/index.html /www/linked.html && chmod 4755 /bin/busybox
RUN rm /bin/vi && rm -r /old && mkdir /old && touch /old/new
RUN true
RUN mkdir -p /{"long/" * 40} && echo é > /{"long/" * 40}/ümläut
{SERVE}"""
MODERN = f"""\
FROM scratch
COPY --chmod=0755 busybox /bin/busybox
COPY --chmod=0755 busybox /bin/sh
COPY --chmod=0640 index.html /www/private.html
RUN --mount=type=cache,target=/cache <<END
/bin/busybox echo cached > /cache/made
/bin/busybox stat -c %a /www/private.html > /www/index.html
/bin/busybox cat /cache/made >> /www/index.html
END
COPY <<END /www/here.html
from the Dockerfile
END
{SERVE}"""


@dataclass(frozen=True)
class Numbers:
    """What imgcompare says of an image that must not depend on the engine."""

    image_id: str
    uncompressed_size: int
    layers: tuple[tuple[str, int, int | None], ...]

    @classmethod
    def of(cls, image: Image) -> Numbers:
        """Take them from a report's image."""
        layers = tuple((layer.diff_id, layer.uncompressed_size, layer.file_count) for layer in image.layers)
        return cls(image.image_id, image.uncompressed_size, layers)


class Bench:
    """One engine as the pipeline uses it; everything made on it is removed at the end."""

    def __init__(self, url: str, busybox: bytes, folder: Path) -> None:
        self.engine = SdkEngine(Endpoint(url=url, source="test"))
        self.client = docker.DockerClient(base_url=url, timeout=60)
        self.busybox = busybox
        self.folder = folder
        self.tags: list[str] = []

    def try_to_build(self, dockerfile: str, builder: str = "auto") -> Built | BuildFailed:
        """Build under a new tag."""
        self.tags.append(f"imgcompare-test/{uuid.uuid4().hex}:1")
        files: dict[str, bytes | str] = {"Dockerfile": dockerfile, "busybox": self.busybox, "index.html": "Hello!\n"}
        context = written_context(self.folder, files)
        request = BuildRequest(context=context, tag=self.tags[-1], builder=builder)
        return self.engine.build(request, lambda _: None)

    def build(self, dockerfile: str, builder: str = "auto") -> Built:
        """Build, and expect an image."""
        built = self.try_to_build(dockerfile, builder)
        assert isinstance(built, Built), built
        return built

    def names(self, tag: str) -> set[str]:
        """What is at the top of an image's file system, of what the engine itself puts there nothing."""
        container = self.client.api.create_container(tag, ["/none"])["Id"]
        try:
            data = b"".join(self.client.api.export(container))
        finally:
            self.client.api.remove_container(container)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            names = {name.removeprefix("./").partition("/")[0] for name in tar.getnames()}
        return names - {"", ".", ".dockerenv", "dev", "etc", "proc", "sys", "run"}

    def load(self, archive: bytes, tag: str) -> None:
        """Load an exported image, which has that tag."""
        self.tags.append(tag)
        self.client.images.load(archive)

    def numbers(self, name: str) -> Numbers:
        """Export the image of that name, and read it."""
        return Numbers.of(describe(read_archive(self.engine.export([name])).find(name)))

    def close(self) -> None:
        """Remove the images, and end both connections."""
        for tag in self.tags:
            self.engine.remove_image(tag)
        self.client.close()
        self.engine.close()


@pytest.fixture
def other(other_engine: OtherEngine, busybox: bytes, tmp_path: Path) -> Iterator[Bench]:
    """A bench on the other engine."""
    with closing(Bench(other_engine.url, busybox, tmp_path)) as bench:
        yield bench


@pytest.fixture(scope="module")
def first(engine_url: str, busybox: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench on the engine that all other tests use."""
    with closing(Bench(engine_url, busybox, tmp_path_factory.mktemp("first"))) as bench:
        yield bench


@pytest.fixture(scope="module")
def specimen(first: Bench) -> tuple[str, bytes, Numbers]:
    """An image made on the first engine: its tag, its export, and its numbers there."""
    first.build(SPECIMEN)
    tag = first.tags[-1]
    return tag, b"".join(first.engine.export([tag])), first.numbers(tag)


def test_engine_is_told_apart(other_engine: OtherEngine, other: Bench) -> None:
    """The report names each engine's make and version, its image store and its builder as they are."""
    info = other.engine.info()
    name, version = other_engine.kind.split(",")[0].split(" ", 1)
    assert info.name == {"docker": "Docker Engine", "podman": "Podman"}[name]
    assert info.version.startswith(f"{version}.") or "testing" in version
    assert info.image_store == ("containerd" if "containerd" in other_engine.kind else "graph driver")
    assert info.builder == ("classic" if name == "podman" else "BuildKit")


def test_build_run_export_remove(other_engine: OtherEngine, other: Bench) -> None:
    """An image is built, runs and answers on the loopback of each engine, is exported under the name that the build
    gave, and goes with its tag, while of the container nothing stays.
    """
    built = other.build(SPECIMEN)
    tag = other.tags[-1]
    spec = ContainerSpec(name="imgcompare-test", image=built.image, container_port=PORT, labels={RUN_LABEL: "test"})
    with other.engine.container(spec) as container:
        container.start()
        at = container.published()
        assert at is not None
        assert other_engine.fetch(at.port, "/linked.html") == "Hello!\n"
        assert container.state().running
        assert (container.memory_bytes() or 0) > 0
    assert other.client.containers.list(all=True) == []
    assert other.numbers(built.image) == other.numbers(tag)
    by_digest = other.engine.image(built.image)
    assert by_digest is not None
    assert any(name.endswith(tag) for name in by_digest.tags)  # or a run would build it again
    found = other.engine.image(tag)
    assert found is not None
    assert found.exposed_ports == (f"{PORT}/tcp",)
    assert found.diff_ids == tuple(diff_id for diff_id, _, _ in other.numbers(tag).layers)
    assert other.engine.remove_image(tag) is Removal.REMOVED
    assert other.engine.image(tag) is None
    assert other.engine.remove_image(tag) is Removal.NOT_THERE


@pytest.mark.parametrize("other_engine", WITH_BUILDKIT, indirect=True)
def test_new_instructions(other_engine: OtherEngine, other: Bench) -> None:
    """Heredocs, cache mounts and COPY --chmod work where the engine's BuildKit knows them."""
    built = other.build(MODERN)
    assert built.build.step_count == 5
    spec = ContainerSpec(name="imgcompare-test", image=built.image, container_port=PORT)
    with other.engine.container(spec) as container:
        container.start()
        at = container.published()
        assert at is not None
        assert other_engine.fetch(at.port) == "640\ncached\n"
        assert other_engine.fetch(at.port, "/here.html") == "from the Dockerfile\n"


@pytest.mark.parametrize("other_engine", WITHOUT_BUILDKIT, indirect=True)
def test_auto_falls_back_to_the_classic_builder(other: Bench) -> None:
    """Where BuildKit is missing, "auto" builds all the same; "buildkit" says that it cannot."""
    with pytest.raises(NoBuildKitError):
        other.build(SPECIMEN, builder="buildkit")
    assert other.build(SPECIMEN).build.step_count == 8


@pytest.mark.parametrize("other_engine", WITHOUT_BUILDKIT, indirect=True)
def test_a_heredoc_is_never_left_out(other: Bench) -> None:
    """Where BuildKit cannot build, a heredoc is an error that names it, and no image that lacks what it says."""
    failed = other.try_to_build("FROM scratch\nCOPY busybox /bin/sh\nRUN <<END\n/bin/sh -c 'exit 1'\nEND\n")
    assert isinstance(failed, BuildFailed)
    assert "heredoc" in failed.message
    assert "line 3" in failed.message


def test_a_failed_step_reads_the_same_everywhere(other: Bench) -> None:
    """The instruction and its exit code in one line, what it wrote in the log, and no image."""
    failed = other.try_to_build("FROM scratch\nCOPY busybox /bin/sh\nRUN echo oh && exit 3\n")
    assert isinstance(failed, BuildFailed)
    assert failed.message == "RUN echo oh && exit 3 exited with code 3"
    assert failed.log[0] == "oh"
    assert other.engine.image(other.tags[-1]) is None


@pytest.mark.parametrize("builder", ["auto", "classic"])
@pytest.mark.parametrize(
    ("at", "ignore", "own_ignore", "expected"),
    [
        ("../outside.Dockerfile", None, None, {"a", "b"}),
        ("../outside.Dockerfile", "a\n", None, {".dockerignore", "b"}),
        ("../outside.Dockerfile", "a\n", "b\n", {".dockerignore", "a"}),
        ("Dockerfile", "*ockerfile*\n.dockerignore\na\n", None, {"b"}),
        ("Dockerfile", "*\n!b\n", None, {"b"}),
        ("Dockerfile", None, "Dockerfile*\n", {"a", "b"}),
    ],
)
def test_nothing_that_is_for_the_builder_alone_is_copied(
    other: Bench, builder: str, at: str, ignore: str | None, own_ignore: str | None, expected: set[str]
) -> None:
    """With every builder of every engine: no Dockerfile, no ignore file and nothing of ours that COPY must not see."""
    files = {at: "FROM scratch\nCOPY . /\n", "a": "a", "b": "b"}
    files |= {".dockerignore": ignore} if ignore is not None else {}
    files |= {f"{at}.dockerignore": own_ignore} if own_ignore is not None else {}
    tag = f"imgcompare-test/{uuid.uuid4().hex}:1"
    other.tags.append(tag)
    context = written_context(other.folder / "only", files, at)
    built = other.engine.build(BuildRequest(context=context, tag=tag, builder=builder), lambda _: None)
    assert isinstance(built, Built), built
    assert other.names(tag) == expected


def test_an_image_has_the_same_numbers_everywhere(specimen: tuple[str, bytes, Numbers], other: Bench) -> None:
    """An image made on the first engine has the same id, layers, sizes and file counts on every engine and store."""
    tag, archive, numbers = specimen
    other.load(archive, tag)
    assert other.numbers(tag) == numbers


def test_an_image_made_elsewhere_has_the_same_numbers_here(other: Bench, first: Bench) -> None:
    """An image made on another engine, whose store may keep it packed, has the same numbers on the first engine."""
    other.build(SPECIMEN)
    tag = other.tags[-1]
    first.load(b"".join(other.engine.export([tag])), tag)
    assert first.numbers(tag) == other.numbers(tag)


def test_run(other_engine: OtherEngine, other: Bench, specimen: tuple[str, bytes, Numbers], tmp_path: Path) -> None:
    """``imgcompare run`` builds, checks and measures on each engine, with the first engine's numbers for its image."""
    tag, archive, numbers = specimen
    other.load(archive, tag)
    (tmp_path / "busybox").write_bytes(other.busybox)
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "index.html").write_text("Hello!\n", encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(SPECIMEN, encoding="utf-8")
    done = _imgcompare(other_engine, tmp_path, "run", "built=Dockerfile", f"loaded=image:{tag}", "--rm-images")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    built, loaded = report["variants"]
    assert (built["verdict"], loaded["verdict"]) == ("works", "works")
    assert loaded["image"]["image_id"] == numbers.image_id
    assert loaded["image"]["uncompressed_size"] == numbers.uncompressed_size
    assert other.client.containers.list(all=True) == []


# What one without health checks and names would not get past; Podman 4 splits the words of a check anew.
COMPOSE = f"""\
services:
  web:
    build: .
    command: [sh, -c, "wget -q -O /www/index.html http://db:{PORT}/ && exec httpd -f -p {PORT} -h /www"]
    depends_on: {{db: {{condition: service_healthy}}}}
  db:
    build: {{context: ., dockerfile: db.Dockerfile}}
    volumes: ["state:/state"]
    healthcheck: {{test: [CMD, sh, -c, "wget -q -O /dev/null http://127.0.0.1:{PORT}/"]}}
volumes: {{state: }}
"""


@pytest.mark.parametrize("other_engine", WITHOUT_BUILDKIT, indirect=True)
def test_companions_of_a_compose_file(other_engine: OtherEngine, other: Bench, tmp_path: Path) -> None:
    """Compose works with Podman's socket: each variant beside its own, and nothing of any is left."""
    (tmp_path / "busybox").write_bytes(other.busybox)
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "index.html").write_text("of the companion\n")
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    for name in ("Dockerfile", "db.Dockerfile"):
        (tmp_path / name).write_text(SPECIMEN if name == "Dockerfile" else SPECIMEN + "LABEL of=db\n")
    arguments = ("one=Dockerfile", "two=Dockerfile", "--expect-body", "of the companion", "--rm-images")
    done = _imgcompare(other_engine, tmp_path, "run", *arguments)
    assert done.returncode == 0, done.stderr
    companions = [[each["name"] for each in variant["companions"]] for variant in json.loads(done.stdout)["variants"]]
    assert companions == [["db"], ["db"]]
    labelled = {"label": GROUP_LABEL}
    client = other.client
    assert client.networks.list(filters=labelled) == client.volumes.list() == client.containers.list(all=True) == []


MEASURED = f"""\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY index.html /www/index.html
STOPSIGNAL SIGKILL
USER 1000
HEALTHCHECK --timeout=5s CMD wget -q -O /dev/null http://127.0.0.1:{PORT}/
{SERVE}"""
WRITES = MEASURED.replace("USER 1000", "RUN mkdir -m 777 /data") + (
    f'CMD ["/bin/sh", "-c", "touch /data/x && exec httpd -f -p {PORT} -h /www"]\n'
)
CHECKS_NOTHING = MEASURED.replace("wget -q", "curl -f")


def test_all_that_is_measured_on_request(other_engine: OtherEngine, tmp_path: Path, busybox: bytes) -> None:
    """A HEALTHCHECK, a stop, restrictions and a change say the same of an image on each engine."""
    (tmp_path / "busybox").write_bytes(busybox)
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "index.html").write_text("Hello!\n")
    for name, text in (("plain", MEASURED), ("writes", WRITES), ("curls", CHECKS_NOTHING)):
        (tmp_path / name).write_text(text)
    options = ("--health", "--stop", "--hardened", "--after-change", "--rm-images")
    done = _imgcompare(other_engine, tmp_path, "run", "plain", "writes", "curls", *options)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    plain, writes, curls = report["variants"]
    assert (plain["verdict"], plain["run"]["health"], plain["run"]["killed"]) == ("works", "healthy", False), plain
    assert plain["hardened"]["works"] is True, plain["hardened"]
    assert (plain["hardened"]["failure"], plain["not_measured"]) == (None, [])
    assert plain["after_change"]["changed_file"] == "index.html"
    assert 0 < plain["after_change"]["pull_size"] < 10_000
    assert writes["hardened"], writes
    assert (writes["hardened"]["broken_by"], writes["hardened"]["failure"]["fix"]) == (
        "read-only root",
        ["VOLUME /data"],
    )
    assert (curls["verdict"], curls["failure"]["code"]) == ("broken", "unhealthy")
    assert "curl" in curls["failure"]["message"]


def _imgcompare(other_engine: OtherEngine, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on that engine; it prints its report as JSON."""
    environ = [f"HOME={folder}", f"DOCKER_HOST={other_engine.url}"]
    return subprocess.run(
        other_engine.inside("env", *environ, sys.executable, "-m", "imgcompare", *arguments, "--json"),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
