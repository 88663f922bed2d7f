"""Pure: which file of a build context stands for "a change of the app", and what is added to it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from imgcompare.dockerfile import Instruction, StageInfo

_CODE = re.compile(r".*\.(?:js|mjs|cjs|ts|tsx|jsx|rb|go|java|kt|php|rs|c|cc|cpp|cs|ex|html|css)")
# What a change of the app leaves alone: what is installed, how it is built, what tests it, what describes it.
_NO_CODE = re.compile(
    r"(?:.*/)?(?:tests?/.*|test_.*|conftest\.py|setup\.py|noxfile\.py|requirements.*|constraints.*|pyproject\.toml"
    r"|Pipfile.*|.*\.lock|.*lock\.json|package\.json|\.[^/]*|(?:.*\.)?Dockerfile.*|README.*|LICEN[CS]E.*|Makefile)",
    re.IGNORECASE,
)
_FIRST_NAMES = ("app", "main", "wsgi", "asgi", "server", "views", "index")
_VARIABLE = re.compile(r"\$(?:\w+|\{[^}]*\})")
_BITS = 64


def choose(files: Iterable[str], stages: Sequence[StageInfo], dockerfile: str) -> str | None:
    """The file of the context that a change of the app most likely changes; None where there is no file at all.

    Of those that ``stages`` copy: Python before other code before the rest, what is named like an app's main module
    before others, near the root before deep below it, then by name. Where none is copied, of all files.
    """
    there = [name for name in files if name != dockerfile]
    patterns = [pattern for stage in stages for pattern in copied(stage.instructions)]
    taken = [name for name in there if any(_takes(pattern, name) for pattern in patterns)]
    return min(taken or there, key=_rank, default=None)


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


def harmless(token: str) -> bytes:
    """White space that differs for each token: an end of a file that changes what it is and not what it does."""
    number = int.from_bytes(hashlib.sha256(token.encode()).digest()[: _BITS // 8], "big")
    return b"\n" + b"".join(b" " if number >> bit & 1 else b"\n" for bit in range(_BITS)) + b"\n"


def _json_words(text: str) -> list[str]:
    if not text.strip().startswith("["):
        return []
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [word for word in words if isinstance(word, str)]


def _takes(pattern: str, name: str) -> bool:
    """Whether a COPY source names a file, or a folder that it is in; ``*`` does not go beyond a ``/``."""
    wanted = [part for part in pattern.split("/") if part not in {"", "."}]
    parts = name.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def _rank(name: str) -> tuple[bool, int, int, int, str]:
    stem = name.rpartition("/")[2].partition(".")[0]
    kind = 0 if name.endswith(".py") else 1 if _CODE.fullmatch(name) else 2
    order = _FIRST_NAMES.index(stem) if stem in _FIRST_NAMES else len(_FIRST_NAMES) + (stem == "__init__")
    return _NO_CODE.fullmatch(name) is not None, kind, order, name.count("/"), name
