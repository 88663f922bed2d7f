"""Pure: the candidates that keep the stages as they are: the waste gone, or a slim base in the place of a full one."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.analysis.savings import DOWNLOADS
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply, insert_after, insert_before, replace
from imgcompare.dockerfile.parser import Instruction
from imgcompare.dockerfile.shell import commands_of
from imgcompare.model import Edit
from imgcompare.regex import regex
from imgcompare.remedy.multi_stage import apt_line
from imgcompare.remedy.needs import Need
from imgcompare.remedy.shape import Part, Shape
from imgcompare.remedy.steps import Purpose

# Less is not worth a line.
_WORTH_BYTES = 100_000
_PIP = regex(r"\b(pip[\d.]*\s+install)\b(?!\s+--no-cache-dir)")
_LISTS = "var/lib/apt/lists/"


def write_tidy(shape: Shape) -> Document | None:
    """The original with what its RUNs left lying about taken away where it is made; None where nothing is to be had."""
    edits = tidy_edits(shape)
    return apply(shape.document, edits) if edits else None


def write_slim(shape: Shape, base: str, needs: Sequence[Need]) -> Document:
    """The original on the slim base, with what it lacks there, and tidied."""
    begin = shape.parts[0].instruction
    source = shape.document.source(begin).rstrip()
    edits = list(tidy_edits(shape))
    edits.append(replace(shape.document, begin, *source.replace(shape.stage.base, base, 1).splitlines()))
    if needs:
        what = ", ".join(f"{need.package} ({need.what})" for need in needs)
        line = apt_line([need.package for need in needs])
        edits.append(insert_after(shape.document, begin, f"# What the slim image lacks: {what}", *line.splitlines()))
    return apply(shape.document, edits)


def with_user(text: str, user: str) -> str:
    """The Dockerfile with a user that owns the working folder, and nothing in it, for what the last stage runs."""
    document = Document(text)
    stage = document.target(None)
    command = stage.last("CMD", "ENTRYPOINT") or stage.instructions[-1]
    folders = [one.text for one in stage.instructions if one.keyword == "WORKDIR"]
    # The folder alone, that a file can be made in it: to own all files anew would double their bytes.
    owned = f" \\\n    && chown {user} {folders[-1]}" if folders else ""
    lines = f"RUN useradd --system --no-create-home --shell /usr/sbin/nologin {user}{owned}\nUSER {user}".splitlines()
    return str(apply(document, [insert_before(document, command, *lines)]))


def tidy_edits(shape: Shape) -> tuple[Edit, ...]:
    """One edit for each RUN that left a cache or package lists in its layer."""
    runs = (part for part in shape.parts if part.keyword == "RUN")
    return tuple(edit for part in runs if (edit := _tidied(shape, part)) is not None)


def _tidied(shape: Shape, part: Part) -> Edit | None:
    instruction = part.instruction
    if commands_of(instruction) is None:
        return None
    left = [path for path in _left(shape, instruction) if path != _LISTS or not _asked_for_later(shape, instruction)]
    lines = shape.document.source(instruction).rstrip().splitlines()
    if any(path.endswith(".cache/pip") for path in left):
        flagged = [_PIP.sub(r"\1 --no-cache-dir", line) for line in lines]
        if flagged != lines:
            lines, left = flagged, [path for path in left if not path.endswith(".cache/pip")]
    if left:
        folders = " ".join("/var/lib/apt/lists/*" if path == _LISTS else f"/{path}" for path in left)
        lines[-1] = f"{lines[-1].rstrip().removesuffix(';').rstrip()} {shape.document.escape}"
        lines.append(f"    && rm -rf {folders}")
    own = shape.document.source(instruction).rstrip().splitlines()
    return replace(shape.document, instruction, *lines) if lines != own else None


def _asked_for_later(shape: Shape, instruction: Instruction) -> bool:
    """Whether a later RUN installs from the package lists of this one."""
    later = [
        part.instruction for part in shape.parts if part.keyword == "RUN" and part.instruction.line > instruction.line
    ]
    for run in later:
        commands = [command for command, purpose in shape.commands(run) or () if purpose is Purpose.APT]
        first = next((one for one in commands if "update" in one.words or "install" in one.words), None)
        if first is not None:
            return "install" in first.words
    return False


def _left(shape: Shape, instruction: Instruction) -> list[str]:
    """The folders of caches and lists that a RUN left, as far as they are worth a line."""
    sizes: dict[str, int] = {}
    for path, entry in shape.written(instruction).items():
        if path.startswith(_LISTS):
            sizes[_LISTS] = sizes.get(_LISTS, 0) + entry.size
        elif match := DOWNLOADS.match(path):
            folder = match[0].rstrip("/")
            sizes[folder] = sizes.get(folder, 0) + entry.size
    return sorted(folder for folder, size in sizes.items() if size >= _WORTH_BYTES)
