"""Terms of hours: each kernel equals its slow twin, which looks at one hour or one day after the other."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.detection.days import recent_mean, spread_out
from analytics.detection.grid import N_GROUPS, HourGrid
from analytics.detection.hours import deviate, standardise
from analytics.detection.judge import BLOCK, CLASS_INTERCEPTS, CLASS_WEIGHTS, N_CLASSES, N_TERMS, log_odds
from analytics.detection.repeats import LAGS, held
from analytics.detection.weights import CEILING
from analytics.detection.yardsticks import FLOOR, JUMP, N_YARDSTICK, SIZE, gather_known
from tests.analytics.drawn import SEEDS, drawn, grids, series

MOST = 12 * 24


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_days=st.integers(0, 60), days=st.sampled_from([3, 7]))
def test_means_of_the_last_days_equal_averaging_known_ones(data: st.DataObject, n_days: int, days: int) -> None:
    daily, before = data.draw(series(n_days)), data.draw(series(n_days, missing=[0.0]))
    found = np.empty(n_days, np.float32)
    recent_mean(daily, before, days, found)
    for d in range(n_days):
        lately = [float(daily[i]) for i in range(n_days) if d + 1 - days < i <= d + 1 and not math.isnan(daily[i])]
        expected = sum(lately) / len(lately) - before[d] if lately else math.nan
        assert_allclose(found[d], expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), grid=grids(0, MOST))
def test_hours_take_the_number_of_their_day(data: st.DataObject, grid: HourGrid) -> None:
    daily, found = data.draw(series(grid.n_days)), np.full(len(grid), 9, np.float32)
    spread_out(daily, grid.day_begin, found)
    assert_array_equal(found, [0.0 if math.isnan(daily[d]) else daily[d] for d in grid.day])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), grid=grids(0, MOST))
def test_deviations_and_jumps_equal_subtracting_hour_by_hour(data: st.DataObject, grid: HourGrid) -> None:
    n = len(grid)
    values, usual = data.draw(series(n, 5.0)), data.draw(series(n, 4.0, missing=[0.0, 0.3]))
    daily = data.draw(series(grid.n_days, missing=[0.0]))
    residual, size = np.empty((2, n), np.float32)
    memory = np.full(n + 1, 9, np.float32)  # what lies behind the hours is not the kernel's
    deviate(values, usual, daily, grid.day_begin, residual, size, memory[:n])
    expected = [float(values[t]) - float(usual[t]) - float(daily[grid.day[t]]) for t in range(n)]
    assert_allclose(residual, expected, rtol=1e-5, atol=1e-5)
    assert_allclose(size, [abs(e) for e in expected], rtol=1e-5, atol=1e-5)
    jumps = [math.nan if t == 0 else abs(expected[t] - expected[t - 1]) for t in range(n)]
    assert_allclose(memory, [*jumps, 9], rtol=1e-5, atol=1e-5)


def yardstick_of(seed: int, nothing: bool) -> np.ndarray:
    found = np.random.default_rng(seed).exponential(1.0, N_YARDSTICK)
    found[FLOOR] = max(found[FLOOR], 1e-3)
    if nothing:
        found[SIZE] = 0.0
    return found.astype(np.float32)


def spread(own: float, overall: float) -> float:
    return 1.4826 * math.sqrt(0.5 * own**2 + 0.5 * overall**2)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), grid=grids(0, MOST), seed=SEEDS, nothing=st.booleans())
def test_robust_deviations_equal_dividing_by_the_spread_of_each_hour(
    data: st.DataObject, grid: HourGrid, seed: int, nothing: bool
) -> None:
    n = len(grid)
    residual, leap = data.draw(series(n)), np.abs(data.draw(series(n)))
    recent, own = np.abs(data.draw(series(grid.n_days, missing=[0.0]))), yardstick_of(seed, nothing)
    jumps, z = leap.copy(), np.empty(n, np.float32)
    standardise(residual, recent, grid.day, grid.group, own, z, leap)
    for t in range(n):
        group = int(grid.group[t])
        ratio = max(float(recent[grid.day[t]]) / float(own[SIZE]), 0.5) if own[SIZE] > 0 else 1.0
        scale = max(spread(float(own[group]), float(own[SIZE])) * ratio, float(own[FLOOR]))
        jump_scale = max(spread(float(own[N_GROUPS + group]), float(own[JUMP])), float(own[FLOOR]))
        assert z[t] == pytest.approx(0.0 if math.isnan(residual[t]) else residual[t] / scale, rel=1e-5)
        assert leap[t] == pytest.approx(0.0 if math.isnan(jumps[t]) else jumps[t] / jump_scale, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, MOST), seed=SEEDS, usual=st.sampled_from([6.0, 10.0]))
def test_held_values_count_by_the_longest_of_their_runs(n: int, seed: int, usual: float) -> None:
    runs = np.random.default_rng(seed).integers(0, 60, (len(LAGS), n)).astype(np.int32)
    longest, found = np.array([6.0, usual], np.float32), np.full(n, 9, np.float32)
    held(runs, longest, found)
    for t in range(n):
        lengths = [min(runs[k, t] / longest[k], 4.0) if runs[k, t] >= 4 else 0.0 for k in range(len(LAGS))]
        assert found[t] == pytest.approx(max(lengths), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(0, MOST))
def test_known_values_and_their_finest_step_equal_looking_at_each(data: st.DataObject, n: int) -> None:
    values, known = data.draw(series(n)), np.empty(n, np.float32)
    n_known, n_positive, step = gather_known(values, known)
    there = [v for v in values if not math.isnan(v)]
    assert_array_equal(known[:n_known], [max(v, 0.0) for v in there])
    assert n_positive == sum(v > 0 for v in there)
    changes = [abs(b - a) for a, b in pairwise(values)]
    assert step == min((c for c in changes if c > 0), default=0.0)


@settings(max_examples=40, deadline=None)
@given(
    n=st.sampled_from([0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1]) | st.integers(0, 50),
    seed=SEEDS,
    scale=st.sampled_from([0.0, 1e-3, 1.0, CEILING, 1e30]),
)
def test_log_odds_equal_weighing_each_logarithm(n: int, seed: int, scale: float) -> None:
    terms = np.float32(scale) * np.abs(drawn(seed, (N_TERMS, n), 0.0, 2))
    found, grown = np.empty((N_CLASSES, n), np.float32), terms.copy()
    log_odds(grown, CLASS_WEIGHTS, CLASS_INTERCEPTS, found)
    for t in range(n):
        logs = [math.log1p(min(float(terms[j, t]), CEILING)) for j in range(N_TERMS)]
        assert_allclose(grown[:, t], logs, rtol=1e-5, atol=5e-6)
        for k in range(N_CLASSES):
            weighed = sum(float(CLASS_WEIGHTS[k, j]) * logs[j] for j in range(N_TERMS))
            assert found[k, t] == pytest.approx(float(CLASS_INTERCEPTS[k]) + weighed, rel=1e-5, abs=5e-5)
