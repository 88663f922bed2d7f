"""The context's tar against a real engine, and against what the docker CLI sends for the same folder.

The CLI's BuildKit mode needs a plug-in that not every distribution packs, so the CLI's classic mode is the reference:
the CLI applies the ignore file itself in both.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from imgcompare.engine.build.context import open_context

pytestmark = pytest.mark.engine

NAMES = [
    *("a.py", "b.txt", "temp1", "temp/x", ".git/config", "docs/README.md", "docs/x.md", "docs/deep/y.py"),
    *("node_modules/m/index.js", "node_modules/m/keep.py", "src/app/main.py", "src/app/main.pyc", "src/app/.env"),
    *("src/[odd]/f", "n" * 120 + "/" + "o" * 120),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files at several depths, a long name, links and a mode of its own."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "link").symlink_to("../somewhere")
    (tmp_path / "hard").hardlink_to(tmp_path / "a.py")
    (tmp_path / "src/app/main.py").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /context/\n")
    return tmp_path


@contextmanager
def tag(client: docker.APIClient) -> Iterator[str]:
    """Give a tag for an image, which is removed in the end."""
    name = f"imgcompare-test-context:{uuid.uuid4().hex}"
    try:
        yield name
    finally:
        if client.images(name):
            client.remove_image(name)


def arrived(client: docker.APIClient, image: str) -> dict[str, tuple[bytes, int, str]]:
    """Return type, mode and target of everything the build copied."""
    container = client.create_container(image, ["/none"])["Id"]
    try:
        data = b"".join(client.export(container))
    finally:
        client.remove_container(container)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = {member.name.removeprefix("context/"): member for member in tar if member.name.startswith("context/")}
    members.pop("", None)
    return {n: (m.type, m.mode & 0o7777, m.linkname.removeprefix("context/")) for n, m in members.items()}


def built_by_cli(client: docker.APIClient, url: str, root: Path, config: Path) -> dict[str, tuple[bytes, int, str]]:
    """Build with the docker CLI, which every machine that runs these tests has."""
    program = shutil.which("docker")
    assert program, "these tests need the docker command (Debian: docker.io)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    env |= {"DOCKER_HOST": url, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(config)}
    with tag(client) as image:
        subprocess.run([program, "build", "-q", "-t", image, root], env=env, check=True, capture_output=True)
        return arrived(client, image)


def built_by_us(
    client: docker.APIClient, root: Path, dockerfile: Path, version: str
) -> dict[str, tuple[bytes, int, str]]:
    """Send our tar to the engine: version 1 is the classic builder, 2 is BuildKit."""
    context = open_context(root, dockerfile)
    with tag(client) as image:
        done = client.post(
            f"{client.base_url}/v{client.api_version}/build",
            data=context.stream(),
            params={"t": image, "dockerfile": context.dockerfile, "version": version, "rm": "1"},
            headers={"Content-Type": "application/x-tar"},
        )
        assert done.ok, done.text
        assert '"error"' not in done.text, done.text
        return arrived(client, image)


@pytest.fixture
def client(engine_url: str) -> Iterator[docker.APIClient]:
    """A connection of the test's own."""
    connection = docker.APIClient(engine_url, version="auto")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "ignore",
    [
        "",
        "*.py\n/docs\n.git\n# comment\n  temp?  \n",
        "*\n!src\nsrc/**/*.pyc\n**/.env",
        "**/*.py\n!a.py\n**/m\nDockerfile\n.dockerignore",
        "docs/*\n!docs/deep\nsrc/*/main.py\n./b.txt/\n!!x\nn*\n",
        "node_modules\n!node_modules/m/keep.py\n**/[[]odd]\nsrc/../temp\n[^.]emp1",
        "**\n!docs/**\ndocs/deep",
    ],
)
def test_sends_what_the_docker_cli_sends(
    client: docker.APIClient, engine_url: str, tree: Path, tmp_path_factory: pytest.TempPathFactory, ignore: str
) -> None:
    """The same files arrive, whether the CLI, our tar to the classic builder or our tar to BuildKit brings them."""
    (tree / ".dockerignore").write_text(ignore)
    reference = built_by_cli(client, engine_url, tree, tmp_path_factory.mktemp("config"))
    assert "b.txt" in reference or ignore
    assert built_by_us(client, tree, tree / "Dockerfile", "1") == reference
    if not open_context(tree, tree / "Dockerfile").hides:
        assert built_by_us(client, tree, tree / "Dockerfile", "2") == reference


def test_dockerfile_from_outside_and_names_of_any_bytes(client: docker.APIClient, tmp_path: Path) -> None:
    """The classic builder takes a Dockerfile that is not in the context, and drops it before COPY; names are bytes."""
    root = tmp_path / "app"
    root.mkdir()
    raw = os.fsdecode(b"caf\xe9" + b"\xff" * 110)
    (root / raw).write_text("x")
    (tmp_path / "x.Dockerfile").write_text("FROM scratch\nCOPY . /context/\n")
    (tmp_path / "x.Dockerfile.dockerignore").write_text("*.log")
    (root / "noise.log").write_text("x")
    assert built_by_us(client, root, tmp_path / "x.Dockerfile", "1").keys() == {raw}


def test_context_root_has_the_mode_the_cli_gives_it(client: docker.APIClient, tree: Path) -> None:
    """Our tar's entry for the root itself leaves no trace: a folder copied from it has the usual mode."""
    tree.chmod(0o700)
    (tree / "Dockerfile").write_text("FROM scratch\nCOPY . /context/whole/\n")
    for version in ("1", "2"):
        assert built_by_us(client, tree, tree / "Dockerfile", version)["whole"][1] == 0o755
