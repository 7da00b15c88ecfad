"""Totals of regions whose institutions count their days by other clocks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.jobs.conftest import HOUR, Works, instant, meter

# Midnight of Tokyo is 23:00 of the day before in Beijing, that of Urumqi 02:00.
MIDNIGHT = {"Asia/Tokyo": "2025-12-29T23:00:00", "Asia/Urumqi": "2025-12-30T02:00:00"}


@pytest.mark.parametrize("zone", MIDNIGHT)
def test_a_local_day_counts_in_the_day_of_the_same_date_of_its_region(works: Works, zone: str) -> None:
    works.estate(
        meter("e1"),
        meter("c1", institution="court"),
        sites=[{"id": "s1", "institution": "school", "name_zh": "校区", "timezone": zone}],
    )
    works.hourly("c1", "2025-12-30T00:00:00", [10.0] * 24 * 4)
    works.hourly("e1", MIDNIGHT[zone], np.repeat([1.0, 2.0, 3.0, 4.0], 24).tolist())  # 30 December to 2 January
    works.run()
    days = [works.total("990101", "day", f"{day}T00:00:00") for day in ("2025-12-30", "2025-12-31", "2026-01-01")]
    assert [day["amount"] for day in days] == [264.0, 288.0, 312.0]
    assert [day["n_reporting"] for day in days] == [2.0, 2.0, 2.0]
    assert works.total("990101", "month", "2025-12-01T00:00:00")["amount"] == 264.0 + 288.0
    assert works.total("990101", "year", "2025-01-01T00:00:00")["amount"] == 264.0 + 288.0
    assert works.total("990101", "year", "2026-01-01T00:00:00")["amount"] == 312.0 + 336.0
    assert np.isnan(works.total("990101", "day", "2026-01-01T00:00:00")["last_year"])


@pytest.mark.parametrize("zone", MIDNIGHT)
def test_a_late_reading_of_another_clock_changes_the_day_of_its_date(works: Works, zone: str) -> None:
    works.estate(
        meter("e1", value_kind="amount", digits=""),
        sites=[{"id": "s1", "institution": "school", "name_zh": "校区", "timezone": zone}],
    )
    times = instant(MIDNIGHT[zone]) + HOUR * np.arange(1, 24 * 4 + 1)
    first_of_january = (times > instant(MIDNIGHT[zone]) + 48 * HOUR) & (times <= instant(MIDNIGHT[zone]) + 72 * HOUR)
    works.read("e1", times[~first_of_january].tolist(), [1.0] * 72)
    works.run()
    works.read("e1", times[first_of_january].tolist(), [5.0] * 24)
    works.run()
    days = works.rows("total", id="990101", period="day")
    assert days.fields["amount"][:4].tolist() == [24.0, 24.0, 120.0, 24.0]
    assert np.isnan(days.fields["amount"][4:]).all()
    assert works.total("990101", "year", "2026-01-01T00:00:00")["amount"] == 144.0


def test_a_region_that_has_lost_all_its_institutions_has_no_totals(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    works.registry.import_sheets(
        {
            "regions": [{"code": "990102", "name_zh": "新县", "parent": "990000"}],
            "institutions": [{"id": name, "name_zh": "迁出", "region": "990102"} for name in ("school", "court")],
        }
    )
    works.run()
    assert len(works.rows("total", id="990101")) == 0
    assert works.total("990102", "day", "2026-01-05T00:00:00")["amount"] == 48.0
    assert works.total("990000", "day", "2026-01-05T00:00:00")["amount"] == 48.0


def test_rolling_years_and_heating_seasons_of_a_region_reach_back_over_new_year(works: Works) -> None:
    season = {
        "scope": "region",
        "id": "990000",
        "begins": "11-15",
        "ends": "02-10",
        "source": "x",
        "confidence": "sure",
    }
    area = {"scope": "region", "id": "990000", "kind": "heated_area", "value": 100, "unit": "m2"}
    works.estate(
        meter("e1"),
        meter("h1", category="heat", unit="GJ"),
        heating_seasons=[season],
        denominators=[area],
    )
    for name in ("e1", "h1"):
        works.hourly(name, "2025-01-01T00:00:00", [2.0] * 24 * 405)
    works.run(now="2026-02-10T00:00:00")
    for name in ("e1", "h1"):
        works.hourly(name, "2026-02-10T00:00:00", [2.0] * 24 * 19, start=48.0 * 405)
    works.run(now="2026-03-01T00:00:00")
    kept = {
        period: works.rows("indicator", id="990000", period=period, indicator=key)
        for period, key in (("rolling12", "co2"), ("season", "heating_energy_per_heated_area"))
    }
    months = [instant(f"{month}-01T00:00:00") for month in ("2025-12", "2026-01", "2026-02")]
    assert kept["rolling12"].time.tolist() == months
    assert kept["season"].time.tolist() == [instant("2025-11-15T00:00:00")]
