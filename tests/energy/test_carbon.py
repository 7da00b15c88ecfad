"""Emission factors: exactly the year, place and kind asked for, or no answer."""

from __future__ import annotations

import pytest

from energy.carbon import emission_factor, kg_co2, latest_emission_factor
from energy.errors import MissingReference, UnitError
from energy.reference import CarbonFactor, table


def test_published_averages_of_the_grid() -> None:
    # MEE and NBS announcements: 2021 0.5568, 2022 0.5366, 2023 0.5306 kgCO2/kWh
    values = [emission_factor("electricity", year=year).value for year in (2021, 2022, 2023)]
    assert values == [0.5568, 0.5366, 0.5306]


def test_a_place_has_its_own_factor() -> None:
    assert emission_factor("electricity", year=2022, place="province:云南").value == 0.1073
    assert emission_factor("electricity", year=2023, place="region:华北").value == 0.6361


def test_the_kinds_are_never_mixed() -> None:
    assert emission_factor("electricity", year=2022, kind="residual").value == 0.5856
    assert emission_factor("electricity", year=2022, kind="fossil").value == 0.8325
    assert emission_factor("electricity", year=2022, kind="enterprise_reporting").value == 0.5703


@pytest.mark.parametrize(
    ("year", "place"), [(2024, "national"), (2023, "province:云南"), (2022, "province:山东"), (None, "national")]
)
def test_a_missing_pair_of_year_and_place_stays_missing(year: int | None, place: str) -> None:
    with pytest.raises(MissingReference, match=f"no average factor of electricity for {place}"):
        emission_factor("electricity", year=year, place=place)


def test_the_latest_factor_is_asked_for_on_purpose_and_names_its_year() -> None:
    assert latest_emission_factor("electricity", up_to=2026).year == 2023
    assert latest_emission_factor("electricity", up_to=2022).year == 2022
    with pytest.raises(MissingReference, match="up to 2020"):
        latest_emission_factor("electricity", up_to=2020)


def test_co2_of_amounts_in_any_unit_of_the_carrier() -> None:
    assert kg_co2(emission_factor("electricity", year=2023), 2, "MWh") == pytest.approx(1061.2)
    assert kg_co2(emission_factor("heat"), 1000, "MJ") == pytest.approx(110)
    with pytest.raises(UnitError, match=r"'kWh' \(energy\) cannot become 'm3'"):
        kg_co2(emission_factor("gas"), 1, "kWh")


@pytest.mark.parametrize(
    ("key", "ncv", "cc", "of"),
    [
        # NCV [GJ per 1e4 m3 or t], CC [tC/TJ], OF: default values of the provincial inventory guideline
        ("natural_gas", 389.31 / 10, 15.3, 0.99),
        ("gasoline", 43.07, 18.9, 0.98),
        ("diesel", 42.652, 20.2, 0.98),
        ("kerosene", 43.07, 19.6, 0.98),
        ("lpg", 50.179, 17.2, 0.98),
        ("raw_coal", 20.908, 26.37, 0.94),
    ],
)
def test_fuels_follow_the_formula(key: str, ncv: float, cc: float, of: float) -> None:
    row = next(row for row in table("carbon_factors", CarbonFactor) if row.key == key)
    # NCV in MJ per kg or m3, CC in gC/MJ: kgCO2 = NCV * CC / 1000 * OF * 44/12
    assert row.value == pytest.approx(ncv * cc / 1000 * of * 44 / 12, abs=0.001)


def test_litres_are_kilograms_times_density() -> None:
    assert emission_factor("gasoline_l").value == pytest.approx(2.925 * 0.73)
    assert emission_factor("diesel_l").value == pytest.approx(3.096 * 0.85)
