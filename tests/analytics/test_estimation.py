from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.consumption import CORRECTION, PROFILE_FILL, day_parts, on_grid
from analytics.estimation import Correction, corrected, fill_by_profile
from energy.model import State
from tests.analytics.test_consumption import DAY, HOUR, NAN, steps_of


def test_a_gap_is_filled_by_the_expected_profile_scaled_to_the_register() -> None:
    steps = steps_of([0, 1, 5, 6], [0, 2, 42, 44])
    expected = np.array([1, 1, 2, 3, 4, 1], float)
    found = on_grid(fill_by_profile(steps, 0, HOUR, expected), 0, 6 * HOUR, HOUR)
    assert_allclose(found.amount, [2, 4, 8, 12, 16, 2])  # 40 kWh in the proportion 1 : 2 : 3 : 4
    assert_array_equal(found.state[1:5], [State.ESTIMATED] * 4)
    assert_array_equal(found.method[1:5], [PROFILE_FILL] * 4)


def test_a_gap_that_begins_within_an_interval_takes_part_of_it() -> None:
    steps = steps_of([0.5, 3.5], [0, 30])
    found = on_grid(fill_by_profile(steps, 0, HOUR, np.ones(4)), 0, 4 * HOUR, HOUR)
    assert_allclose(found.amount, [NAN, 10, 10, NAN])


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        ([1, NAN, 1, 1, 1, 1], "an hour without expectation"),
        ([0, 0, 0, 0, 0, 0], "nothing is expected at all"),
        ([1, -1, 5, 1, 1, 1], "a negative expectation"),
        ([1, 1, 1], "a profile that ends too early"),
    ],
)
def test_without_a_usable_profile_the_gap_stays_unknown(expected: list[float], why: str) -> None:
    steps = steps_of([0, 1, 5, 6], [0, 2, 42, 44])
    assert fill_by_profile(steps, 0, HOUR, np.array(expected, float)) is steps, why


def test_more_than_a_week_is_not_filled() -> None:
    for days, filled in ((7, True), (7.05, False)):
        steps = steps_of([0, 24 * days], [0, 100])
        assert (len(fill_by_profile(steps, 0, HOUR, np.ones(24 * 8))) > 1) is filled


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.001, 1000), min_size=200, max_size=200), st.integers(3, 160), st.integers(1, 5000))
def test_the_sum_stays_exact(expected: list[float], hours: int, energy: int) -> None:
    steps = steps_of([0, 2, 2 + hours, 3 + hours], [0, 4, 4 + energy, 5 + energy])
    if np.isnan(steps.amount).any():
        return
    filled = fill_by_profile(steps, 0, HOUR, np.array(expected))
    assert filled.amount.sum() == pytest.approx(5 + energy, abs=1e-6)
    parts = day_parts(filled, 0, np.arange(9) * DAY, None)
    assert np.nansum(parts.inner) == pytest.approx(5 + energy, abs=1e-6)
    assert parts.head.sum() == 0
    assert np.isnan(parts.tail).all()


def test_a_correction_wins_and_is_visible() -> None:
    steps = steps_of([0, 1, 2, 3], [0, 5, 10, 15])
    found = on_grid(corrected(steps, [Correction(HOUR, 2 * HOUR, 99.0)]), 0, 3 * HOUR, HOUR)
    assert_array_equal(found.amount, [5, 99, 5])
    assert found.state[1] == State.CORRECTED
    assert found.method[1] == CORRECTION


def test_a_correction_of_part_of_a_step_leaves_its_share() -> None:
    steps = steps_of([0, 1, 2], [0, 6, 12])
    found = corrected(steps, [Correction(HOUR // 2, HOUR, 1.0)])
    assert_array_equal(found.amount, [3, 1, 6])
    long = corrected(steps_of([0, 10], [0, 100]), [Correction(0, HOUR, 1.0)])
    assert_array_equal(long.amount, [1, NAN])


def test_the_later_correction_wins_and_a_day_can_be_declared_unknown() -> None:
    steps = steps_of([0, 1, 2], [0, 6, 12])
    found = corrected(steps, [Correction(0, HOUR, 1.0), Correction(0, HOUR, 2.0)])
    assert_array_equal(found.amount, [2, 6])
    assert np.isnan(corrected(steps, [Correction(0, HOUR, NAN)]).amount[0])


def test_an_impossible_correction_is_refused() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Correction(HOUR, HOUR, 1.0)
    with pytest.raises(ValueError, match="not be negative"):
        Correction(0, HOUR, -1.0)
