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


@pytest.mark.parametrize(
    ("data", "go"),
    [(TEXT, 1_150_628), (MIXED, 1_809_221), (bytes(3_000_000), 2_945), (CHANCE.randbytes(3_000_000), 3_000_943)],
    ids=["text", "mixed", "zeros", "random"],
)
def test_near_what_go_makes(executor: Executor, data: bytes, go: int) -> None:
    """For every kind of content it is of the size that Go's compress/gzip makes, here of version 1.19.

    None of these is like software, of which it is held to 1 % against a registry.
    """
    assert estimate(executor, data, [1 << 20]) == pytest.approx(go, rel=0.04, abs=500)


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
