"""Stages, expected share, forecast, outlook: how far the year has come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.progress import (
    BLOCK,
    OUTLOOK_WORDS,
    ChangeReason,
    Forecast,
    Outlook,
    Reached,
    StageChange,
    Uncertainty,
    breach_day,
    day_of_stage,
    expected_share,
    forecast_year,
    outlook,
    reached,
    seasonal_profile,
    stage_changes,
    stage_of,
)
from energy.series import FloatArray

NAN = np.nan
ONE = np.array([100.0])
FULL = np.array([1.0])


def status(used: float, coverage: float = 1.0) -> list[int]:
    return [int(state) for state in reached(np.array([used]), ONE, np.array([coverage]))[0]]


def test_a_stage_is_reached_at_exactly_its_share() -> None:
    assert status(79.99) == [Reached.NO] * 3
    assert status(80.0) == [Reached.YES, Reached.NO, Reached.NO]
    assert status(100.0) == [Reached.YES] * 3
    assert sum([0.1] * 800) != 80.0  # rounding of a sum of days is no reason to miss a stage
    assert status(sum([0.1] * 800))[0] == Reached.YES


def test_incomplete_data_can_prove_reached_but_not_the_contrary() -> None:
    assert status(85.0, 0.5) == [Reached.YES, Reached.UNKNOWN, Reached.UNKNOWN]
    assert status(85.0, 0.95) == [Reached.YES, Reached.NO, Reached.NO]
    assert status(85.0, NAN) == [Reached.YES, Reached.UNKNOWN, Reached.UNKNOWN]


def test_without_use_or_target_nothing_is_known() -> None:
    found = reached(np.array([NAN, 50.0]), np.array([100.0, NAN]), np.array([1.0, 1.0]))
    assert_array_equal(found, np.full((2, 3), Reached.UNKNOWN))
    assert_array_equal(stage_of(found), [NAN, NAN])


def test_nothing_used_reaches_no_stage_of_a_target_of_nothing() -> None:
    used, nothing = np.array([0.0, 0.1]), np.zeros(2)
    assert_array_equal(reached(used, nothing, np.ones(2)), [[Reached.NO] * 3, [Reached.YES] * 3])
    assert_array_equal(day_of_stage(np.array([[0.0, 0.0], [0.0, 0.1]]), nothing), [[-1] * 3, [1] * 3])


def test_the_stage_shown_is_the_highest_reached() -> None:
    found = reached(np.array([50.0, 92.0, 50.0, 85.0]), np.full(4, 100.0), np.array([1.0, 1.0, 0.5, 0.5]))
    assert_array_equal(stage_of(found), [0.0, 0.9, NAN, 0.8])


def test_each_stage_of_a_year_is_raised_once() -> None:
    held: frozenset[float] = frozenset()
    raised: list[float] = []
    for used in np.cumsum(np.full(365, 110 / 365)):
        for change in stage_changes(held, status(float(used))):
            assert change.is_raised
            raised.append(change.stage)
            held |= {change.stage}
    assert raised == [0.8, 0.9, 1.0]


def test_a_correction_withdraws_a_stage_with_its_reason() -> None:
    held = frozenset({0.8, 0.9})
    assert stage_changes(held, status(85.0)) == (StageChange(0.9, False, ChangeReason.CORRECTED),)
    assert stage_changes(held, status(85.0, 0.5)) == (StageChange(0.9, False, ChangeReason.UNPROVEN),)
    assert stage_changes(held, status(95.0, 0.5)) == ()


def test_a_stage_that_is_no_longer_set_is_withdrawn() -> None:
    assert stage_changes(frozenset({0.85}), [2], (0.8,)) == (
        StageChange(0.8, True, ChangeReason.REACHED),
        StageChange(0.85, False, ChangeReason.CORRECTED),
    )


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from([0.5, 1.0])), max_size=30))
def test_what_is_held_is_always_what_the_data_prove(steps: list[tuple[float, float]]) -> None:
    held: set[float] = set()
    for used, coverage in steps:
        for change in stage_changes(frozenset(held), status(used, coverage)):
            assert change.is_raised == (change.stage not in held)
            held ^= {change.stage}
        assert held == {stage for stage in (0.8, 0.9, 1.0) if used >= stage * 100}


def test_the_day_of_each_stage() -> None:
    used = np.array([[50.0, NAN, 30.0, 10.0, NAN], [10.0, 10.0, NAN, NAN, NAN]])
    assert_array_equal(day_of_stage(used, np.array([100.0, 100.0])), [[2, 3, -1], [-1, -1, -1]])


# ---- share and forecast


def test_the_expected_share_follows_the_seasons() -> None:
    winter = np.array([[4.0, 3.0, 1.0, 2.0]])
    assert_allclose(expected_share(winter, 2), [0.7])  # days alone would say .5
    assert_array_equal(expected_share(np.array([[4.0, NAN, 1.0, 2.0]]), 1), [NAN])
    assert_array_equal(expected_share(np.zeros((1, 4)), 2), [NAN])
    assert_array_equal(expected_share(winter, 4), [1.0])


def sure(n: int = 1, drift: float = 0.1, day_spread: float = 0.0) -> Uncertainty:
    return Uncertainty(np.full(n, drift), np.full(n, day_spread))


def test_a_year_as_expected_is_forecast_as_expected() -> None:
    expected = np.ones((1, 365))
    found = forecast_year(expected, expected, 180, sure())
    assert_allclose(found.median, [365.0])
    assert_allclose(found.level, [1.0])
    assert found.low[0] < 365 < found.high[0]
    assert_allclose(found.used, [180.0])


def test_known_days_are_counted_and_the_level_carries_on() -> None:
    expected = np.ones((1, 360))
    found = forecast_year(expected * 1.2, expected, 180, sure())  # without daily noise a month tells the level
    assert 1.15 < found.level[0] < 1.2  # six months of the same say much, not all
    assert_allclose(found.median, [1.2 * 180 + found.level[0] * 180])


def test_an_unknown_day_is_expected_at_the_present_level_and_never_zero() -> None:
    expected = np.ones((1, 360))
    used = expected * 1.2
    used[0, 10:20] = NAN
    found = forecast_year(used, expected, 180, sure())
    assert_allclose(found.used, [170 * 1.2])
    assert_allclose(found.median, [170 * 1.2 + found.level[0] * 190])


def test_days_to_come_are_not_looked_at() -> None:
    expected = np.ones((1, 360))
    used = expected.copy()
    used[0, 100:] = 1000.0
    assert_allclose(forecast_year(used, expected, 100, sure()).median, [360.0])


def test_the_interval_narrows_as_the_year_goes_on_and_closes_at_its_end() -> None:
    expected = np.ones((1, 365))
    width = [
        float(np.subtract(found.high, found.low)[0])
        for found in (forecast_year(expected, expected, n, sure(day_spread=0.1)) for n in (0, 90, 180, 270, 365))
    ]
    assert width == sorted(width, reverse=True)
    assert width[-1] == 0.0


def test_before_the_year_the_interval_is_that_of_the_drift() -> None:
    # half the variance at once and the other half walking: about one drift for the mean of the year
    found = forecast_year(np.full((1, 360), NAN), np.ones((1, 360)), 0, sure(drift=0.1))
    assert (found.high[0] - found.median[0]) / 360 / 1.2816 == pytest.approx(0.1, rel=0.1)


def test_without_a_profile_there_is_no_forecast_but_what_is_used_is_used() -> None:
    used = np.full((1, 365), 1.0)
    found = forecast_year(used, np.full((1, 365), NAN), 300, sure())
    assert_array_equal(found.median, [NAN])
    assert_array_equal(found.low, [NAN])
    assert_array_equal(found.used, [300.0])
    assert_array_equal(outlook(found, np.array([400.0])), [Outlook.UNKNOWN])
    assert_array_equal(outlook(found, np.array([299.0])), [Outlook.OVER])


def naive_forecast(
    used: FloatArray, expected: FloatArray, n_elapsed: int, drift: float, spread: float
) -> tuple[float, float]:
    """Median and half width of one institution, day by day."""
    level, variance, walk = 1.0, drift**2 / 2, drift**2 / 8
    for first in range(0, n_elapsed, BLOCK):
        days = [d for d in range(first, min(first + BLOCK, n_elapsed)) if np.isfinite(used[d])]
        base = sum(expected[d] for d in days)
        if base > 0:
            noise = spread**2 * len(days) * min(len(days), 5) / base**2 + drift**2
            gain = variance / (variance + noise) if variance + noise > 0 else 0.0
            level += gain * (sum(used[d] for d in days) / base - level)
            variance *= 1 - gain
        variance += walk * (min(first + BLOCK, n_elapsed) - first) / BLOCK
    level = max(level, 0.0)
    open_days = [d for d in range(len(used)) if d >= n_elapsed or not np.isfinite(used[d])]
    median = sum(expected[d] * level if d in open_days else used[d] for d in range(len(used)))
    month = [max((d - n_elapsed) // BLOCK, 0) for d in open_days]
    total = 0.0
    for i, a in zip(month, open_days, strict=True):
        for j, b in zip(month, open_days, strict=True):
            total += expected[a] * expected[b] * (variance + walk * min(i, j) + drift**2 * (i == j))
    total += spread**2 * len(open_days) * min(len(open_days), 5)
    return median, 1.2815515594 * float(np.sqrt(total))


@given(
    st.lists(st.floats(0, 5) | st.just(NAN), min_size=1, max_size=100),
    st.integers(0, 100),
    st.floats(0, 0.5),
    st.floats(0, 2),
)
def test_forecasts_agree_with_their_slow_twin(days: list[float], n_elapsed: int, drift: float, spread: float) -> None:
    used = np.array([days])
    n_elapsed = min(n_elapsed, len(days))
    expected = 1 + np.arange(len(days))[None] % 7.0
    found = forecast_year(used, expected, n_elapsed, sure(drift=drift, day_spread=spread))
    median, half = naive_forecast(used[0], expected[0], n_elapsed, drift, spread)
    assert_allclose(found.median, [median], rtol=1e-9)
    assert_allclose(found.high - found.median, [half], rtol=1e-6, atol=1e-6)


def test_institutions_do_not_influence_each_other() -> None:
    generator = np.random.default_rng(3)
    used = generator.gamma(4.0, 1.0, (5, 365))
    used[generator.random((5, 365)) < 0.2] = NAN
    expected = generator.gamma(8.0, 0.5, (5, 365))
    whole = forecast_year(used, expected, 200, sure(5, day_spread=1.0))
    for i in range(5):
        one = forecast_year(used[i : i + 1], expected[i : i + 1], 200, sure(day_spread=1.0))
        assert_allclose([one.median[0], one.low[0], one.high[0]], [whole.median[i], whole.low[i], whole.high[i]])


def drawn(low: float, median: float, used: float = 0.0) -> Forecast:
    one = np.array
    return Forecast(
        one([used]), one([median]), one([low]), one([2 * median - low]), one([1.0]), one([[used, median - used]])
    )


@pytest.mark.parametrize(
    ("low", "median", "word"),
    [
        (80.0, 100.0, Outlook.ON_TRACK),  # exactly the target does not pass it
        (80.0, 100.01, Outlook.WATCH),
        (100.0, 120.0, Outlook.WATCH),
        (100.01, 120.0, Outlook.OVER),
        (NAN, NAN, Outlook.UNKNOWN),
    ],
)
def test_outlook(low: float, median: float, word: Outlook) -> None:
    assert outlook(drawn(low, median), ONE) == word
    assert all(OUTLOOK_WORDS[word])


def test_rounding_of_a_sum_passes_no_target() -> None:
    used = np.array([[0.1, 0.2]])
    assert used.sum() > 0.3
    found = forecast_year(used, used, 2, sure())
    assert outlook(found, np.array([0.3])) == Outlook.ON_TRACK
    assert_array_equal(breach_day(found, np.array([0.3])), [-1])


def test_the_day_on_which_the_target_is_passed() -> None:
    expected = np.ones((1, 365))
    found = forecast_year(expected * 1.25, expected, 90, sure())
    assert_array_equal(
        breach_day(found, np.array([112.5])), [-1 + 91]
    )  # 90 days make exactly 112.5: passed on the next
    level = float(found.level[0])
    # 1.25 a day so far, then `level` a day
    assert_array_equal(breach_day(found, np.array([365.0])), [90 + np.floor((365 - 112.5) / level)])
    assert_array_equal(breach_day(found, np.array([500.0])), [-1])


def test_a_profile_from_past_years_knows_months_and_kinds_of_day() -> None:
    month = np.repeat(np.arange(1, 13), 10)
    workday = np.tile([True] * 7 + [False] * 3, 12)
    amount = month * np.where(workday, 2.0, 1.0)
    found = seasonal_profile(amount, month, workday, np.array([1, 1, 12]), np.array([True, False, False]))
    assert_allclose(found, [2.0, 1.0, 12.0])


def test_a_month_without_a_kind_of_day_takes_it_from_the_year() -> None:
    month = np.repeat(np.arange(1, 13), 10)
    workday = np.tile([True] * 5 + [False] * 5, 12)
    amount = np.where(workday, 2.0, 1.0)
    amount[(month == 3) & ~workday] = NAN
    found = seasonal_profile(amount, month, workday, np.array([3]), np.array([False]))
    assert_allclose(found, [1.0])


def test_a_month_never_seen_leaves_the_profile_unknown() -> None:
    month = np.repeat(np.arange(1, 12), 10)
    workday = np.ones(110, bool)
    found = seasonal_profile(np.ones(110), month, workday, np.arange(1, 13), np.ones(12, bool))
    assert_array_equal(found, np.full(12, NAN))
