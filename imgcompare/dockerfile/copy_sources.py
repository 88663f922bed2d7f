"""What COPY and ADD take from the build context."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from imgcompare.dockerfile.parser import Instruction

_VARIABLE = re.compile(r"\$(?:\w+|\{[^}]*\})")


def copied(instructions: Iterable[Instruction]) -> Iterator[str]:
    """What COPY and ADD take from the build context, as it is written, variables as ``*``."""
    for instruction in instructions:
        if instruction.keyword not in {"COPY", "ADD"}:
            continue
        words = instruction.text.split()
        flags = [word for word in words if word.startswith("--")]
        if any(flag.startswith("--from=") for flag in flags):
            continue
        rest = instruction.text.partition(flags[-1])[2] if flags else instruction.text
        sources = (_json_words(rest) or rest.split())[:-1]
        yield from (_VARIABLE.sub("*", source) for source in sources if not source.startswith("<<"))


def _json_words(text: str) -> list[str]:
    if not text.strip().startswith("["):
        return []
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [word for word in words if isinstance(word, str)]
