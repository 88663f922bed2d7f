"""docker build ↔ imgcompare: the same folder gives the same layers, and each finds in the cache what the other built.

The peer is the docker CLI with BuildKit, on the same engine. Each row of the table is a folder and a Dockerfile.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from imgcompare.engine.build.context import open_context
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildRequest, Built, Endpoint

if TYPE_CHECKING:
    from tests.support.engines import OtherEngine

pytestmark = pytest.mark.engine
ALL = "FROM scratch\nCOPY . /\n"
TREE = ("app.py", "a b", "docs/README.md", "docs/deep/y.py", "m/index.js", "m/keep.py", "src/x.pyc", "src/app/main.py")


def links(root: Path) -> None:
    """Links of all sorts."""
    (root / "relative").symlink_to("docs/README.md")
    (root / "absolute").symlink_to("/docs")
    (root / "folder").symlink_to("docs")
    (root / "dangling").symlink_to("../../none")
    (root / "hard").hardlink_to(root / "app.py")


def modes(root: Path) -> None:
    """Modes that are not the usual ones."""
    (root / "app.py").chmod(0o4751)
    (root / "docs").chmod(0o1777)
    (root / "m").chmod(0o2700)


def specials(root: Path) -> None:
    """A FIFO, and a socket, of which docker's copy is an empty file."""
    os.mkfifo(root / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))


def names(root: Path) -> None:
    """Names that are blanks, options, patterns, not ASCII, long; and what is empty."""
    for name in (" ", "-rf", "[a]", "*", "\\", "grüß", "l" * 200, "new\nline"):
        (root / name).write_text(name)
    (root / "empty").mkdir()
    (root / "nothing").touch()


def archive(root: Path) -> None:
    """An archive that ADD unpacks."""
    with tarfile.open(root / "data.tar.gz", "w:gz") as tar:
        tar.add(root / "docs", "inside")


def many(root: Path) -> None:
    """More files than one frame tells of, and one bigger than all windows."""
    for number in range(400):
        (root / f"file-{number:03}").write_text(str(number))
    (root / "big").write_bytes(bytes(range(256)) * 20_000)


def linked_dockerfile(root: Path) -> None:
    """The Dockerfile is a link to one beside the context."""
    (root / "Dockerfile").rename(root.parent / "real.Dockerfile")
    (root / "Dockerfile").symlink_to("../real.Dockerfile")


def linked_inside(root: Path) -> None:
    """The Dockerfile is a link to another one in the context."""
    (root / "Dockerfile").rename(root / "docs/real.Dockerfile")
    (root / "Dockerfile").symlink_to("docs/real.Dockerfile")


def ignore_outside(root: Path) -> None:
    """The ignore file is a link out of the context."""
    (root.parent / "ignore").write_text("docs\n")
    (root / ".dockerignore").symlink_to("../ignore")


def ignore_inside(root: Path) -> None:
    """The ignore file is a link within the context."""
    (root / "m/ignore").write_text("docs\n")
    (root / ".dockerignore").symlink_to("m/ignore")


def attributes(root: Path) -> None:
    """An extended attribute that file systems of tests may lack."""
    os.setxattr(root / "app.py", "user.note", b"kept") if os.access(root, os.W_OK) else None


def nothing(root: Path) -> None:
    """Only the tree."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One build: the Dockerfile, where it is, the ignore file, what else is made, and options of both commands."""

    dockerfile: str = ALL
    at: str = "Dockerfile"
    ignore: str | None = None
    own_ignore: str | None = None
    make: Callable[[Path], None] = nothing
    target: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)


ROWS = {
    "everything": Row(),
    "nothing but the Dockerfile": Row(ignore="*\n!Dockerfile\n"),
    "ignored Dockerfile and ignore file": Row(ignore="*ockerfile*\n.dockerignore\n"),
    "allow-list of a file": Row(ignore="*\n!app.py\n"),
    "allow-list of a folder": Row(ignore="*\n!src\nsrc/**/*.pyc\n"),
    "exception deep in what is left out": Row(ignore="m\n!m/keep.py\n"),
    "patterns": Row(ignore="# comment\n\n**/*.pyc\n /docs/deep \na*\nd?cs/README.md\n"),
    "an ignore file of thousands of lines": Row(ignore="".join(f"some/folder/of/{n}/**/*.pyc\n" for n in range(4000))),
    "an ignore file with a byte order mark": Row(ignore="\ufeffapp.py\n"),
    "the Dockerfile's own ignore file": Row(ignore="docs\n", own_ignore="m\n"),
    "an ignore file that leads out": Row(make=ignore_outside),
    "an ignore file that leads within": Row(make=ignore_inside),
    "a Dockerfile below": Row(at="docs/build.Dockerfile"),
    "a Dockerfile outside": Row(at="../other.Dockerfile"),
    "a Dockerfile outside with an ignore file": Row(at="../other.Dockerfile", own_ignore="docs\n"),
    "a Dockerfile behind a link within": Row(make=linked_inside),
    "a Dockerfile of an odd name": Row(at="my file #1.Dockerfile"),
    "links": Row(make=links),
    "modes": Row(make=modes),
    "a FIFO and a socket": Row(make=specials),
    "names": Row(make=names),
    "many files and a big one": Row(make=many),
    "extended attributes": Row(make=attributes),
    "one file": Row(dockerfile="FROM scratch\nCOPY app.py /app.py\n"),
    "several sources": Row(dockerfile='FROM scratch\nCOPY ["app.py", "a b", "/there/"]\n'),
    "wildcards": Row(dockerfile="FROM scratch\nCOPY m/*.py s*/app/ /\n"),
    "sources through links": Row(make=links, dockerfile="FROM scratch\nCOPY folder/deep relative /\n"),
    "owner": Row(dockerfile="FROM scratch\nCOPY --chown=12:34 . /\n"),
    "an archive": Row(make=archive, dockerfile="FROM scratch\nADD data.tar.gz /\n"),
    "stages": Row(dockerfile="FROM scratch AS a\nCOPY docs /d\nFROM scratch\nCOPY --from=a /d/deep /\nCOPY m /m\n"),
    "a target": Row(dockerfile="FROM scratch AS a\nCOPY docs /\nFROM scratch\nCOPY m /\n", target="a"),
    "arguments": Row(dockerfile="ARG F=m\nFROM scratch\nARG F\nENV F=$F\nCOPY $F /\n", arguments={"F": "docs"}),
}


class Bench:
    """One row's folder, built by both."""

    def __init__(self, url: str, engine: SdkEngine, folder: Path, row: Row) -> None:
        self.url, self.engine, self.folder, self.row = url, engine, folder, row
        self.root = folder / "context"
        self.tags = [f"imgcompare-parity/{uuid.uuid4().hex}:1" for _ in range(2)]
        for name in TREE:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            # Of its own for each run: what an earlier one left in the cache proves nothing.
            (self.root / name).write_text(f"{name} {self.tags[0]}")
        dockerfile = self.root / row.at
        dockerfile.write_text(f"{row.dockerfile}# {self.tags[0]}\n")
        if row.ignore is not None:
            (self.root / ".dockerignore").write_text(row.ignore)
        if row.own_ignore is not None:
            dockerfile.with_name(f"{dockerfile.name}.dockerignore").write_text(row.own_ignore)
        row.make(self.root)

    def by_docker(self, *flags: str) -> str:
        """Build with the CLI; return what it prints of its steps."""
        # Debian's own: another one on the path may lack the plug-in without which newer ones know no BuildKit.
        program = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else shutil.which("docker")
        assert program, "these tests need the docker command (Debian: docker.io)"
        env = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
        env |= {"DOCKER_HOST": self.url, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(self.folder)}
        command = [program, "build", "--progress=plain", "-t", self.tags[0], "-f", str(self.root / self.row.at), *flags]
        command += [f"--target={self.row.target}"] if self.row.target else []
        command += [f"--build-arg={name}={value}" for name, value in self.row.arguments.items()]
        done = subprocess.run([*command, str(self.root)], env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def by_us(self, *, no_cache: bool = False) -> Built:
        """Build with imgcompare."""
        request = BuildRequest(
            context=open_context(self.root, self.root / self.row.at),
            tag=self.tags[1],
            target=self.row.target,
            build_args=self.row.arguments,
            no_cache=no_cache,
        )
        built = self.engine.build(request, lambda _: None)
        assert isinstance(built, Built), built
        return built

    def layers(self, which: int) -> tuple[str, ...]:
        """The diff_ids of the CLI's image (0) or ours (1)."""
        image = self.engine.image(self.tags[which])
        assert image is not None
        return image.diff_ids

    def contents(self, which: int) -> list[list[tuple[object, ...]]]:
        """What each layer of an image holds; times of files alone, for a builder makes folders and links anew."""
        with tarfile.open(fileobj=io.BytesIO(b"".join(self.engine.export([self.tags[which]])))) as tar:
            manifest = json.load(tar.extractfile("manifest.json") or io.BytesIO())
            return [_entries(tar.extractfile(layer) or io.BytesIO()) for layer in manifest[0]["Layers"]]

    def close(self) -> None:
        """Remove both images."""
        for tag in self.tags:
            self.engine.remove_image(tag)


def _entries(layer: IO[bytes]) -> list[tuple[object, ...]]:
    with tarfile.open(fileobj=layer) as tar:
        return [
            (
                *(each.name, each.type, each.mode, each.uid, each.gid, each.linkname, each.size),
                each.mtime if each.isreg() else None,
                {name: value for name, value in each.pax_headers.items() if "xattr" in name},
                hashlib.sha256((tar.extractfile(each) or io.BytesIO()).read()).digest() if each.isreg() else b"",
            )
            for each in tar
        ]


@pytest.fixture
def engine(engine_url: str) -> Iterator[SdkEngine]:
    """The real engine."""
    with closing(SdkEngine(Endpoint(url=engine_url, source="the test"))) as engine:
        yield engine


@pytest.mark.parametrize("name", ROWS)
def test_the_same_layers_and_one_cache(engine_url: str, engine: SdkEngine, tmp_path: Path, name: str) -> None:
    """What docker builds is found cached by us, with its diff_ids, and holds the same where both build anew."""
    with closing(Bench(engine_url, engine, tmp_path, ROWS[name])) as bench:
        bench.by_docker()
        cached = bench.by_us()
        assert cached.build.cached_step_count == cached.build.step_count
        assert bench.layers(1) == bench.layers(0)
        bench.by_us(no_cache=True)
        assert bench.contents(1) == bench.contents(0)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "other_engine", ["docker 26", "docker of Debian testing, containerd store"], indirect=True, ids=["26", "testing"]
)
def test_newer_engines_and_stores_are_no_other(other_engine: OtherEngine, tmp_path: Path) -> None:
    """Rows that once differed, on engines whose frontend and store are newer, against the same CLI."""
    with closing(SdkEngine(Endpoint(url=other_engine.url, source="the test"))) as engine:
        for name in ("ignored Dockerfile and ignore file", "a Dockerfile outside", "links", "a FIFO and a socket"):
            folder = tmp_path / name
            folder.mkdir()
            with closing(Bench(other_engine.url, engine, folder, ROWS[name])) as bench:
                bench.by_docker()
                cached = bench.by_us()
                assert (name, cached.build.cached_step_count) == (name, cached.build.step_count)
                assert (name, bench.layers(1)) == (name, bench.layers(0))


def test_a_dockerfile_behind_a_link_out_of_the_context(engine_url: str, engine: SdkEngine, tmp_path: Path) -> None:
    """The docker CLI of 20.10 cannot build it; we can, and the image holds nothing of it but the link."""
    with closing(Bench(engine_url, engine, tmp_path, Row(make=linked_dockerfile))) as bench:
        built = bench.by_us()
        bench.tags[0] = bench.tags[1]
        found = [(*entry[:2], entry[5]) for entry in bench.contents(0)[0] if "ocker" in str(entry[0])]
        assert found == [("Dockerfile", tarfile.SYMTYPE, "../real.Dockerfile")]
        assert built.build.step_count == 1


@pytest.mark.parametrize("name", ["ignored Dockerfile and ignore file", "a Dockerfile outside", "links"])
def test_what_we_built_docker_finds_cached(engine_url: str, engine: SdkEngine, tmp_path: Path, name: str) -> None:
    """At once, and after a comment was added to a Dockerfile that COPY does not see."""
    with closing(Bench(engine_url, engine, tmp_path, ROWS[name])) as bench:
        built = bench.by_us()
        assert bench.by_docker().count("CACHED") >= built.build.step_count
        if name == "links":
            return
        dockerfile = bench.root / bench.row.at
        dockerfile.write_text(f"# {uuid.uuid4().hex}\n{dockerfile.read_text()}")
        again = bench.by_us()
        assert (again.image, again.build.cached_step_count) == (built.image, built.build.step_count)
        assert json.dumps(bench.layers(0)) == json.dumps(bench.layers(1))
