"""Pure: a build step that failed, by the end of its log."""

from __future__ import annotations

import re

from imgcompare.diagnosis.command import written
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.run_steps import failed_step
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure, Stage

_NO_RELEASE = re.compile(
    r"The repository '(?P<url>https?://[^/ ]+/(?:debian|debian-security|ubuntu)/? (?P<suite>[\w./-]+)) Release' "
    r"(?:does not have|no longer has) a Release file"
)
_404 = re.compile(r"\b404\b")
_NO_COMPILER = re.compile(
    r"error: command '(?P<tool>[\w./+-]*(?:gcc|g\+\+|cc|c\+\+))' failed: No such file or directory"
    r"|unable to execute '(?P<old>[\w./+-]+)': No such file or directory"
    r"|Error: (?P<pg>pg_config) executable not found"
)
_NO_SOURCE = re.compile(
    r'failed to walk|"[^"]+":? not found|no such file or directory|file does not exist|file not found'
    r"|outside the build context"
)
_NAMED = re.compile(r'"/?([^"]+)":? not found|lstat (/\S+): no such file|stat ([^:]+): file does not exist')
_ENGINES_OWN = re.compile(r"(?<=lstat )/\S*/(?:merged|diff)(?=/)")  # where the engine keeps a stage's files
_FORMAT = re.compile(r"exec (?P<program>/[^:]+): exec format error|exec user process caused[: \"]+exec format error")
# Releases that are off the mirrors, and the one to take instead.
_ENDED = {"jessie": "bookworm", "stretch": "bookworm", "buster": "bookworm", "bullseye": "bookworm"}


def failed_build(case: Case) -> Failure | None:
    """Why a build step failed."""
    if case.evidence.observed.stage is not Stage.BUILD:
        return None
    return (
        _base_ended(case)
        or _wrong_architecture(case)
        or _no_compiler(case)
        or _no_source(case)
        or _needs_buildkit(case)
        or _options_as_line(case)
        or failed_step(case)
    )


def _base_ended(case: Case) -> Failure | None:
    line, match = _line(case, _NO_RELEASE)
    missing = next((line for line in case.evidence.log if _404.search(line) and "Release" not in line), None)
    if match is None or missing is None:
        return None
    suite = match["suite"].partition("/")[0].partition("-")[0]
    base = case.base
    renamed = base.replace(suite, _ENDED.get(suite, suite))
    return case.found(
        "base-end-of-life",
        f"The package lists of {suite} are gone from the mirror: the base image's distribution is at its end of life.",
        (missing.strip(), line),
        hint="Begin with an image of a distribution that is still maintained; no fix of apt's sources lasts.",
        fix=(f"FROM {renamed}",) if renamed != base else (),
    )


def _wrong_architecture(case: Case) -> Failure | None:
    line, match = _line(case, _FORMAT)
    if match is None:
        return None
    return case.found(
        "wrong-architecture",
        "A program of the build is for another kind of processor than this machine's.",
        (line,),
        hint="See that the base image and --platform are for this machine, and what was downloaded, too.",
    )


def _no_compiler(case: Case) -> Failure | None:
    line, match = _line(case, _NO_COMPILER)
    if match is None:
        return None
    tool = re.sub(r"^[\w.]+-linux-\w+-", "", next(filter(None, match.groups())).rpartition("/")[2])
    base = case.base
    full = re.sub(r"^((?:\S+/)?python:[\d.]+)-slim(?=-|$)", r"\1", base)
    return case.found(
        "missing-build-tool",
        f"A package has to be compiled, and this stage has no {tool}.",
        (
            line,
            f"step {case.evidence.observed.evidence[0].removeprefix('step ')}"
            if case.evidence.observed.evidence
            else "",
        ),
        hint="Compile in a stage with build tools, which the full Python image has, and copy what was made from there.",
        fix=(f"FROM {full}",) if full != base and len(case.written) == 1 else (),
    )


def _no_source(case: Case) -> Failure | None:
    step = next((line for line in case.evidence.observed.evidence if line.startswith("step ")), "")
    message = case.evidence.observed.message
    if not re.search(r"\b(?:COPY|ADD) ", step or message) or not _NO_SOURCE.search(message):
        return None
    source = re.search(r"--from=(\S+)", step or message)
    where = f"stage {source[1]}" if source else "the build context"
    message = _ENGINES_OWN.sub("", message)
    above = re.search(r"(?:COPY|ADD) .*?(\.\./\S*)", step or message)
    named = above or _NAMED.search(message)
    name = next(filter(None, named.groups()), "") if named else "something"
    return case.found(
        "copy-source-missing",
        f"COPY names {name}, which is above the build context."
        if above
        else f"COPY names {name}, which is not in {where}.",
        (step, message),
        hint="Compare the path with what that stage makes."
        if source
        else "No file above the context can be copied: build in that folder, --build-context .."
        if above
        else "Paths count from the build context, and .dockerignore takes away from it.",
    )


def _needs_buildkit(case: Case) -> Failure | None:
    message = case.evidence.observed.message
    if not re.search(r"requires? BuildKit|needs BuildKit; the classic", message):
        return None
    return case.found(
        "build-failed",
        "The Dockerfile uses what only BuildKit knows, and it was built by the classic builder.",
        (message, *case.evidence.observed.evidence),
        hint="Build with BuildKit: --builder buildkit",
    )


def _options_as_line(case: Case) -> Failure | None:
    """CMD as a line that begins with an option, for the program of ENTRYPOINT: the builder takes it for its own."""
    message = case.evidence.observed.message
    match = re.search(r"line (?P<line>\d+): [Uu]nknown flag: (?P<flag>[\w-]+)", message)
    written_so = case.document.instructions if match and case.document else ()
    found = next((one for one in written_so if match and one.line == int(match["line"])), None)
    if found is None or found.keyword not in {"CMD", "ENTRYPOINT"} or not found.text.startswith("--"):
        return None
    return case.found(
        "mixed-command-forms",
        f"{found.keyword} is a line that begins with an option, which the builder takes for one of its own.",
        (message, f"{found.keyword} {found.text}"),
        hint="Instead of that line: as a list, its words are handed to ENTRYPOINT.",
        fix=(written(found.keyword, found.text.split()),) if not re.search(r"[$'\"\\]", found.text) else (),
        spot=Spot(instruction=found),
    )


def _line(case: Case, pattern: re.Pattern[str]) -> tuple[str, re.Match[str] | None]:
    """The last log line that has it."""
    for line in reversed((*case.evidence.log, case.evidence.observed.message)):
        if match := pattern.search(line):
            return line.strip(), match
    return "", None
