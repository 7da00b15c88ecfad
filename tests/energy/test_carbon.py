"""Emission factors: the table holds what was published, and fuels follow their formula."""

from __future__ import annotations

import pytest

from energy.reference import CarbonFactor, table


def factor(carrier: str, *, year: int | None = None, place: str = "national", kind: str = "average") -> float:
    rows = table("carbon_factors", CarbonFactor)
    (found,) = [r for r in rows if (r.carrier, r.year, r.place, r.kind) == (carrier, year, place, kind)]
    return found.value


def test_published_averages_of_the_grid() -> None:
    # MEE and NBS announcements: 2021 0.5568, 2022 0.5366, 2023 0.5306 kgCO2/kWh
    values = [factor("electricity", year=year) for year in (2021, 2022, 2023)]
    assert values == [0.5568, 0.5366, 0.5306]


def test_a_place_has_its_own_factor() -> None:
    assert factor("electricity", year=2022, place="province:云南") == 0.1073
    assert factor("electricity", year=2023, place="region:华北") == 0.6361


def test_the_kinds_of_factors_are_apart() -> None:
    assert factor("electricity", year=2022, kind="residual") == 0.5856
    assert factor("electricity", year=2022, kind="fossil") == 0.8325
    assert factor("electricity", year=2022, kind="enterprise_reporting") == 0.5703


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
    assert factor("gasoline_l", kind="default") == pytest.approx(2.925 * 0.73)
    assert factor("diesel_l", kind="default") == pytest.approx(3.096 * 0.85)
