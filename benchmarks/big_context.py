"""``python -m benchmarks.big_context DOCKER URL``: 500 MB of context of which one file changes, beside docker build."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pairs import Command, compare

_FILES = 500
_CHANGE = 'date +%s.%N > "$1/app.py"; shift; exec "$@"'
_TAGS = ("bench-big:docker", "bench-big:0", "bench-big:1")
_LABEL = "imgcompare-bench-big"


def main(docker: str, url: str) -> list[bool]:
    """Print both figures; say whether each is within its limit."""
    environ = os.environ | {"DOCKER_HOST": url, "DOCKER_BUILDKIT": "1"}
    with tempfile.TemporaryDirectory(prefix="imgcompare-bench-") as folder:
        chance = random.Random(1)  # noqa: S311 - what does not compress, not a secret
        for number in range(_FILES):
            Path(folder, f"{number}.bin").write_bytes(chance.randbytes(1 << 20))
        for name in ("one", "two"):
            Path(folder, f"{name}.Dockerfile").write_text(f"FROM scratch\nLABEL {_LABEL}=\nCOPY . /\nENV NAME={name}\n")
        dockerfile = f"{folder}/one.Dockerfile"
        by_docker = [docker, "build", "-q", "-t", _TAGS[0], "-f", dockerfile, folder]
        try:
            parity = compare(
                "500 MB of context, one file changed ÷ docker build",
                _changed(environ, folder, _ours(folder, "one")),
                _changed(environ, folder, by_docker),
                limit=1.0,
                runs=9,  # how fast the disk takes each image scatters by a third
            )
            _remove(docker, environ)  # half a gigabyte for each build
            shared = compare(
                "two variants of that context ÷ one, one file changed",
                _changed(environ, folder, _ours(folder, "one", "two")),
                _changed(environ, folder, _ours(folder, "one")),
                limit=1.15,
                runs=5,
            )
            return [parity, shared]
        finally:
            _remove(docker, environ)


def _remove(docker: str, environ: dict[str, str]) -> None:
    """Remove the images, those too whose tags the next ones took."""
    for remove in (["rm", "--force", *_TAGS], ["prune", "--force", f"--filter=label={_LABEL}"]):
        subprocess.run([docker, "image", *remove], env=environ, check=False, capture_output=True)


def _changed(environ: dict[str, str], folder: str, command: Sequence[str]) -> Command:
    return Command(["sh", "-c", _CHANGE, "sh", folder, *command], environ)


def _ours(folder: str, *names: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.build_beside", folder, *(f"{name}.Dockerfile" for name in names)]


if __name__ == "__main__":
    sys.exit(0 if all(main(*sys.argv[1:])) else 1)
