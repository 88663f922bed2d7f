"""What ``imgcompare shrink`` does between its options and its exit code: run, show, and write what is proved."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from imgcompare.cli.environment import given_options
from imgcompare.cli.next_step import next_step
from imgcompare.cli.output import Output, Target
from imgcompare.cli.run_comparisons import choose_one
from imgcompare.config.model import Config
from imgcompare.config.toml_file import find_config
from imgcompare.console.progress import Progress, open_progress
from imgcompare.errors import UsageError
from imgcompare.model import Report
from imgcompare.remedy.shrink import CANDIDATES, Result, shrink
from imgcompare.render.registry import FORMAT_OF
from imgcompare.reports import store
from imgcompare.reports.files import check_writable, write_atomically
from imgcompare.run.against import with_stored
from imgcompare.run.opening import Connection
from imgcompare.run.plan import default_jobs
from imgcompare.text.printable import printable


class Wanted(Struct, frozen=True):
    """Where the smaller Dockerfile and the report go."""

    file: Path | None
    force: bool
    format: str
    reports: tuple[Path, ...]

    def output(self) -> Output:
        """Where the report goes. Raises UsageError."""
        targets = []
        for path in self.reports:
            format_ = FORMAT_OF.get(path.suffix.lower())
            if format_ is None:
                known = ", ".join(filter(None, FORMAT_OF))
                raise UsageError(f"--report {path}: which format?", hint=f"Use one of the extensions {known}.")
            targets.append(Target(format_, path))
        return Output.of((*targets, Target(self.format)))

    def check(self, dockerfile: Path) -> None:
        """Find out before anything is built that every candidate could be written. Raises UsageError."""
        for path in {self.path(dockerfile, name) for name in CANDIDATES}:
            if os.path.realpath(path) == os.path.realpath(dockerfile):
                raise UsageError(f"-o {path} is the original", hint="Name another file: it is never written over.")
            if os.path.lexists(path) and not self.force:
                raise UsageError(f"{path} exists", hint="--force writes over it, -o FILE writes another.")
            check_writable(path)

    def path(self, dockerfile: Path, name: str) -> Path:
        """Where the candidate of that name is written."""
        return self.file or dockerfile.with_name(f"{dockerfile.name}.{name}")


def shrink_and_tell(ctx: click.Context, wanted: Wanted) -> int:
    """Shrink what was asked for, show what came out, write it; the exit code is 1 where the original does not work."""
    output = wanted.output()
    connection = Connection(host=ctx.params["host"], context=ctx.params["docker_context"])
    with open_progress(sys.stderr, quiet=ctx.params["quiet"]) as progress:
        config, dockerfile = _config(ctx, connection, progress)
        if dockerfile is None:
            raise UsageError("only a Dockerfile can be made smaller, not an image that exists")
        wanted.check(dockerfile)
        result = shrink(config, connection, progress, store.prepare(Path.cwd()))
    report = _written(result, wanted, dockerfile)
    output.write(report)
    if result.error is not None:
        raise result.error
    if sys.stdout.isatty() and sys.stderr.isatty() and not ctx.params["quiet"]:
        _tell_next(report)
    return 0 if report.passed else 1


def _tell_next(report: Report) -> None:
    file = find_config(Path.cwd())
    if told := next_step(report, configured=file is not None, has_baseline=False):
        sys.stderr.write(f"\n{printable(told)}\n")


def _config(ctx: click.Context, connection: Connection, progress: Progress) -> tuple[Config, Path | None]:
    """What was asked for, as the one comparison of the Dockerfile with itself, and that Dockerfile."""
    asked, spec = choose_one(given_options(ctx), ctx.params["dockerfile"], Path.cwd(), os.environ)
    config = replace(
        asked,
        scenario="shrink",
        # Whatever the original replies is what the smaller one has to.
        more_routes=tuple(replace(route, held=route.status is not None) for route in asked.more_routes),
        also=ctx.params["also"],
        non_root=ctx.params["non_root"],
        jobs=ctx.params["jobs"] or default_jobs(os.cpu_count()),
    )
    (stored,) = with_stored([config], Path.cwd(), connection, progress)
    return stored, spec.dockerfile


def _written(result: Result, wanted: Wanted, dockerfile: Path) -> Report:
    """Write the Dockerfile that won; the report says where it is."""
    report, shrunk = result.report, result.report.shrunk
    if shrunk is None or shrunk.result is None or result.error is not None:
        return report
    path = wanted.path(dockerfile, shrunk.result)
    write_atomically(path, result.text.encode("utf-8", "surrogateescape"))
    return replace(report, shrunk=replace(shrunk, written=str(path)))
