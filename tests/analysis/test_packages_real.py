"""Packages held against syft's findings (https://github.com/anchore/syft), on images that an engine built."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import docker
import pytest

from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import find_packages
from imgcompare.image.archive import read_archive
from imgcompare.model import Packages
from tests.support.syft import artifacts

Names: TypeAlias = dict[str, Counter[tuple[str, str]]]

ROOT = Path(__file__).parents[2]
TAG = f"imgcompare-packages-test:{uuid.uuid4().hex[:12]}-"
STATUS = (
    "Package: {0}\nStatus: {1}\nVersion: 1:2.3~rc1-4+deb12u1\nArchitecture: all\nDescription: x\n more\n .\n text\n"
)

# Everything dpkg knows of the full base, without its files.
RECORDS = """
FROM scratch
COPY --from=python:3.11 /usr/lib/os-release /etc/os-release
COPY --from=python:3.11 /var/lib/dpkg /var/lib/dpkg
"""
# A virtual environment that was moved, the user's own packages, and packages in a folder of the app.
PLACES = """
FROM python:3.11-slim AS made
RUN python3 -m venv --system-site-packages /opt/venv && /opt/venv/bin/pip install --no-cache-dir flask==3.1.0 \
 && pip install --no-cache-dir --user --no-warn-script-location MarkupSafe==3.0.2 \
 && pip install --no-cache-dir --target /app/deps zope.event==5.0
FROM scratch
COPY --from=made /etc/os-release /etc/os-release
COPY --from=made /opt/venv /srv/env
COPY --from=made /root/.local /root/.local
COPY --from=made /app /app
"""
# Packages that later layers remove, and one whose metadata they delete.
REMOVED = """
FROM python:3.11-slim
RUN pip uninstall --yes setuptools && dpkg --purge --force-all libtirpc3 netbase
RUN rm -r /usr/local/lib/python3.11/site-packages/pip-*
"""
MEASURE = """
import importlib.metadata, importlib.util, json, os, stat, subprocess
def size(paths, seen):
    total = 0
    for path in paths:
        if os.path.lexists(path) and stat.S_ISREG((found := os.lstat(path)).st_mode) and found.st_ino not in seen:
            seen.add(found.st_ino)
            total += found.st_size
    return total
def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
def files(distribution):
    for file in distribution.files:
        yield str(file.locate())
        if file.suffix == ".py":
            yield importlib.util.cache_from_source(str(file.locate()))
seen = set()
debian = {name: size(output("dpkg-query", "--listfiles", name), seen)
          for name in sorted(output("dpkg-query", "--show", "--showformat=${Package}\\n"))}
seen = set()
python = {found.name: size(files(found), seen) for found in importlib.metadata.distributions()}
print(json.dumps({"debian": debian, "python": python}))
"""


@pytest.fixture(scope="module")
def built(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Path | None], Path]]:
    """Builds a Dockerfile, with a folder as its context, and saves the image to a file named like its tag."""
    saved = tmp_path_factory.mktemp("saved")
    tags: list[str] = []

    def build(dockerfile: str, folder: Path | None = None) -> Path:
        files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} if folder else {}
        context = io.BytesIO(tar_of({"Dockerfile": dockerfile.encode(), **files}))
        tags.append(f"{TAG}{len(tags)}")
        said = list(client.build(fileobj=context, custom_context=True, tag=tags[-1], rm=True, decode=True))
        assert not [line for line in said if "error" in line]
        for previous in saved.glob(f"{TAG}*"):
            previous.unlink()
        with (path := saved / tags[-1]).open("wb") as file:
            file.writelines(client.get_image(tags[-1]))
        return path

    with closing(docker.APIClient(base_url=engine_url, version="auto", timeout=300)) as client:
        yield build
        for tag in tags:
            client.remove_image(tag, force=True)
    shutil.rmtree(saved)


def tar_of(files: dict[str, bytes]) -> bytes:
    """A tar of files in their folders; syft does not look into a folder that is not there itself."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in sorted({str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def ours(path: Path) -> Packages:
    """The packages we find in a saved image."""
    with path.open("rb") as file:
        (image,) = read_archive(iter(lambda: file.read(1 << 20), b"")).images
    return find_packages(image.layers, merge(image.layers)).packages


def names(packages: Packages) -> Names:
    """How often each name and version is there."""
    return {
        "deb": Counter((package.name, package.version) for package in packages.debian),
        "python": Counter((package.name, package.version) for package in packages.python),
    }


def syft(path: Path) -> Names:
    """What syft finds in the same file."""
    rows = artifacts(path)
    return {
        kind: Counter((row["name"], row["version"]) for row in rows if row["type"] == kind)
        for kind in ("deb", "python")
    }


def test_the_full_base_s_records(built: Callable[..., Path]) -> None:
    """All that is installed in the full Python base, by dpkg's own records."""
    path = built(RECORDS)
    found = names(ours(path))
    assert found == syft(path)
    assert len(found["deb"]) > 150


def test_the_bundled_multi_stage_image(built: Callable[..., Path]) -> None:
    """The image of the bundled multi-stage Dockerfile: Debian's packages, the base's pip, the app's environment."""
    path = built((ROOT / "dockerfiles/default/multi-stage.Dockerfile").read_text(encoding="utf-8"), ROOT / "sample_app")
    packages = ours(path)
    assert names(packages) == syft(path)
    flask = next(package for package in packages.python if package.name == "flask")
    assert (flask.location, flask.interpreter) == ("/opt/venv/lib/python3.11/site-packages", "python3.11")


def test_packages_in_unusual_places(built: Callable[..., Path]) -> None:
    """A moved environment, ``pip install --user`` and ``--target``: as syft finds them, and where they are."""
    path = built(PLACES)
    packages = ours(path)
    assert names(packages) == syft(path)
    assert {(package.name, package.location) for package in packages.python if package.installed_bytes > 10000} >= {
        ("flask", "/srv/env/lib/python3.11/site-packages"),
        ("markupsafe", "/srv/env/lib/python3.11/site-packages"),
        ("markupsafe", "/root/.local/lib/python3.11/site-packages"),
        ("zope-event", "/app/deps"),
    }


def test_bytes_are_those_in_a_container(built: Callable[..., Path], engine_url: str) -> None:
    """Installed bytes of every package equal what dpkg and importlib.metadata, run in a container, find on its disk."""
    path = built("FROM python:3.11-slim\nLABEL test=packages\n")
    packages = ours(path)
    command = ["docker", "--host", engine_url, "run", "--rm", "--entrypoint", "python3", path.name, "-c", MEASURE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert {package.name: package.installed_bytes for package in packages.debian} == measured["debian"]
    assert {package.name: package.installed_bytes for package in packages.python} == measured["python"]


def test_removed_packages(built: Callable[..., Path]) -> None:
    """What later layers uninstalled or deleted is not there."""
    path = built(REMOVED)
    found = names(ours(path))
    assert found == syft(path)
    assert not found["python"]
    assert not {"libtirpc3", "netbase"} & {name for name, _ in found["deb"]}


def test_metadata_of_every_form(tmp_path: Path) -> None:
    """Older forms, vendored and damaged metadata, states of Debian packages, and distroless' records."""
    states = ["install ok installed", "hold ok installed", "install ok unpacked", "install ok half-configured"]
    states += ["install ok triggers-pending", "deinstall ok config-files"]
    site, vendored = "usr/lib/python3/dist-packages", "usr/local/lib/python3.11/site-packages/setuptools/_vendor"
    wheel = b"Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: x\n continued\n\nName: body\n"
    layer = tar_of(
        {
            "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
            "var/lib/dpkg/status": "\n".join(STATUS.format(f"p{n}", state) for n, state in enumerate(states)).encode(),
            "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
            "var/lib/dpkg/status.d/tzdata.md5sums": b"0123456789abcdef0123456789abcdef  usr/share/zoneinfo/UTC\n",
            f"{site}/six-1.16.0.egg-info": wheel % (b"six", b"1.16.0"),
            f"{site}/PyYAML-6.0.egg-info/PKG-INFO": wheel % (b"PyYAML", b"6.0"),
            f"{site}/demo-1-py3.11.egg/EGG-INFO/PKG-INFO": wheel % (b"demo", b"1"),
            f"{site}/Zope.Some_Thing-2.dist-info/METADATA": wheel % (b"Zope.Some_Thing", b"2!1.0rc1+local"),
            f"{site}/noname-1.dist-info/METADATA": b"Version: 1\n",
            f"{site}/empty-1.dist-info/METADATA": b"",
            f"{site}/binary-1.dist-info/METADATA": bytes(range(256)),
            f"{site}/Python-2.7.egg-info": wheel % (b"Python", b"2.7"),
            f"{vendored}/wheel-0.43.0.dist-info/METADATA": wheel % (b"wheel", b"0.43.0"),
            "app/src/shop.egg-info/PKG-INFO": wheel % (b"shop", b"0.1.dev0"),
        }
    )
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
            "history": [{"created_by": "COPY"}],
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    saved = json.dumps([{"Config": name, "RepoTags": ["made:1"], "Layers": ["layer.tar"]}]).encode()
    path = tmp_path / "made.tar"
    path.write_bytes(tar_of({name: config, "layer.tar": layer, "manifest.json": saved}))
    found, theirs = names(ours(path)), syft(path)
    # Until 1.37 syft lists packages of which only the settings are left (https://github.com/anchore/syft/pull/4231).
    theirs["deb"] -= Counter({("p5", "1:2.3~rc1-4+deb12u1"): 1})
    assert found == theirs
    assert (found["deb"].total(), found["python"].total()) == (6, 6)
