"""The pull size's estimate: near what gzip makes, the same however the bytes arrive, and settled for any content."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.image.gzip_estimate import GzipSize

CHANCE = random.Random(1)
WORDS = [CHANCE.randbytes(CHANCE.randrange(2, 12)).hex().encode() for _ in range(3000)]
TEXT = b" ".join(CHANCE.choices(WORDS, weights=range(1, 3001), k=250_000))
MIXED = b"".join(
    CHANCE.choice((CHANCE.randbytes(90_000), bytes(300_000), TEXT[at : at + 200_000]))
    for at in range(0, 3_000_000, 99_000)
)


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    """Two threads, as when an archive is read."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def estimate(executor: Executor, data: bytes, sizes: list[int]) -> int:
    """The estimate for data that arrives in pieces of these sizes, in turn."""
    measured = GzipSize(executor)

    def pieces() -> Iterator[bytes]:
        at = turn = 0
        while at < len(data):
            yield data[at : at + sizes[turn % len(sizes)]]
            at += sizes[turn % len(sizes)]
            turn += 1

    assert b"".join(measured.tap(pieces())) == data
    return measured.result()


@pytest.mark.parametrize("data", [TEXT, MIXED, bytes(3_000_000), CHANCE.randbytes(3_000_000)], ids=range(4))
def test_near_what_gzip_makes(executor: Executor, data: bytes) -> None:
    """For every kind of content it is of zlib's size; how near to Go's it is, is tested against a registry."""
    assert estimate(executor, data, [1 << 20]) == pytest.approx(
        len(zlib.compress(data, 6, wbits=31)), rel=0.05, abs=500
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3_000_000), min_size=1, max_size=5), st.integers(0, len(MIXED)))
def test_chunks_make_no_difference(executor: Executor, sizes: list[int], length: int) -> None:
    """However the stream was cut, a layer has one estimate."""
    sizes = [size + length // 5000 for size in sizes]
    assert estimate(executor, MIXED[:length], sizes) == estimate(executor, MIXED[:length], [len(MIXED)])


@pytest.mark.parametrize("length", [0, 1, 512, 1 << 17, (1 << 17) + 1, 1 << 20, (1 << 20) + 1, 1 << 21])
def test_edges(executor: Executor, length: int) -> None:
    """Nothing at all, and what ends exactly with a part or block, are estimated like what lies beside."""
    whole = len(zlib.compress(TEXT[:length], 6, wbits=31))
    assert estimate(executor, TEXT[:length], [1 << 16]) == pytest.approx(whole, rel=0.05, abs=8)
