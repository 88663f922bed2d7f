"""``imgcompare.compare`` and ``imgcompare.inspect``: what the commands do, as calls that return the model.

Their signatures are part of what a version promises (docs/api.md). They say nothing, save no report, and remove every
container; images stay, so that the next call is fast. Errors are those of ``imgcompare.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgcompare.config.model import UNNAMED, Config
from imgcompare.config.variants import parse_variants
from imgcompare.console.progress import Progress, QuietProgress
from imgcompare.model import Expectation, Image, Report
from imgcompare.run.load_images import load_images
from imgcompare.run.opening import Connection
from imgcompare.run.session import perform


def compare(
    *variants: str,
    context: str | Path = ".",
    baseline: str | None = None,
    route: str = "/",
    expect_status: int | None = None,
    expect_body: str | None = None,
    expect_body_pattern: str | None = None,
    container_port: int | None = None,
    timeout_s: float = 60.0,
    env: Mapping[str, str] | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    health: bool = False,
    stop: bool = False,
    hardened: bool = False,
    jobs: int | None = None,
    host: str | None = None,
    docker_context: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Build each variant, run it, check its route, and return the report of ``imgcompare run``.

    A variant is written as on the command line: ``Dockerfile``, ``slim=Dockerfile.slim``, ``prod=Dockerfile:prod`` (a
    stage), ``old=image:shop:1.4``. ``timeout_s`` are seconds. That a variant is broken is part of the report, no error.

    Raises UsageError for what cannot be used, NoEngineError where no engine answers, EngineError where it failed.
    """
    given: dict[str, Any] = {"status": expect_status, "body": expect_body, "body_pattern": expect_body_pattern}
    config = Config(
        scenario=UNNAMED,
        context=Path(context),
        variants=parse_variants(variants),
        baseline=baseline,
        route=route,
        expect=Expectation(**{name: value for name, value in given.items() if value is not None}),
        container_port=container_port,
        timeout_s=timeout_s,
        env=dict(env or {}),
        build_args=dict(build_args or {}),
        platform=platform,
        health=health,
        stop=stop,
        hardened=hardened,
        jobs=jobs,
    )
    connection = Connection(host=host, context=docker_context)
    outcome = perform(config, connection, progress or QuietProgress(), reports=None)
    if outcome.error is not None:
        raise outcome.error
    return outcome.report


def inspect(
    image: str | Path,
    *,
    platform: str | None = None,
    host: str | None = None,
    docker_context: str | None = None,
    progress: Progress | None = None,
) -> Image:
    """Return where every byte of an image went: a reference, a file of ``docker save`` or a Dockerfile to build.

    A file needs no engine. Raises UsageError for what is no image, ImageFormatError for a damaged file, and what
    engines and builds raise.
    """
    connection = Connection(host=host, context=docker_context)
    (loaded,) = load_images((str(image),), Path.cwd(), connection, progress or QuietProgress(), platform=platform)
    return loaded.image
