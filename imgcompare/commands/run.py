"""``imgcompare run``: build, run, check and compare."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from imgcompare.cli.completion import (
    complete_comparisons,
    complete_dockerfiles,
    complete_scenarios,
    complete_variants,
)
from imgcompare.cli.environment import EnvironmentCommand, given_options
from imgcompare.cli.gates import gate_options
from imgcompare.cli.numbers import Count
from imgcompare.cli.options import (
    build_options,
    engine_options,
    measure_options,
    open_option,
    projector_option,
    repeat_options,
    reply_options,
    service_options,
)
from imgcompare.cli.output import Output, Target, WritingCommand, output_options
from imgcompare.cli.sections import SectionedCommand


class RunCommand(EnvironmentCommand, WritingCommand, SectionedCommand):
    """Options from the environment too, several outputs, and a help text with sections."""


@click.command(cls=RunCommand)
@click.argument("variants", nargs=-1, metavar="[VARIANT]...", shell_complete=complete_dockerfiles)
@click.option(
    "--scenario",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_scenarios,
    help="Bundled comparison to run, repeatable; `all` runs every one. See `imgcompare scenarios`.",
)
@reply_options
@service_options
@build_options
@click.option(
    "--jobs",
    "-j",
    type=Count(1, 64),
    metavar="N",
    help="Variants at the same time. [default: processors + 2]",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the comparisons. [default: imgcompare.toml or [tool.imgcompare] in pyproject.toml, here or above]",
)
@click.option(
    "--comparison",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_comparisons,
    help="Comparison of the file to run; repeatable.",
)
@click.option("--all", "all_", is_flag=True, help="Run all comparisons of the file.")
@click.option("--shard", metavar="I/N", help="With --all: run only the I-th of N shares of them.")
@click.option(
    "--times",
    type=click.Path(path_type=Path),
    metavar="REPORT",
    help="With --shard: share them out by how long each took in that report; by their number while it is not there.",
)
@click.option(
    "--baseline",
    metavar="NAME",
    shell_complete=complete_variants,
    help="Variant the others are compared with. [default: the first]",
)
@click.option("--keep", is_flag=True, help="Leave working containers up and print their URLs.")
@click.option(
    "--host-port",
    type=Count(1, 65535),
    metavar="N",
    help="Publish on N, N+1, … [default: ports the engine chooses]",
)
@click.option(
    "--rm-images", is_flag=True, help="Remove the images built. [default: kept, so that the next run is fast]"
)
@measure_options
@repeat_options
@click.option("--watch", is_flag=True, help="Run again whenever the context, a Dockerfile or the file changes.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@gate_options
@engine_options
@output_options
@open_option
@projector_option
@click.pass_context
def run(ctx: click.Context, /, *, outputs: tuple[Target, ...], projector: bool, watch: bool, **_options: Any) -> None:
    """Build each VARIANT, run it, check its route, and compare.

    A VARIANT is a Dockerfile, NAME=DOCKERFILE, NAME=DOCKERFILE:TARGET (a stage), NAME=image:REFERENCE (an image that
    exists) or NAME=registry:REFERENCE (one that is pulled); a folder stands for the project in it. Without any, what
    imgcompare.toml says is compared, or else this folder's Dockerfiles, as `imgcompare init` would write them down, or
    else the bundled Flask app, built from a single-stage and a multi-stage Dockerfile; or what --scenario names is run:
    `imgcompare scenarios` lists them. What is declared broken has to break so.

    \b
    Examples:
      imgcompare run
      imgcompare run services/api
      imgcompare run --scenario slim-to-slim
      imgcompare run --scenario all --json
      imgcompare run Dockerfile slim=Dockerfile.slim
      imgcompare run dev=Dockerfile:dev prod=Dockerfile:prod --route /healthz
      imgcompare run old=image:shop:1.4 new=Dockerfile --expect-body "Welcome"
      imgcompare run --compose compose.yaml:web Dockerfile slim=Dockerfile.slim
      imgcompare run --json -o report.json --format html -o report.html
      imgcompare run --max-size multi-stage=250MB --min-saving 50% --max-ready 2s
      imgcompare run --against imgcompare.baseline.json --max-growth 2%
      imgcompare run --all --shard 2/8 -o shard-2.json
      imgcompare run --watch

    Options go before the environment (IMGCOMPARE_ROUTE for --route, and so on), the environment before imgcompare.toml:
    docs/config.md

    Limits are repeatable; one that names a VARIANT stands for that variant in place of the general one: docs/gates.md

    Exit codes: 0 all work, or break as declared; 1 a variant does not, or a limit is not kept; 2 wrong usage;
    3 no engine; 4 the engine failed; 130/143 interrupted.
    """
    from imgcompare.cli.run_comparisons import run_and_write  # noqa: PLC0415 - --help must be quick

    perform = _watching(ctx, outputs) if watch else run_and_write
    ctx.exit(perform(given_options(ctx), Output.of(outputs, projector=projector), Path.cwd(), os.environ))


def _watching(ctx: click.Context, outputs: tuple[Target, ...]) -> Callable[..., int]:
    """Return what runs again and again, unless that does not go with what else was asked for."""
    from imgcompare.cli.watching import run_watching  # noqa: PLC0415 - --help must be quick

    if outputs or ctx.params["keep"] or ctx.params["open_"]:
        raise click.UsageError(
            "--watch shows the table of each run, and does not go with --format, --json, -o, --open or --keep. "
            "Each run is saved: `imgcompare report` shows the last one, in any format."
        )
    return run_watching
