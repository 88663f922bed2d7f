"""What ``run`` and ``report`` share: options → Config, the run itself with its progress, the report written."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imgcompare import store
from imgcompare.commands.gating import limits_given
from imgcompare.commands.options import Output
from imgcompare.config import Config, VariantSpec, parse_pairs, parse_variants
from imgcompare.errors import ImgcompareError, UsageError
from imgcompare.model import Document, Expectation, Variant, Verdict
from imgcompare.plan import default_jobs
from imgcompare.progress import Progress, open_progress
from imgcompare.scenarios import EVERY, Scenario, scenarios
from imgcompare.session import Connection, perform, perform_all

_TIMEOUT_S = 60.0
_TAKEN_OVER = frozenset(
    ("container_port", "platform", "no_cache", "pull", "builder", "keep", "host_port", "rm_images", "health", "stop")
)


def run_and_write(options: Mapping[str, Any], output: Output, project: Path, environ: Mapping[str, str]) -> int:
    """Run the comparison, save and write its report; returns the exit code, raises what cut the run short."""
    configs = make_configs(options, environ)
    reports = _reports_folder(project, output)
    connection = Connection(host=options.get("host"), context=options.get("docker_context"))
    with open_progress(sys.stderr, quiet=bool(options.get("quiet"))) as progress:
        document, error = _perform(configs, _is_collection(options, configs), connection, progress, reports)
    variants = [variant for report in store.reports_of(document) for variant in report.variants]
    if error is None or any(variant.verdict is not Verdict.NOT_CHECKED for variant in variants):
        output.write(document, notes=_kept_urls(variants) if options.get("keep") else ())
    if error is not None:
        raise error
    return 0 if document.passed else 1


def make_configs(options: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Config, ...]:
    """Make the Configs of ``run``'s options: one of variants, or one for each scenario, the default where none is."""
    shared = _shared(options, environ)
    named, context = options.get("scenario") or (), options.get("build_context")
    if options.get("variants"):
        if named:
            raise UsageError(
                f"--scenario {named[0]} and the variant {options['variants'][0]!r} exclude each other",
                hint="A scenario has its own variants; leave one of the two out.",
            )
        return (
            Config(
                scenario="run",
                context=context or Path(),
                variants=parse_variants(options["variants"]),
                baseline=options.get("baseline"),
                route=options.get("route") or "/",
                timeout_s=options.get("timeout") or _TIMEOUT_S,
                expect=_expected(options, None),
                **shared,
            ),
        )
    if context is not None:
        raise UsageError(
            "--build-context needs variants to build", hint="imgcompare run --build-context DIR Dockerfile …"
        )
    return tuple(_config_of(each, options, shared) for each in scenarios(named or ("default",)))


def _shared(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the options say of every comparison, whatever it compares."""
    return {name: options[name] for name in _TAKEN_OVER if name in options} | {
        "jobs": options.get("jobs") or default_jobs(os.cpu_count()),
        "env": parse_pairs("--env", options.get("env", ()), environ),
        "build_args": parse_pairs("--build-arg", options.get("build_arg", ()), environ),
        "limits": limits_given(options),
    }


def _config_of(bundled: Scenario, options: Mapping[str, Any], shared: Mapping[str, Any]) -> Config:
    """Make a scenario's Config; what an option says goes before what the scenario says."""
    return Config(
        scenario=bundled.name,
        description=bundled.description,
        notes=bundled.lessons,
        context=bundled.context,
        variants=tuple(
            VariantSpec(
                name=variant.name,
                dockerfile=variant.dockerfile,
                target=variant.target,
                expected_failure=variant.expected_failure,
                hardened=variant.hardened,
            )
            for variant in bundled.variants
        ),
        baseline=options.get("baseline") or bundled.baseline,
        route=options.get("route") or bundled.route,
        timeout_s=options.get("timeout") or bundled.timeout_s,
        expect=_expected(options, bundled.expect_body),
        skip_unavailable=True,
        **shared,
    )


def _expected(options: Mapping[str, Any], body: str | None) -> Expectation:
    """What a good reply is: ``body`` is in it, unless the options say something else of it."""
    status, text, pattern = (options.get(f"expect_{part}") for part in ("status", "body", "body_pattern"))
    if (status, text, pattern) == (None, None, None) and not options.get("route"):
        text = body
    return Expectation(status=status or 200, body=text, body_pattern=pattern)


def _is_collection(options: Mapping[str, Any], configs: Sequence[Config]) -> bool:
    """Whether a collection was asked for, be it of one: its form must not depend on how many scenarios there are."""
    return len(configs) > 1 or EVERY in options.get("scenario", ())


def _perform(
    configs: Sequence[Config], collected: bool, connection: Connection, progress: Progress, reports: Path | None
) -> tuple[Document, ImgcompareError | None]:
    if collected:
        done = perform_all(configs, connection, progress, reports)
        return done.collection, done.error
    outcome = perform(configs[0], connection, progress, reports)
    return outcome.report, outcome.error


def _reports_folder(project: Path, output: Output) -> Path | None:
    """Where the report is saved; a project that cannot be written is no problem when the report goes to a file."""
    try:
        return store.prepare(project)
    except UsageError:
        if not output.to_file:
            raise
        return None


def _kept_urls(variants: Sequence[Variant]) -> tuple[str, ...]:
    urls = [f"{v.name} {v.check.url}" for v in variants if v.check and v.failure is None]
    return (f"Still up: {', '.join(urls)}. `imgcompare clean` removes them.",) if urls else ()
