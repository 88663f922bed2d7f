"""What COPY and ADD take, from where, and where to: read in one place.

https://docs.docker.com/reference/dockerfile/#copy
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from imgcompare.dockerfile.parser import Instruction
from imgcompare.regex import regex

_VARIABLE = regex(r"\$(?:\w+|\{[^}]*\})")


class Copy(Struct, frozen=True):
    """A COPY or ADD as it is written: its sources, its target, and the stage or image after ``--from``, "" for none.

    A source that is a heredoc's text is left out.
    """

    sources: tuple[str, ...]
    target: str
    from_: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The sources, variables as ``*``."""
        return tuple(_VARIABLE.sub("*", source) for source in self.sources)


def read_copy(instruction: Instruction) -> Copy | None:
    """Read a COPY or ADD; None for every other instruction, and for one that names no target."""
    if instruction.keyword not in {"COPY", "ADD"}:
        return None
    rest, from_ = instruction.text.lstrip(), ""
    while flag := re.match(r"--\S+\s*", rest):
        name, _, value = flag[0].strip().partition("=")
        from_ = value.strip("\"'") if name == "--from" else from_
        rest = rest[flag.end() :]
    words = json_words(rest) or [word.strip("\"'") for word in rest.split()]
    if not words:
        return None
    return Copy(tuple(word for word in words[:-1] if not word.startswith("<<")), words[-1], from_)


def copied(instructions: Iterable[Instruction]) -> Iterator[str]:
    """What COPY and ADD take from the build context, as it is written, variables as ``*``."""
    for copy in filter(None, map(read_copy, instructions)):
        if not copy.from_:
            yield from copy.patterns


def json_words(text: str) -> list[str]:
    """The words of a JSON list, [] for what is none."""
    if not text.startswith("["):
        return []
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return words if all(isinstance(word, str) for word in words) else []
