"""A builder's error text, put so that a person sees the instruction and the reason; nothing is added to what it says.

The texts are those of BuildKit (engines 19.03 and later), of the classic builder and of Podman's; each was seen from an
engine or read in their sources (solver/errdefs, frontend/dockerfile, builder/dockerfile).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imgcompare.engine.build.buildkit_trace import instruction
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.engine.interface import BuildRequest

_WRAPPERS = re.compile(
    r"(?:failed to solve with frontend \S+: |failed to solve: |failed to build: |failed to create LLB definition: "
    r"|failed to build LLB: |failed to compute cache key: |failed to calculate checksum of ref \S+: "
    r"|failed to load cache key: |rpc error: code = \w+ desc = |failed to parse Dockerfile: "
    r"|building at STEP \".*?\": )+",
    re.DOTALL,
)
_EXIT = re.compile(
    r"(?:executor failed running \[.*\]: exit code: |process \".*\" did not complete successfully: exit code: "
    r"|The command '.*' returned a non-zero code: |while running runtime: exit status )(\d+)",
    re.DOTALL,
)
_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d+): (.*)", re.DOTALL)
_PODMAN_PARSE_ERROR = re.compile(r"Build error: Unknown (instruction: \".*?\") &imagebuilder\.Step\{.*", re.DOTALL)
_FRONTEND = re.compile(r"resolve image config for (?:docker-image://)?(\S+)")
# https://docs.docker.com/reference/dockerfile/#here-documents
_HEREDOC = re.compile(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s(?:.*\s)?\d*<<-?[\"']?[A-Za-z_]", re.IGNORECASE)
_TEXT_LIMIT = 500


def explain(error: str, step: str | None, request: BuildRequest) -> str:
    """Return the builder's ``error`` in one line; ``step`` is the failed vertex or step as the builder names it."""
    error = error.strip()
    text = _WRAPPERS.sub("", error, count=1) if _WRAPPERS.match(error) else error
    what = printable(instruction(step), limit=80) if step else ""
    if (found := _EXIT.fullmatch(text)) is not None:
        return f"{what or 'a RUN instruction'} exited with code {found[1]}"
    if (found := _PARSE_ERROR.fullmatch(text)) is not None:
        line = int(found[1][:9])
        return printable(f"Dockerfile line {line}: {found[2]}", limit=_TEXT_LIMIT) + _heredoc_hint(text, line, request)
    if (found := _PODMAN_PARSE_ERROR.fullmatch(text)) is not None:
        return printable(f"unknown {found[1]}", limit=_TEXT_LIMIT) + _needs_newer(heredoc_line(request))
    if step and (found := _FRONTEND.match(step)) is not None:
        return printable(
            f'the frontend {found[1]} named by "# syntax=" cannot be pulled (without that line the engine uses its '
            f"own): {text.removeprefix('failed to solve with frontend gateway.v0: ')}",
            limit=_TEXT_LIMIT,
        )
    text = text.replace("not found: not found", "not found")
    return printable(f"{what}: {text}" if what else text, limit=_TEXT_LIMIT)


def heredoc_line(request: BuildRequest) -> int | None:
    """Return the number of the first line of the Dockerfile that begins a heredoc, or None."""
    return next(iter(_heredocs(request)), None)


def _heredocs(request: BuildRequest) -> list[int]:
    lines = request.context.dockerfile_content.decode("utf-8", "replace").splitlines()
    return [number for number, line in enumerate(lines, 1) if _HEREDOC.match(line)]


def _heredoc_hint(error: str, line: int, request: BuildRequest) -> str:
    """A builder without heredocs takes the text's first line for an instruction: say so, if there is a heredoc."""
    if "unknown instruction" not in error:
        return ""
    return _needs_newer(max((number for number in _heredocs(request) if number < line), default=None))


def _needs_newer(line: int | None) -> str:
    return f" (the heredoc begun in line {line} needs BuildKit's Dockerfile 1.4: a newer engine)" if line else ""
