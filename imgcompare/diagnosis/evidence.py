"""What was seen of a variant that does not work: everything that a diagnosis may rest on, as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.diagnosis.command import Command, command_of, environment, search_paths
from imgcompare.diagnosis.image_files import View
from imgcompare.diagnosis.traceback import LastError, before_giving_up, is_unhandled, last_error, last_errors
from imgcompare.dockerfile.copy_sources import read_copy
from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.dockerfile.parser import Instruction, StageInfo
from imgcompare.dockerfile.placing import Spot, is_there, place
from imgcompare.engine.interface import EngineImage, Listener
from imgcompare.model import Edit, EditAction, Failure
from imgcompare.regex import regex
from imgcompare.text.printable import printable, verbatim

_LIMIT = 500
_STEP = regex(r"step \[(?:[a-z]+/\S+ +)?(?P<stage>[\w.-]+) +\d+/\d+\]")
_INSTALLS = regex(
    r"\bpip3? .*\binstall\b|\b(?:poetry|pdm) (?:install|sync)\b|\bpipenv (?:install|sync)\b|\buv (?:sync|pip)\b"
)


class Evidence(Struct, frozen=True, kw_only=True):
    """One failure as it was observed, without a word on why.

    ``errors`` are the last lines of stderr alone: what a program writes to stdout may come after its own last words.
    ``env`` is what the container was given beside the image's. ``listeners`` is None where nobody could look, ``heads``
    has the first bytes of the programs that the command starts, by path. ``port_given`` says that the port to ask was
    named by the user and not by EXPOSE. ``beside`` are companions that ran, and ``services`` what else could be one,
    by its name, with what to do for that.
    """

    observed: Failure
    log: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    image: EngineImage | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    start_error: str = ""
    status_code: int | None = None
    port: int | None = None
    port_given: bool = False
    listeners: tuple[Listener, ...] | None = None
    heads: Mapping[str, bytes] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)


class Neighbours(Protocol):
    """What can be looked into beside the image, by name; it is made and read when it is first asked for.

    That takes seconds, so a cause asks only where the image's own files do not tell enough.
    """

    def stages(self) -> Mapping[str, View]:
        """The stages that the Dockerfile takes files from."""

    def others(self) -> Mapping[str, View]:
        """The images of other variants that work."""


class Nobody:
    """No neighbours."""

    def stages(self) -> Mapping[str, View]:
        """None."""
        return {}

    def others(self) -> Mapping[str, View]:
        """None."""
        return {}


class Case(Struct, frozen=True, kw_only=True, dict=True):
    """The evidence beside what can be looked up: this image's files, those of its stages and of other variants.

    ``view`` is None where the image was not read. ``written`` are the stages stacked to the image, the lowest first,
    with their instructions, ``unused`` the stages it takes nothing of, and ``base`` is the image they stand on; of each
    stage of the Dockerfile ``chains`` has the latter two, by its number: (base, written).
    ``document`` is the Dockerfile to be mended, None for an image without one, and ``target`` the stage that was built.
    ``context`` gives the names of the files that COPY can see below ``context_folder``; ``dockerfile_folder`` is where
    the Dockerfile stands among them, "." at the top or elsewhere. ``base_command`` is the base image's CMD, and
    ``engine_architecture`` the engine's machine, "" where it is not known.
    """

    evidence: Evidence
    view: View | None = None
    neighbours: Neighbours = field(default_factory=Nobody)
    written: tuple[StageInfo, ...] = ()
    unused: tuple[StageInfo, ...] = ()
    chains: tuple[tuple[str, tuple[StageInfo, ...]], ...] = ()
    base: str = ""
    document: Document | None = None
    target: str | None = None
    context: Callable[[], Iterable[str]] = field(default=tuple)
    context_folder: str = "."
    dockerfile_folder: str = "."
    base_command: tuple[str, ...] = ()
    engine_architecture: str = ""

    @cached_property
    def stages(self) -> Mapping[str, View]:
        """The stages that the Dockerfile takes files from, by name."""
        return self.neighbours.stages()

    @cached_property
    def command(self) -> Command:
        """What the image runs."""
        return command_of(self.evidence.image) if self.evidence.image else Command(words=(), keyword="CMD")

    @cached_property
    def environment(self) -> dict[str, str]:
        """The container's environment."""
        return environment(self.evidence.image, self.evidence.env) if self.evidence.image else {}

    @property
    def working_dir(self) -> str:
        """The folder that the program starts in."""
        return (self.evidence.image.working_dir if self.evidence.image else "") or "/"

    @property
    def user(self) -> str:
        """Who the program runs as, without the group; "root" where the image does not say."""
        named = self.evidence.image.user.partition(":")[0] if self.evidence.image else ""
        return "root" if named in {"", "0"} else named

    @property
    def group(self) -> str:
        """The group that USER names beside the user, "" where it names none."""
        return self.evidence.image.user.partition(":")[2] if self.evidence.image else ""

    def modes(self, *paths: str) -> tuple[str, ...]:
        """The owners and modes of what is there, for the proof."""
        found = ((path, self.view.file(path) if self.view else None) for path in paths)
        return tuple(f"{path}: user {entry.uid}, mode {entry.mode & 0o7777:04o}" for path, entry in found if entry)

    def program_path(self, program: str) -> str | None:
        """Where a program is found, or None."""
        paths = search_paths(program, self.working_dir, self.environment)
        if self.view is None:
            return next((path for path in paths if path in self.evidence.heads), None)
        return next((path for path in paths if self.view.file(path) is not None), None)

    def elsewhere(self) -> Iterator[tuple[str, View]]:
        """What else may have what this image lacks, in words: the stages first, and variants where these do not."""
        yield from ((f"stage {name}", view) for name, view in self.stages.items())
        yield from ((f"the variant {name}", view) for name, view in self.neighbours.others().items())

    @cached_property
    def forgotten(self) -> str:
        """The name of the stage that should have been copied from, "" where there is none."""
        stage = forgotten_stage(self.written, self.unused)
        return (stage.name or str(stage.index)) if stage else ""

    def found(
        self,
        code: str,
        message: str,
        proof: tuple[str, ...],
        *,
        hint: str = "",
        fix: tuple[str, ...] = (),
        spot: Spot | None = None,
    ) -> Failure:
        """The observed failure with its cause: the lines that prove it before everything else.

        The fix goes where its lines belong in the stage that was built, its first line to the ``spot`` if one is named.
        One with a name that is not UTF-8 is none: a Dockerfile cannot hold it.
        """
        edits = self._edits(fix, spot)
        return replace(
            self.evidence.observed,
            code=code,
            message=printable(message, limit=_LIMIT),
            hint=printable(_as_placed(self._in_this_stage(hint), edits), limit=_LIMIT),
            evidence=tuple(printable(line, limit=_LIMIT) for line in proof if line),
            fix=tuple(map(verbatim, fix)) if all(map(_is_utf8, fix)) else (),
            edits=edits,
        )

    def _edits(self, fix: tuple[str, ...], spot: Spot | None) -> tuple[Edit, ...]:
        """Where the fix goes; nowhere if it has characters that nobody would see."""
        if self.document is None or any(verbatim(line) != line for line in fix):
            return ()
        return place(self.document, self.target, fix, base=self.base, spot=spot)

    def refutes(self, failure: Failure) -> bool:
        """Whether a fix stands in the Dockerfile already: what it would mend has another cause."""
        return self.document is not None and is_there(self.document, self.target, failure.fix)

    def written_as(self, keyword: str, words: str) -> Instruction | None:
        """The Dockerfile's only instruction of that keyword and those words, whatever space is between them.

        Of several it is the one in the stage whose step failed.
        """
        instructions = self.document.instructions if self.document else ()
        found = [one for one in instructions if one.keyword == keyword and one.text.split() == words.split()]
        if len(found) > 1 and self.document and (failed := self.told_stage()):
            found = [one for one in found if self.document.stage_of(one) is failed]
        return found[0] if len(found) == 1 else None

    def told_stage(self) -> DocumentStage | None:
        """The stage that the failed step's name tells, which the classic builder's does not."""
        told = _STEP.match(next(iter(self.evidence.observed.evidence), ""))
        stages = self.document.stages if self.document else ()
        found = [one for one in stages if told and told["stage"].lower() == (one.name or f"stage-{one.index}")]
        return found[0] if len(found) == 1 else None

    def copied_to(self, folder: str) -> Instruction | None:
        """The only COPY --from of the stage that was built, or those below it, whose target is that folder."""
        if self.document is None or not self.document.stages:
            return None
        stage = self.document.target(self.target)
        written = (one for each in (stage, *self.document.parents(stage)) for one in each.instructions)
        copies = ((one, read_copy(one)) for one in written)
        found = [one for one, copy in copies if copy and copy.from_ and copy.target.rstrip("/") == folder.rstrip("/")]
        return found[0] if len(found) == 1 else None

    def _in_this_stage(self, hint: str) -> str:
        """The hint in the words of the Dockerfile: the stage by its name where it is not the last one."""
        if self.document is None or self.target is None or not self.document.stages:
            return hint
        stage = self.document.target(self.target)
        if stage is self.document.stages[-1]:
            return hint
        return hint.replace("the last stage", f"stage {stage.label}")

    @cached_property
    def last_error(self) -> LastError | None:
        """The exception that the program, a request, or a process that was to serve ended with."""
        evidence = self.evidence
        others = (evidence.status_code or 0) >= 500 or evidence.listeners == ()
        if (others or evidence.exit_code) and (above := before_giving_up(evidence.errors)):
            return last_error(above)
        if evidence.exit_code or (others and is_unhandled(evidence.errors)):
            return last_error(evidence.errors)
        return None

    @cached_property
    def last_errors(self) -> tuple[LastError, ...]:
        """The exceptions that the programs of a container which ended have ended with, the last one last."""
        return last_errors(self.evidence.errors) if self.evidence.exit_code else ()

    def ended(self) -> str:
        """How the program ended, for the proof: ``exit code 1``, or the status it replied with; "" where neither is."""
        code, status = self.evidence.exit_code, self.evidence.status_code
        if self.evidence.listeners == ():
            return "inside the container nothing listens on any port"
        if code is None or self.evidence.start_error:
            return "" if status is None else f"the reply has status {status}"
        return f"exit code {code}"


def forgotten_stage(written: Sequence[StageInfo], unused: Sequence[StageInfo]) -> StageInfo | None:
    """Return the stage that installs Python packages and that the image made by others takes nothing from.

    An image that installs packages itself is meant to stand alone: the other stages are then for other purposes.
    """
    return None if any(map(_installs, written)) else next(filter(_installs, unused), None)


def _as_placed(hint: str, edits: tuple[Edit, ...]) -> str:
    """The hint with the place that the edits are at, where it names another, as the USER of an image without one."""
    at = next((one for one in edits if one.action in {EditAction.INSERT_BEFORE, EditAction.INSERT_AFTER}), None)
    if at is None:
        return hint
    place_ = f"bove {at.instruction}" if at.action is EditAction.INSERT_BEFORE else "t the end"
    return re.sub(r"(?<=\b[Aa])bove (?:USER|CMD)\b", place_, hint, count=1)


def _installs(stage: StageInfo) -> bool:
    """Whether a stage installs Python packages."""
    return any(one.keyword == "RUN" and _INSTALLS.search(one.text) for one in stage.instructions)


def _is_utf8(line: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in line)
