"""``python -m benchmarks.big_context DOCKER URL``: a context of 500 MB of which one file changes, in turn with docker.

With ``--build FOLDER TAG DOCKERFILE…`` it is imgcompare's side of a pair: those Dockerfiles built side by side.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.pairs import Command, compare
from imgcompare.engine.build.context import open_context
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildRequest, Built, Endpoint

_FILES = 500
_CHANGE = 'date +%s.%N > "$1/app.py"; shift; exec "$@"'
_TAGS = ("bench-big:docker", "bench-big:0", "bench-big:1")


def main(docker: str, url: str) -> list[bool]:
    """Print both figures; say whether each is within its limit."""
    environ = os.environ | {"DOCKER_HOST": url, "DOCKER_BUILDKIT": "1"}
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as folder:
        chance = random.Random(1)  # noqa: S311 - what does not compress, not a secret
        for number in range(_FILES):
            Path(folder, f"{number}.bin").write_bytes(chance.randbytes(1 << 20))
        for name in ("one", "two"):
            Path(folder, f"{name}.Dockerfile").write_text(f"FROM scratch\nCOPY . /\nENV NAME={name}\n")
        dockerfile = f"{folder}/one.Dockerfile"
        by_docker = [docker, "build", "-q", "-t", _TAGS[0], "-f", dockerfile, folder]
        try:
            return [
                compare(
                    "500 MB of context, one file changed ÷ docker build",
                    _changed(environ, folder, _ours(folder, "one")),
                    _changed(environ, folder, by_docker),
                    limit=1.0,
                    runs=3,
                ),
                compare(
                    "two variants of that context ÷ one, one file changed",
                    _changed(environ, folder, _ours(folder, "one", "two")),
                    _changed(environ, folder, _ours(folder, "one")),
                    limit=1.15,
                    runs=3,
                ),
            ]
        finally:
            subprocess.run([docker, "image", "rm", "--force", *_TAGS], env=environ, check=False, capture_output=True)


def _changed(environ: dict[str, str], folder: str, command: Sequence[str]) -> Command:
    return Command(["sh", "-c", _CHANGE, "sh", folder, *command], environ)


def _ours(folder: str, *names: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.big_context", "--build", folder, *names]


def build(folder: Path, names: Sequence[str]) -> None:
    """Build the Dockerfiles of those names side by side."""
    engine = SdkEngine(Endpoint(url=os.environ["DOCKER_HOST"], source="DOCKER_HOST"))

    def one(number: int, name: str) -> None:
        context = open_context(folder, folder / f"{name}.Dockerfile")
        built = engine.build(BuildRequest(context=context, tag=_TAGS[number + 1]), lambda _: None)
        if not isinstance(built, Built):
            raise SystemExit(built.message)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(one, range(len(names)), names))
    engine.close()


if __name__ == "__main__":
    if sys.argv[1] == "--build":
        build(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(0 if all(main(*sys.argv[1:])) else 1)
