"""Which file stands for a change of the app, and that what is added to it changes nothing of what it does."""

from __future__ import annotations

import ast
import json

import pytest

from imgcompare.dockerfile.parser import parse
from imgcompare.run.after_change import choose, harmless

FILES = (
    "Dockerfile",
    "README.md",
    "docs/conf.py",
    "requirements.txt",
    "setup.py",
    "shop/__init__.py",
    "shop/static/app.js",
    "shop/views.py",
    "shop/zebra.py",
    "tests/app.py",
)


def _choose(*instructions: str, files: tuple[str, ...] = FILES) -> str | None:
    stages = parse("\n".join(("FROM scratch", *instructions)), "Dockerfile").needed(None, {})
    return choose(files, stages, "Dockerfile")


@pytest.mark.parametrize(
    ("instructions", "file"),
    [
        (("COPY . /app",), "shop/views.py"),
        (("COPY requirements.txt /", "COPY shop /shop"), "shop/views.py"),
        (("COPY ./shop/ /shop/",), "shop/views.py"),
        (("COPY shop/*.py /shop/",), "shop/views.py"),
        (("COPY shop/z* /shop/",), "shop/zebra.py"),
        (("COPY shop/static /static",), "shop/static/app.js"),
        (('COPY ["shop/zebra.py", "/shop/"]',), "shop/zebra.py"),
        (("COPY --chown=1:1 --link shop/zebra.py /shop/",), "shop/zebra.py"),
        (("ADD shop/zebra.py https://shop.example/x /shop/",), "shop/zebra.py"),
        (("ARG PART", "COPY $PART/zebra.py /"), "shop/zebra.py"),
        (("COPY requirements.txt /",), "requirements.txt"),
        (("COPY --from=other shop/zebra.py /", "COPY docs /docs"), "docs/conf.py"),
        (("RUN true",), "shop/views.py"),
    ],
)
def test_the_file_is_one_that_the_dockerfile_copies(instructions: tuple[str, ...], file: str) -> None:
    """The app's main module rather than another, code rather than what describes or tests it."""
    assert _choose(*instructions) == file


def test_a_stage_that_is_only_copied_from_counts() -> None:
    """What a builder takes is part of the app; a stage that is not needed is not."""
    text = "FROM scratch AS other\nCOPY docs /\nFROM scratch AS builder\nCOPY shop/zebra.py /\n"
    text += "FROM scratch\nCOPY --from=builder /zebra.py /\n"
    assert choose(FILES, parse(text, "Dockerfile").needed(None, {}), "Dockerfile") == "shop/zebra.py"


def test_without_a_file_there_is_none() -> None:
    """The Dockerfile itself is no file of the app."""
    assert _choose("COPY . /", files=("Dockerfile",)) is None


def test_what_is_added_changes_no_meaning() -> None:
    """White space at the end of a file, for Python, JSON and whoever reads lines."""
    added = harmless("run 1").decode()
    assert added.strip() == ""
    assert added.startswith("\n")
    assert added.endswith("\n")
    assert ast.dump(ast.parse("x = 1" + added)) == ast.dump(ast.parse("x = 1"))
    assert json.loads('{"x": 1}' + added) == {"x": 1}


def test_what_is_added_is_new_each_time() -> None:
    """Else the build cache would know it from the run before."""
    assert len({harmless(f"run {number}") for number in range(100)}) == 100
