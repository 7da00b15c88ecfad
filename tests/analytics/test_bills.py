"""Bills spread over days to the last bit, compared with meters, audited."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.bills import (
    CAUSE_WORDS,
    Bill,
    Cause,
    Shape,
    against_meter,
    audit,
    exact_shares,
    non_negative,
    spread_bills,
)
from energy.series import BoolArray, FloatArray


def week(n_days: int, first: int = 0) -> BoolArray:
    """Workdays of a plain calendar that begins on a Monday."""
    return (np.arange(n_days) + first) % 7 < 5


positive = st.floats(1e-3, 1e9)


@given(
    st.floats(-1e12, 1e12),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: max(weights) > 0),
    st.randoms(),
)
def test_the_days_of_a_bill_are_the_bill_to_the_last_bit(amount: float, weights: list[float], random: object) -> None:
    parts = exact_shares(amount, np.array(weights))
    assert parts.sum() == amount
    assert sum(sorted(parts.tolist())) == amount
    assert sum(map(Fraction, parts.tolist()), Fraction(0)) == Fraction(amount)
    assert (parts * math.copysign(1, amount) >= 0).all()
    wanted = [amount * (weight / max(weights)) / sum(w / max(weights) for w in weights) for weight in weights]
    assert_allclose(parts, wanted, rtol=1e-9, atol=abs(amount) * 1e-12)


def test_the_calendar_shapes_a_bill_where_nothing_else_is_known() -> None:
    found = spread_bills([Bill(0, 7, 620.0)], week(7), first_day=0)
    # five workdays of weight 1, two rest days of .6: 6.2 parts
    assert_allclose(found.amount, [100, 100, 100, 100, 100, 60, 60])
    assert found.shape == (Shape.CALENDAR,)


def test_the_expected_profile_shapes_a_bill_it_knows_whole() -> None:
    expected = np.array([1.0, 3.0, np.nan, 4.0, 4.0])
    bills = [Bill(0, 2, 8.0), Bill(2, 4, 8.0)]
    found = spread_bills(bills, week(5), first_day=0, expected=expected)
    assert_allclose(found.amount[:2], [2.0, 6.0])
    assert_allclose(found.amount[2:4], [4.0, 4.0])
    assert found.shape == (Shape.EXPECTED, Shape.CALENDAR)
    assert math.isnan(found.amount[4])  # no bill: unknown, not zero


def test_bills_in_any_order_give_the_same_days() -> None:
    bills = [Bill(0, 10, 100.0), Bill(10, 31, 250.0), Bill(40, 50, 77.7)]
    once = spread_bills(bills, week(60), first_day=0).amount
    assert_array_equal(spread_bills(bills[::-1], week(60), first_day=0).amount, once)
    assert_array_equal(np.isnan(once), [not (d < 31 or 40 <= d < 50) for d in range(60)])


def test_two_years_of_bills_tell_the_weather_from_the_rest() -> None:
    # 730 days: 100 a workday, 50 a rest day, 10 per heating degree day
    work = week(730)
    heating = np.clip(15 * np.cos(2 * np.pi * np.arange(730) / 365), 0, None)
    degree_days = np.column_stack((heating, np.zeros(730)))
    truth = np.where(work, 100.0, 50.0) + 10 * heating
    edges = [*range(0, 720, 30), 730]
    bills = [Bill(a, b, float(truth[a:b].sum())) for a, b in pairwise(edges)]
    found = spread_bills(bills, work, first_day=0, degree_days=degree_days)
    assert set(found.shape) == {Shape.FITTED}
    plain = spread_bills(bills, work, first_day=0)
    assert np.abs(found.amount - truth).mean() < 0.5 * np.abs(plain.amount - truth).mean()
    # what is left: months cannot tell rest days from workdays, the prior of .6 stays
    assert np.abs(found.amount - truth).mean() / truth.mean() < 0.05
    gap = degree_days.copy()
    gap[100] = np.nan
    assert spread_bills(bills, work, first_day=0, degree_days=gap).shape[3] is Shape.CALENDAR


def test_a_model_that_expects_nothing_does_not_lose_the_bill() -> None:
    found = spread_bills([Bill(0, 4, 10.0)], week(4), first_day=0, expected=np.zeros(4))
    assert found.amount.sum() == 10.0
    assert found.shape == (Shape.CALENDAR,)


def test_a_credit_note_and_a_bill_of_nothing() -> None:
    found = spread_bills([Bill(0, 5, -50.0), Bill(5, 7, 0.0)], week(7), first_day=0)
    assert_allclose(found.amount, [-10.0] * 5 + [0.0] * 2)


def test_bills_that_share_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="'b' and 'a' share days"):
        spread_bills([Bill(5, 10, 1.0, document="a"), Bill(0, 6, 1.0, document="b")], week(10), first_day=0)
    with pytest.raises(ValueError, match="outside the days given"):
        spread_bills([Bill(5, 12, 1.0)], week(10), first_day=0)
    with pytest.raises(ValueError, match="ends on or before"):
        Bill(5, 5, 1.0)
    with pytest.raises(ValueError, match="must be a number"):
        Bill(5, 6, math.nan)


def test_no_bills_leave_every_day_unknown() -> None:
    assert_array_equal(spread_bills([], week(3), first_day=0).amount, [np.nan] * 3)


def test_months_of_bills_add_up_across_their_edges() -> None:
    bills = [Bill(d, d + 30, 300.0) for d in range(0, 90, 30)]
    spread = spread_bills(bills, np.ones(90, bool), first_day=0)
    months = np.add.reduceat(spread.amount, [0, 31, 59])
    assert_allclose(months, [310.0, 280.0, 310.0])
    assert months.sum() == 900.0


def naive_non_negative(rows: FloatArray, target: FloatArray) -> FloatArray:
    """Coordinate descent until nothing moves."""
    found = np.zeros(rows.shape[1])
    for _ in range(20_000):
        for j in range(rows.shape[1]):
            rest = target - rows @ found + rows[:, j] * found[j]
            found[j] = max(float(rows[:, j] @ rest) / max(float(rows[:, j] @ rows[:, j]), 1e-12), 0.0)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_non_negative_least_squares_agrees_with_its_slow_twin(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, target = generator.normal(size=(12, 3)), generator.normal(size=12)
    assert_allclose(non_negative(rows, target), naive_non_negative(rows, target), atol=1e-6)


# ---- against the meter


def test_a_meter_that_agrees_within_two_percent() -> None:
    found = against_meter(Bill(0, 10, 1000.0), np.full(10, 101.9), 0)
    assert (found.cause, found.difference, found.relative) == (
        Cause.WITHIN,
        pytest.approx(19.0),
        pytest.approx(0.019),
    )


def test_a_gap_makes_no_comparison() -> None:
    daily = np.full(10, 100.0)
    daily[3] = np.nan
    assert against_meter(Bill(0, 10, 1000.0), daily, 0).cause is Cause.INCOMPLETE
    assert against_meter(Bill(5, 15, 1000.0), daily, 0).cause is Cause.INCOMPLETE


@pytest.mark.parametrize(("daily", "ratio"), [(100 / 40, 1 / 40), (4000.0, 40.0)])
def test_a_forgotten_multiplier_is_recognised(daily: float, ratio: float) -> None:
    found = against_meter(Bill(0, 10, 1000.0), np.full(10, daily), 0)
    assert (found.cause, found.detail) == (Cause.RATIO, pytest.approx(ratio))


def test_another_reading_day_is_recognised() -> None:
    daily = np.concatenate([np.full(33, 100.0), np.full(27, 400.0)])
    # billed from day 2 to 32, read by us from 5 to 35
    found = against_meter(Bill(5, 35, float(daily[3:33].sum())), daily, 0)
    assert found.cause is Cause.SHIFTED
    assert found.detail == -2.0  # the nearest move that explains it


def test_what_nothing_explains_needs_an_explanation() -> None:
    found = against_meter(Bill(0, 10, 1000.0), np.full(10, 137.0), 0)
    assert found.cause is Cause.UNEXPLAINED
    assert CAUSE_WORDS[found.cause][0] == "差异原因不明, 请说明"


# ---- audit


def test_a_bill_is_judged_by_what_its_amount_costs() -> None:
    assert audit(Bill(0, 30, 1000.0, 710.0), 700.0).is_within
    found = audit(Bill(0, 30, 1000.0, 770.0), 700.0)
    assert (found.is_within, found.difference, found.relative) == (False, 70.0, pytest.approx(0.1))


def test_nothing_is_judged_without_money_or_price() -> None:
    assert audit(Bill(0, 30, 1000.0), 700.0).is_within is None
    assert audit(Bill(0, 30, 1000.0, 700.0), math.nan).is_within is None
    assert audit(Bill(0, 30, 0.0, 0.0), 0.0).is_within
    assert audit(Bill(0, 30, 0.0, 5.0), 0.0).is_within is False
