"""The stand-in base images, as the engine has them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from imgcompare.engine.interface import STAND_IN_LABEL
from imgcompare.engine.own import rootfs
from imgcompare.engine.own.stand_ins import BUNDLED_BASES
from imgcompare.image.tarstream import TarStream

# Makes a wheel by hand, so that pip is tested without an index, and installs it in every way Dockerfiles do.
_SCRIPT = r"""
set -eu
cd "$(mktemp -d)"
python - <<'PY'
import zipfile
with zipfile.ZipFile("hi-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("hi.py", "def main(): print('hi')")
    wheel.writestr("hi-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: hi\nVersion: 1\n")
    wheel.writestr("hi-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("hi-1.dist-info/entry_points.txt", "[console_scripts]\nhi=hi:main\n")
    wheel.writestr("hi-1.dist-info/RECORD", "")
PY
export PIP_NO_INDEX=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_WARN_SCRIPT_LOCATION=1 PIP_QUIET=1
python -m venv /venv && /venv/bin/pip install ./hi-1-*.whl && /venv/bin/hi >/dev/null && echo venv
pip install --prefix=/prefix ./hi-1-*.whl
ls -d /prefix/lib/python3.*/site-packages/hi.py /prefix/bin/hi
pip install --user ./hi-1-*.whl
ls -d /root/.local/lib/python3.*/site-packages/hi.py /root/.local/bin/hi
rm -r /root/.local
pip install ./hi-1-*.whl
which hi python python3 pip
ls -d /usr/local/lib/python3.*/site-packages/hi.py
python -c 'import sys; print("%d.%d" % sys.version_info[:2])'
"""


_LEFTOVERS = "ls /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/lib/apt/lists/*Packages* 2>/dev/null || true"


@pytest.fixture(scope="module")
def client(engine_url: str) -> Iterator[docker.DockerClient]:
    """A client of the engine that has the bases."""
    with closing(docker.DockerClient(base_url=engine_url, version="auto")) as connected:
        yield connected


def test_the_slim_stand_in_has_the_official_layout(client: docker.DockerClient) -> None:
    """Dockerfiles written for the official image find python, pip, scripts and packages where they expect them."""
    output = client.containers.run("python:3.11-slim", ["sh", "-c", _SCRIPT], remove=True).decode()
    assert output.splitlines() == [
        "venv",
        "/prefix/bin/hi",
        "/prefix/lib/python3.11/site-packages/hi.py",
        "/root/.local/bin/hi",
        "/root/.local/lib/python3.11/site-packages/hi.py",
        "/usr/local/bin/hi",
        "/usr/local/bin/python",
        "/usr/local/bin/python3",
        "/usr/local/bin/pip",
        "/usr/local/lib/python3.11/site-packages/hi.py",
        "3.11",
    ]


def test_the_full_stand_in_builds_extensions_on_top_of_the_slim_one(client: docker.DockerClient) -> None:
    """The compiler is in the full image only, and both share the slim layers as the official images share theirs."""
    layers = {tag: client.images.get(tag).attrs["RootFS"]["Layers"] for tag in BUNDLED_BASES}
    slim, full = layers["python:3.11-slim"], layers["python:3.11"]
    assert len(full) == len(slim) + 1
    assert full[: len(slim)] == slim
    assert client.containers.run("python:3.11", ["which", "gcc", "git", "curl"], remove=True).decode() == (
        "/usr/bin/gcc\n/usr/bin/git\n/usr/bin/curl\n"
    )


@pytest.mark.parametrize("tag", BUNDLED_BASES)
def test_a_stand_in_says_what_it_is(client: docker.DockerClient, tag: str) -> None:
    """Reports name stand-ins by this label; the environment finds /usr/local first and trusts this machine's proxy."""
    config = client.images.get(tag).attrs["Config"]
    environment = dict(entry.split("=", 1) for entry in config["Env"])
    assert config["Labels"][STAND_IN_LABEL] == tag
    assert config["Cmd"] == ["python3"]
    assert environment["PATH"].startswith("/usr/local/bin:")
    assert environment["LANG"] == "C.UTF-8"
    assert ("PIP_CERT" in environment) == rootfs.needs_certificates()


@pytest.mark.parametrize("tag", BUNDLED_BASES)
def test_what_apt_downloaded_is_not_in_a_stand_in(client: docker.DockerClient, tag: str) -> None:
    """Package files, lists and apt's caches would be measured as if an official image had them."""
    assert client.containers.run(tag, ["sh", "-c", _LEFTOVERS], remove=True) == b""


@pytest.mark.usefixtures("engine_url")  # makes the machine one where they can be made
def test_one_that_is_made_has_what_extensions_are_built_against() -> None:
    """Headers and the shared library where official images have them, and no compiler; the making leaves nothing."""
    minor = rootfs.distribution_python()
    with rootfs.make(lambda _text: None) as root:
        kinds = {entry.path: entry.type for entry in TarStream(root.chunks)}
    assert root.version.startswith(f"{minor}.")
    assert kinds[f"usr/include/python{minor}/Python.h"] == "0"
    links = (f"include/python{minor}", f"lib/libpython{minor}.so", f"lib/libpython{minor}.so.1.0")
    assert [kinds[f"usr/local/{link}"] for link in links] == ["2"] * 3
    assert "usr/bin/gcc" not in kinds
    assert [path for path in kinds if path.startswith("tmp/")] == []


@pytest.mark.usefixtures("engine_url")
def test_making_one_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while packages are being installed ends every process and removes the temporary folder."""
    code = (
        "import signal\nfrom imgcompare.engine.own import rootfs\n"
        # Whoever started the tests in the background had SIGINT ignored for all of them.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with rootfs.make(lambda text: None) as root: pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        while not list(tmp_path.glob("imgcompare-*/mmdebstrap.*")):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode not in (0, None)
    assert list(tmp_path.iterdir()) == []
    mentioned = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path) in _text(path)]
    assert mentioned == []


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
