"""What several measurements come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.comparison.spread import spread
from imgcompare.model import Spread


def test_the_least_the_middle_and_the_greatest() -> None:
    """What was not measured counts for nothing; the deviation is a sample's (divided by one less than there are)."""
    found = spread([3.0, None, 1.0, 2.0, 4.0])
    assert found is not None
    assert (found.minimum, found.median, found.maximum, found.values) == (1.0, 2.5, 4.0, (3.0, 1.0, 2.0, 4.0))
    assert found.deviation == pytest.approx(1.2909944487)


def test_one_value_has_no_deviation_and_none_is_no_measurement() -> None:
    """Nothing is said that nobody knows."""
    assert spread([7]) == Spread(minimum=7, median=7, maximum=7, deviation=None, values=(7.0,))
    assert spread([None]) is None
    assert spread([]) is None


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_the_order_is_that_of_size_whatever_was_measured(values: list[float]) -> None:
    """Least, median and most never cross."""
    found = spread(values)
    assert found is not None
    assert found.minimum <= found.median <= found.maximum
