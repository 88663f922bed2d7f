"""A Dockerfile as it was written, to be changed: every line is kept, and what is not edited comes out byte for byte.

How it is used::

    document = Document.read(path.read_bytes())
    last = document.target(None)                     # or a stage's name, or its number
    command = last.last("CMD", "ENTRYPOINT")         # an Instruction, or None
    edit = insert_before(document, command or last.instructions[-1], "WORKDIR /app")   # imgcompare.dockerfile.edits
    changed = apply(document, [edit])                # a new Document
    path.write_bytes(bytes(changed))

The text is held as ``str``: UTF-8 with ``surrogateescape``, so that any bytes come back as they were; ``bytes()`` of a
document gives them and ``str()`` the text. Lines end at LF alone, as they do for the builder: a CR stays at the end of
its line. What an instruction spans (its ``line`` to its ``last_line``) is as imgcompare.dockerfile.parser reads it:
continued lines with the comments between them, heredocs with their ends. Nothing here says whether a Dockerfile makes
sense: one without FROM is a document without stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from imgcompare.dockerfile.parser import Instruction, directive_count, escape_of, from_words, read_instructions
from imgcompare.errors import UsageError

BOM = "\ufeff"


class DocumentStage(Struct, frozen=True):
    """One build stage: ``instructions`` begins with its FROM, and ``name`` is as the builder compares it: small."""

    index: int
    name: str | None
    base: str
    instructions: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """What ``COPY --from`` calls it: its name, or else its number."""
        return self.name or str(self.index)

    def last(self, *keywords: str) -> Instruction | None:
        """Return its last instruction of one of these keywords, None where there is none."""
        return next((one for one in reversed(self.instructions) if one.keyword in keywords), None)


class Document(Struct, frozen=True, dict=True):
    """The whole text of a Dockerfile; make one with ``read``."""

    text: str

    @classmethod
    def read(cls, content: bytes) -> Document:
        """Take a Dockerfile's bytes, whatever they are."""
        return cls(content.decode("utf-8", "surrogateescape"))

    def __str__(self) -> str:
        return self.text

    def __bytes__(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines with their ends; together they are the text. The last may have none."""
        lines = [f"{line}\n" for line in self.text.split("\n")]
        lines[-1] = lines[-1].removesuffix("\n")
        return tuple(lines if lines[-1] else lines[:-1])

    @cached_property
    def escape(self) -> str:
        """The character that continues its lines."""
        return escape_of(self.text)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """All of its instructions, in order."""
        return read_instructions(self.text, self.escape)

    @cached_property
    def stages(self) -> tuple[DocumentStage, ...]:
        """Its stages, in order."""
        return tuple(self._stages())

    def _stages(self) -> Iterator[DocumentStage]:
        starts = [at for at, instruction in enumerate(self.instructions) if instruction.keyword == "FROM"]
        for index, (start, end) in enumerate(pairwise([*starts, len(self.instructions)])):
            base, name = from_words(self.instructions[start])
            yield DocumentStage(index, name, base, self.instructions[start:end])

    def target(self, name: str | None) -> DocumentStage:
        """Return the stage of that name or number, of one name the last; None is the last stage of all.

        Raises UsageError where there is none.
        """
        if name is None and self.stages:
            return self.stages[-1]
        wanted = (name or "").lower()
        for stage in reversed(self.stages):
            if wanted in {stage.name, str(stage.index)}:
                return stage
        raise UsageError("the Dockerfile has no stage" + (f" {name!r}" if name else ""))

    def stage_of(self, instruction: Instruction) -> DocumentStage | None:
        """Return the stage that an instruction belongs to, None before the first FROM."""
        return next((stage for stage in reversed(self.stages) if stage.instructions[0].line <= instruction.line), None)

    def parents(self, stage: DocumentStage) -> Iterator[DocumentStage]:
        """Yield the stages of this file that a stage stands on (FROM names them), the nearest first."""
        earlier = self.stages[: stage.index]
        while found := next((one for one in reversed(earlier) if one.name == stage.base.lower()), None):
            yield found
            stage, earlier = found, self.stages[: found.index]

    def source(self, instruction: Instruction) -> str:
        """Return an instruction's lines as they stand in the file, their ends included."""
        return "".join(self.lines[instruction.line - 1 : instruction.last_line]).removeprefix(BOM)

    def above(self, instruction: Instruction) -> int:
        """Return the number of the first line that goes with an instruction: of the comment directly above it.

        Parser directives go with nothing: they must stay the first lines.
        """
        before = max((one.last_line for one in self.instructions if one.line < instruction.line), default=0)
        first, lowest = instruction.line, max(before, directive_count(self.text)) + 1
        while first > lowest and self.lines[first - 2].removeprefix(BOM).lstrip().startswith("#"):
            first -= 1
        return first
