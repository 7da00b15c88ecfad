"""Billed institutions: bills in the registry become totals like readings do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.jobs.conftest import HOUR, Works, instant, meter


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
    assert np.isfinite(days.fields["amount"]).sum() == 51
    assert days.fields["coverage"].tolist() == [1.0] * 51 + [0.0] * 8  # the rest of February waits for its bill
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
    assert np.isfinite(found.fields["amount"]).sum() == 21
    assert np.nansum(found.fields["amount"]) == pytest.approx(210.0)
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


def test_vacations_of_the_institution_are_rest_days(works: Works) -> None:
    monday = {"institution": "school", "date_from": "2026-01-05", "date_to": "2026-01-05", "kind": "vacation"}
    works.estate(MANUAL, bills=[bill("2026-01-05", "2026-01-06", 160.0)], calendars=[monday])
    works.run()
    assert (day_of(works, "m1", "2026-01-05"), day_of(works, "m1", "2026-01-06")) == (
        pytest.approx(60.0), pytest.approx(100.0),
    )  # fmt: skip
    tuesday = {**monday, "date_from": "2026-01-06", "date_to": "2026-01-06"}
    works.registry.import_sheets({"calendars": [tuesday]})
    works.run()
    assert day_of(works, "m1", "2026-01-06") == pytest.approx(80.0)


def test_what_is_read_of_the_same_kind_in_the_house_shapes_its_bills(works: Works) -> None:
    # another building of the school is read: 3 kWh an hour on Monday to Thursday, 1 kWh from Friday to Sunday
    first = np.datetime64("2026-01-01")
    weekday = (first + np.arange(64)).astype(int) + 3
    use = np.repeat(np.where(weekday % 7 < 4, 3.0, 1.0), 24)
    works.estate(MANUAL, meter("e1"), bills=[bill("2026-03-23", "2026-03-29", 1500.0)])
    works.hourly("e1", "2026-01-01T00:00:00", use.tolist())
    works.run(now="2026-04-02T00:00:00")
    # four days of 72 and three of 24 out of 360
    assert day_of(works, "m1", "2026-03-24") == pytest.approx(300.0, rel=0.02)
    assert day_of(works, "m1", "2026-03-27") == pytest.approx(100.0, rel=0.05)
    days = works.rows("total", id="m1", period="day", item="all")
    assert np.nansum(days.fields["amount"]) == 1500.0


MONTHS = np.arange(np.datetime64("2024-01"), np.datetime64("2026-01"))
THERMOMETER = {
    "id": "t1", "institution": "school", "quantity": "temperature", "unit": "degC", "interval_s": HOUR,
    "place": "region:990101",
}  # fmt: skip


def mean_temperature(days: np.ndarray) -> np.ndarray:
    """A winter of -2 degC on average with cold spells of five days, a summer of 22."""
    number = days.astype("M8[D]").astype(int)
    return 10 - 12 * np.cos(2 * np.pi * (number - 15) / 365.25) + 4 * np.where(number % 10 < 5, 1.0, -1.0)


def heated(days: np.ndarray) -> np.ndarray:
    """10 kWh a day and 2 more for each degree below 18."""
    return 10 + 2 * np.maximum(18 - mean_temperature(days), 0)


def warm_bills() -> list[dict[str, object]]:
    found = []
    for month in MONTHS:
        days = np.arange(month.astype("M8[D]"), (month + 1).astype("M8[D]"))
        found.append(bill(str(days[0]), str(days[-1]), round(float(heated(days).sum()), 2)))
    return found


def send_weather(works: Works) -> None:
    days = np.arange(MONTHS[0].astype("M8[D]"), np.datetime64("2026-01-01"))
    times = instant("2024-01-01T00:00:00") + HOUR * np.arange(24 * len(days))
    works.read("t1", times.tolist(), np.repeat(mean_temperature(days), 24).tolist())


def test_two_years_of_bills_follow_the_weather_even_where_it_comes_later(works: Works) -> None:
    works.estate(MANUAL, sensors=[THERMOMETER], bills=warm_bills())
    works.run()
    flat = day_of(works, "m1", "2025-01-14")
    assert flat == pytest.approx(day_of(works, "m1", "2025-01-16"))
    send_weather(works)
    works.run()
    for day in ("2025-01-14", "2025-01-16", "2025-01-21"):
        true = float(heated(np.array([day], "M8[D]"))[0])
        assert day_of(works, "m1", day) == pytest.approx(true, rel=0.05), day
    assert 10 < day_of(works, "m1", "2025-07-16") < 12  # a workday of summer: rest days get a little less
    month = works.rows("total", id="m1", period="month", item="all")
    billed = month.take(np.isfinite(month.fields["amount"]))
    np.testing.assert_array_equal(billed.fields["amount"], [row["amount"] for row in warm_bills()])
    again = works.run(since=0)
    assert sum(again.written.values()) == sum(again.deleted.values()) == 0


def test_weather_of_days_that_were_not_billed_moves_nothing(works: Works) -> None:
    works.estate(MANUAL, sensors=[THERMOMETER], bills=[bill("2026-01-01", "2026-01-20", 1000.0)])
    works.run()
    works.read("t1", [instant("2026-02-02T00:00:00"), instant("2026-02-02T01:00:00")], [1.0, 2.0])
    assert works.run().institutions == ("school",)  # the sensor's own; nothing of the court, which has no meter
    works.read("t1", [instant("2026-01-02T00:00:00"), instant("2026-01-02T01:00:00")], [1.0, 2.0])
    assert "m1" in {part.meter for part in works.run().recomputed}
