"""The schema of imgcompare.toml: published as it is printed; it refuses what is misspelled, and nothing accepted."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.config.schema import config_schema
from imgcompare.config.settings import SETTINGS, Setting
from imgcompare.errors import UsageError
from tests.support import forked
from tests.support.schemas import CONFIG_SCHEMA

_ROOT = Path(__file__).parents[2]
_PUBLISHED = _ROOT / "docs" / "config.schema.json"
# What a runner of GitLab's has, and an exercise.
_OTHERS = re.compile(r"^(?:\[runners\.|title = )", re.MULTILINE)
_BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in (_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md")))
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S))
    if not _OTHERS.search(block)
]
_OF_FILES = [setting for setting in SETTINGS if setting.in_file]
# What keys accept, hardly ever met by chance.
_LIKELY = st.sampled_from(
    [
        "/healthz",
        "/ 302 /login",
        "Accept: */*",
        "POST",
        "linux/arm64/v8",
        "auto",
        "250MB",
        "slim=50%",
        "2s",
        "+2%",
        "A=b",
    ]
)
_PLAIN = st.one_of(_LIKELY, st.text(max_size=8), st.integers(-2, 70_000), st.floats(allow_nan=False), st.booleans())
_VALUES = st.one_of(_PLAIN, st.lists(_PLAIN, max_size=3), st.dictionaries(st.text(max_size=4), _PLAIN, max_size=3))


def test_the_published_schema_is_that_of_the_settings() -> None:
    """docs/config.schema.json is what `imgcompare schema --config` prints; ``UPDATE_DOCS=1`` writes it anew."""
    printed = forked.run(["schema", "--config"], _ROOT, {"PYTHONWARNINGS": "error"}).stdout
    if os.environ.get("UPDATE_DOCS"):
        _PUBLISHED.write_text(printed, encoding="utf-8")
    assert _PUBLISHED.read_text(encoding="utf-8") == printed


def test_it_is_a_schema_that_tells_every_key() -> None:
    """It keeps to its dialect, and an editor has a sentence for each key."""
    assert not CONFIG_SCHEMA.is_valid({"nothing": 1})
    keys = config_schema()["properties"]
    assert {*keys, *(f"gates.{key}" for key in keys["gates"]["properties"])} == {
        *("name", "variants", "gates", "comparisons"),
        *(setting.key for setting in _OF_FILES),
    }
    assert all(key["description"].endswith(".") for key in (*keys.values(), *keys["gates"]["properties"].values()))


@pytest.mark.parametrize("setting", _OF_FILES, ids=lambda setting: setting.key)
@given(value=_VALUES)
def test_it_refuses_nothing_that_is_accepted(setting: Setting, value: Any) -> None:
    """An editor never underlines what a run takes."""
    try:
        setting.kind.read(value)
    except (ValueError, UsageError):
        return
    table, dot, key = setting.key.rpartition(".")
    CONFIG_SCHEMA.validate({table: {key: value}} if dot else {key: value})


@pytest.mark.parametrize("block", _BLOCKS)
def test_each_example_of_the_documents_is_valid(block: str) -> None:
    """What is shown to be copied, in imgcompare.toml or in pyproject.toml's table; other tools' tables are theirs."""
    read = tomllib.loads(block)
    table = read["tool"].get("imgcompare", {}) if "tool" in read else read
    CONFIG_SCHEMA.validate(table)


def test_the_project_s_own_file_is_valid() -> None:
    """What `imgcompare run` compares in a clone."""
    CONFIG_SCHEMA.validate(tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["imgcompare"])


@pytest.mark.parametrize(
    "text",
    [
        'rout = "/healthz"',
        "keep = true",
        "max_size = 5",
        'route = "healthz"',
        "route = []",
        'container_port = "8000"',
        "container_port = 70000",
        "timeout = 0",
        'builder = "kaniko"',
        "hardened = 1",
        'env = { "A=B" = "c" }',
        "env = { A = true }",
        'build_args = ["=x"]',
        "gates = { max_sise = 5 }",
        "gates = { must_work = false }",
        "gates = { max_size = true }",
        'variants = { "a b" = "Dockerfile" }',
        'variants = { a = { target = "prod" } }',
        'variants = { a = { dockerfile = "Dockerfile", image = "shop:1" } }',
        'variants = { a = { dockerfile = "Dockerfile", stage = "prod" } }',
        "comparisons = {}",
        'comparisons.web = { route = "/" }',
        'variants = ["Dockerfile"]\ncomparisons.web = { variants = ["Dockerfile"] }',
        'comparisons.web = { name = "web", variants = ["Dockerfile"] }',
    ],
)
def test_a_mistake_is_seen_before_a_run(text: str) -> None:
    """A misspelled key, one in the wrong table, a value of another kind."""
    assert not CONFIG_SCHEMA.is_valid(tomllib.loads(text))
