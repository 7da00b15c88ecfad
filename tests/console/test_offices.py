"""The page of an office by GB/T 51161: the corrected value with its computation, or why it is not known."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from energy.intervals import LocalCalendar
from tests.console.forms import text_of
from tests.console.world import HOUSE, ZONE, World
from tests.results import write

MEASURED, CORRECTED = "nonheating_kwh_measured_per_area", "nonheating_kwh_per_area"
KEYS = [MEASURED, CORRECTED, "office_hours", "office_area_per_person"]


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (
            {MEASURED: 80.0, CORRECTED: 66.4267, "office_hours": 3000.0, "office_area_per_person": 8.0},
            # 0.3 + 0.7 x 2500 / 3000 and 0.7 + 0.3 x 8 / 10
            "实测80.00 × γ1 0.8833 (T = 3000 h) × γ2 0.9400 (S = 8 m²)",
        ),
        ({MEASURED: 80.0, "office_area_per_person": 8.0}, "未知：未填写年使用时间"),
        ({MEASURED: 80.0, "office_hours": 3000.0}, "未知：未填写用能人数"),
    ],
)
def test_the_page_says_how_the_value_was_corrected_or_why_it_is_not_known(
    world: World, admin: httpx.Client, stated: dict[str, float], shown: str
) -> None:
    time = LocalCalendar(ZONE).start_of(date(2025, 1, 1))
    same = {"scope": "institution", "id": HOUSE, "period": "year", "caliber": "physical", "coverage": 1.0, "time": time}
    rows = [{**same, "indicator": key, "value": value} for key, value in stated.items()]
    own = {"scope": ["institution"], "id": [HOUSE], "period": ["year"], "indicator": KEYS}
    write(world.store, "indicator", rows, own)
    text = text_of(admin.get(f"/institutions/{HOUSE}", params={"lang": "zh"}))
    assert "非供暖能耗指标(建筑能耗标准) " + shown in text
