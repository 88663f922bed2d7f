"""What of the machine's configuration goes into a stand-in."""

from __future__ import annotations

import re

import pytest

from imgcompare.engine.own.rootfs import distribution_python, pip_index


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("https://mirror.invalid/simple", "https://mirror.invalid/simple"),
        ("http://10.0.0.5:3141/root/pypi/+simple/", "http://10.0.0.5:3141/root/pypi/+simple/"),
        ("https://user:secret@mirror.invalid/simple", None),
        ("https://token@mirror.invalid/simple", None),
        ("http://localhost:3141/simple", None),
        ("http://127.0.0.1/simple", None),
        ("file:///srv/wheels", None),
        ("http://[broken", None),
    ],
)
def test_only_an_index_that_containers_reach_and_that_holds_no_secret_is_taken(
    monkeypatch: pytest.MonkeyPatch, index: str, expected: str | None
) -> None:
    """A password never ends up in an image, and this machine's loopback is not the container's."""
    monkeypatch.setenv("PIP_INDEX_URL", index)
    assert pip_index() == expected


def test_the_distribution_s_python_is_known_before_anything_is_made() -> None:
    """A tag of another version is refused at once, not after half a minute."""
    assert re.fullmatch(r"3\.\d+", distribution_python())
