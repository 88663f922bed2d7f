"""What is built before it is known whether it is wanted: only what is likely to be the very text."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.document import Document
from imgcompare.remedy.ahead import in_two_stages, on_slim_base
from imgcompare.remedy.environment import may_be_bare
from imgcompare.remedy.multi_stage import write_multi_stage
from tests.support.cases import PYTHON, package
from tests.support.cases import Files as Written
from tests.support.shrinking import files, shape

PIP = "RUN pip install --no-cache-dir -r requirements.txt\n"
SLIM = "python:3.11-slim"
BASE: Written = {**PYTHON, **package("pip", "23.0.1")}


@pytest.mark.parametrize(
    ("text", "slim"),
    [
        (f"# x\nFROM python:3.11\n{PIP}CMD x\n", f"# x\nFROM python:3.11-slim\n{PIP}CMD x\n"),
        (f"FROM python:${{V}} AS web\n{PIP}", f"FROM python:${{V}}-slim AS web\n{PIP}"),
        (
            "FROM python:3.11\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x\n",
            "FROM python:3.11-slim\nENV PIP_NO_CACHE_DIR=1\n",
        ),
        ("FROM python:3.11\nRUN pip install x\n", ""),
        (f"FROM python:3.11\nRUN apt-get install -y libpq-dev\n{PIP}", ""),
        ("FROM python:3.11\nRUN poetry install\n", ""),
        (f"FROM python:3.11-slim\n{PIP}", ""),
        (f"FROM node:20\n{PIP}", ""),
    ],
)
def test_only_from_differs(text: str, slim: str) -> None:
    """Where a RUN may leave a cache or need a library, the candidate will have other lines."""
    document = Document(text)
    found = on_slim_base(document, document.target(None), {"V": "3.11"})
    assert found.startswith(slim)
    assert bool(found) == bool(slim)


@pytest.mark.parametrize("base", [PYTHON, BASE])
def test_two_stages_are_foreseen_as_they_come_out(base: Written) -> None:
    """Of the base alone, without what the original's lines wrote, the same text is written."""
    text = f"FROM python:3.11\nWORKDIR /app\nCOPY . .\n{PIP}CMD x\n"
    built = shape(text, {4: package("flask", "3.0")}, base)
    wanted = write_multi_stage(built, SLIM, files(), (), in_place=False, bare=may_be_bare(built))
    assert in_two_stages(shape(text, {}, base, None), SLIM) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.11\nCOPY . .\nCMD x\n",
        "FROM python:3.11\nRUN sh setup.sh\nCMD x\n",
        f"FROM python:3.11 AS a\n{PIP}FROM python:3.11\nCOPY --from=a / /\n",
        "FROM python:3.11\nRUN pip install --user x\nCMD x\n",
        f"FROM python:3.11\nRUN gcc -o a a.c\n{PIP}CMD x\n",
        f'FROM python:3.11\n{PIP}CMD ["/usr/local/bin/gunicorn"]\n',
    ],
)
def test_what_only_the_image_tells_is_not_foreseen(text: str) -> None:
    """What a script installs, what is copied in place and where there is nothing to be parted."""
    assert in_two_stages(shape(text, {}, BASE, None), SLIM) == ""


def test_a_base_without_its_own_python_is_not_foreseen() -> None:
    """There apt brings Python and pip, and which pip that is the image tells."""
    assert in_two_stages(shape(f"FROM debian:12\n{PIP}CMD x\n", {}, {}, None), "debian:12-slim") == ""
