"""What is written for GitHub and GitLab is what their own schemas allow, as check-jsonschema brings them."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from imgcompare.init.ci_templates import write_job
from tests.support.schemas import Schema

_ROOT = Path(__file__).parents[2]
_DOCS = _ROOT / "docs" / "ci.md"


@cache
def vendored(name: str) -> Schema:
    """A schema of GitHub or GitLab."""
    return Schema(json.loads((files("check_jsonschema.builtin_schemas.vendor") / f"{name}.json").read_text("utf-8")))


def problems(schema: str, text: str) -> list[str]:
    """What a schema has against a YAML text."""
    document: Any = yaml.safe_load(text)
    if True in document:  # what YAML 1.1 makes of ``on``
        document["on"] = document.pop(True)
    return vendored(schema).problems(document)


def blocks(first_line: str) -> list[str]:
    """The whole files of docs/ci.md that begin with a line."""
    return re.findall(rf"```yaml\n(# {re.escape(first_line)}\n.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("count", [1, 3])
def test_what_init_writes(count: int) -> None:
    """For one comparison and for shares of many."""
    assert problems("github-workflows", write_job("github", count)) == []
    assert problems("gitlab-ci", write_job("gitlab", count)) == []


def test_the_action_and_the_component() -> None:
    """Inputs of a component stand where any text may."""
    assert problems("github-actions", (_ROOT / "action.yml").read_text(encoding="utf-8")) == []
    _, job = (_ROOT / "templates" / "imgcompare.yml").read_text(encoding="utf-8").split("\n---\n")
    assert problems("gitlab-ci", job) == []


def test_the_docs() -> None:
    """Every whole file in docs/ci.md."""
    workflows, pipelines = blocks(".github/workflows/images.yml"), blocks(".gitlab-ci.yml")
    assert min(len(workflows), len(pipelines)) >= 2
    assert [each for text in workflows for each in problems("github-workflows", text)] == []
    assert [each for text in pipelines for each in problems("gitlab-ci", text)] == []


def test_a_mistake_would_be_found() -> None:
    """The schemas forbid what is not theirs."""
    assert problems("github-workflows", write_job("github", 1).replace("runs-on:", "run-on:"))
    assert problems("gitlab-ci", write_job("gitlab", 1).replace("script:", "scrip:"))
