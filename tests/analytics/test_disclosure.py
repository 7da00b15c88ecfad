"""Told limits of a group rest on five members, and on no more digits than they can bear (promise P-34)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.disclosure import K_ANONYMITY, shared_quantile, told, told_slopes, told_width
from analytics.levels import quantile

values = st.lists(st.floats(1.0, 500.0), min_size=K_ANONYMITY, max_size=60).map(np.array)


def test_a_quantile_is_the_mean_of_five_around_it() -> None:
    sample = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256])
    assert quantile(sample, 0.5) == 16.0  # a member's own value
    assert shared_quantile(sample, 0.5) == (4 + 8 + 16 + 32 + 64) / 5
    # .6 * 10 = the 6th of nine; .55 lies halfway between the windows of the 5th and the 6th
    assert shared_quantile(sample, 0.6) == (8 + 16 + 32 + 64 + 128) / 5
    assert_allclose(shared_quantile(sample, 0.55), (24.8 + 49.6) / 2)
    assert np.isnan(shared_quantile(sample[:4], 0.5))


def test_many_samples_at_once_give_what_each_gives_alone() -> None:
    samples = np.random.default_rng(1).lognormal(4, 0.5, (7, 12))
    for share in (0.05, 0.2, 0.5, 0.8, 0.95):
        assert_allclose(shared_quantile(samples, share), [shared_quantile(one, share) for one in samples])
    assert_array_equal(shared_quantile(samples[:, :4], 0.5), np.full(7, np.nan))


def test_where_values_are_evenly_spread_it_is_the_quantile() -> None:
    sample = np.random.default_rng(1).permutation(np.arange(1.0, 32.0))
    for share in (0.2, 0.5, 0.8):
        assert_allclose(shared_quantile(sample, share), quantile(sample, share))


@settings(max_examples=300, deadline=None)
@given(values, st.floats(0.05, 0.95))
def test_no_member_counts_for_more_than_a_fifth(sample: np.ndarray, share: float) -> None:
    before = shared_quantile(sample, share)
    for i in range(len(sample)):
        near = sample.copy()
        near[i] *= 1.01
        assert abs(shared_quantile(near, share) - before) <= 0.01 * sample[i] / K_ANONYMITY + 1e-9


@pytest.mark.parametrize(
    ("limit", "shown"),
    [(1.256, 1.26), (1.249, 1.24), (16.03, 16.0), (0.02347, 0.0235), (48.32, 48.5), (99.94, 100.0), (713.0, 710.0)],
)
def test_limits_are_told_in_steps_of_one_to_two_and_a_half_percent(limit: float, shown: float) -> None:
    assert_allclose(told(np.array([limit])), [shown], rtol=1e-12)


def test_a_limit_just_below_a_power_of_ten_is_told_in_steps_too() -> None:
    limits = np.nextafter(10.0 ** np.arange(-6, 7), 0)  # the logarithm of most of them is a whole number already
    assert_allclose(told(limits), 10.0 ** np.arange(-6, 7), rtol=1e-15)
    assert not np.any(told(limits) == limits)


def test_widths_are_told_in_steps_of_a_tenth_and_never_too_narrow() -> None:
    assert_allclose(told_width(np.array([0.0, 0.02, 0.1, 0.101, 0.34])), [0.1, 0.1, 0.1, 0.2, 0.4])


def test_slopes_are_told_in_steps_of_a_twentieth() -> None:
    assert_allclose(told_slopes(np.array([0.0, 0.024, 0.026, -0.31])), [0.0, 0.0, 0.05, -0.3], atol=1e-12)


def test_what_is_unknown_or_zero_stays() -> None:
    assert_array_equal(told(np.array([np.nan, 0.0])), [np.nan, 0.0])


@settings(max_examples=300, deadline=None)
@given(st.floats(1e-3, 1e6))
def test_a_told_limit_is_off_by_at_most_a_part_in_eighty(limit: float) -> None:
    assert abs(told(np.array([limit]))[0] - limit) <= 0.0125 * limit * (1 + 1e-9)
