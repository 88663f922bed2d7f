"""What ``run`` and ``report`` share: the comparisons asked for, run with their progress, and the report written."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from imgcompare.cli.output import Output
from imgcompare.config.model import Config
from imgcompare.config.project import DEFAULT, Value
from imgcompare.config.resolve import Given, Selection, resolve
from imgcompare.config.toml_file import ConfigFile, find_config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress, open_progress
from imgcompare.errors import ImgcompareError, InterruptedRunError, UsageError
from imgcompare.model import Document, Variant, Verdict
from imgcompare.reports import store
from imgcompare.run.opening import Connection
from imgcompare.run.plan import default_jobs
from imgcompare.run.session import perform
from imgcompare.text.printable import printable
from imgcompare.text.redact import redact


def run_and_write(given: Given, output: Output, project: Path, environ: Mapping[str, str]) -> int:
    """Run what was asked for, save and write its report; returns the exit code, raises what cut the run short."""
    options = {name: option.value for name, option in given.items()}
    file, selection = choose(given, project, environ)
    reports = _reports_folder(project, output)
    connection = Connection(host=options.get("host"), context=options.get("docker_context"))
    secrets = tuple({secret: None for each in selection.comparisons for secret in each.config.secrets})
    with open_progress(sys.stderr, quiet=bool(options.get("quiet"))) as progress:
        document, error = _perform(selection, project, connection, progress, reports)
    variants = [variant for report in store.reports_of(document) for variant in report.variants]
    finished = any(variant.verdict is not Verdict.NOT_CHECKED for variant in variants)
    if error is None or finished:
        notes = _kept_urls(variants) if options.get("keep") else ()
        private = any(each.config.holds_secrets for each in selection.comparisons)
        if file is None and not given.keys() & {"scenario", "variants", "quiet"}:
            sys.stderr.write("There is no Dockerfile here: this is the bundled app.\n")
        output.write(document, notes=notes, private=private)
        if options.get("open_"):
            from imgcompare.cli.browser import open_page  # noqa: PLC0415 - seldom needed, and takes a while to import

            open_page(document, notes=notes)
        elif error is None and sys.stdout.isatty() and sys.stderr.isatty() and not options.get("quiet"):
            _tell_next(document, file, selection)
    if error is not None:
        error.message = redact(error.message, secrets)
        if reports and (finished or isinstance(error, InterruptedRunError)):
            error.hint = error.hint or "What was finished is kept: see `imgcompare report`."
        raise error
    return 0 if document.passed else 1


def _tell_next(document: Document, file: ConfigFile | None, selection: Selection) -> None:
    from imgcompare.cli.next_step import next_step  # noqa: PLC0415 - not needed where nobody looks
    from imgcompare.comparison.baseline_file import DEFAULT_FILE  # noqa: PLC0415

    held = any(each.config.against for each in selection.comparisons)
    configured = file is not None and not file.label
    if told := next_step(document, configured=configured, has_baseline=held or DEFAULT_FILE.exists()):
        sys.stderr.write(f"\n{printable(told)}\n")


def choose(
    given: Given, project: Path, environ: Mapping[str, str], *, everything: bool = False
) -> tuple[ConfigFile | None, Selection]:
    """Decide what to run, and find the file that says so; ``everything`` is what is meant where no choice was made."""
    given, project = _of_folder(given, project)
    named = given["config"].value if "config" in given else None
    file = find_config(project, named) if "scenario" not in given else None
    if file is None and not given.keys() & {"scenario", "variants"}:
        from imgcompare.init.found import found_in  # noqa: PLC0415 - not needed where a file says what to run

        file = found_in(project)
        if file is None and project != Path.cwd():
            raise UsageError(f"there is no Dockerfile in {project} or below", hint="Name a folder that has one.")
    if everything and file and not given.keys() & {"variants", "comparison", "all_", "shard"}:
        given = {**given, "all_": Value(True, DEFAULT)}
    return file, resolve(given, file, environ)


def choose_one(given: Given, dockerfile: str, project: Path, environ: Mapping[str, str]) -> tuple[Config, VariantSpec]:
    """Decide what ``mend`` and ``shrink`` work on: the one DOCKERFILE, or that of a folder which has no other.

    Raises UsageError where a folder has several.
    """
    origin = given["dockerfile"].origin if "dockerfile" in given else DEFAULT
    _, selection = choose({**given, "variants": Value((dockerfile,), origin)}, project, environ, everything=True)
    config = selection.comparisons[0].config
    first, *others = config.variants
    if others or len(selection.comparisons) > 1:
        specs = [spec for each in selection.comparisons for spec in each.config.variants]
        names = ", ".join(printable(os.path.relpath(spec.dockerfile)) for spec in specs if spec.dockerfile)
        raise UsageError(f"the folder {dockerfile or '.'} has more than one Dockerfile", hint=f"Name one of {names}.")
    return config, first


def _of_folder(given: Given, project: Path) -> tuple[Given, Path]:
    """Take a folder in the place of variants for the project that is meant."""
    match given.get("variants"):
        case Value(value=(folder,)) if Path(folder).is_dir():
            return {name: value for name, value in given.items() if name != "variants"}, Path(folder).absolute()
    return given, project


def _perform(
    selection: Selection, project: Path, connection: Connection, progress: Progress, reports: Path | None
) -> tuple[Document, ImgcompareError | None]:
    configs = [
        replace(each.config, jobs=each.config.jobs or default_jobs(os.cpu_count(), each.config.companion_count))
        for each in selection.comparisons
    ]
    if any(config.against is not None for config in configs):
        from imgcompare.run.against import with_stored  # noqa: PLC0415 - only where something is held against another

        configs = with_stored(configs, project, connection, progress)
    if selection.together:
        from imgcompare.run.several import perform_all  # noqa: PLC0415 - only for several

        several = perform_all(configs, connection, progress, reports, selection.shard)
        return several.collection, several.error
    one = perform(configs[0], connection, progress, reports)
    return one.report, one.error


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
