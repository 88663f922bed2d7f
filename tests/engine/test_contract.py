"""The fake engine keeps to the contract that a real one keeps to (test_contract_real.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.contract import APPS, BASE, EngineContract, World
from tests.support.fake_engine import FakeEngine


class TestFake(EngineContract):
    """The contract, on the fake."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        """A fake that knows the contract's programs."""
        engine = FakeEngine(APPS)
        engine.add_base(BASE)
        world = World(engine, tmp_path, "contract")
        yield world
        world.clean()
        assert engine.containers == {}
        assert list(engine.tags) == [BASE]
