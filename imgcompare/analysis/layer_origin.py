"""From an image's history and its Dockerfile to the stage and the line that made each layer.

Both of Docker's builders, and Podman's, write one history row for each instruction but FROM; BuildKit writes none for
ONBUILD. The triggers that a stage leaves run first in the stage built on it and write rows like any instruction. Rows
are thus paired with instructions from the last one down, which needs no knowledge of how many rows the base has: an
engine does not tell. What does not pair is no reason to guess: then no layer has an origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.dockerfile.parser import Instruction, StageInfo
from imgcompare.image.oci import HistoryRow
from imgcompare.regex import regex

_NOP = "#(nop)"
_ONBUILD = "ONBUILD"
_FLAGS = regex(r"""(?:--(?:[^\s"']|"[^"]*"|'[^']*')+\s+)*""")
_PROGRAM = regex(r'\[\s*"([^"\\]*)"\s*[],]')


class LayerOrigin(Struct, frozen=True):
    """Where a layer was made: the stage's name, or its number where it has none, and the line, counting from 1."""

    stage: str
    line: int


def origins(
    history: Sequence[HistoryRow], stages: Sequence[StageInfo], base_layer_count: int | None
) -> tuple[LayerOrigin | None, ...]:
    """Return the origin of each layer, the lowest first; None for those of the base and of triggers that it left.

    ``stages`` are those stacked on the base, the lowest first. All are None when history and stages do not belong
    together: in an image squashed, made from elsewhere or by another builder, or where ``base_layer_count`` of the
    layers are the base's and one of them would get an origin.
    """
    found: dict[int, LayerOrigin] = {}
    rows = list(enumerate(history))
    for origin, instruction in reversed(tuple(_written(stages))):
        if rows and _wrote(instruction, rows[-1][1].created_by or ""):
            found[rows.pop()[0]] = origin
        elif instruction.keyword != _ONBUILD:
            found = {}
            break
    layers = tuple(found.get(at) for at, row in enumerate(history) if not row.empty_layer)
    return (None,) * len(layers) if any(layers[: base_layer_count or 0]) else layers


def _written(stages: Sequence[StageInfo]) -> Iterator[tuple[LayerOrigin, Instruction]]:
    """All that wrote a row, in order: each stage's instructions behind the triggers of the stage below."""
    triggers: list[tuple[LayerOrigin, Instruction]] = []
    for stage in stages:
        yield from triggers
        name = stage.name or str(stage.index)
        written = [(LayerOrigin(name, instruction.line), instruction) for instruction in stage.instructions]
        yield from written
        triggers = [(origin, _triggered(onbuild)) for origin, onbuild in written if onbuild.keyword == _ONBUILD]


def _triggered(onbuild: Instruction) -> Instruction:
    keyword, text = (*onbuild.text.split(maxsplit=1), "", "")[:2]
    return replace(onbuild, keyword=keyword.upper(), text=text)


def _wrote(instruction: Instruction, created_by: str) -> bool:
    """Whether the row is that instruction's: of the same keyword, and for RUN, which is not rewritten, its command."""
    if _keyword(created_by) != instruction.keyword:
        return False
    return instruction.keyword != "RUN" or _letters(_command(instruction.text)) in _letters(created_by)


def _keyword(created_by: str) -> str:
    """The keyword of BuildKit's ``COPY …`` or the classic ``/bin/sh -c #(nop) COPY …``; all else is a command's row."""
    words = (created_by.partition(_NOP)[2] or created_by).split(maxsplit=1)
    if not words:
        return ""
    return words[0] if words[0].isalpha() and words[0].isupper() else "RUN"


def _command(text: str) -> str:
    """What the row has of a RUN's text in any case: of a list the program, of a heredoc what is before it."""
    command = _FLAGS.sub("", text, count=1)
    program = _PROGRAM.match(command)
    return program[1] if program else command.partition("<<")[0]


def _letters(text: str) -> str:
    """Text without what builders change: white space, quotes and brackets."""
    return re.sub(r"\W+", "", text)
