"""What ``run`` and ``report`` share: options → Config, the run itself with its progress, the report written."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgcompare import store
from imgcompare.commands.gating import limits_given
from imgcompare.commands.options import Output
from imgcompare.config import Config, VariantSpec, parse_pairs, parse_variants
from imgcompare.errors import UsageError
from imgcompare.model import Expectation, Report, Verdict
from imgcompare.plan import default_jobs
from imgcompare.progress import open_progress
from imgcompare.scenarios import scenario
from imgcompare.session import Connection, perform


def run_and_write(options: Mapping[str, Any], output: Output, project: Path, environ: Mapping[str, str]) -> int:
    """Run the comparison, save and write its report; returns the exit code, raises what cut the run short."""
    config = make_config(options, environ)
    reports = _reports_folder(project, output)
    connection = Connection(host=options.get("host"), context=options.get("docker_context"))
    with open_progress(sys.stderr, quiet=bool(options.get("quiet"))) as progress:
        outcome = perform(config, connection, progress, reports)
    if outcome.error is None or any(v.verdict is not Verdict.NOT_CHECKED for v in outcome.report.variants):
        output.write(outcome.report, notes=_kept_urls(config, outcome.report))
    if outcome.error is not None:
        raise outcome.error
    return 0 if outcome.report.passed else 1


def make_config(options: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    """Make the Config of ``run``'s options; without variants it is the bundled default comparison."""
    shared: dict[str, Any] = {
        key: options[key]
        for key in (
            "container_port",
            "platform",
            "no_cache",
            "pull",
            "builder",
            "keep",
            "host_port",
            "rm_images",
            "health",
            "stop",
        )
        if key in options
    }
    shared |= {
        "jobs": options.get("jobs") or default_jobs(os.cpu_count()),
        "env": parse_pairs("--env", options.get("env", ()), environ),
        "build_args": parse_pairs("--build-arg", options.get("build_arg", ()), environ),
        "timeout_s": options.get("timeout", 60.0),
        "route": options.get("route", "/"),
        "expect": Expectation(
            status=options.get("expect_status", 200),
            body=options.get("expect_body"),
            body_pattern=options.get("expect_body_pattern"),
        ),
        "limits": limits_given(options),
    }
    context = options.get("build_context")
    if options.get("variants"):
        variants = parse_variants(options["variants"])
        return Config(
            scenario="run", context=context or Path(), variants=variants, baseline=options.get("baseline"), **shared
        )
    if context is not None:
        raise UsageError(
            "--build-context needs variants to build", hint="imgcompare run --build-context DIR Dockerfile …"
        )
    bundled = scenario("default")
    return Config(
        scenario=bundled.name,
        context=bundled.context,
        variants=tuple(
            VariantSpec(name=variant.name, dockerfile=variant.dockerfile, target=variant.target)
            for variant in bundled.variants
        ),
        baseline=options.get("baseline") or bundled.baseline,
        **shared,
    )


def _reports_folder(project: Path, output: Output) -> Path | None:
    """Where the report is saved; a project that cannot be written is no problem when the report goes to a file."""
    try:
        return store.prepare(project)
    except UsageError:
        if not output.to_file:
            raise
        return None


def _kept_urls(config: Config, report: Report) -> tuple[str, ...]:
    if not config.keep:
        return ()
    urls = [f"{v.name} {v.check.url}" for v in report.variants if v.check and v.failure is None]
    return (f"Still up: {', '.join(urls)}. `imgcompare clean` removes them.",) if urls else ()
