"""A pattern is held against a reply in bounded time."""

from __future__ import annotations

import pytest

from imgcompare.check.pattern import is_found
from imgcompare.check.request import Reply
from imgcompare.check.route import judge
from imgcompare.errors import UsageError
from imgcompare.model import Expectation


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^Hello, \w+!$", "Hello, Docker!", True),
        (r"\d", "Hello, Docker!", False),
        (r"(?<=H)ello(?!x)", "Hello", True),
        (r"(l)\1", "Hello", True),
        ("é$", "café", True),
        ("\N{SNOWMAN}", "\ufffd", False),
        ("", "", True),
    ],
)
def test_a_pattern_is_pythons(pattern: str, text: str, *, found: bool) -> None:
    """With look-around and references, and any letter."""
    assert is_found(pattern, text) is found


def test_a_pattern_that_takes_for_ever_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed, and no variant is broken by it."""
    monkeypatch.setattr("imgcompare.check.pattern._LIMIT_S", 1)
    reply = Reply(status=200, body=b"a" * 40 + b"!", truncated=False, duration_s=0.1)
    with pytest.raises(UsageError, match="takes more than 1 s") as caught:
        judge(reply, Expectation(body_pattern="(a+)+$"))
    assert caught.value.hint
