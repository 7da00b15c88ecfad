from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.jobs.conftest import Works, instant, meter


def test_hourly_readings_become_intervals_and_totals_of_meter_building_institution_and_region(works: Works) -> None:
    works.estate(meter("e1", building="b1"), meter("e2", building="b1", parent="e1", item="A"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.hourly("e2", "2026-01-05T00:00:00", [0.5] * 48)
    record = works.run()
    intervals = works.rows("interval", meter="e1")
    assert len(intervals) == 48
    assert intervals.time[0] == instant("2026-01-05T00:00:00")
    np.testing.assert_array_equal(intervals.fields["amount"], np.full(48, 2.0))
    np.testing.assert_array_equal(intervals.fields["power_kw"], np.full(48, 2.0))
    for name in ("e1", "b1", "school", "990101", "990000"):
        for period, when, amount in (
            ("day", "2026-01-06", 48.0),
            ("month", "2026-01-01", 96.0),
            ("year", "2026-01-01", 96.0),
        ):
            assert works.total(name, period, when + "T00:00:00")["amount"] == amount, (name, period)
    assert works.total("e1", "day", "2026-01-05T00:00:00")["coverage"] == 1.0
    assert works.total("school", "day", "2026-01-05T00:00:00", item="A")["amount"] == 12.0
    assert works.total("school", "day", "2026-01-05T00:00:00", item="unallocated")["amount"] == 36.0
    assert works.total("e1", "month", "2026-01-01T00:00:00")["coverage"] == pytest.approx(2 / 31)
    assert record.institutions == ("court", "school")
    assert record.regions == ("990000", "990101")
    assert works.run().written.get("interval", 0) == 0
