"""Builds of several stages: what is said, and mended, is of the stage whose step failed."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply
from imgcompare.model import Failure
from tests.support.cases import Example

ENDED = (
    "Err:4 http://deb.example.org/debian buster Release\n  404  Not Found [IP: 192.0.2.1 80]\n"
    "E: The repository 'http://deb.example.org/debian buster Release' does not have a Release file."
)
NO_GCC = "error: command 'gcc' failed: No such file or directory"
NO_HEADER = "x.c:1:10: fatal error: ffi.h: No such file or directory"
APT, PIP = "RUN apt-get update", "RUN pip install uwsgi"
EXIT = 'process "/bin/sh -c x" did not complete successfully: exit code: 1'


def fails(dockerfile: str, step: str, log: str, *, target: str | None = None) -> Failure:
    """What is said of a step that failed."""
    return Example(dockerfile, target=target).build_fails(step, EXIT, log)


def changed(dockerfile: str, failure: Failure) -> list[str]:
    """The lines that the fix brings."""
    before = Document(dockerfile)
    return [line.rstrip("\n") for line in apply(before, failure.edits).lines if line not in before.lines]


ROWS = {
    "a builder at its end of life": (
        f"FROM python:3.7-slim-buster AS builder\n{APT}\nFROM python:3.12-slim\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm AS builder"],
        "Instead of the FROM of stage builder, in line 1. ",
    ),
    "the last stage at its end of life": (
        f"FROM python:3.12-slim AS builder\n{PIP}\nFROM python:3.7-slim-buster\n{APT}\nCOPY --from=builder /a /a\n",
        f"[stage-1 2/3] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm"],
        "Instead of the FROM of stage 1, in line 3. ",
    ),
    "both on the same base, and it is the builder's step": (
        f"FROM python:3.7-slim-buster AS builder\n{APT}\nFROM python:3.7-slim-buster\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm AS builder"],
        "Instead of the FROM of stage builder, in line 1. ",
    ),
    "a builder on a stage of the file": (
        f"FROM python:3.7-slim-buster AS base\nFROM base AS builder\n{APT}\nFROM debian:12\nCOPY --from=builder /a /\n",
        f"[builder 1/1] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm AS base"],
        "Instead of the FROM of stage base, in line 1. ",
    ),
    "a builder for a platform of its own": (
        f"FROM --platform=linux/amd64 python:3.7-buster AS Build\n{APT}\nFROM debian:12\nCOPY --from=build /a /a\n",
        f"[linux/amd64 build 2/2] {APT}",
        ENDED,
        ["FROM --platform=linux/amd64 python:3.7-bookworm AS Build"],
        "Instead of the FROM of stage build, in line 1. ",
    ),
    "by the classic builder, which names no stage": (
        f"FROM python:3.7-slim-buster AS builder\n{APT}\nFROM python:3.12-slim\nCOPY --from=builder /a /a\n",
        f"[2/4] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm AS builder"],
        "Instead of the FROM of stage builder, in line 1. ",
    ),
    "a base whose release is a variable's": (
        f"ARG R=buster\nFROM python:3.7-slim-$R AS b\n{APT}\nFROM python:3.12-slim\nCOPY --from=b /a /a\n",
        f"[b 2/2] {APT}",
        ENDED,
        ["FROM python:3.7-slim-bookworm AS b"],
        "Instead of the FROM of stage b, in line 2. ",
    ),
    "a builder without a compiler": (
        f"FROM python:3.11-slim AS builder\n{PIP}\nFROM python:3.11\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {PIP}",
        NO_GCC,
        ["FROM python:3.11 AS builder"],
        "Instead of the FROM of stage builder, in line 1. Compile in a stage with build tools",
    ),
    "a last stage without a compiler": (
        f"FROM node:20 AS web\nRUN npm ci\nFROM python:3.11-slim\n{PIP}\nCOPY --from=web /a /a\n",
        f"[stage-1 2/3] {PIP}",
        NO_GCC,
        ["FROM python:3.11"],
        "Instead of the FROM of stage 1, in line 3. ",
    ),
    "one stage, which needs no name": (
        f"FROM python:3.11-slim\n{PIP}\n",
        f"[2/2] {PIP}",
        NO_GCC,
        ["FROM python:3.11"],
        "Compile in a stage with build tools",
    ),
    "a header for Debian, where the last stage is Alpine's": (
        f"FROM python:3.11 AS builder\n{PIP}\nFROM python:3.11-alpine\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {PIP}",
        NO_HEADER,
        ["RUN apt-get update && apt-get install -y --no-install-recommends libffi-dev && rm -rf /var/lib/apt/lists/*"],
        "Above that step",
    ),
    # Near misses: there is no certain line to write.
    "a header for Alpine, where the last stage is Debian's": (
        f"FROM python:3.11-alpine AS builder\n{PIP}\nFROM python:3.11\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {PIP}",
        NO_HEADER,
        [],
        "Install what brings it above that step",
    ),
    "a builder without a compiler that a slim last stage stands beside": (
        f"FROM alpine AS builder\n{PIP}\nFROM python:3.11-slim\nCOPY --from=builder /a /a\n",
        f"[builder 2/2] {PIP}",
        NO_GCC,
        [],
        "Compile in a stage with build tools",
    ),
    "a base that several stages stand on": (
        f"FROM python:3.11-slim AS base\nFROM base AS builder\n{PIP}\nFROM base\nCOPY --from=builder /a /a\n",
        f"[builder 1/1] {PIP}",
        NO_GCC,
        [],
        "Compile in a stage with build tools",
    ),
    "by the classic builder, a step that two stages have": (
        f"FROM python:3.11-slim AS a\n{PIP}\nFROM alpine AS b\n{PIP}\nFROM python:3.11-slim\nCOPY --from=a / /\n",
        f"[2/6] {PIP}",
        NO_GCC,
        [],
        "Compile in a stage with build tools",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_stage_whose_step_failed_is_mended(name: str) -> None:
    """The line that changes is of that stage, or of the one it stands on, and the next step says which FROM it is."""
    dockerfile, step, log, lines, hint = ROWS[name]
    failure = fails(dockerfile, step, log)
    assert failure.code in {"base-end-of-life", "missing-build-tool"}
    assert changed(dockerfile, failure) == lines
    assert (failure.hint or "").startswith(hint)


def test_a_stage_that_was_asked_for_is_not_blamed_for_one_below_it() -> None:
    """With --target the failed step may still be of another stage."""
    dockerfile = (
        f"FROM python:3.7-slim-buster AS builder\n{APT}\nFROM python:3.12 AS dev\nCOPY --from=builder /a /a\nFROM dev\n"
    )
    failure = fails(dockerfile, f"[builder 2/2] {APT}", ENDED, target="dev")
    assert changed(dockerfile, failure) == ["FROM python:3.7-slim-bookworm AS builder"]
