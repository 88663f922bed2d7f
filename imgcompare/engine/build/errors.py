"""A builder's error text, put so that a person sees the instruction and the reason; nothing is added to what it says.

The texts are those of BuildKit (engines 19.03 and later), of the classic builder and of Podman's; each was seen from an
engine or read in their sources (solver/errdefs, frontend/dockerfile, builder/dockerfile).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imgcompare.engine.build.buildkit_trace import instruction
from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.engine.interface import BuildRequest

_WRAPPERS = regex(
    r"(?:failed to solve with frontend \S+: |failed to solve: |failed to build: |failed to create LLB definition: "
    r"|failed to build LLB: |failed to compute cache key: |failed to calculate checksum of ref \S+: "
    r"|failed to load cache key: |rpc error: code = \w+ desc = |failed to parse Dockerfile: "
    r"|building at STEP \".*?\": )+",
    re.DOTALL,
)
_EXIT = regex(
    r"(?:executor failed running \[.*\]: exit code: |process \".*\" did not complete successfully: exit code: "
    r"|The command '.*' returned a non-zero code: |while running runtime: exit status )(\d+)",
    re.DOTALL,
)
_PARSE_ERROR = regex(r"dockerfile parse error (?:on )?line (\d+): (.*)", re.DOTALL)
_PODMAN_PARSE_ERROR = regex(r"Build error: Unknown (instruction: \".*?\") &imagebuilder\.Step\{.*", re.DOTALL)
_FRONTEND = regex(r"resolve image config for (?:docker-image://)?(\S+)")
# https://docs.docker.com/reference/dockerfile/#here-documents
_HEREDOC = regex(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s(?:.*\s)?\d*<<-?[\"']?[A-Za-z_]", re.IGNORECASE)
_CACHE = regex(r'unknown cache (exporter|importer): "([^"]*)"')
_MISSING_SECRET = regex(r"secret ([^\s:]+):? not found")
_UNKNOWN_FLAG = regex(r"unknown flag: ([a-z-]{1,40})", re.IGNORECASE)
# https://docs.docker.com/reference/dockerfile/ says of each since when.
_FLAGS = {"chmod": "1.2", "link": "1.4", "checksum": "1.6", "parents": "1.7-labs", "exclude": "1.7-labs"}
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
        hint = _heredoc_hint(text, line, request) or _flag_hint(text)
        return printable(f"Dockerfile line {line}: {found[2]}", limit=_TEXT_LIMIT) + hint
    if (found := _PODMAN_PARSE_ERROR.fullmatch(text)) is not None:
        return printable(f"unknown {found[1]}", limit=_TEXT_LIMIT) + _needs_newer(heredoc_line(request))
    if step and (found := _FRONTEND.match(step)) is not None:
        return printable(
            f'the frontend {found[1]} named by "# syntax=" cannot be pulled (without that line the engine uses its '
            f"own): {text.removeprefix('failed to solve with frontend gateway.v0: ')}",
            limit=_TEXT_LIMIT,
        )
    text = text.replace("not found: not found", "not found")
    if (found := _MISSING_SECRET.fullmatch(text)) is not None:
        given = f"--secret id={found[1]}"
        text = f"secret {found[1]} not found: give it with {given},src=FILE or {given},env=VARIABLE"
    return printable(f"{what}: {text}" if what else text, limit=_TEXT_LIMIT)


def refuse_unknown_options(error: str) -> None:
    """Raise UsageError where a builder's error is that it does not know an option: no Dockerfile is to blame."""
    if (found := _CACHE.search(error)) is not None:
        where = "exported as" if found[1] == "exporter" else "imported from"
        raise UsageError(
            f"this engine's cache cannot be {where} {printable(found[2], limit=40)}",
            hint="Any engine with BuildKit exports it inline; registry, local and gha need the containerd image store.",
        )
    if "unsupported frontend capability moby.buildkit.frontend.contexts" in error:
        raise UsageError(
            "this engine's BuildKit knows no named contexts (--build-context NAME=…)",
            hint="Use Docker Engine 23 or newer, or begin the Dockerfile with # syntax=docker/dockerfile:1",
        )


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


def _flag_hint(error: str) -> str:
    """A builder does not know the flags of later Dockerfiles: say so, if it is one and not misspelt."""
    found = _UNKNOWN_FLAG.search(error)
    version = _FLAGS.get(found[1]) if found else None
    return f" (--{found[1]} needs BuildKit's Dockerfile {version}: a newer engine)" if found and version else ""


def _needs_newer(line: int | None) -> str:
    return f" (the heredoc begun in line {line} needs BuildKit's Dockerfile 1.4: a newer engine)" if line else ""
