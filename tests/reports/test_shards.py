"""The shares of several machines."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.errors import UsageError
from imgcompare.reports.shards import parse_shard, share


@given(st.lists(st.text(max_size=3), unique=True, max_size=40), st.integers(1, 12))
def test_shares_are_a_balanced_partition(names: list[str], count: int) -> None:
    """Every name is in exactly one share, no share is larger by more than one, and the file's order does not matter."""
    shares = [share(names, index, count, {}) for index in range(1, count + 1)]
    assert sorted(name for one in shares for name in one) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [sorted(share(names[::-1], index + 1, count, {})) for index in range(count)] == [
        sorted(one) for one in shares
    ]


def test_a_share_keeps_the_order_of_the_file() -> None:
    """Names are dealt out in the order of the alphabet and run in that of the file."""
    assert share(("d", "c", "b", "a"), 1, 2, {}) == ("c", "a")
    assert share(("d", "c", "b", "a"), 2, 2, {}) == ("d", "b")
    assert share(("a",), 2, 3, {}) == ()


@given(st.dictionaries(st.text(max_size=3), st.none() | st.floats(0, 1000), max_size=40), st.integers(1, 12))
def test_shares_by_time_are_a_partition_that_every_machine_finds(took: dict[str, float | None], count: int) -> None:
    """Whatever was measured: every name is in exactly one share, and no order of names or times counts."""
    names, seconds = list(took), {name: each for name, each in took.items() if each is not None}
    shares = [share(names, index, count, seconds) for index in range(1, count + 1)]
    assert sorted(name for one in shares for name in one) == sorted(names)
    turned = dict(reversed(seconds.items())) | {"of another file": 5.0}
    assert [sorted(share(names[::-1], n + 1, count, turned)) for n in range(count)] == [sorted(one) for one in shares]


@pytest.mark.parametrize("count", [4, 10, 16])
def test_the_slowest_of_the_shares_by_time_is_hardly_slower_than_the_mean(count: int) -> None:
    """200 comparisons as they are: most take seconds, some minutes; by number the slowest is far behind."""
    chance = random.Random(count)
    seconds = {f"app-{number}": chance.lognormvariate(2, 1) for number in range(200)}
    mean = sum(seconds.values()) / count

    def slowest(known: dict[str, float]) -> float:
        shares = (share(tuple(seconds), index, count, known) for index in range(1, count + 1))
        return max(sum(seconds[name] for name in one) for one in shares)

    assert slowest(seconds) <= 1.05 * mean
    assert slowest({}) > 1.2 * mean


def test_what_is_new_counts_as_much_as_the_others_on_average() -> None:
    """Nobody knows how long it takes; as nothing it would all go to one machine."""
    seconds = {"long": 90.0, "short": 30.0}
    shares = [share(("new", "newer", "short", "long"), index, 2, seconds) for index in (1, 2)]
    assert shares == [("short", "long"), ("new", "newer")]


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
