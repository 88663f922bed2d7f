"""What is built before it is known whether it is wanted: only what is likely to be the very text."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.document import Document
from imgcompare.remedy.ahead import on_slim_base

PIP = "RUN pip install --no-cache-dir -r requirements.txt\n"


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
