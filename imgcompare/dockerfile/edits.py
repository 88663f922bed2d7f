"""Pure: changes of a Dockerfile as data; made here at an instruction, carried by a report, applied to a document.

``replace``, ``insert_before``, ``insert_after`` and ``delete`` make an Edit; ``apply`` gives the changed document and
touches no other line, ``needless`` tells an edit that brings nothing new, and ``unified_diff`` shows what was done.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from imgcompare.dockerfile.document import BOM, Document, DocumentStage
from imgcompare.dockerfile.parser import Instruction, directives, read_instructions
from imgcompare.errors import EditError
from imgcompare.model import Edit, EditAction
from imgcompare.regex import regex

# Of these the last one of a stage counts.
_ONE_VALUE = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK", "SHELL", "STOPSIGNAL", "USER", "WORKDIR"})

_ON_FILES = regex(r"(?:chmod|chown|sed|mv|ln) ")


def replace(document: Document, instruction: Instruction, *lines: str) -> Edit:
    """Put these lines in an instruction's place; the comment above it stays."""
    return _edit(EditAction.REPLACE, document, instruction, lines)


def insert_before(document: Document, instruction: Instruction, *lines: str) -> Edit:
    """Put these lines above an instruction and the comment that goes with it."""
    return _edit(EditAction.INSERT_BEFORE, document, instruction, lines)


def insert_after(document: Document, instruction: Instruction, *lines: str) -> Edit:
    """Put these lines below an instruction."""
    return _edit(EditAction.INSERT_AFTER, document, instruction, lines)


def delete(document: Document, instruction: Instruction) -> Edit:
    """Take an instruction away; the comment above it stays."""
    return _edit(EditAction.DELETE, document, instruction, ())


def _edit(action: EditAction, document: Document, instruction: Instruction, lines: Sequence[str]) -> Edit:
    stage = document.stage_of(instruction)
    return Edit(
        action=action,
        stage=_label(document, stage),
        line=instruction.line,
        instruction=instruction.keyword,
        lines=tuple(lines),
    )


def _label(document: Document, stage: DocumentStage | None) -> str:
    """The stage's name where it has one for itself, else its number."""
    if stage is None:
        return ""
    names = [one.name for one in document.stages]
    return stage.name if stage.name and names.count(stage.name) == 1 else str(stage.index)


class _Change(Struct):
    """What the edits at one instruction come to: lines with their ends; None of ``instead`` leaves it as it is."""

    before: list[str] = field(default_factory=list)
    instead: list[str] | None = None
    after: list[str] = field(default_factory=list)


def apply(document: Document, edits: Iterable[Edit]) -> Document:
    """Return the document with all of these edits, each at a line of ``document``; those at one place in their order.

    Lines that are put in end as the line they are put at, and a file without a final line end still has none. Raises
    EditError for an edit that fits nothing, two that change one instruction, or one that would change other lines.
    """
    changes: dict[int, _Change] = {}
    for edit in edits:
        instruction = _fitting(document, edit)
        lines = [line + _line_end(document, instruction) for line in edit.lines]
        change = changes.setdefault(instruction.line, _Change())
        match edit.action:
            case EditAction.INSERT_BEFORE:
                change.before += lines
            case EditAction.INSERT_AFTER:
                change.after += lines
            case EditAction.REPLACE | EditAction.DELETE:
                if change.instead is not None:
                    raise EditError(f"two edits change the {edit.instruction} in line {edit.line}")
                change.instead = lines
    changed = _changed(document, changes)
    _check(document, changed, changes)
    return changed


def _fitting(document: Document, edit: Edit) -> Instruction:
    """The instruction that an edit is for."""
    found = next((one for one in document.instructions if one.line == edit.line), None)
    wanted = f"{edit.instruction} in line {edit.line}" + (f" of stage {edit.stage}" if edit.stage else "")
    if found is None:
        raise EditError(f"there is no {wanted}: no instruction begins in that line")
    if found.keyword != edit.instruction:
        raise EditError(f"there is no {wanted}: that line has {found.keyword}")
    stage = document.stage_of(found)
    if edit.stage.lower() not in ({stage.name, str(stage.index)} if stage else {""}):
        raise EditError(f"there is no {wanted}: that line is " + (f"of stage {stage.label}" if stage else "of none"))
    if any("\n" in line or "\r" in line for line in edit.lines):
        raise EditError(f"the edit of {wanted} has a line end within a line")
    if (edit.action is EditAction.DELETE) == bool(edit.lines):
        raise EditError(f"the edit of {wanted} has " + ("lines, and deletes" if edit.lines else "no lines"))
    return found


def _line_end(document: Document, instruction: Instruction) -> str:
    """How the line that an instruction begins in ends, or where that is the last, without an end, the line above."""
    lines = document.lines[: instruction.line]
    ended = next((line for line in reversed(lines) if line.endswith("\n")), "\n")
    return "\r\n" if ended.endswith("\r\n") else "\n"


def _changed(document: Document, changes: Mapping[int, _Change]) -> Document:
    bom = BOM if document.text.startswith(BOM) else ""
    lines = [line.removeprefix(bom) if number == 1 else line for number, line in enumerate(document.lines, start=1)]
    result: list[str] = []
    done = 0  # lines of the original
    for one in document.instructions:
        if change := changes.get(one.line):
            top = document.above(one) - 1
            own = lines[one.line - 1 : one.last_line] if change.instead is None else change.instead
            result += lines[done:top] + change.before + lines[top : one.line - 1]
            result += _ended(own, _line_end(document, one)) if change.after else own
            result += change.after
            done = one.last_line
    result += lines[done:]
    text = "".join(result)
    if changes and lines and done == len(lines) and not lines[-1].endswith("\n") and text.endswith("\n"):
        text = text.removesuffix("\n").removesuffix("\r")
    return Document(bom + text)


def _ended(lines: Sequence[str], end: str) -> list[str]:
    """The lines, of which only the file's last may lack its end."""
    return [line if line.endswith("\n") else line + end for line in lines]


def _check(document: Document, changed: Document, changes: Mapping[int, _Change]) -> None:
    """Hold the changed document's instructions against those of the parts it was made of."""
    parts: list[Instruction] = []
    for one in document.instructions:
        change = changes.get(one.line, _Change())
        parts += read_instructions("".join(change.before), document.escape)
        parts += [one] if change.instead is None else read_instructions("".join(change.instead), document.escape)
        parts += read_instructions("".join(change.after), document.escape)
    if directives(changed.text) != directives(document.text) or not _same(changed.instructions, parts):
        raise EditError("the edits would change lines that they do not name: is one of them continued, or a directive?")


def needless(document: Document, edit: Edit) -> bool:
    """Whether what an edit would bring is there already: such an edit is no fix.

    Lines to insert are there if each holds where they would be put: in the stage or those it stands on, and not undone
    by a later one of its kind.
    """
    instruction = _fitting(document, edit)
    wanted = read_instructions("".join(f"{line}\n" for line in edit.lines), document.escape)
    if edit.action is EditAction.DELETE:
        return False
    if edit.action is EditAction.REPLACE:
        return _same(wanted, [instruction])
    last = instruction.line - (edit.action is EditAction.INSERT_BEFORE)
    return all(_holds(document, document.stage_of(instruction), last, one) for one in wanted)


def _holds(document: Document, stage: DocumentStage | None, last: int, wanted: Instruction) -> bool:
    """Whether an instruction stands in the stage up to line ``last``, or below it, and nothing takes it back."""
    stages = [stage, *document.parents(stage)] if stage else []
    for found in stages:
        written = [one for one in found.instructions if one.line <= last]
        for one in reversed(written):
            if _same([one], [wanted]):
                return True
            if one.keyword == wanted.keyword and (one.keyword in _ONE_VALUE or _names(one) & _names(wanted)):
                return False
            if one.keyword in {"ADD", "COPY"} and changes_files(wanted):
                return False  # it may bring the file anew
        if wanted.keyword == "CMD" and any(one.keyword == "ENTRYPOINT" for one in written):
            return False  # it drops the CMD of the stages below
    return False


def changes_files(instruction: Instruction) -> bool:
    """Whether it is a RUN that changes files which must be there: their modes, owners or content."""
    return instruction.keyword == "RUN" and _ON_FILES.match(instruction.text) is not None


def _names(instruction: Instruction) -> set[str]:
    """The variables that an ENV or ARG sets, as far as they are written plainly."""
    if instruction.keyword not in {"ARG", "ENV"}:
        return set()
    return set(re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==)", instruction.text)) or {instruction.text.split(" ")[0]}


def _same(these: Sequence[Instruction], those: Sequence[Instruction]) -> bool:
    return [(one.keyword, one.text.split()) for one in these] == [(one.keyword, one.text.split()) for one in those]


def unified_diff(before: Document, after: Document, old: str, new: str) -> str:
    """Return the change as a patch, as ``diff -u`` writes it: "" where there is none; the names are shown as given."""
    lines = difflib.unified_diff(before.lines, after.lines, old, new)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
