"""The shares of several machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.errors import UsageError
from imgcompare.reports.shards import parse_shard, share


@given(st.lists(st.text(max_size=3), unique=True, max_size=40), st.integers(1, 12))
def test_shares_are_a_balanced_partition(names: list[str], count: int) -> None:
    """Every name is in exactly one share, no share is larger by more than one, and the file's order does not matter."""
    shares = [share(names, index, count) for index in range(1, count + 1)]
    assert sorted(name for one in shares for name in one) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [sorted(share(names[::-1], index + 1, count)) for index in range(count)] == [sorted(one) for one in shares]


def test_a_share_keeps_the_order_of_the_file() -> None:
    """Names are dealt out in the order of the alphabet and run in that of the file."""
    assert share(("d", "c", "b", "a"), 1, 2) == ("c", "a")
    assert share(("d", "c", "b", "a"), 2, 2) == ("d", "b")
    assert share(("a",), 2, 3) == ()


@pytest.mark.parametrize(
    "text", ["0/3", "4/3", "x", "", "1", "1/", "/3", "1/0", "-1/3", "1/3/3", "1.0/3", "1/1001", "١/٣"]
)
def test_what_is_no_share_is_refused_with_the_form(text: str) -> None:
    """Shares count from one to the number of machines."""
    with pytest.raises(UsageError, match="is no share") as caught:
        parse_shard(text)
    assert "--shard 1/3" in (caught.value.hint or "")


def test_a_share_is_read() -> None:
    """The second of eight."""
    assert parse_shard("2/8") == (2, 8)
