"""The candidates that keep the stages: what a RUN left is taken away where it is made, if nobody asks for it later."""

from __future__ import annotations

import pytest

from imgcompare.remedy.needs import Need
from imgcompare.remedy.tidy import with_user, write_slim, write_tidy
from tests.support.cases import Files
from tests.support.shrinking import shape

LISTS: Files = {"/var/lib/apt/lists/a": b"x" * 200_000}
CACHE: Files = {"/root/.cache/pip/a": b"x" * 200_000}


@pytest.mark.parametrize(
    ("run", "written", "tidied"),
    [
        ("apt-get update && apt-get install -y curl", LISTS, " \\\n    && rm -rf /var/lib/apt/lists/*"),
        ("pip install flask", CACHE, None),
        ("uv pip install --system flask", {"/root/.cache/uv/a": b"x" * 200_000}, " \\\n    && rm -rf /root/.cache/uv"),
    ],
)
def test_what_a_run_left_goes_where_it_is_made(run: str, written: Files, tidied: str | None) -> None:
    """Package lists and caches; pip is told not to keep any."""
    found = str(write_tidy(shape(f"FROM python:3.11\nRUN {run}\nCMD x\n", {2: written})))
    expected = run.replace("pip install", "pip install --no-cache-dir") if tidied is None else run + tidied
    assert found == f"FROM python:3.11\nRUN {expected}\nCMD x\n"


def test_a_model_in_a_cache_stays() -> None:
    """What the application would have to fetch anew is no download of an installer's."""
    model: Files = {"/root/.cache/huggingface/model": b"x" * 200_000}
    assert write_tidy(shape("FROM python:3.11\nRUN python fetch.py\nCMD x\n", {2: model})) is None


@pytest.mark.parametrize("run", ["apt-get update && apt-get install -y curl", 'echo "a"', "apt-get update <<EOF\nEOF"])
def test_what_is_tidy_or_not_understood_stays(run: str) -> None:
    """Nothing left, or nothing that could be parted: there is no candidate."""
    assert write_tidy(shape(f"FROM python:3.11\nRUN {run}\nCMD x\n", {2: {"/x": "y"}})) is None


def test_lists_that_a_later_run_installs_from_stay() -> None:
    """One that updates them itself does not need them."""
    text = "FROM python:3.11\nRUN apt-get update\nRUN {}apt-get install -y curl\nCMD x\n"
    assert write_tidy(shape(text.format(""), {2: LISTS})) is None
    assert write_tidy(shape(text.format("apt-get update && "), {2: LISTS})) is not None


def test_a_slim_base_with_what_it_lacks() -> None:
    """In FROM only the image changes."""
    found = str(write_slim(shape("FROM python:3.11 AS app\nCMD x\n", {}), "python:3.11-slim", [Need("curl", "curl")]))
    assert found.startswith(
        "FROM python:3.11-slim AS app\n# What the slim image lacks: curl (curl)\nRUN apt-get update"
    )


def test_a_user_that_owns_the_working_folder_alone() -> None:
    """To own all files anew would double their bytes."""
    found = with_user("FROM a\nWORKDIR /app\nCOPY . .\n# start\nCMD x\n", "app")
    assert found == (
        "FROM a\nWORKDIR /app\nCOPY . .\n"
        "RUN useradd --system --no-create-home --shell /usr/sbin/nologin app \\\n    && chown app /app\n"
        "USER app\n# start\nCMD x\n"
    )
