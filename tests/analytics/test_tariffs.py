"""Prices by season, day and hour, tiers, charges, validity: against hand calculation and a slow twin."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.tariffs import (
    Band,
    Clock,
    Price,
    Tariff,
    clock,
    energy_cost,
    monthly_charges,
    prices,
    step_shares,
    used_before,
)
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


def test_above_the_last_step_an_unknown_amount_before_changes_nothing() -> None:
    # 350 known: whatever the third day used, the fourth is dearer than any step below
    amount = np.array([[200.0, 150.0, np.nan, 10.0]])
    found = energy_cost([STEPS], hours("2026-01-27", 4, 86_400), amount)
    assert_allclose(found, [[50 + 60.0, 60 + 45.0, np.nan, 9.0]])


def test_hours_cost_the_band_of_the_step_they_reached() -> None:
    # up to 100 kWh: .3 by night, .7 by day; above: .6 by night, 1.4 by day
    day, night = ((7 * 60, 23 * 60),), ((0, 7 * 60), (23 * 60, 1440))
    tariff = Tariff(
        "steps by hours",
        tuple(
            Price(y, hours=h, above=a)
            for y, h, a in [(0.7, day, 0), (0.3, night, 0), (1.4, day, 100), (0.6, night, 100)]
        ),
        "invented",
    )
    # from 05:00: 40 + 40 by night, then 40 of which 20 reach the step, 40 above it
    found = energy_cost([tariff], hours("2026-01-01T05:00", 4), np.full((1, 4), 40.0))
    assert_allclose(found, [[12.0, 12.0, 20 * 0.7 + 20 * 1.4, 56.0]])


def test_a_new_price_goes_on_counting_and_another_tariff_does_not() -> None:
    old = replace(STEPS, tier_period="year", valid_to=date(2026, 2, 1))
    new = replace(
        STEPS, prices=(Price(0.55), Price(0.66, above=100.0)), tier_period="year", valid_from=date(2026, 2, 1)
    )
    when, amount = hours("2026-01-31", 2, 86_400), np.full((1, 2), 90.0)
    # 10 of the second day are in the first step, 80 above it
    assert_allclose(energy_cost([old, new], when, amount), [[45.0, 10 * 0.55 + 80 * 0.66]])
    assert_allclose(energy_cost([old, replace(new, key="other")], when, amount), [[45.0, 49.5]])


def test_steps_speak_of_the_tariffs_unit() -> None:
    # steps at 1000 kWh; amounts in m3 of 10 kWh: 60 m3 and 60 m3 reach it in the middle of the second
    gas = Tariff("gas", (Price(0.3), Price(0.4, above=1000.0)), "invented", per_amount=10.0)
    found = energy_cost([gas], hours("2026-01-01", 2, 86_400), np.full((1, 2), 60.0))
    assert_allclose(found, [[180.0, 40 * 3.0 + 20 * 4.0]])
    unknown = replace(gas, per_amount=math.nan)
    assert_array_equal(energy_cost([unknown], hours("2026-01-01", 1), np.ones((1, 1))), [[np.nan]])


def test_bounds_in_one_step_tell_its_price_and_in_two_they_do_not() -> None:
    amount, least = np.array([20.0, 20.0, 20.0, 0.0]), np.array([100.0, 100.0, 90.0, 300.0])
    most = np.array([280.0, 281.0, 90.0, 300.0])
    wanted = [[0, np.nan, 0.5, 0], [1, np.nan, 0.5, 0], [0, np.nan, 0, 1]]
    assert_array_equal(step_shares(STEPS, amount, least, most), wanted)


@given(
    st.lists(st.floats(0, 500) | st.just(math.nan), min_size=0, max_size=60),
    st.sampled_from(["month", "year"]),
)
def test_stepped_costs_agree_with_their_slow_twin(amounts: list[float], period: Literal["month", "year"]) -> None:
    tariff = replace(STEPS, tier_period=period)
    found = energy_cost([tariff], hours("2025-12-20", len(amounts), 86_400), np.array([amounts]))[0]
    assert_allclose(found, naive_stepped(amounts, date(2025, 12, 20), period), rtol=1e-9, atol=1e-6)


def naive_stepped(amounts: list[float], first: date, period: str) -> list[float]:
    """Unit by unit would be slow: day by day, each priced as the difference of two piecewise sums."""

    def until(used: float) -> float:
        return 0.5 * min(used, 100) + 0.6 * min(max(used - 100, 0), 200) + 0.9 * max(used - 300, 0)

    out, used, is_lost, before = [], 0.0, False, None
    for i, amount in enumerate(amounts):
        day = first + timedelta(days=i)
        now = (day.year, day.month if period == "month" else 0)
        if now != before:
            used, is_lost, before = 0.0, False, now
        out.append(math.nan if math.isnan(amount) or (is_lost and used < 300) else until(used + amount) - until(used))
        is_lost = is_lost or math.isnan(amount)
        used += 0.0 if math.isnan(amount) else amount
    return out


def test_what_was_used_before_is_bounded_where_an_amount_is_unknown() -> None:
    found = used_before([STEPS], hours("2026-01-30", 3, 86_400), np.array([[5.0, np.nan, 7.0]]))
    assert_array_equal(found, [[[0.0, 5.0, 0.0]], [[0.0, 5.0, 0.0]]])


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


def test_an_interval_across_midnight_has_the_prices_before_it() -> None:
    # half past eleven to half past twelve in Delhi: the valley of .3 begins at 23:00, and so does the last half hour
    delhi = LocalCalendar("Asia/Kolkata")
    start = int(datetime(2026, 1, 1, 18, 0, tzinfo=UTC).timestamp())
    when = clock(np.array([start]), 3600, delhi, np.ones(1, bool))
    assert (when.minute[0], when.end_minute[0]) == (23 * 60 + 30, 24 * 60)
    assert_allclose(prices([TOU], when), [0.3])


def test_intervals_of_odd_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        clock(np.zeros(1, np.int64), 90, SHANGHAI, np.ones(1, bool))


# ---- charges


def test_charges_of_a_month() -> None:
    two_part = replace(FLAT, demand_yuan=38.0, fixed_yuan=10.0)
    assert_allclose(monthly_charges(two_part, np.array([100.0]), np.array([np.nan])), [3810.0])
    by_capacity = replace(FLAT, capacity_yuan=24.0)
    assert_allclose(monthly_charges(by_capacity, np.array([np.nan]), np.array([315.0])), [7560.0])
    assert_array_equal(monthly_charges(two_part, np.array([np.nan]), np.array([1.0])), [np.nan])
    assert_array_equal(monthly_charges(FLAT, np.array([np.nan]), np.array([np.nan])), [0.0])
