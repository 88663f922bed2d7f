"""Replies that are the same but for what says nothing of the image, and near misses that are not."""

from __future__ import annotations

import pytest

from imgcompare.check.bodies import ITS_NAME, MOVES, Bodies, same_but_for, tells_time

BOTH = f"{ITS_NAME}, and {MOVES}"
ONE, OTHER = ("0a1b2c3d4e5f", "172.17.0.2"), ("ffeeddccbbaa", "172.17.0.3")


@pytest.mark.parametrize(
    ("one", "other", "but_for"),
    [
        (["Hello from 0a1b2c3d4e5f!"] * 2, ["Hello from ffeeddccbbaa!"] * 2, ITS_NAME),
        (["I am 172.17.0.2."] * 2, ["I am 172.17.0.3."] * 2, ITS_NAME),
        (['{"host": "0a1b2c3d4e5f", "a": 1}'] * 2, ['{"a": 1, "host": "ffeeddccbbaa"}'] * 2, ITS_NAME),
        (["I am 172.17.0.2."] * 2, ["I am 172.17.0.9."] * 2, None),
        (["I am 172.17.0.22."] * 2, ["I am 172.17.0.33."] * 2, None),
        (["0a1b2c3d4e5f says hello"] * 2, ["ffeeddccbbaa says goodbye"] * 2, None),
        (["Visit 1", "Visit 2"], ["Visit 1", "Visit 3"], MOVES),
        (["Visit 9", "Visit 10"], ["Visit 1", "Visit 2"], MOVES),
        (["It is 14:08:31", "It is 14:08:32"], ["It is 14:09:02"] * 2, MOVES),
        (["at 2026-11-28T23:59:59Z", "at 2026-11-29T00:00:00Z"], ["at 2026-11-29T00:00:07Z"] * 2, MOVES),
        (["it is 1796000000.1", "it is 1796000001.25"], ["it is 1796000002.5"] * 2, MOVES),
        (["id 1f3a", "id 77bc"], ["id 9d01", "id eeee"], MOVES),
        (["0a1b2c3d4e5f: 1", "0a1b2c3d4e5f: 2"], ["ffeeddccbbaa: 5"] * 2, BOTH),
        (["5", "6"], ["7", "8"], MOVES),
        (
            ["csrf IjY3-OGQ.Zz_Xt.abcdefghijkl", "csrf IjY3OGQZ.Zz_Xt.abc-efghijkl"],
            ["csrf IjYOGQZ1.Zz-Xt.abcdefghij-l", "csrf I.Y3OGQZ1Zz_Xt.abc-efghijkl"],
            MOVES,
        ),
        (["/static/a-long-path/to/style.css"] * 2, ["/static/a-long-path/to/other.css"] * 2, None),
        (["Visit 1", "Visit 2"], ["Visit 1", "Error 2"], None),
        (["Visit 1", "Visit 2"], ["Visit none"] * 2, None),
        (["Visit 1", "Visit 2"], ["Visit 1 of 2"] * 2, None),
        (["It is 14:08:31"] * 2, ["It is 14:09:02"] * 2, None),
        (["foo", "bar"], ["bad", "err"], None),
        (["the word foo", "the word barn"], ["the word of"] * 2, None),
        (["Hello"] * 2, ["Hullo"] * 2, None),
        ([""] * 2, ["x"] * 2, None),
    ],
)
def test_two_containers_reply_the_same_but_for(one: list[str], other: list[str], but_for: str | None) -> None:
    """Their own names and addresses, and what a second request shows to move: nothing else, and in its place."""
    first = Bodies(one[0].encode(), one[1].encode(), ONE)
    second = Bodies(other[0].encode(), other[1].encode(), OTHER)
    assert same_but_for(first, second) == same_but_for(second, first) == but_for


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"It is 14:08:31.", True),
        (b"2026-11-28T14:08:31Z", True),
        (b"1796000000", True),
        (b"1796000000123", True),
        (b"Hello, Docker!", False),
        (b"call 5551234", False),
        (b"\xff\xfe", False),
    ],
)
def test_a_body_that_tells_the_time_is_asked_for_again(body: bytes, told: bool) -> None:
    """Only such a one is worth a second's wait."""
    assert tells_time(body) is told
