"""``python -m benchmarks.build_beside FOLDER DOCKERFILE…``: build a folder by Dockerfiles in it, side by side.

It is imgcompare's side of a pair, so that it imports nothing else: each is built as `imgcompare run` builds it, on the
engine of DOCKER_HOST, and named ``bench-big:0``, ``bench-big:1``, ….
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from imgcompare.engine.build.context import open_context
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildRequest, Built, Endpoint


def main(folder: Path, names: Sequence[str]) -> None:
    """Build them; the exit code says whether all could be built."""
    engine = SdkEngine(Endpoint(url=os.environ["DOCKER_HOST"], source="DOCKER_HOST"))

    def one(number: int, name: str) -> None:
        context = open_context(folder, folder / name)
        built = engine.build(BuildRequest(context=context, tag=f"bench-big:{number}"), lambda _: None)
        if not isinstance(built, Built):
            raise SystemExit(built.message)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(one, range(len(names)), names))
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
