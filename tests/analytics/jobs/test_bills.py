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


def day_of(works: Works, name: str, day: str) -> float:
    return works.total(name, "day", f"{day}T00:00:00")["amount"]


def test_a_main_that_is_read_wins_over_the_bill_of_the_same_place_on_the_days_it_covers(works: Works) -> None:
    # 310 kWh in January by the bill: 100/7.1 a workday and 60/7.1 a rest day, were every day billed alike
    works.estate(MANUAL, meter("e1", building="b1"), bills=[bill("2026-01-01", "2026-01-31", 310.0)])
    works.hourly("e1", "2026-01-05T12:00:00", [2.0] * (12 + 10 * 24 + 12))  # noon of the 5th to noon of the 16th
    works.run()
    days = works.rows("total", id="m1", period="day", item="all")
    paper = dict(zip(days.time.tolist(), days.fields["amount"].tolist(), strict=True))
    covered = [instant(f"2026-01-{day:02}T00:00:00") for day in range(6, 16)]
    for name in ("b1", "school", "990101"):
        assert [day_of(works, name, f"2026-01-{day:02}") for day in range(6, 16)] == [48.0] * 10, name
        assert day_of(works, name, "2026-01-05") == paper[instant("2026-01-05T00:00:00")], name
        month = works.total(name, "month", "2026-01-01T00:00:00")
        assert month["amount"] == pytest.approx(480.0 + 310.0 - sum(paper[day] for day in covered)), name
        assert month["coverage"] == 1.0
        assert (month["n_expected"], month["n_reporting"]) == (2.0, 2.0)
    assert works.total("m1", "month", "2026-01-01T00:00:00")["amount"] == 310.0
    assert works.total("e1", "month", "2026-01-01T00:00:00")["amount"] == 528.0


def test_a_main_below_the_account_wins_too_and_counts_alone_where_no_bill_is(works: Works) -> None:
    account = meter("m1", kind="manual", digits=None, interval_s=86_400)
    works.estate(account, meter("e1", parent="m1"), bills=[bill("2026-01-05", "2026-01-06", 90.0)])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * (24 * 3 + 6))
    works.run(now="2026-01-08T06:00:00")
    for day, used in (("2026-01-05", 48.0), ("2026-01-07", 48.0), ("2026-01-08", 12.0)):
        assert day_of(works, "school", day) == used
    assert works.total("school", "month", "2026-01-01T00:00:00")["amount"] == 156.0


def test_a_meter_of_one_building_below_the_account_of_all_is_a_part_of_its_bill(works: Works) -> None:
    account = meter("m1", kind="manual", digits=None, interval_s=86_400)
    works.estate(account, meter("e1", parent="m1", building="b1"), bills=[bill("2026-01-05", "2026-01-06", 180.0)])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    assert works.total("school", "month", "2026-01-01T00:00:00")["amount"] == 180.0
    assert works.total("b1", "month", "2026-01-01T00:00:00")["amount"] == 96.0


def test_a_labelled_bill_beside_a_main_is_added(works: Works) -> None:
    lamps = meter("m1", kind="manual", digits=None, building="b1", interval_s=86_400, item="A")
    works.estate(lamps, meter("e1", building="b1"), bills=[bill("2026-01-05", "2026-01-06", 30.0)])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    assert works.total("school", "month", "2026-01-01T00:00:00")["amount"] == 126.0


def test_cost_follows_the_side_that_counts(works: Works) -> None:
    works.estate(
        MANUAL,
        meter("e1", building="b1"),
        bills=[{**bill("2026-01-03", "2026-01-04", 50.0), "yuan": 40.0}, {**bill("2026-01-05", "2026-01-06", 90.0)}],
        tariffs=[
            {"tariff": "t", "component": "energy", "price_yuan": 0.5, "unit": "yuan/kWh", "source": "x"},
        ],
        tariff_uses=[{"scope": "institution", "id": "school", "category": "electricity", "tariff": "t"}],
    )
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    # two billed days for 40 yuan, two metered days of 48 kWh at .5
    assert works.total("school", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(40.0 + 48.0)
    assert works.total("m1", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(40.0 + 45.0)


def test_what_items_leave_of_the_whole_is_known_on_both_sides(works: Works) -> None:
    works.estate(
        MANUAL, meter("e1", building="b1"), meter("e2", building="b1", item="A", parent="e1"),
        bills=[bill("2026-01-03", "2026-01-04", 50.0)],
    )  # fmt: skip
    for name, use in (("e1", 2.0), ("e2", 0.5)):
        works.hourly(name, "2026-01-05T00:00:00", [use] * 24)
    works.run()
    assert works.total("school", "day", "2026-01-05T00:00:00", item="unallocated")["amount"] == 36.0
