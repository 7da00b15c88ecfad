"""Alarms against the level before them: each kernel equals its slow twin, which looks at one hour after the other."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from analytics.detection import alarms as al
from analytics.detection import restated
from analytics.detection.grid import HourGrid
from tests.analytics.drawn import SEEDS, grids, series

MOST = 12 * 24
LEVELS = st.sampled_from([0.0, 1.5, -1.5, -30.0])


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(),
    n_days=st.integers(1, 150),
    width=st.sampled_from([1, 2, 28, 120]),
    told=st.sampled_from([0.0, 0.5]),
    seed=SEEDS,
)
def test_the_level_before_a_day_is_the_median_of_the_days_that_nobody_was_told_of(
    data: st.DataObject, n_days: int, width: int, told: float, seed: int
) -> None:
    daily, followed = data.draw(series(n_days)), data.draw(series(n_days))
    free = np.isfinite(daily) & (np.random.default_rng(seed).random(n_days) >= told)
    for day in {0, n_days // 2, n_days - 1}:
        untold = [float(daily[d]) for d in range(day) if free[d]]
        usual = 0.0 if math.isnan(followed[day]) else float(followed[day])
        expected = statistics.median(untold[-width:]) if untold else usual
        found = restated.level_before(daily, free, followed, day, width)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def usual_at(usual: np.ndarray, level: float) -> list[float]:
    """Usual use at a level, never below 0; NaN where it is unknown."""
    return [math.nan if math.isnan(u) else max(float(u) + level, 0.0) for u in usual]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), grid=grids(1, MOST), near=LEVELS, far=LEVELS)
def test_sums_of_an_alarm_equal_adding_up_its_hours(
    data: st.DataObject, grid: HourGrid, near: float, far: float
) -> None:
    values, usual = data.draw(series(len(grid), 5.0)), data.draw(series(len(grid), 4.0, missing=[0.0, 0.3]))
    followed = data.draw(series(grid.n_days, missing=[0.0]))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(grid) - 1)] * 2)))
    at_near, at_far = usual_at(usual, near), usual_at(usual, far)
    known = [t for t in range(first, last + 1) if not math.isnan(values[t]) and not math.isnan(usual[t])]
    expected = (
        sum(float(values[t]) - at_near[t] for t in known),
        sum(float(values[t]) - at_far[t] for t in known),
        sum(float(values[t]) - float(usual[t]) - float(followed[grid.day[t]]) for t in known),
        sum(at_near[t] for t in range(first, last + 1) if not math.isnan(at_near[t])),
        len(known),
    )
    assert_allclose(
        restated.sums_over(values, usual, followed, grid.day, near, far, first, last), expected, rtol=1e-5, atol=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data(), grid=grids(1, MOST), level=LEVELS)
def test_amounts_against_a_level_equal_adding_up_known_hours(data: st.DataObject, grid: HourGrid, level: float) -> None:
    values, usual = data.draw(series(len(grid), 5.0)), data.draw(series(len(grid), 4.0, missing=[0.0, 0.3]))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(grid) - 1)] * 2)))
    row = np.zeros(al.N_FACTS, np.float32)
    row[[al.FIRST, al.LAST]] = first, last
    restated.fill(row, values, usual, level, grid.busy)
    own = usual_at(usual, level)
    known = [t for t in range(first, last + 1) if not math.isnan(values[t]) and not math.isnan(own[t])]
    actual = sum(float(values[t]) for t in known)
    excess = {t: float(values[t]) - own[t] for t in known}
    half = (last - first + 2) // 2  # the middle one of an odd number of hours is early
    early, late = ([t for t in known if (t < first + half) == is_early] for is_early in (True, False))
    expected = {
        al.KNOWN: len(known),
        al.ACTUAL: actual,
        al.USUAL_USE: sum(own[t] for t in known),
        al.REST_EXCESS: sum(excess[t] for t in known if not grid.busy[t]),
        al.BUSY_EXCESS: sum(excess[t] for t in known if grid.busy[t]),
    }
    assert_allclose(row[list(expected)], list(expected.values()), rtol=1e-5, atol=1e-4)
    for column, part in ((al.EARLY, early), (al.LATE, late)):
        use = sum(own[t] for t in part)
        assert_allclose(row[column], sum(excess[t] for t in part) / use if use > 0 else 0.0, rtol=1e-5, atol=1e-5)
    times = float(row[al.ACTUAL]) / float(row[al.USUAL_USE]) if row[al.USUAL_USE] > 0 else 0.0
    away = [abs(float(values[t]) - times * own[t]) - 0.2 * float(values[t]) for t in known]
    sure, doubtful = (sum(a <= edge for a in away) for edge in (-1e-4, 1e-4))
    assert sure <= row[al.MATCH] <= doubtful  # rounding may put an hour on either side of the edge
