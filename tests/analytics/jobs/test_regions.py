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
    assert days.fields["amount"].tolist() == [24.0, 24.0, 120.0, 24.0]
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
