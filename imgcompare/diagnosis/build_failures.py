"""Pure: a build step that failed, by the end of its log."""

from __future__ import annotations

import re
import shlex

from imgcompare.diagnosis.command import written
from imgcompare.diagnosis.compiling import not_compiled
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.failed_stage import its_from
from imgcompare.diagnosis.run_steps import failed_step
from imgcompare.diagnosis.step_fixes import folder_with_all, in_context, nearly_in_context
from imgcompare.dockerfile.copy_sources import Copy, read_copy
from imgcompare.dockerfile.parser import Instruction
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure, Stage
from imgcompare.regex import regex

_NO_RELEASE = regex(
    r"The repository '(?P<url>https?://[^/ ]+/(?:debian|debian-security|ubuntu)/? (?P<suite>[\w./-]+)) Release' "
    r"(?:does not have|no longer has) a Release file"
)
_404 = regex(r"\b404\b")
_NO_SOURCE = regex(
    r'failed to walk|"[^"]+":? not found|no such file or directory|file does not exist|file not found'
    r"|outside the build context"
)
_NAMED = regex(r'"/?([^"]+)":? not found|lstat (/\S+): no such file|stat ([^:]+): file does not exist')
_ENGINES_OWN = regex(r"(?<=lstat )/\S*/(?:merged|diff)(?=/)")  # where the engine keeps a stage's files
_SITE = regex(r"/.*/lib/python3(?:\.\d+)?/(?:site|dist)-packages")
_FORMAT = regex(r"exec (?P<program>/[^:]+): exec format error|exec user process caused[: \"]+exec format error")
# Releases that are off the mirrors, and the one to take instead.
_ENDED = {"jessie": "bookworm", "stretch": "bookworm", "buster": "bookworm", "bullseye": "bookworm"}


def failed_build(case: Case) -> Failure | None:
    """Why a build step failed."""
    if case.evidence.observed.stage is not Stage.BUILD:
        return None
    return (
        _base_ended(case)
        or _wrong_architecture(case)
        or not_compiled(case)
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
        hint=f"{its_from(case)}Begin with an image of a distribution that is still maintained; "
        "no fix of apt's sources lasts.",
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


def _no_source(case: Case) -> Failure | None:
    step = next((line for line in case.evidence.observed.evidence if line.startswith("step ")), "")
    message = case.evidence.observed.message
    written_so = re.search(r"\b(?P<keyword>COPY|ADD) (?P<text>.*)", step or message)
    if written_so is None or not _NO_SOURCE.search(message):
        return None
    copy = read_copy(Instruction(written_so["keyword"], 0, written_so["text"], 0))
    sources = copy.sources if copy else ()
    message = _ENGINES_OWN.sub("", message)
    if above := next((source for source in sources if source.startswith("../")), ""):
        return _above_context(case, above, (step, message))
    named = _NAMED.search(message)
    told = next(filter(None, named.groups()), "") if named else ""
    name = next((one for one in sources if told and one.strip("./") == told.strip("./")), "")
    name = name or (sources[0] if len(sources) == 1 else told or "something")
    if copy and copy.from_:
        return _not_in_stage(case, copy, name, (step, message))
    there = in_context(case, name) or nearly_in_context(case, name)
    line = case.written_as(written_so["keyword"], written_so["text"])
    certain = bool(there and copy and copy.sources == (name,) and line and name in line.text.split())
    return case.found(
        "copy-source-missing",
        f"COPY names {name}, which is not in the build context" + (f": that has {there}." if there else "."),
        (step, message),
        hint=_where_paths_count(case, certain=certain),
        fix=(f"{line.keyword} {_with(line.text, name, there)}",) if certain and line else (),
        spot=Spot(instruction=line) if certain else None,
    )


def _where_paths_count(case: Case, *, certain: bool) -> str:
    if folder := folder_with_all(case):
        other = "Or build" if certain else "Build"
        hint = f"{other} in the folder that has all that is copied: --build-context {shlex.quote(folder)}"
        return f"Instead of that line: paths count from the build context. {hint}" if certain else hint
    if certain:
        return "Instead of that line: paths count from the build context."
    return "Paths count from the build context, and .dockerignore takes away from it."


def _with(text: str, name: str, there: str) -> str:
    """A COPY's words with another source; its target keeps the name that later steps count on."""
    *flags, target = text.split()
    words = [there if word == name else word for word in flags]
    return " ".join([*words, target])


def _above_context(case: Case, name: str, proof: tuple[str, ...]) -> Failure:
    return case.found(
        "copy-source-missing",
        f"COPY names {name}, which is above the build context.",
        proof,
        hint="No file above the context can be copied: build in that folder, --build-context ..",
    )


def _not_in_stage(case: Case, copy: Copy, name: str, proof: tuple[str, ...]) -> Failure:
    """A path that the stage does not have; of Python's packages it may have them elsewhere."""
    stage = case.stages.get(copy.from_.lower()) or case.stages.get(copy.from_)
    wanted = _SITE.fullmatch(name.rstrip("/"))
    places = {one.location for one in stage.distributions} if stage and wanted else set()
    there = sorted(place for place in places if _SITE.fullmatch(place))
    fix = _from_there(copy, name, there[0]) if len(there) == 1 and copy.sources == (name,) else ()
    text = next((found[1] for line in proof if (found := re.search(r"\bCOPY (.*)", line))), "")
    return case.found(
        "copy-source-missing",
        f"COPY names {name}, which is not in stage {copy.from_}"
        + (f": its Python packages are in {', '.join(there)}." if there else "."),
        (*proof, *(f"stage {copy.from_} has {place}" for place in there)),
        hint="Instead of that line: the version in the path is that of the stage's Python."
        if fix
        else "Compare the path with what that stage makes.",
        fix=fix,
        spot=Spot(instruction=case.written_as("COPY", text)) if fix else None,
    )


def _from_there(copy: Copy, name: str, place: str) -> tuple[str, ...]:
    """The line with the folder that is there, as its target too if that was named alike."""
    slash = "/" if name.endswith("/") else ""
    same = copy.target.rstrip("/") == name.rstrip("/")
    target = place + ("/" if copy.target.endswith("/") else "") if same else copy.target
    return (f"COPY --from={copy.from_} {place}{slash} {target}",)


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
