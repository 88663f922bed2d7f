"""Pure: where the lines of a fix go in a Dockerfile, as edits.

A fix is told to people as lines, and in words where they go. Here each kind of instruction has its place in the stage
that is mended, so that what is shown and what is applied is the same:

- CMD, ENTRYPOINT, HEALTHCHECK, STOPSIGNAL, USER, and a lone EXPOSE: in the place of the stage's own, else at its end;
- FROM: in the place of the image that the stages stand on, whose flags and name stay;
- RUN, with what comes before it in the fix: where root runs, and below what the stage has copied;
- everything else: above the command.

Lines that hold there already are left out (``needless``): they are no fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from msgspec import Struct

from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.dockerfile.edits import apply, changes_files, delete, insert_after, insert_before, needless, replace
from imgcompare.dockerfile.parser import Instruction, read_instructions
from imgcompare.errors import EditError, UsageError
from imgcompare.model import Edit

_COMMANDS = ("CMD", "ENTRYPOINT")
# Of these a stage's own is replaced.
_OWN = frozenset({*_COMMANDS, "HEALTHCHECK", "STOPSIGNAL", "USER", "EXPOSE"})
_ROOT = ("root", "0")
# What may make the files that a RUN changes.
_MAKES = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})


class Spot(Struct, frozen=True, kw_only=True):
    """Where a fix goes if not where its kind belongs: at an instruction of the Dockerfile that is wrong.

    The first ``lines`` of the fix are put in its place, or above it; the others go where they belong. None is an
    instruction that was not found: the fix then has no certain place.
    """

    instruction: Instruction | None
    above: bool = False
    lines: int = 1


def place(
    document: Document, target: str | None, lines: Sequence[str], *, base: str = "", spot: Spot | None = None
) -> tuple[Edit, ...]:
    """Return the edits that put these lines where they belong in the stage ``target`` (None: the last).

    ``base`` is the image that the stage stands on, with its variables put in. () stands for what is there already, and
    for what has no certain place.
    """
    try:
        stage = document.target(target)
        edits = tuple(_edits(document, stage, lines, base, spot))
        edits = tuple(edit for edit in edits if not needless(document, edit))
        apply(document, edits)
    except (EditError, UsageError, _NoPlaceError):
        return ()
    return edits


def is_there(document: Document, target: str | None, lines: Sequence[str]) -> bool:
    """Whether all lines of a fix hold already where they belong: then what they would mend has another cause."""
    try:
        stage = document.target(target)
        return bool(lines) and all(needless(document, edit) for edit in _edits(document, stage, lines, "", None))
    except (EditError, UsageError, _NoPlaceError):
        return False


class _NoPlaceError(Exception):
    """A line that has no certain place."""


def _edits(
    document: Document, stage: DocumentStage, lines: Sequence[str], base: str, spot: Spot | None
) -> Iterator[Edit]:
    rest = list(lines)
    if any("…" in line for line in rest):  # a pattern, and no line yet
        raise _NoPlaceError
    if spot is not None and rest:
        if spot.instruction is None:
            raise _NoPlaceError
        put = insert_before if spot.above else replace
        yield put(document, spot.instruction, *rest[: spot.lines])
        del rest[: spot.lines]
    group: list[str] = []
    for line in rest:
        keyword = line.partition(" ")[0]
        if keyword in {"ADD", "COPY"} and "--from=" not in line:  # in the place of which line is not said
            raise _NoPlaceError
        if keyword == "FROM":
            yield _other_base(document, stage, line, base)
        elif keyword in _OWN:
            yield _own(document, stage, keyword, line)
        elif not needless(document, _above_command(document, stage, (line,))):
            group.append(line)
    if group:
        yield from _grouped(document, stage, group)


def _own(document: Document, stage: DocumentStage, keyword: str, line: str) -> Edit:
    """In the place of the stage's own; a command without words takes that away."""
    own = stage.last(keyword)
    if keyword == "EXPOSE" and own and (len(own.text.split()) > 1 or own is not _only(stage, keyword)):
        raise _NoPlaceError  # which of them is wrong is not known
    if own is not None:
        return delete(document, own) if line == "CMD []" else replace(document, own, line)
    if keyword == "ENTRYPOINT" and (command := stage.last("CMD")):
        return insert_before(document, command, line)
    if keyword in _COMMANDS:
        return insert_after(document, stage.instructions[-1], line)
    return _above_command(document, stage, (line,))


def _only(stage: DocumentStage, keyword: str) -> Instruction | None:
    found = [one for one in stage.instructions if one.keyword == keyword]
    return found[0] if len(found) == 1 else None


def _other_base(document: Document, stage: DocumentStage, line: str, base: str) -> Edit:
    lowest = [stage, *document.parents(stage)][-1]
    start, image = lowest.instructions[0], line.removeprefix("FROM ")
    words = [re.escape(word) for word in start.text.split()]
    written = re.escape(lowest.base)
    if not lowest.base or words.count(written) == 0:
        raise _NoPlaceError
    wanted = _in_words_of(lowest.base, base, image)
    source = document.source(start).rstrip("\r\n")
    if "\n" in source:
        raise _NoPlaceError
    return replace(document, start, re.sub(rf"(?<=\s){written}(?=\s|$)", lambda _: wanted, source, count=1))


def _in_words_of(expression: str, old: str, new: str) -> str:
    """The new image in the words of the old one's expression, whose variables stay if they are no part of the change.

    ``python:${V}-slim`` for python:3.11-slim becomes ``python:${V}`` for python:3.11.
    """
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    tail = old[shared:]
    if "$" not in expression or not tail or not expression.endswith(tail) or "}" in tail:
        return new
    return expression.removesuffix(tail) + new[shared:]


def _grouped(document: Document, stage: DocumentStage, lines: Sequence[str]) -> Iterator[Edit]:
    """Lines that belong together: above the command, or where root runs if one of them is a RUN."""
    if not any(line.startswith("RUN ") for line in lines):
        yield _above_command(document, stage, lines)
        return
    users = [one for one in _all(document, stage) if one.keyword == "USER"]
    other = next(filter(_is_other, users), None)
    if other is None:
        yield _above_command(document, stage, lines)
    elif other in stage.instructions and not _made_below(stage, other, lines):
        yield insert_before(document, other, *lines)
    elif _is_other(users[-1]):
        yield _above_command(document, stage, ("USER root", *lines, f"USER {users[-1].text}"))
    else:
        yield _above_command(document, stage, lines)


def _made_below(stage: DocumentStage, user: Instruction, lines: Sequence[str]) -> bool:
    """Whether lines change files that the stage may make only below a USER."""
    makes = any(one.line > user.line and one.keyword in _MAKES for one in stage.instructions)
    return makes and any(map(changes_files, read_instructions("\n".join(lines), "\\")))


def _all(document: Document, stage: DocumentStage) -> list[Instruction]:
    """The instructions of the stages that make a stage's image, in their order."""
    stages = [stage, *document.parents(stage)]
    return [one for found in reversed(stages) for one in found.instructions]


def _is_other(instruction: Instruction) -> bool:
    """Whether it takes the rights of root away."""
    return instruction.keyword == "USER" and instruction.text.partition(":")[0] not in _ROOT


def _above_command(document: Document, stage: DocumentStage, lines: Sequence[str]) -> Edit:
    """Above the stage's own ENTRYPOINT and CMD, else at its end."""
    commands = [command for keyword in _COMMANDS if (command := stage.last(keyword))]
    if commands:
        return insert_before(document, min(commands, key=lambda one: one.line), *lines)
    return insert_after(document, stage.instructions[-1], *lines)
