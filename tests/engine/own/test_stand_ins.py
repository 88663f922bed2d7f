"""Which stand-ins can be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.engine.own.recipes import Recipe, Wanted, parse_tag, release_with
from imgcompare.engine.own.rootfs import distribution_python
from imgcompare.engine.own.stand_ins import check_stand_ins, make_stand_in
from imgcompare.errors import BaseImageError, EngineLostError, UsageError


@pytest.mark.parametrize(
    "tag", ["python:3.11-alpine", "python", "python:latest", "node:22", "me/python:3.11", "--x", "debian:sarge"]
)
def test_images_that_no_stand_in_is_like_are_refused(tmp_path: Path, tag: str) -> None:
    """Only the official Debian-based Python images can be stood in for; the message says where to get the others."""
    with pytest.raises(UsageError, match=r"only for python:3\.X and debian:RELEASE") as caught:
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


def test_tags_that_none_is_like_are_told_at_once() -> None:
    """One call says all that is wrong with it."""
    with pytest.raises(UsageError, match=r"for node:22, python:latest: only") as caught:
        check_stand_ins(["node:22", "python:3.11", "python:latest"])
    assert caught.value.hint is not None
    assert "docker pull node:22; docker pull python:latest" in caught.value.hint


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("python:3.13", Wanted("3.13", None, slim=False)),
        ("python:3.11.9-slim", Wanted("3.11", None, slim=True)),
        ("python:3.13-slim-trixie", Wanted("3.13", "trixie", slim=True)),
        ("python:3.13-bookworm", Wanted("3.13", "bookworm", slim=False)),
        ("debian:12", Wanted(None, "bookworm", slim=False)),
        ("debian:12.11-slim", Wanted(None, "bookworm", slim=True)),
        ("debian:trixie", Wanted(None, "trixie", slim=False)),
        ("debian:99", None),
        ("debian:latest", None),
        ("ubuntu:24.04", None),
    ],
)
def test_a_tag_says_what_is_wanted(tag: str, wanted: Wanted | None) -> None:
    """A Python or none, of a release or of any, slim or whole."""
    assert parse_tag(tag) == wanted


def test_each_python_comes_from_the_release_that_has_it() -> None:
    """Of the machine's own distribution; what no release has is made only on request."""
    assert release_with("3.13", "debian") == "trixie"
    assert release_with("3.12", "ubuntu") == "noble"
    assert release_with("3.12", "debian") is None
    assert release_with("3.11", "alpine") is None


def test_a_slim_one_leaves_out_what_official_ones_do() -> None:
    """Manuals and documents, whose folders some packages need: those are in the whole one."""
    assert "path-exclude=/usr/share/man/*" in Recipe("bookworm", "3.11").left_out
    assert Recipe("bookworm", slim=False).left_out == ()
    assert "libpython3.11" in Recipe("bookworm", "3.11").packages
    assert Recipe("bookworm").hooks == ()
