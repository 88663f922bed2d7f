"""Which stand-ins can be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.engine.own.rootfs import distribution_python
from imgcompare.engine.own.stand_ins import make_stand_in
from imgcompare.errors import BaseImageError, EngineLostError, UsageError


@pytest.mark.parametrize("tag", ["python:3.11-alpine", "python", "python:latest", "node:22", "me/python:3.11", "--x"])
def test_images_that_no_stand_in_is_like_are_refused(tmp_path: Path, tag: str) -> None:
    """Only the official Debian-based Python images can be stood in for; the message says where to get the others."""
    with pytest.raises(UsageError, match=r"only for python:3\.X") as caught:
        make_stand_in(tmp_path / "none", tag, print, on_request=True)
    assert "docker pull" in str(caught.value.hint)


def test_another_python_version_needs_to_be_asked_for(tmp_path: Path) -> None:
    """A tag never silently holds another Python; both ways out are named."""
    tag = "python:3.2-slim"
    with pytest.raises(BaseImageError, match=rf"Python here is {distribution_python()}, not 3\.2") as caught:
        make_stand_in(tmp_path / "none", tag, print)
    assert f"docker pull {tag}" in str(caught.value.hint)
    assert f"imgcompare setup --stand-in {tag}" in str(caught.value.hint)


def test_an_engine_that_is_gone_is_said(tmp_path: Path) -> None:
    """Without its engine nothing is made for half a minute in vain."""
    with pytest.raises(EngineLostError, match="own engine broke"):
        make_stand_in(tmp_path / "none", f"python:{distribution_python()}-slim", print)
