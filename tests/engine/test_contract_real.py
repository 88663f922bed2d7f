"""A real engine keeps to the contract that the fake engine keeps to (test_contract.py)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import Endpoint
from tests.support.contract import EngineContract, World


class TestReal(EngineContract):
    """The contract, on the real engine that all tests use."""

    @pytest.fixture
    def world(self, engine_url: str, tmp_path: Path) -> Iterator[World]:
        """A client of the engine."""
        engine = SdkEngine(Endpoint(url=engine_url, source="the tests"))
        world = World(engine, tmp_path, f"{uuid.uuid4().hex[:8]}")
        yield world
        world.clean()
        engine.close()
