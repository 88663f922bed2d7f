"""The wheel: what is installed must be able to do what the checkout does."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[2]


def bundled_in_checkout() -> dict[str, bytes]:
    """Return the content of each bundled file by its path, caches left out."""
    return {
        str(path.relative_to(ROOT)): path.read_bytes()
        for folder in ("sample_app", "dockerfiles", "exercises")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built through the sdist's content so that what the sdist forgets is missed here."""
    folder = tmp_path_factory.mktemp("dist")
    hatchling = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*hatchling, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (sdist,) = folder.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "-w", str(folder), str(sdist)], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("docker_imgcompare-*.whl")
    return built


def test_wheel_ships_the_app_and_the_dockerfiles_byte_for_byte(wheel: Path) -> None:
    """Hidden files included (.dockerignore), caches not."""
    prefix = "imgcompare/bundled/"
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            name.removeprefix(prefix): archive.read(name) for name in archive.namelist() if name.startswith(prefix)
        }
    assert shipped == bundled_in_checkout()
    assert {"sample_app/.dockerignore", "dockerfiles/default/multi-stage.Dockerfile"} <= shipped.keys()


def test_wheel_puts_nothing_but_the_package_at_the_top(wheel: Path) -> None:
    """Installing does not add an importable ``sample_app`` or ``tests`` to somebody's environment."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"imgcompare"}


def test_wheel_brings_the_man_page(wheel: Path) -> None:
    """Where pip puts it, `man` finds it: beside the program, and nothing else is put there."""
    with zipfile.ZipFile(wheel) as archive:
        data = {name.partition(".data/")[2]: name for name in archive.namelist() if ".data/" in name}
        assert [*data] == ["data/share/man/man1/imgcompare.1"]
        page = archive.read(data["data/share/man/man1/imgcompare.1"])
    assert page == (ROOT / "docs" / "imgcompare.1").read_bytes()


def test_scenarios_are_found_where_only_the_wheel_is(wheel: Path, tmp_path: Path) -> None:
    """In an empty folder, without the checkout on the path, the default scenario's files exist."""
    site = tmp_path / "site"
    empty = tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from imgcompare.scenarios import scenario\n"
        "found = scenario('default')\n"
        "print(found.context)\n"
        "for variant in found.variants: print(variant.dockerfile, variant.dockerfile.is_file())\n"
    )
    # -I and -S: neither the folder, nor the environment, nor an editable install lends the checkout's files;
    # what the environment has installed is on the path, its .pth files are not read.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(site), str(Path(msgspec.__file__).parents[1])],
        cwd=empty,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    bundled = (site / "imgcompare" / "bundled").resolve()
    assert done.stdout.splitlines() == [
        f"{bundled / 'sample_app'}",
        f"{bundled / 'dockerfiles' / 'default' / 'single-stage.Dockerfile'} True",
        f"{bundled / 'dockerfiles' / 'default' / 'multi-stage.Dockerfile'} True",
    ]
