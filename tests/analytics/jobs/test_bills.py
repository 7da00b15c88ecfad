"""Billed institutions: bills in the registry become totals like readings do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.jobs.conftest import Works, instant, meter


def bill(first: str, last: str, amount: float, name: str = "m1") -> dict[str, object]:
    return {
        "meter": name,
        "first_day": first,
        "last_day": last,
        "amount": amount,
        "unit": "kWh",
        "document": f"B-{first}",
    }


MANUAL = meter("m1", kind="manual", digits=None, building="b1", interval_s=86_400)


def test_bills_become_days_months_and_a_year_whose_sum_is_the_bills(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2026-01-01", "2026-01-20", 1000.0), bill("2026-01-21", "2026-02-20", 1550.1)])
    works.run()
    days = works.rows("total", id="m1", period="day", item="all")
    assert len(days) == 51
    assert days.fields["amount"][:20].sum() == 1000.0
    assert days.fields["amount"][20:51].sum() == 1550.1
    for name in ("m1", "b1", "school", "990101"):
        year = works.total(name, "year", "2026-01-01T00:00:00")
        assert year["amount"] == pytest.approx(2550.1, rel=1e-12), name
        assert year["estimated_share"] == 1.0
    assert works.total("school", "month", "2026-01-01T00:00:00")["coverage"] == 1.0
    assert works.total("school", "month", "2026-02-01T00:00:00")["coverage"] == pytest.approx(20 / 28)


def test_a_workday_gets_more_than_a_rest_day(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2026-01-05", "2026-01-11", 620.0)])
    works.run()
    monday = works.total("school", "day", "2026-01-05T00:00:00")["amount"]
    sunday = works.total("school", "day", "2026-01-11T00:00:00")["amount"]
    assert (monday, sunday) == (pytest.approx(100.0), pytest.approx(60.0))


def test_a_later_bill_and_a_corrected_one_reach_the_totals_and_leave_no_ghosts(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2026-01-01", "2026-01-31", 310.0)])
    works.run()
    works.registry.import_sheets({"bills": [bill("2026-01-01", "2026-01-21", 210.0)]})
    works.run()
    found = works.rows("total", id="school", period="day", item="all")
    assert len(found) == 21
    assert found.fields["amount"].sum() == pytest.approx(210.0)
    works.registry.import_sheets({"bills": [bill("2026-01-25", "2026-01-31", 70.0)]})
    works.run()
    assert works.total("school", "month", "2026-01-01T00:00:00")["amount"] == pytest.approx(280.0)
    assert np.isnan(works.total("school", "day", "2026-01-23T00:00:00")["amount"])


def test_a_second_run_changes_nothing_and_one_on_demand_neither(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2026-01-01", "2026-01-31", 310.0)])
    works.run()
    for again in (works.run(), works.run(since=instant("2026-01-01T00:00:00"))):
        assert sum(again.written.values()) == sum(again.deleted.values()) == 0


def test_billed_and_metered_meters_add_up(works: Works) -> None:
    works.estate(MANUAL, meter("e1"), bills=[bill("2026-01-01", "2026-01-31", 310.0)])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    month = works.total("school", "month", "2026-01-01T00:00:00")
    assert month["amount"] == pytest.approx(358.0)


def test_a_meter_that_is_read_has_readings_and_its_bills_only_compare(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2026-01-01", "2026-01-31", 310.0)])
    works.hourly("m1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    assert works.total("school", "month", "2026-01-01T00:00:00")["amount"] == 48.0
