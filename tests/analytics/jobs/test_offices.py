"""Offices by GB/T 51161-2016 through the whole job: measured, corrected, inputs, limits; unknown where not stated."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.levels import Grade, Levels, grade
from tests.analytics.jobs.conftest import Works, instant, meter

CORRECTED = "nonheating_kwh_per_area"
MEASURED = "nonheating_kwh_measured_per_area"
UNITS = {"floor_area": "m2", "users": "p", "operating_hours": "h"}
DECEMBER = "2025-12-01T00:00:00"


def paper(name: str, **columns: object) -> dict[str, object]:
    own = {"institution": "court", "kind": "manual", "digits": None, "interval_s": 86_400}
    return meter(name, **{**own, **columns})


def of_year(name: str, amount: float, unit: str = "kWh") -> dict[str, object]:
    return {"meter": name, "first_day": "2025-01-01", "last_day": "2025-12-31", "amount": amount, "unit": unit}


def stated(kind: str, value: float) -> dict[str, object]:
    return {"scope": "institution", "id": "court", "kind": kind, "value": value, "unit": UNITS.get(kind, "-")}


def court(works: Works, *facts: dict[str, object], zone: str = "寒冷A", heat: float = 500, **columns: object) -> None:
    """100,000 kWh, of which 15,000 kWh heat, 4,000 kWh are of servers and 1,000 kWh of the kitchen; 1,000 m2.

    Without them 80,000 kWh / 1,000 m2 = 80 kWh/m2.
    """
    works.estate(
        paper("main"),
        paper("boiler", item="B1F", parent="main"),
        paper("servers", item="D1", parent="main"),
        paper("kitchen", item="D3", parent="main"),
        paper("heat", category="heat", unit="GJ"),
        paper("petrol", category="gasoline", unit="L"),
        bills=[
            of_year("main", 100_000),
            of_year("boiler", 15_000),
            of_year("servers", 4_000),
            of_year("kitchen", 1_000),
            of_year("heat", heat, "GJ"),
            of_year("petrol", 900, "L"),
        ],
        denominators=[stated("floor_area", 1_000), *facts],
    )
    own = {"id": "court", "name_zh": "法院", "region": "370600", "type": "01", "tier": "市级以下"}
    works.registry.import_sheets(
        {
            "regions": [{"code": "370600", "name_zh": "烟台市"}],
            "institutions": [{**own, "quota_class": "党政机关", "climate_zone": zone, **columns}],
        }
    )
    works.run(now="2026-01-15T06:00:00")


def at(works: Works, indicator: str, field: str = "value", period: str = "rolling12") -> float | str | None:
    found = works.rows("indicator", id="court", indicator=indicator, period=period)
    when = instant(DECEMBER if period == "rolling12" else "2025-01-01T00:00:00")
    places = np.flatnonzero(found.time == when)
    return found.fields[field][places[0]] if len(places) else None


LONG_AND_DENSE = (stated("operating_hours", 3_000), stated("users", 125), stated("mechanical_ventilation", 1))
"""T = 3,000 h, S = 1,000 / 125 = 8 m2: γ1 = 0.3 + 0.7 x 2500/3000 = .88333, γ2 = 0.7 + 0.3 x 8/10 = .94."""


def test_the_corrected_value_stands_beside_the_measured_one_and_is_graded(works: Works) -> None:
    court(works, *LONG_AND_DENSE)
    for period in ("rolling12", "year"):
        assert at(works, MEASURED, period=period) == pytest.approx(80.0)
        assert at(works, CORRECTED, period=period) == pytest.approx(66.4267, abs=1e-4)  # 80 x .88333 x .94
        assert at(works, "office_hours", period=period) == pytest.approx(3_000)
        assert at(works, "office_area_per_person", period=period) == pytest.approx(8.0)
    limits = [at(works, CORRECTED, name) for name in ("constraint", "guide", "group")]
    assert limits == [70.0, 50.0, "GB/T 51161-2016"]
    # 80 would have to be rectified; corrected it is within the limit
    assert Grade(int(grade(66.4267, Levels(70.0, None, 50.0)))) is Grade.QUALIFIED
    assert at(works, MEASURED, "group") is None


def test_the_standards_own_hours_and_density_correct_nothing(works: Works) -> None:
    court(works, stated("operating_hours", 2_500), stated("users", 100), stated("mechanical_ventilation", 0))
    assert at(works, CORRECTED) == at(works, MEASURED) == pytest.approx(80.0)
    assert [at(works, CORRECTED, name) for name in ("constraint", "guide")] == [55.0, 45.0]


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ((stated("users", 125),), ["office_area_per_person"]),
        ((stated("operating_hours", 3_000),), ["office_hours"]),
        ((), []),
    ],
)
def test_what_is_not_stated_leaves_the_corrected_value_unknown(
    works: Works, facts: tuple[dict[str, object], ...], known: list[str]
) -> None:
    court(works, *facts, stated("mechanical_ventilation", 1))
    assert at(works, MEASURED) == pytest.approx(80.0)
    assert at(works, CORRECTED) is None
    assert [key for key in ("office_hours", "office_area_per_person") if at(works, key) is not None] == known


def test_nobody_guesses_whether_windows_keep_an_office_comfortable(works: Works) -> None:
    court(works, *LONG_AND_DENSE[:2])
    assert at(works, CORRECTED) == pytest.approx(66.4267, abs=1e-4)
    assert at(works, CORRECTED, "group") is None


@pytest.mark.parametrize(("zone", "expected"), [("夏热冬冷", 95.0), ("寒冷B", 80.0), ("严寒C", 80.0)])
def test_south_of_the_heating_zones_the_electricity_of_heating_is_inside(
    works: Works, zone: str, expected: float
) -> None:
    """80,000 kWh and 15,000 kWh of the boiler."""
    court(works, *LONG_AND_DENSE, zone=zone, heat=0)
    assert at(works, MEASURED) == pytest.approx(expected)


def test_what_has_no_coefficient_in_kwh_leaves_it_unknown(works: Works) -> None:
    court(works, *LONG_AND_DENSE, zone="夏热冬冷")  # there 500 GJ of purchased heat count
    assert at(works, MEASURED) is None


def test_schools_have_no_indicator_of_offices(works: Works) -> None:
    court(works, *LONG_AND_DENSE, quota_class="中小学校", type="021")
    assert at(works, MEASURED) is None
    assert at(works, CORRECTED) is None
