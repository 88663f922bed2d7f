"""A builder's error text, put so that a person sees the instruction and the reason; nothing is added to what it says.

The texts are those of BuildKit (engines 19.03 and later) and of the classic builder; each was seen from an engine or
read in their sources (solver/errdefs, frontend/dockerfile, builder/dockerfile).
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgcompare.engine.trace import instruction
from imgcompare.safetext import printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imgcompare.engine import BuildRequest

_WRAPPERS = re.compile(
    r"(?:failed to solve with frontend \S+: |failed to solve: |failed to build: |failed to create LLB definition: "
    r"|failed to build LLB: |failed to compute cache key: |failed to calculate checksum of ref \S+: "
    r"|failed to load cache key: |rpc error: code = \w+ desc = |failed to parse Dockerfile: )+"
)
_EXIT = re.compile(
    r"(?:executor failed running \[.*\]: exit code: |process \".*\" did not complete successfully: exit code: "
    r"|The command '.*' returned a non-zero code: )(\d+)",
    re.DOTALL,
)
_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d+): (.*)", re.DOTALL)
_FRONTEND = re.compile(r"resolve image config for (?:docker-image://)?(\S+)")
# https://docs.docker.com/reference/dockerfile/#here-documents
_HEREDOC = re.compile(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s(?:.*\s)?\d*<<-?[\"']?[A-Za-z_]", re.IGNORECASE)
_TEXT_LIMIT = 500
_DOCKERFILE_LIMIT = 1 << 20


def explain(error: str, step: str | None, request: BuildRequest) -> str:
    """Return the builder's ``error`` in one line; ``step`` is the failed vertex or step as the builder names it."""
    text = _WRAPPERS.sub("", error, count=1) if _WRAPPERS.match(error) else error
    what = printable(instruction(step), limit=80) if step else ""
    if (found := _EXIT.fullmatch(text)) is not None:
        return f"{what or 'a RUN instruction'} exited with code {found[1]}"
    if (found := _PARSE_ERROR.fullmatch(text)) is not None:
        line = int(found[1][:9])
        return printable(f"Dockerfile line {line}: {found[2]}", limit=_TEXT_LIMIT) + _heredoc_hint(text, line, request)
    if step and (found := _FRONTEND.match(step)) is not None:
        return printable(
            f'the frontend {found[1]} named by "# syntax=" cannot be pulled (without that line the engine uses its '
            f"own): {text.removeprefix('failed to solve with frontend gateway.v0: ')}",
            limit=_TEXT_LIMIT,
        )
    text = text.replace("not found: not found", "not found")
    return printable(f"{what}: {text}" if what else text, limit=_TEXT_LIMIT)


def _heredoc_hint(error: str, line: int, request: BuildRequest) -> str:
    """A builder without heredocs takes the text's first line for an instruction: say so, if there is a heredoc."""
    if "unknown instruction" not in error:
        return ""
    before = _dockerfile(request).splitlines()[: line - 1]
    begun = next((number for number in range(len(before), 0, -1) if _HEREDOC.match(before[number - 1])), None)
    if begun is None:
        return ""
    return f" (the heredoc begun in line {begun} needs BuildKit's Dockerfile 1.4: a newer engine)"


def _dockerfile(request: BuildRequest) -> str:
    """The Dockerfile's text, read from a fresh context; empty when it is not to be found there."""
    try:
        with tarfile.open(fileobj=io.BufferedReader(_Chunks(request.context())), mode="r|") as tar:
            for member in tar:
                if member.name.removeprefix("./") == request.dockerfile and (file := tar.extractfile(member)):
                    return file.read(_DOCKERFILE_LIMIT).decode("utf-8", "replace")
    except (tarfile.TarError, OSError):
        pass  # the hint is lost, the builder's own text stays
    return ""


class _Chunks(io.RawIOBase):
    """A file to be read once, made of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
