"""The stand-in for GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forge import Forge, serving


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with an empty pull request."""
    with serving() as forge:
        yield forge
