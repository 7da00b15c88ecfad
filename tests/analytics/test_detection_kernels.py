"""Each fast kernel of the detector equals its slow twin: gaps, ties, short series, local days of 23 and 25 hours."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.calendars import calendar_rows
from analytics.detection.days import daily_shares, medians_before
from analytics.detection.grid import HourGrid
from analytics.detection.hours import window_mean
from analytics.detection.repeats import equal_runs, long_run
from analytics.order import select
from energy.intervals import HOUR, LocalCalendar
from tests.analytics import naive_anomalies as naive

ZONES = [LocalCalendar("Europe/London"), LocalCalendar("Asia/Shanghai")]
SEEDS = st.integers(0, 10_000)


def hours(zone: LocalCalendar, n: int) -> HourGrid:
    """Hours from 1 March on: London's clocks change after 27 days."""
    start = zone.start_of(date(2022, 3, 1))
    return HourGrid.of(start, calendar_rows(start + HOUR * np.arange(n, dtype=np.int64), HOUR, zone))


def drawn(seed: int, shape: tuple[int, ...], missing: float, digits: int) -> np.ndarray:
    """Noise, with ties where it has few digits, NaN where it is missing."""
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(0, 1, shape), digits)
    values[generator.random(shape) < missing] = np.nan
    return values.astype(np.float32)


@settings(max_examples=80, deadline=None)
@given(
    seed=SEEDS,
    n_days=st.integers(1, 200),
    width=st.sampled_from([1, 28, 61]),
    shift=st.sampled_from([0, -1, -5, 14]),
    missing=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    digits=st.sampled_from([0, 6]),
)
def test_medians_of_days_before_equal_sorting_each_window(
    seed: int, n_days: int, width: int, shift: int, missing: float, digits: int
) -> None:
    daily = drawn(seed, (3, n_days), missing, digits)
    found = medians_before(daily, width, shift)
    for own, row in zip(daily, found, strict=True):
        assert_array_equal(row, naive.trailing(own, width, shift).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 40 * 24), width=st.sampled_from([6, 24, 72]), zone=st.sampled_from(ZONES))
def test_means_about_each_hour_equal_cutting_every_window(seed: int, n: int, width: int, zone: LocalCalendar) -> None:
    grid, values = hours(zone, n), drawn(seed, (n,), 0.0, 6)
    out = np.empty(n, np.float32)
    window_mean(values, width, grid.day_begin, grid.day_end, np.empty((2, n), np.float32), out)
    assert_allclose(out, naive.window(values.astype(np.float64), grid, width), atol=2e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(1, 20 * 24),
    lag=st.sampled_from([1, 24]),
    missing=st.sampled_from([0.0, 0.2]),
    spread=st.sampled_from([0.0, 0.1, 0.5, 5.0]),
    zone=st.sampled_from(ZONES),
)
def test_runs_of_equal_values_equal_looking_both_ways_from_each_hour(
    seed: int, n: int, lag: int, missing: float, spread: float, zone: LocalCalendar
) -> None:
    grid, values = hours(zone, n), np.round(drawn(seed, (n,), missing, 6) * np.float32(spread))
    out = np.empty(n, np.int32)
    equal_runs(values, lag, grid.day_end, out)
    expected = naive.runs(values, lag, grid) if n > lag else np.zeros(n, int)
    assert_array_equal(out, expected)
    assert long_run(out) == np.sort(out)[int(0.99 * (n - 1))]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 20 * 24), missing=st.sampled_from([0.0, 0.5, 1.0]), zone=st.sampled_from(ZONES))
def test_shares_of_days_and_nights_equal_adding_up_each(seed: int, n: int, missing: float, zone: LocalCalendar) -> None:
    grid, values = hours(zone, n), 5 + drawn(seed, (n,), missing, 6)
    usual = 5 + np.abs(drawn(seed + 1, (n,), 0.0, 6))
    whole, nights = np.empty((2, grid.n_days), np.float32)
    daily_shares(values, usual, grid.day_begin, grid.night, 5.0, whole, nights)
    wide = values.astype(np.float64), usual.astype(np.float64)
    for found, where in ((whole, np.ones(n, bool)), (nights, grid.night)):
        assert_allclose(found, naive.shares(*wide, grid, 5.0, where), atol=1e-6)


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
