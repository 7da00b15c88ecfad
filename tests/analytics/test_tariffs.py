"""Prices by season, day and hour, tiers, charges, validity: against hand calculation and a slow twin."""

from __future__ import annotations

import math
import re
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
from energy.holidays import DAY_WORDS, EVERY_DAY, Occasion, work_calendar
from energy.intervals import LocalCalendar
from energy.reference import Holiday, table

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


def hours(
    first: str, n: int, step: int = 3600, *, on: Occasion = Occasion.WORKDAY, zone: LocalCalendar = SHANGHAI
) -> Clock:
    start = int(datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone.zone)).timestamp())
    times = start + step * np.arange(n, dtype=np.int64)
    return clock(times, step, zone, np.full(n, on, np.uint8))


def in_china(first: str, n_days: int) -> Clock:
    """Hours of days that are what the published notices make of them."""
    start = int(datetime.fromisoformat(first).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    times = start + 3600 * np.arange(24 * n_days, dtype=np.int64)
    return clock(times, 3600, SHANGHAI, work_calendar("CN").occasion(SHANGHAI.day_number(times)))


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
    tariff = Tariff("w", (Price(1.0, days=DAY_WORDS["workday"]), Price(0.4, days=DAY_WORDS["restday"])), "invented")
    for on, wanted in [(Occasion.WORKDAY, 1.0), (Occasion.WEEKEND, 0.4), (Occasion.QINGMING, 0.4)]:
        assert_allclose(prices([tariff], hours("2026-01-15", 2, on=on)), [wanted, wanted])


def test_weekends_and_holidays_may_have_prices_of_their_own() -> None:
    own = {"workday": 1.0, "weekend": 0.6, "holiday": 0.4}
    tariff = Tariff("w", tuple(Price(yuan, days=DAY_WORDS[word]) for word, yuan in own.items()), "invented")
    # National Day 2025: Saturday 27 September off, Sunday 28 worked for it, 1 to 8 October off, Saturday 11 worked,
    # Sunday 12 off (国办发明电〔2024〕12号)
    found = prices([tariff], in_china("2025-09-26", 17)).reshape(17, 24)[:, 0]
    assert_allclose(found, [1, 0.6, 1, 1, 1, *[0.4] * 8, 1, 1, 1, 0.6])


FESTIVE = frozenset({Occasion.SPRING_FESTIVAL, Occasion.LABOUR_DAY, Occasion.NATIONAL_DAY})
NOON, ELSE = ((10 * 60, 14 * 60),), ((0, 10 * 60), (14 * 60, 1440))
ZHEJIANG = Tariff(
    # the hours and days of Zhejiang's notice of January 2024: from 10:00 to 14:00 on the days off of three festivals
    "deep valley at noon",
    (
        Price(0.7, Band.FLAT, hours=ELSE),
        Price(0.7, Band.FLAT, hours=NOON, days=EVERY_DAY - FESTIVE),
        Price(0.2, Band.DEEP_VALLEY, hours=NOON, days=FESTIVE),
    ),
    "invented prices",
)


def test_the_deep_valley_of_the_spring_festival_follows_its_shifted_days() -> None:
    # 2026: 15 to 23 February off, Saturdays 14 and 28 worked (国办发明电〔2025〕7号): thirteen to the first of March
    when = in_china("2026-02-13", 17)
    found = prices([ZHEJIANG], when).reshape(17, 24)
    wanted = [0.7] * 2 + [0.2] * 9 + [0.7] * 6
    for hour in range(24):
        assert_allclose(found[:, hour], wanted if 10 <= hour < 14 else 0.7, err_msg=f"{hour}:00")
    # 1 kWh an hour: 17 days of 24 at .7, less nine noons of four hours that cost .5 less each
    assert energy_cost([ZHEJIANG], when, np.ones((1, 17 * 24))).sum() == pytest.approx(17 * 24 * 0.7 - 9 * 4 * 0.5)


def test_festivals_that_are_not_named_have_no_deep_valley() -> None:
    for first in ("2026-01-01", "2026-04-04", "2026-06-19", "2026-09-25"):
        assert_allclose(prices([ZHEJIANG], in_china(first, 3)), 0.7)


def test_holidays_that_nobody_published_leave_their_prices_unknown() -> None:
    assert_allclose(prices([ZHEJIANG], in_china("2026-12-31", 2)), [0.7] * 24 + [math.nan] * 24)
    flat = prices([FLAT], in_china("2026-12-31", 2))
    assert_allclose(flat, 0.7)


def test_months_that_tell_no_days_apart_wait_for_no_notice() -> None:
    rest = frozenset(range(1, 13)) - {1, 2}
    tariff = Tariff(
        "winter",
        (*(replace(p, months=frozenset({1, 2})) for p in ZHEJIANG.prices), Price(0.8, months=rest)),
        "invented",
    )
    found = prices([tariff], in_china("2027-02-28", 2))
    assert_allclose(found, [math.nan] * 24 + [0.8] * 24)
    assert tariff.tells_days_apart
    assert not FLAT.tells_days_apart


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
        ((Price(1.0, hours=((0, 600), (660, 1440))),), "no price in month 1 on days 'workday' at 10:00"),
        (
            (Price(1.0), Price(2.0, days=DAY_WORDS["workday"], months=frozenset({3}))),
            "two prices in month 3 on days 'workday' at 00:00",
        ),
        ((Price(1.0, above=5.0),), "the lowest tier must begin at 0, got 5"),
        ((Price(1.0), Price(2.0, above=5.0, days=DAY_WORDS["workday"])), "no price in month 1 on days 'weekend'"),
        (
            (Price(1.0, days=DAY_WORDS["workday"]), Price(1.0, days=DAY_WORDS["weekend"])),
            "no price in month 1 on days 'new_year' at 00:00",
        ),
        (
            (Price(1.0), Price(2.0, days=DAY_WORDS["spring_festival"], months=frozenset({2}))),
            "two prices in month 2 on days 'spring_festival' at 00:00",
        ),
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
        ({"days": frozenset()}, "kinds of day"),
        ({"days": frozenset({Occasion.UNPUBLISHED})}, "kinds of day, got ['unpublished']"),
        ({"hours": ((600, 600),)}, "spans inside"),
        ({"above": -1.0}, "below 0"),
    ],
)
def test_prices_cannot_hold_nonsense(how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
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


def naive_word(day: date) -> str:
    """What a day is, read from the rows of the notices."""
    row = next((row for row in table("holidays_cn", Holiday) if row.date == day), None)
    if row is None:
        return "weekend" if day.isoweekday() > 5 else "workday"
    names = {"Spring Festival": "spring_festival", "Labour Day": "labour_day", "National Day": "national_day"}
    return "workday" if row.kind == "workday" else names.get(row.name_en, "another festival")


def naive_noon(start: int, amounts: list[float]) -> list[float]:
    """Hours by the deep valley at noon, through the clock of the standard library."""
    out = []
    for i, amount in enumerate(amounts):
        local = datetime.fromtimestamp(start + 3600 * i, UTC).astimezone(ZoneInfo("Asia/Shanghai"))
        is_deep = 10 <= local.hour < 14 and naive_word(local.date()) in (
            "spring_festival",
            "labour_day",
            "national_day",
        )
        out.append(amount * (0.2 if is_deep else 0.7) if 2014 <= local.year <= 2026 else math.nan)
    return out


@given(
    st.dates(date(2013, 12, 30), date(2027, 1, 2)),
    st.lists(st.floats(0, 1e4) | st.just(math.nan), min_size=0, max_size=30),
)
def test_costs_of_holidays_agree_with_their_slow_twin(first: date, amounts: list[float]) -> None:
    start = int(datetime(first.year, first.month, first.day, 9, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    times = start + 3600 * np.arange(len(amounts), dtype=np.int64)
    when = clock(times, 3600, SHANGHAI, work_calendar("CN").occasion(SHANGHAI.day_number(times)))
    found = energy_cost([ZHEJIANG], when, np.array([amounts]))
    assert_allclose(found[0], naive_noon(start, amounts), rtol=1e-9, atol=1e-9)


def naive_cost(tariff: Tariff, start: int, step: int, amounts: list[float], on: Occasion) -> list[float]:
    """Minute by minute through the clock of the standard library."""
    zone = ZoneInfo("Asia/Shanghai")
    out = []
    for i, amount in enumerate(amounts):
        total = 0.0
        for minute in range(step // 60):
            local = datetime.fromtimestamp(start + i * step + 60 * minute, UTC).astimezone(zone)
            for price in tariff.prices:
                of_day = local.hour * 60 + local.minute
                if on in price.days and local.month in price.months and any(a <= of_day < b for a, b in price.hours):
                    total += price.yuan
        out.append(amount * total / (step // 60))
    return out


@given(
    st.integers(1_600_000_000 // 3600, 1_900_000_000 // 3600),
    st.sampled_from([900, 1800, 3600]),
    st.lists(st.floats(0, 1e4) | st.just(math.nan), min_size=0, max_size=30),
    st.sampled_from(sorted(EVERY_DAY)),
)
def test_costs_agree_with_their_slow_twin(hour: int, step: int, amounts: list[float], on: Occasion) -> None:
    times = hour * 3600 + step * np.arange(len(amounts), dtype=np.int64)
    when = clock(times, step, SHANGHAI, np.full(len(amounts), on, np.uint8))
    found = energy_cost([TOU], when, np.array([amounts]))
    assert_allclose(found[0], naive_cost(TOU, hour * 3600, step, amounts, on), rtol=1e-9, atol=1e-9)


def test_the_clock_of_people_counts_where_it_changes() -> None:
    london = LocalCalendar("Europe/London")
    when = hours("2026-03-29", 23, zone=london)  # the night that loses 01:00
    assert_array_equal(when.minute[:3], [0, 120, 180])
    assert_allclose(prices([TOU], when)[5:7], [0.3, 0.7])  # 06:00 and 07:00 local


def test_an_interval_across_midnight_has_the_prices_before_it() -> None:
    # half past eleven to half past twelve in Delhi: the valley of .3 begins at 23:00, and so does the last half hour
    delhi = LocalCalendar("Asia/Kolkata")
    start = int(datetime(2026, 1, 1, 18, 0, tzinfo=UTC).timestamp())
    when = clock(np.array([start]), 3600, delhi, np.zeros(1, np.uint8))
    assert (when.minute[0], when.end_minute[0]) == (23 * 60 + 30, 24 * 60)
    assert_allclose(prices([TOU], when), [0.3])


def test_intervals_of_odd_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        clock(np.zeros(1, np.int64), 90, SHANGHAI, np.zeros(1, np.uint8))


# ---- charges


def test_charges_of_a_month() -> None:
    two_part = replace(FLAT, demand_yuan=38.0, fixed_yuan=10.0)
    assert_allclose(monthly_charges(two_part, np.array([100.0]), np.array([np.nan])), [3810.0])
    by_capacity = replace(FLAT, capacity_yuan=24.0)
    assert_allclose(monthly_charges(by_capacity, np.array([np.nan]), np.array([315.0])), [7560.0])
    assert_array_equal(monthly_charges(two_part, np.array([np.nan]), np.array([1.0])), [np.nan])
    assert_array_equal(monthly_charges(FLAT, np.array([np.nan]), np.array([np.nan])), [0.0])
