"""Order statistics equal sorting, whatever is missing, tied or infinite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from analytics.order import WIDE, daily_medians, median, select, select_few
from tests.analytics.drawn import SEEDS, drawn

VALUES = st.floats(-1e6, 1e6, width=32)


@pytest.mark.parametrize("kind", [np.float64, np.int32])
def test_ranks_of_values_that_are_not_float32_are_refused(kind: type[np.generic]) -> None:
    values = np.array([3, -1, 2]).astype(kind)
    with pytest.raises(TypeError, match="expected float32"):
        select(values, 3, 1)  # type: ignore[arg-type]


def test_unknown_values_rank_last_and_both_zeros_before_any_positive() -> None:
    values = np.array([np.nan, 2.0, -0.0, -5.0, 0.0, np.inf], np.float32)
    assert [select(values, 6, rank) for rank in range(5)] == [-5.0, 0.0, 0.0, 2.0, np.inf]
    assert np.isnan(select(values, 6, 5))


@pytest.mark.parametrize("n", [1, 96, 97, 1460, 8760])
@settings(max_examples=30, deadline=None)
@given(
    seed=SEEDS,
    missing=st.sampled_from([0.0, 0.6, 1.0]),
    digits=st.sampled_from([0, 1, 6]),
    infinite=st.booleans(),
    ordered=st.booleans(),
)
def test_ranks_equal_sorting(n: int, seed: int, missing: float, digits: int, infinite: bool, ordered: bool) -> None:
    values = drawn(seed, (n,), missing, digits)
    if infinite:
        values[np.random.default_rng(seed).random(n) < 0.3] = np.inf
    expected = np.sort(values)  # NaN last
    given_values = expected if ordered else values.copy()
    for rank in {0, n // 50, n // 2, max(n - 64, 0), n - 1}:
        assert_array_equal(np.float32(select(given_values, n, rank)), expected[rank])
    assert_array_equal(given_values, expected if ordered else values)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(VALUES, max_size=60))
def test_ranks_and_medians_of_few_values_equal_sorting(values: list[float]) -> None:
    ordered = sorted(values)
    for rank in {0, len(values) // 2, len(values) - 1} if values else set():
        assert select_few(np.array(values, np.float32), len(values), rank) == ordered[rank]
    middle = ordered[(len(values) - 1) // 2] if values else 0.0
    assert median(np.array(values, np.float32), len(values)) == middle


@settings(max_examples=60, deadline=None)
@given(days=st.lists(st.lists(VALUES | st.just(float("nan")), max_size=WIDE), max_size=9))
def test_medians_of_days_equal_sorting_each(days: list[list[float]]) -> None:
    values = np.array([v for hours in days for v in hours], np.float32)
    begin = np.cumsum([0, *(len(hours) for hours in days)]).astype(np.int32)
    out = np.empty(len(days), np.float32)
    daily_medians(values, begin, out)
    for found, hours in zip(out, days, strict=True):
        known = sorted(v for v in hours if v == v)
        assert_array_equal(found, known[(len(known) - 1) // 2] if known else np.nan)
