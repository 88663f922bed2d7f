"""``make bench``: every promise about speed and memory, measured against something real in the same session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import big_context, companions, growth, shrink_speed
from benchmarks.against_dive import compare_with_dive, layers_of
from benchmarks.pairs import Command, compare
from benchmarks.remote import compare_with_curl
from imgcompare.run.opening import Connection, connected
from imgcompare.scenarios import scenario

_HERE = Path(__file__).parent
_IMGCOMPARE = (sys.executable, "-m", "imgcompare")


def main() -> None:
    """Run them all; the exit code says whether every figure is within its limit."""
    with connected(Connection(), print) as engine:
        url = engine.endpoint.url
    docker = _docker_with_buildkit()
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as folder:
        environ = os.environ | {"DOCKER_HOST": url, "PYTHONDONTWRITEBYTECODE": ""}
        results = [*_against_by_hand(docker, environ, folder), _help(environ, folder), *growth.main(docker, url)]
        images = _by_hand_tags("default")
        results += compare_with_dive(images, docker, environ, folder)
        largest = layers_of(images[:1], docker, environ, Path(folder, "largest"))
        results += compare_with_curl(largest, environ, Path(folder, "registry"))
        results += big_context.main(docker, url)
        results += shrink_speed.main(docker, url)
        results += companions.main(docker, environ, folder)
        subprocess.run([*_IMGCOMPARE, "clean"], env=environ, check=True)
    _remove_by_hand(docker, environ)
    for part in ("read_image", "render_report", "fleet", "ready"):
        results.append(subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode == 0)
    sys.exit(0 if all(results) else 1)


def _against_by_hand(docker: str, environ: dict[str, str], folder: str) -> list[bool]:
    bundled = scenario("default")
    dockerfiles = [str(variant.dockerfile) for variant in bundled.variants]
    by_hand = [str(_HERE / "by_hand.sh"), docker, str(bundled.context)]
    ours = [*_IMGCOMPARE, "run", "--quiet", "--json"]
    return [
        compare(
            "imgcompare run ÷ by hand, everything cached",
            Command(ours, environ, folder),
            Command([*by_hand, *dockerfiles], environ, folder),
            limit=0.9,
            runs=7,
        ),
        compare(
            "imgcompare run ÷ by hand, both --no-cache",
            Command([*ours, "--no-cache"], environ, folder),
            Command([*by_hand, "--no-cache", *dockerfiles], environ, folder),
            limit=0.7,
            runs=3,
        ),
    ]


def _help(environ: dict[str, str], folder: str) -> bool:
    return compare(
        "imgcompare --help ÷ python -c 'import click'",
        Command([*_IMGCOMPARE, "--help"], environ, folder),
        Command([sys.executable, "-c", "import click"], environ, folder),
        limit=1.5,
        runs=15,
    )


def _remove_by_hand(docker: str, environ: dict[str, str]) -> None:
    """Remove the images built by hand, those too whose tags the next ones took."""
    for remove in (
        ["image", "rm", "--force", *_by_hand_tags("default", "with-database"), "by-hand:db", "by-hand:cache"],
        ["image", "prune", "--force", "--filter=label=imgcompare-bench"],
    ):
        subprocess.run([docker, *remove], env=environ, check=False, capture_output=True)


def _docker_with_buildkit() -> str:
    """A docker CLI that builds with BuildKit: either its buildx plugin is there, or it is so old that it needs none."""
    for folder in os.get_exec_path():
        docker = shutil.which("docker", path=folder)
        if docker is None:
            continue
        probe = subprocess.run([docker, "buildx", "version"], capture_output=True, check=False)
        version = subprocess.run([docker, "--version"], capture_output=True, text=True, check=False).stdout
        if probe.returncode == 0 or " 20." in version:
            return docker
    raise SystemExit("no docker CLI with BuildKit on PATH: install docker.io (or docker-cli and docker-buildx)")


def _by_hand_tags(*names: str) -> list[str]:
    return [f"by-hand:{variant.name}" for name in names for variant in scenario(name).variants]


if __name__ == "__main__":
    main()
