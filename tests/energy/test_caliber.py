"""Calibers against published balances (domain golden tests) and the traps they guard against."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from energy.caliber import caliber, require_same
from energy.errors import CaliberMismatch, MissingReference
from energy.model import Category
from energy.reference import CaliberRow, CarbonFactor, Coefficient, Confidence, table

NATIONAL = caliber("gb2589_equivalent_value")

# Chongqing public-institution energy report 2015, in 1e4 units: amount in canonical unit, published 1e4 tce
CHONGQING = {
    Category.ELECTRICITY: (63.81e8, 78.41),
    Category.GAS: (14482.41e4, 19.26),
    Category.COAL: (5.47e4 * 1000, 3.91),
    Category.GASOLINE: (7927.99e4, 8.52),
    Category.DIESEL: (506.81e4, 0.63),
}


@pytest.mark.parametrize("category", CHONGQING)
def test_each_carrier_of_chongqing_2015(category: Category) -> None:
    amount, published = CHONGQING[category]
    assert NATIONAL.convert(category, amount) / 1e7 == pytest.approx(published, abs=0.02)


def test_the_total_of_chongqing_2015() -> None:
    amounts = {category: amount for category, (amount, _) in CHONGQING.items()}
    assert NATIONAL.total(amounts) / 1e7 == pytest.approx(110.75, abs=0.05)


def test_non_heating_energy_of_yantai_court_2025() -> None:
    # published: 1,040,085 kWh, of it 78,210 for heating, 24,300 m2: 12.27 kgce/(m2 a); with heating 13.27 = wrong
    shandong = caliber("sd_2019")
    assert shandong.convert(Category.ELECTRICITY, 1_040_085 - 78_210) / 24_300 == pytest.approx(12.27, abs=0.005)
    assert shandong.convert(Category.ELECTRICITY, 1_040_085) / 24_300 == pytest.approx(13.27, abs=0.005)


def test_heat_is_per_gigajoule_and_not_per_megajoule() -> None:
    assert NATIONAL.convert(Category.HEAT, 1.0) == pytest.approx(34.12)
    # 1 kgce = 29,307 kJ
    assert NATIONAL.convert(Category.HEAT, 29_307e-6) == pytest.approx(1.0, rel=1e-4)


def test_the_two_prices_of_a_kilowatt_hour() -> None:
    assert NATIONAL.convert(Category.ELECTRICITY, 1.0) == 0.1229
    assert caliber("sd_2019").convert(Category.ELECTRICITY, 1.0) == 0.31
    assert NATIONAL.convert(Category.GAS, 1.0) == 1.33
    assert caliber("sd_2019").convert(Category.GAS, 1.0) == 1.2143


def test_figures_of_two_calibers_cannot_be_compared() -> None:
    assert require_same("sd_2019", "sd_2019") == "sd_2019"
    with pytest.raises(CaliberMismatch, match="'sd_2019' and 'gb2589_equivalent_value' cannot be compared"):
        require_same("sd_2019", "gb2589_equivalent_value")


def test_unknown_is_not_zero() -> None:
    electricity = np.array([100.0, np.nan, 0.0])
    gas = np.array([1.0, 1.0, np.nan])
    assert_allclose(NATIONAL.total({Category.ELECTRICITY: electricity, Category.GAS: gas}), [13.62, np.nan, np.nan])
    assert math.isnan(NATIONAL.total({}))


def test_water_is_not_part_of_the_energy_total() -> None:
    assert not NATIONAL.is_counted(Category.WATER)
    assert NATIONAL.total({Category.ELECTRICITY: 1000.0, Category.WATER: 50.0}) == pytest.approx(122.9)
    assert math.isnan(NATIONAL.total({Category.WATER: 50.0}))


def test_official_vehicles_count_only_where_the_caliber_says_so() -> None:
    amounts, vehicle = {Category.ELECTRICITY: 1000.0}, {Category.GASOLINE: 100.0}
    assert NATIONAL.total(amounts, vehicle=vehicle) == pytest.approx(122.9 + 107.41)
    assert caliber("demonstration_unit").total(amounts, vehicle=vehicle) == pytest.approx(122.9)


def test_a_category_without_coefficient_has_no_answer() -> None:
    with pytest.raises(MissingReference, match="'js_2021' has no coefficient for gas"):
        caliber("js_2021").convert(Category.GAS, 1.0)
    with pytest.raises(MissingReference, match="no coefficient for cooling"):
        NATIONAL.total({Category.COOLING: 1.0})


def test_an_unknown_caliber_names_the_nearest() -> None:
    with pytest.raises(MissingReference, match="'sd_2020'; did you mean 'sd_2019'"):
        caliber("sd_2020")


def test_co2_by_the_national_factor_of_2023() -> None:
    co2 = caliber("co2_cn_2023")
    assert co2.unit == "kgCO2"
    # 1000 kWh x 0.5306 + 100 m3 x 2.162 + 2 GJ x 110 + 10 L x 0.73 kg/L x 2.925
    amounts = {Category.ELECTRICITY: 1000.0, Category.GAS: 100.0, Category.HEAT: 2.0, Category.GASOLINE: 10.0}
    assert co2.total(amounts) == pytest.approx(530.6 + 216.2 + 220 + 21.3525)


def test_every_caliber_resolves_and_its_confidence_is_no_better_than_its_parts() -> None:
    rank = [Confidence.SEEN, Confidence.SURE, Confidence.UNSURE]
    coal = {row.key: row.confidence for row in table("coefficients", Coefficient)}
    co2 = {row.key: row.confidence for row in table("carbon_factors", CarbonFactor)}
    names = {category.value for category in Category}
    for row in table("calibers", CaliberRow):
        assert caliber(row.key).key == row.key
        parts = co2 if row.kind == "carbon" else coal
        used = [getattr(row, name) for name in names if getattr(row, name, None)]
        worst = max((rank.index(parts[key]) for key in used), default=0)
        assert rank.index(row.confidence) >= worst, row.key


def test_every_average_factor_of_electricity_has_its_caliber() -> None:
    expected = {
        "co2_" + row.key.removeprefix("grid_")
        for row in table("carbon_factors", CarbonFactor)
        if row.carrier == "electricity" and row.kind == "average"
    }
    calibers = [caliber(row.key) for row in table("calibers", CaliberRow)]
    assert {one.key for one in calibers if one.unit == "kgCO2"} == expected


def test_conversion_keeps_the_shape_of_a_matrix() -> None:
    amounts = np.array([[1.0, 2.0], [np.nan, 4.0]])
    assert_array_equal(NATIONAL.convert(Category.GAS, amounts), amounts * 1.33)
