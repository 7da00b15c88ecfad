"""Bounds of what a period had used, costs of periods with gaps and what an excess costs: by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.stepped import Reached, marginal_prices, period_cost, used_bounds
from analytics.tariffs import Clock, Price, Tariff, clock
from energy.intervals import DAY, LocalCalendar
from energy.series import FloatArray

NAN = np.nan
STEPS = Tariff("steps", (Price(0.5), Price(0.6, above=100.0), Price(0.9, above=300.0)), "invented")
FALLING = Tariff("falling", (Price(0.5), Price(0.4, above=100.0)), "invented")
NONE = np.zeros(4)


def days(first: str, n: int) -> Clock:
    start = int(datetime.fromisoformat(first).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    return clock(start + DAY * np.arange(n, dtype=np.int64), DAY, LocalCalendar("Asia/Shanghai"), np.zeros(n, np.uint8))


def test_without_gaps_both_bounds_are_the_sum() -> None:
    least, most, silent = used_bounds(np.array([10.0, 20.0, 30.0, 5.0]), NONE, 65.0)
    assert_array_equal(least, [0, 10, 30, 60])
    assert_array_equal(most, least)
    assert_array_equal(silent, NONE)


def test_after_the_only_gap_of_a_register_the_sum_is_known_again() -> None:
    missing = np.array([0.0, DAY, 0.0, 0.0])
    least, most, _ = used_bounds(np.array([10.0, NAN, 30.0, 5.0]), missing, 85.0)
    # 40 of 85 lie in the gap of the second day
    assert_array_equal(least, [0, 10, 50, 80])
    assert_array_equal(most, least)


def test_between_two_gaps_only_bounds_are_known() -> None:
    missing = np.array([0.0, DAY, 0.0, DAY])
    least, most, _ = used_bounds(np.array([10.0, NAN, 30.0, NAN]), missing, 85.0)
    assert_array_equal(least, [0, 10, 10, 40])
    assert_array_equal(most, [0, 10, 55, 85])


def test_what_no_reading_tells_can_be_nothing_or_the_highest_day() -> None:
    missing = np.array([DAY, DAY / 2, 0.0, 0.0])
    least, most, silent = used_bounds(np.array([NAN, NAN, 30.0, 5.0]), missing, NAN)
    assert_array_equal(silent, [30, 15, 0, 0])
    assert_array_equal(least, [0, 0, 0, 30])
    assert_array_equal(most, [0, 30, 45, 75])


def test_days_that_are_still_to_come_are_no_gap() -> None:
    least, most, _ = used_bounds(np.array([10.0, 20.0, NAN, NAN]), NONE, 30.0)
    assert_array_equal(least, [0, 10, 30, 30])
    assert_array_equal(most, least)


def test_nothing_known_bounds_nothing() -> None:
    _, most, _ = used_bounds(np.full(4, NAN), np.full(4, float(DAY)), NAN)
    assert_array_equal(most, [0, np.inf, np.inf, np.inf])


def told(amount: list[float], missing: list[float], total: float) -> Reached:
    use = np.array(amount)
    least, most, silent = used_bounds(use, np.array(missing), total)
    return Reached(use, least, most, silent, np.ones(len(use)))


def priced(tariff: Tariff, reached: Reached, when: Clock) -> FloatArray:
    return np.asarray(reached.amount * reached.day_prices([tariff], when))


def test_a_gap_costs_the_steps_that_the_priced_days_leave_of_the_total() -> None:
    when = days("2026-01-01", 4)
    reached = told([80.0, NAN, NAN, 100.0], [0, DAY, DAY, 0], 500.0)
    cost = priced(STEPS, reached, when)
    # the first day at .5; the last from 400 to 500 at .9; 20 at .5, 200 at .6 and 100 at .9 in the gap
    assert_allclose(cost, [40.0, NAN, NAN, 90.0])
    yuan, is_bound = period_cost([STEPS], when, reached, cost, 500.0)
    assert yuan == pytest.approx(100 * 0.5 + 200 * 0.6 + 200 * 0.9)
    assert not is_bound


def test_use_that_nobody_told_makes_the_cost_a_bound_and_falling_prices_make_it_unknown() -> None:
    when = days("2026-01-01", 4)
    reached = told([NAN, NAN, 60.0, 60.0], [DAY, DAY, 0, 0], NAN)
    cost = priced(STEPS, reached, when)
    assert_array_equal(cost, np.full(4, NAN))  # the third day may begin at 0 or at 120
    assert period_cost([STEPS], when, reached, cost, 120.0) == (pytest.approx(50 + 20 * 0.6), True)
    yuan, is_bound = period_cost([FALLING], when, reached, cost, 120.0)
    assert np.isnan(yuan)
    assert not is_bound


def test_a_period_without_a_price_or_a_total_has_no_cost() -> None:
    when, reached = days("2026-01-01", 4), told([1.0, 1.0, 1.0, 1.0], [0, 0, 0, 0], 4.0)
    later = replace(STEPS, valid_from=date(2026, 2, 1))
    assert np.isnan(period_cost([later], when, reached, np.full(4, NAN), 4.0)[0])
    assert np.isnan(period_cost([STEPS], when, reached, np.full(4, NAN), NAN)[0])


def test_an_excess_costs_the_top_of_its_month() -> None:
    when = days("2026-01-10", 2)
    assert_allclose(marginal_prices([STEPS], when, 50.0, lambda _a, _b: 320.0), (20 * 0.9 + 30 * 0.6) / 50)
    assert_allclose(marginal_prices([STEPS], when, -50.0, lambda _a, _b: 320.0), 0.9)
    assert_allclose(
        marginal_prices([STEPS], when, 500.0, lambda _a, _b: 50.0), (100 * 0.5 + 200 * 0.6 + 200 * 0.9) / 500
    )
    assert_array_equal(marginal_prices([STEPS], when, 50.0, lambda _a, _b: NAN), [NAN, NAN])


def test_an_excess_is_asked_for_the_whole_month_or_year_of_its_steps() -> None:
    asked: list[tuple[str, str]] = []

    def between(first: int, end: int) -> float:
        asked.append((str(np.datetime64(first, "D")), str(np.datetime64(end, "D"))))
        return 320.0

    when = days("2026-01-31", 2)
    marginal_prices([STEPS], when, 50.0, between)
    marginal_prices([replace(STEPS, tier_period="year")], when, 50.0, between)
    assert asked == [("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"), ("2026-01-01", "2027-01-01")]
