from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from analytics.magnitude import LARGEST, countable, n_beyond


def test_values_that_float32_sums_cannot_hold_are_unknown() -> None:
    values = np.array([[1.0, -2.0, np.nan], [LARGEST, -2e30, np.inf], [1e300, -np.inf, 0.0]])
    expected = np.array([[1.0, -2.0, np.nan], [LARGEST, np.nan, np.nan], [np.nan, np.nan, 0.0]], np.float32)
    assert_array_equal(countable(values), expected)


def test_values_that_can_be_counted_are_not_copied() -> None:
    values = np.array([[1.0, np.nan]], np.float32)
    assert countable(values) is values


@given(values=st.lists(st.floats(width=32) | st.sampled_from([LARGEST, -LARGEST, math.nan, math.inf]), max_size=40))
def test_values_beyond_the_limit_are_counted_one_by_one(values: list[float]) -> None:
    array, limit = np.array(values, np.float32), np.float32(LARGEST)
    assert n_beyond(array, LARGEST) == sum(not math.isnan(v) and abs(v) > limit for v in array)
