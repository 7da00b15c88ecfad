"""Days, windows and runs of the detector: each fast kernel equals its slow twin, which cuts them out one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.detection.days import daily_shares, trailing_medians
from analytics.detection.grid import HourGrid
from analytics.detection.hours import window_mean
from analytics.detection.repeats import equal_runs, long_run
from tests.analytics import naive_anomalies as naive
from tests.analytics.drawn import SEEDS, drawn, grids


@settings(max_examples=80, deadline=None)
@given(
    seed=SEEDS,
    n_days=st.integers(0, 200),
    n_meters=st.sampled_from([0, 1, 3]),
    width=st.sampled_from([1, 28, 61]),
    shift=st.sampled_from([0, -1, -5, 14]),
    missing=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    digits=st.sampled_from([0, 6]),
)
def test_medians_of_days_before_equal_sorting_each_window(
    seed: int, n_days: int, n_meters: int, width: int, shift: int, missing: float, digits: int
) -> None:
    daily = drawn(seed, (n_days, n_meters), missing, digits)
    found = np.empty(daily.shape, np.float32)
    trailing_medians(daily, width, shift, found)
    for own, column in zip(daily.T, found.T, strict=True):
        assert_array_equal(column, naive.trailing(own, width, shift).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, grid=grids(0, 20 * 24), width=st.sampled_from([6, 24, 72]))
def test_means_about_each_hour_equal_cutting_every_window(seed: int, grid: HourGrid, width: int) -> None:
    n = len(grid)
    values, out = drawn(seed, (n,), 0.0, 6), np.empty(n, np.float32)
    window_mean(values, width, grid.day_begin, grid.day_end, np.empty((2, n), np.float32), out)
    assert_allclose(out, naive.window(values.astype(np.float64), grid, width), atol=2e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    grid=grids(0, 20 * 24),
    lag=st.sampled_from([1, 24]),
    missing=st.sampled_from([0.0, 0.2]),
    spread=st.sampled_from([0.0, 0.1, 0.5, 5.0]),
)
def test_runs_of_equal_values_equal_looking_both_ways_from_each_hour(
    seed: int, grid: HourGrid, lag: int, missing: float, spread: float
) -> None:
    n = len(grid)
    values = np.round(drawn(seed, (n,), missing, 6) * np.float32(spread))
    out = np.empty(n, np.int32)
    equal_runs(values, lag, grid.day_end, out)
    expected = naive.runs(values, lag, grid) if n > lag else np.zeros(n, int)
    assert_array_equal(out, expected)
    assert n == 0 or long_run(out) == np.sort(out)[int(0.99 * (n - 1))]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, grid=grids(0, 20 * 24), missing=st.sampled_from([0.0, 0.5, 1.0]))
def test_shares_of_days_and_nights_equal_adding_up_each(seed: int, grid: HourGrid, missing: float) -> None:
    n = len(grid)
    values = 5 + drawn(seed, (n,), missing, 6)
    usual = 5 + np.abs(drawn(seed + 1, (n,), 0.0, 6))
    whole, nights = np.empty((2, grid.n_days), np.float32)
    daily_shares(values, usual, grid.day_begin, grid.night, 5.0, whole, nights)
    wide = values.astype(np.float64), usual.astype(np.float64)
    for found, where in ((whole, np.ones(n, bool)), (nights, grid.night)):
        assert_allclose(found, naive.shares(*wide, grid, 5.0, where), atol=1e-6)
