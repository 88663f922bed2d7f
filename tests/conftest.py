"""Fixtures every test may use."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def engine_url() -> str:
    """The endpoint of a real engine with the stand-in bases."""
    return os.environ["IMGCOMPARE_TEST_HOST"]
