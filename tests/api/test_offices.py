"""What is told of an office by GB/T 51161: both values, factors with inputs, limits; why a value is not known."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from energy.intervals import LocalCalendar
from tests.api.world import ZONE, World
from tests.results import write

CORRECTED, MEASURED = "nonheating_kwh_per_area", "nonheating_kwh_measured_per_area"


def told(world: World, year: int, stated: dict[str, float], group: str | None = None, **query: str) -> dict[str, Any]:
    """What the API says of the corrected indicator of one year whose rows are these."""
    house = world.province.houses[0].id
    same = {"scope": "institution", "id": house, "period": "year", "caliber": "physical", "coverage": 1.0}
    time = LocalCalendar(ZONE).start_of(date(year, 1, 1))
    rows: list[dict[str, Any]] = [{**same, "indicator": key, "value": v, "time": time} for key, v in stated.items()]
    for row in rows:
        if row["indicator"] == CORRECTED:
            row |= {"constraint": 70.0, "guide": 50.0, "group": group}
    write(world.store, "indicator", rows, {"scope": ["institution"], "id": [house], "period": ["year"]})
    asked = {"first": f"{year}-01-01", "last": f"{year}-12-31", "period": "year", **query}
    with world.client(**{"Accept-Language": "en"}) as client:
        items = client.get(f"/api/v1/institutions/{house}/indicators", params=asked).json()["items"]
    (row,) = (item for item in items if item["indicator"] == CORRECTED)
    return row


def test_the_corrected_value_comes_with_the_measured_one_and_its_factors(world: World) -> None:
    """80 kWh/m2 x .88333 (3,000 h) x .94 (8 m2 a person)."""
    stated = {MEASURED: 80.0, CORRECTED: 66.4267, "office_hours": 3000.0, "office_area_per_person": 8.0}
    row = told(world, 2021, stated, "GB/T 51161-2016")
    assert (row["measured"], row["value"], row["constraint"], row["guide"]) == (80.0, 66.4267, 70.0, 50.0)
    assert row["hours_factor"] == pytest.approx(0.88333, abs=1e-5)
    assert row["density_factor"] == pytest.approx(0.94)
    assert (row["hours_h"], row["area_per_person_m2"]) == (3000.0, 8.0)
    assert (row["standard"], row["confidence"]) == ("GB/T 51161-2016", "sure")
    assert row["note"] == (
        "measured 80.00 × γ1 0.8833 (T = 3000 h) × γ2 0.9400 (S = 8 m²): "
        "corrected for hours of use and area per person, GB/T 51161-2016 (sure)"
    )


def test_asked_for_alone_it_says_why_it_is_not_known(world: World) -> None:
    row = told(world, 2020, {MEASURED: 80.0, "office_area_per_person": 8.0}, indicator=CORRECTED)
    assert (row["value"], row["measured"], row["hours_factor"]) == (None, 80.0, None)
    assert row["note"] == "unknown: operating hours not stated"


def test_limits_that_need_the_class_of_the_building_say_so(world: World) -> None:
    stated = {MEASURED: 80.0, CORRECTED: 80.0, "office_hours": 2500.0, "office_area_per_person": 10.0}
    assert "mechanical ventilation" in told(world, 2019, stated)["note"]
