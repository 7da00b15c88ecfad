"""Prices by season, day and hour, tiers, charges, validity: against hand calculation and a slow twin."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.tariffs import Band, Clock, Price, Tariff, clock, energy_cost, monthly_charges, period_cost, prices
from energy.intervals import LocalCalendar

SHANGHAI = LocalCalendar("Asia/Shanghai")
SUMMER = frozenset({7, 8})
REST = frozenset(range(1, 13)) - SUMMER
TOU = Tariff(
    "tou",
    (
        Price(1.2, Band.PEAK, hours=((8 * 60, 11 * 60 + 30), (14 * 60, 17 * 60)), months=REST),
        Price(1.2, Band.PEAK, hours=((8 * 60, 11 * 60),), months=SUMMER),
        Price(1.5, Band.SHARP, hours=((11 * 60, 12 * 60), (14 * 60, 17 * 60)), months=SUMMER),
        Price(0.7, Band.FLAT, hours=((7 * 60, 8 * 60), (11 * 60 + 30, 14 * 60), (17 * 60, 23 * 60)), months=REST),
        Price(0.7, Band.FLAT, hours=((7 * 60, 8 * 60), (12 * 60, 14 * 60), (17 * 60, 23 * 60)), months=SUMMER),
        Price(0.3, Band.VALLEY, hours=((0, 7 * 60), (23 * 60, 1440))),
    ),
    "invented",
)
FLAT = Tariff("flat", (Price(0.7),), "invented")
STEPS = Tariff("steps", (Price(0.5), Price(0.6, above=100.0), Price(0.9, above=300.0)), "invented")


def hours(first: str, n: int, step: int = 3600, *, workday: bool = True, zone: LocalCalendar = SHANGHAI) -> Clock:
    start = int(datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone.zone)).timestamp())
    times = start + step * np.arange(n, dtype=np.int64)
    return clock(times, step, zone, np.full(n, workday))


def test_a_winter_workday_by_the_hour() -> None:
    found = prices([TOU], hours("2026-01-15", 24))
    # 11:00-12:00 is half peak, half flat: .95
    wanted = [0.3] * 7 + [0.7] + [1.2] * 3 + [0.95] + [0.7] * 2 + [1.2] * 3 + [0.7] * 6 + [0.3]
    assert_allclose(found, wanted)


def test_summer_has_its_sharp_hours() -> None:
    found = prices([TOU], hours("2026-07-15", 24))
    assert_allclose(found[[10, 11, 12, 14]], [1.2, 1.5, 0.7, 1.5])


def test_a_quarter_of_an_hour_has_the_price_of_its_band() -> None:
    found = prices([TOU], hours("2026-01-15T11:00", 4, 900))
    assert_allclose(found, [1.2, 1.2, 0.7, 0.7])


def test_rest_days_may_have_prices_of_their_own() -> None:
    tariff = Tariff("w", (Price(1.0, days="workday"), Price(0.4, days="restday")), "invented")
    assert_allclose(prices([tariff], hours("2026-01-15", 2)), [1.0, 1.0])
    assert_allclose(prices([tariff], hours("2026-01-15", 2, workday=False)), [0.4, 0.4])


def test_each_day_has_the_price_of_its_version_and_none_outside() -> None:
    old = replace(FLAT, valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 4))
    new = replace(FLAT, prices=(Price(0.8),), valid_from=date(2026, 1, 4), valid_to=date(2026, 1, 5))
    found = prices([new, old], hours("2026-01-01", 5 * 24))
    assert_array_equal(found[:24], np.full(24, np.nan))
    assert_allclose(found[24:72], 0.7)
    assert_allclose(found[72:96], 0.8)
    assert_array_equal(found[96:], np.full(24, np.nan))


def test_two_versions_on_one_day_are_refused() -> None:
    old, new = replace(FLAT, valid_to=date(2026, 1, 5)), replace(FLAT, valid_from=date(2026, 1, 4))
    with pytest.raises(ValueError, match="two versions are valid on 2026-01-04"):
        energy_cost([new, old], hours("2026-01-01", 1), np.ones((1, 1)))
    with pytest.raises(ValueError, match="valid on the beginning"):
        energy_cost([FLAT, FLAT], hours("2026-01-01", 1), np.ones((1, 1)))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ((Price(1.0, hours=((0, 600), (660, 1440))),), "no price in month 1 on a restday at 10:00"),
        (
            (Price(1.0), Price(2.0, days="workday", months=frozenset({3}))),
            "two prices in month 3 on a workday at 00:00",
        ),
        ((Price(1.0, above=5.0),), "the lowest tier must begin at 0, got 5"),
        ((Price(1.0), Price(2.0, above=5.0, days="workday")), "no price in month 1 on a restday"),
        ((), "the lowest tier must begin at 0"),
    ],
)
def test_holes_and_overlaps_are_refused(own: tuple[Price, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tariff("t", own, "invented")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"yuan": math.nan}, "number of yuan"),
        ({"months": frozenset({0})}, "months 1 .. 12"),
        ({"months": frozenset()}, "months 1 .. 12"),
        ({"hours": ((600, 600),)}, "spans inside"),
        ({"above": -1.0}, "below 0"),
    ],
)
def test_prices_cannot_hold_nonsense(how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        Price(**{"yuan": 1.0, **how})  # type: ignore[arg-type]


def test_cost_of_a_flat_tariff_and_unknown_hours() -> None:
    amount = np.array([[10.0, np.nan, 0.0], [1.0, 2.0, 3.0]])
    found = energy_cost([FLAT], hours("2026-01-01", 3), amount)
    assert_allclose(found, [[7.0, np.nan, 0.0], [0.7, 1.4, 2.1]])


def test_tiers_begin_again_every_month() -> None:
    # 200 a day: day 1 has 100 at .5 and 100 at .6, day 2 100 at .6 and 100 at .9, day 3 all at .9; February anew
    when = hours("2026-01-29", 5, 86_400)
    found = energy_cost([STEPS], when, np.full((1, 5), 200.0))
    assert_allclose(found, [[110.0, 150.0, 180.0, 110.0, 150.0]])


def test_tiers_of_a_year_do_not() -> None:
    found = energy_cost([replace(STEPS, tier_period="year")], hours("2026-01-31", 2, 86_400), np.full((1, 2), 200.0))
    assert_allclose(found, [[110.0, 150.0]])


def test_after_an_unknown_amount_nobody_knows_the_tier_until_the_month_ends() -> None:
    amount = np.array([[10.0, np.nan, 10.0, 10.0]])
    found = energy_cost([STEPS], hours("2026-01-29", 4, 86_400), amount)
    assert_allclose(found, [[5.0, np.nan, np.nan, 5.0]])


def test_tiers_outside_their_validity_are_unknown() -> None:
    own = replace(STEPS, valid_from=date(2026, 1, 30))
    assert_allclose(energy_cost([own], hours("2026-01-29", 2, 86_400), np.ones((1, 2))), [[np.nan, 0.5]])


def naive_cost(tariff: Tariff, start: int, step: int, amounts: list[float], is_workday: bool) -> list[float]:
    """Minute by minute through the clock of the standard library."""
    zone = ZoneInfo("Asia/Shanghai")
    out = []
    for i, amount in enumerate(amounts):
        total = 0.0
        for minute in range(step // 60):
            local = datetime.fromtimestamp(start + i * step + 60 * minute, UTC).astimezone(zone)
            for price in tariff.prices:
                of_day = local.hour * 60 + local.minute
                fits = price.days == "all" or (price.days == "workday") == is_workday
                if fits and local.month in price.months and any(a <= of_day < b for a, b in price.hours):
                    total += price.yuan
        out.append(amount * total / (step // 60))
    return out


@given(
    st.integers(1_600_000_000 // 3600, 1_900_000_000 // 3600),
    st.sampled_from([900, 1800, 3600]),
    st.lists(st.floats(0, 1e4) | st.just(math.nan), min_size=0, max_size=30),
    st.booleans(),
)
def test_costs_agree_with_their_slow_twin(hour: int, step: int, amounts: list[float], workday: bool) -> None:
    times = hour * 3600 + step * np.arange(len(amounts), dtype=np.int64)
    when = clock(times, step, SHANGHAI, np.full(len(amounts), workday))
    found = energy_cost([TOU], when, np.array([amounts]))
    assert_allclose(found[0], naive_cost(TOU, hour * 3600, step, amounts, workday), rtol=1e-9, atol=1e-9)


def test_the_clock_of_people_counts_where_it_changes() -> None:
    london = LocalCalendar("Europe/London")
    when = hours("2026-03-29", 23, zone=london)  # the night that loses 01:00
    assert_array_equal(when.minute[:3], [0, 120, 180])
    assert_allclose(prices([TOU], when)[5:7], [0.3, 0.7])  # 06:00 and 07:00 local


def test_intervals_across_midnight_are_refused() -> None:
    with pytest.raises(ValueError, match="whole minutes inside a local day"):
        clock(np.array([int(datetime(2026, 1, 1, 15, 30, tzinfo=UTC).timestamp())]), 3600, SHANGHAI, np.ones(1, bool))


# ---- periods and charges


def test_what_is_missing_of_a_total_is_priced_at_the_unknown_hours() -> None:
    price = np.array([0.3, 0.3, 1.2, 0.7])
    amount = np.array([[10.0, np.nan, np.nan, 10.0], [10.0, 10.0, 10.0, 10.0]])
    # 20 known at .3 and .7; 30 lie in the hours of .3 and 1.2: mean .75
    assert_allclose(period_cost(np.array([50.0, 40.0]), amount, price), [3 + 7 + 30 * 0.75, 25.0])


def test_a_period_without_total_or_price_has_no_cost() -> None:
    amount = np.array([[1.0, np.nan]])
    assert_array_equal(period_cost(np.array([np.nan]), amount, np.array([1.0, 1.0])), [np.nan])
    assert_array_equal(period_cost(np.array([5.0]), amount, np.array([np.nan, 1.0])), [np.nan])
    assert_array_equal(period_cost(np.array([5.0]), np.zeros((1, 0)), np.zeros(0)), [np.nan])


def test_charges_of_a_month() -> None:
    two_part = replace(FLAT, demand_yuan=38.0, fixed_yuan=10.0)
    assert_allclose(monthly_charges(two_part, np.array([100.0]), np.array([np.nan])), [3810.0])
    by_capacity = replace(FLAT, capacity_yuan=24.0)
    assert_allclose(monthly_charges(by_capacity, np.array([np.nan]), np.array([315.0])), [7560.0])
    assert_array_equal(monthly_charges(two_part, np.array([np.nan]), np.array([1.0])), [np.nan])
    assert_array_equal(monthly_charges(FLAT, np.array([np.nan]), np.array([np.nan])), [0.0])
