from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.indicators import Amounts, Stated, per, physical_indicator, rolling, total_indicator, weighted_by_time
from energy.caliber import caliber
from energy.intervals import LocalCalendar
from energy.model import Category

NAN = np.nan
COAL = caliber("gb2589_equivalent_value")
ELECTRICITY, GAS, WATER, COOLING = Category.ELECTRICITY, Category.GAS, Category.WATER, Category.COOLING


def amounts(values: dict[Category, list[float]], absent: tuple[Category, ...] = ()) -> Amounts:
    n = len(next(iter(values.values())))
    return Amounts(
        {c: np.array(v, float) for c, v in values.items()},
        {c: np.full(n, c not in absent) for c in values},
        {c: np.full(n, 0.9) for c in values},
    )


def test_standard_coal_adds_what_the_caliber_counts() -> None:
    found = total_indicator("energy", amounts({ELECTRICITY: [1000], GAS: [100], WATER: [50]}), COAL)
    assert found is not None
    assert_allclose(found.value, [122.9 + 133.0])  # 0.1229 kgce/kWh, 1.33 kgce/m3, water is not counted
    assert found.caliber == "gb2589_equivalent_value"


def test_one_unknown_part_makes_the_sum_unknown_but_an_absent_one_has_no_part() -> None:
    values = {ELECTRICITY: [1000.0], GAS: [NAN]}
    found = total_indicator("energy", amounts(values), COAL)
    assert found is not None
    assert np.isnan(found.value[0])
    found = total_indicator("energy", amounts(values, absent=(GAS,)), COAL)
    assert found is not None
    assert_allclose(found.value, [122.9])


def test_a_category_without_coefficient_does_not_look_like_nothing() -> None:
    found = total_indicator("energy", amounts({ELECTRICITY: [1000], COOLING: [5]}), COAL)
    assert found is not None
    assert np.isnan(found.value[0])
    assert total_indicator("energy", amounts({WATER: [5]}), COAL) is None


def test_denominators_are_weighted_by_time_and_must_cover_all_of_it() -> None:
    start, end = np.array([0, 100]), np.array([100, 200])
    assert_array_equal(weighted_by_time([Stated(10, 0, 75), Stated(30, 75, 300)], start, end), [15, 30])
    assert_array_equal(weighted_by_time([Stated(10, 0, 150)], start, end), [10, NAN])
    assert_array_equal(weighted_by_time([], start, end), [NAN, NAN])


def test_an_intensity_over_nothing_is_unknown() -> None:
    whole = physical_indicator("water", WATER, amounts({WATER: [50, 50, 50]}))
    assert whole is not None
    assert_array_equal(per("water_per_person", whole, np.array([25, 0, NAN])).value, [2, NAN, NAN])
    assert physical_indicator("water", WATER, amounts({GAS: [1]})) is None


@pytest.mark.parametrize("months", [3, 12, 14])
def test_a_rolling_year_needs_all_its_months(months: int) -> None:
    whole = physical_indicator("water", WATER, amounts({WATER: [float(m) for m in range(1, months + 1)]}))
    assert whole is not None
    found = rolling(whole).value
    assert np.isnan(found[:11]).all()
    assert_array_equal(found[11:], [78 + 12 * k for k in range(len(found[11:]))])


def test_a_leap_year_is_weighted_by_its_366_days() -> None:
    calendar = LocalCalendar("Asia/Shanghai")
    year, march, end = (calendar.start_of(day) for day in (date(2024, 1, 1), date(2024, 3, 1), date(2025, 1, 1)))
    rows = [Stated(100.0, 0, march), Stated(200.0, march, 2**40)]
    # 60 days of 100 m2 (the 29th of February among them), 306 days of 200 m2
    found = weighted_by_time(rows, np.array([year]), np.array([end]))
    assert_allclose(found, [(60 * 100 + 306 * 200) / 366])
