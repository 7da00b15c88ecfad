from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.jobs import run
from energy.model import State
from energy.registry import FittedModel, Registry, Touched
from energy.registry.decisions import Correction
from energy.storage.schema import METHODS
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter
from tests.analytics.jobs.everything import everything


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
        assert works.total(name, "day", "2026-01-06T00:00:00")["amount"] == 48.0, name
        assert works.total(name, "month", "2026-01-01T00:00:00")["amount"] == 96.0, name
        assert works.total(name, "year", "2026-01-01T00:00:00")["amount"] == 96.0, name
    assert works.total("e1", "day", "2026-01-05T00:00:00")["coverage"] == 1.0
    assert works.total("school", "day", "2026-01-05T00:00:00", item="A")["amount"] == 12.0
    assert works.total("school", "day", "2026-01-05T00:00:00", item="unallocated")["amount"] == 36.0
    assert works.total("e1", "month", "2026-01-01T00:00:00")["coverage"] == pytest.approx(2 / 31)
    assert record.institutions == ("court", "school")
    assert record.regions == ("990000", "990101")


def test_a_second_run_has_nothing_to_do_and_changes_nothing(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    again = works.run()
    assert again.recomputed == ()
    assert sum(again.written.values()) == sum(again.deleted.values()) == 0


def test_a_gap_of_months_is_a_row_a_day_and_its_days_have_no_coverage(works: Works) -> None:
    works.estate(meter("e1", building="b1"))
    first, again = instant("2025-09-01T06:00:00"), instant("2026-02-01T00:00:00")
    works.read("e1", [first + h * HOUR for h in range(10)], [2.0 * h for h in range(10)])
    works.read("e1", [again + h * HOUR for h in range(10)], [5000.0 + 2.0 * h for h in range(10)])
    works.run()
    rows = works.rows("interval", meter="e1")
    gap = (rows.time >= first + 9 * HOUR) & (rows.time < again)
    # 1 September from 15:00 on, and every day from the 2nd to 31 January: 1 + 29 + 31 + 30 + 31 + 31
    assert int(gap.sum()) == 153
    assert set(rows.fields["state"][gap]) == {State.SPREAD}
    assert int((~gap).sum()) == 18
    day = works.total("e1", "day", "2025-11-11T00:00:00")
    assert (day["coverage"], np.isnan(day["amount"])) == (0.0, True)
    assert works.total("e1", "year", "2026-01-01T00:00:00")["coverage"] < 0.2


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_spike_of_a_meter_that_sends_amounts_is_marked_and_filled_however_it_comes(works: Works, pieces: int) -> None:
    works.estate(meter("e1", value_kind="amount", digits=""))
    used = np.tile(np.where(np.isin(np.arange(24), np.arange(8, 18)), 20.0, 4.0), 7)
    used[3 * 24 + 12] = 900.0
    times = instant("2026-01-05T00:00:00") + HOUR * np.arange(1, len(used) + 1)
    for part in np.array_split(np.arange(len(used)), pieces):
        works.read("e1", times[part].tolist(), used[part].tolist())
        works.run()
    rows = works.rows("interval", meter="e1")
    at = int(np.searchsorted(rows.time, instant("2026-01-08T12:00:00")))
    assert rows.fields["amount"][at] == 20.0
    assert rows.fields["state"][at] == State.ESTIMATED
    assert METHODS[int(rows.fields["method"][at])] == "spike_fill"
    assert set(np.delete(rows.fields["state"], at)) == {State.MEASURED}
    day = works.total("e1", "day", "2026-01-08T00:00:00")
    assert (day["amount"], day["coverage"]) == (256.0, 1.0)  # 10 x 20 + 14 x 4
    assert day["estimated_share"] == pytest.approx(1 / 24)
    raw = works.store.readings(["e1"], 0, 2**32)["e1"]
    assert float(raw.value.max()) == 900.0


def test_a_swap_bridges_two_registers_and_two_ratios(works: Works) -> None:
    works.estate(meter("e1", ct_ratio=20))
    times = [instant("2026-01-05T00:00:00") + HOUR * h for h in range(5)]
    works.read("e1", times, [100, 101, 102, 7, 9])  # exchanged at 02:30
    works.run()
    assert np.isnan(works.rows("interval", meter="e1").fields["amount"][2])
    works.registry.import_sheets(
        {
            "swaps": [
                {
                    "meter": "e1",
                    "time": "2026-01-05T02:30:00+08:00",
                    "old_end": 103,
                    "new_start": 6,
                    "old_ratio": 20,
                    "new_ratio": 40,
                }
            ]
        }
    )
    works.run()
    amounts = works.rows("interval", meter="e1").fields["amount"]
    np.testing.assert_array_equal(amounts, [20, 20, 1 * 20 + 1 * 40, 80])
    assert works.total("e1", "day", "2026-01-05T00:00:00")["amount"] == 180


def test_a_long_gap_leaves_its_hours_unknown_and_the_month_exact(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 20)
    works.hourly("e1", "2026-01-07T04:00:00", [2.0] * 20, start=240.0)
    works.run()
    assert works.total("e1", "day", "2026-01-05T00:00:00")["amount"] == 40
    missing = works.total("e1", "day", "2026-01-06T00:00:00")
    assert np.isnan(missing["amount"])
    assert missing["coverage"] == 0
    assert works.total("e1", "month", "2026-01-01T00:00:00")["amount"] == 280


def test_late_readings_recompute_their_days_and_no_others(works: Works) -> None:
    """Promise P-15."""
    works.estate(meter("e1"), meter("e2"))
    energy = np.full(24 * 20, 2.0)
    for name in ("e1", "e2"):
        works.hourly(name, "2026-01-01T00:00:00", energy[: 24 * 9 + 2].tolist())
        works.hourly(name, "2026-01-10T20:00:00", energy[: 24 * 9].tolist(), start=2.0 * (24 * 9 + 20))
    works.run()
    assert np.isnan(works.rows("interval", meter="e1").fields["amount"][24 * 9 + 5])
    times = [instant("2026-01-10T00:00:00") + HOUR * h for h in range(3, 20)]
    works.read("e1", times, [2.0 * (24 * 9 + h) for h in range(3, 20)])
    record = works.run()
    (window,) = record.recomputed
    assert (window.meter, window.window.start) == ("e1", instant("2026-01-10T00:00:00"))
    assert window.window.end == instant("2026-01-11T00:00:00")
    assert works.total("e1", "day", "2026-01-10T00:00:00")["amount"] == 48
    assert record.institutions == ("school",)
    assert record.written["interval"] == 18  # seventeen late readings end or begin eighteen unknown hours


def test_a_last_reading_at_midnight_touches_the_day_it_begins_though_it_came_first(works: Works) -> None:
    works.estate(meter("late"), meter("straight"))
    midnight = instant("2026-02-02T00:00:00")
    before = midnight - HOUR * np.arange(3, 0, -1)
    works.read("straight", [*before, midnight], [10, 11, 12, 13])
    works.read("late", [midnight], [13])
    works.run()
    works.read("late", before.tolist(), [10, 11, 12])
    works.run()
    days = [works.rows("day_part", meter=name).time.tolist() for name in ("late", "straight")]
    assert days[0] == days[1] == [instant("2026-02-01T00:00:00"), midnight]


def test_last_year_stands_beside_this_year_also_when_it_comes_late(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [3.0] * 48)
    works.run()
    assert np.isnan(works.total("e1", "day", "2026-01-05T00:00:00")["last_year"])
    works.hourly("e1", "2025-01-05T00:00:00", [0.001] * 48)
    works.run()
    assert works.total("e1", "day", "2026-01-05T00:00:00")["last_year"] == pytest.approx(0.024)
    assert works.total("school", "day", "2026-01-05T00:00:00")["last_year"] == pytest.approx(0.024)
    assert works.total("990000", "day", "2026-01-05T00:00:00")["last_year"] == pytest.approx(0.024)


def half_days(days: int) -> list[float]:
    """Hourly use of days of 48 kWh: 1 kWh an hour until noon, 3 kWh after it."""
    return ([1.0] * 12 + [3.0] * 12) * days


def test_a_running_period_is_held_against_the_same_span_of_last_year(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2025-01-01T00:00:00", half_days(365))
    works.hourly("e1", "2026-01-01T00:00:00", half_days(61) + [1.0] * 9, start=365 * 48.0)
    works.run(now="2026-03-03T09:40:00")
    for identity in ("e1", "school", "990000"):
        month = works.total(identity, "month", "2026-03-01T00:00:00")
        assert (month["amount"], month["last_year"]) == (2 * 48 + 9, 2 * 48 + 9)
        year = works.total(identity, "year", "2026-01-01T00:00:00")
        assert (year["amount"], year["last_year"]) == (61 * 48 + 9, 61 * 48 + 9)
        assert works.total(identity, "day", "2026-03-03T00:00:00")["last_year"] == 9
        assert works.total(identity, "day", "2026-03-02T00:00:00")["last_year"] == 48
        assert works.total(identity, "month", "2026-02-01T00:00:00")["last_year"] == 28 * 48  # ended: the whole of it


def test_a_month_that_ended_meanwhile_is_held_against_the_whole_month(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2025-01-01T00:00:00", half_days(60))
    works.hourly("e1", "2026-01-01T00:00:00", half_days(10), start=60 * 48.0)
    works.run(now="2026-01-11T00:00:00")
    assert works.total("e1", "month", "2026-01-01T00:00:00")["last_year"] == 10 * 48
    works.hourly("e1", "2026-01-11T00:00:00", half_days(21), start=70 * 48.0)
    works.run(now="2026-02-01T00:00:00")
    assert works.total("e1", "month", "2026-01-01T00:00:00")["last_year"] == 31 * 48


def test_a_long_gap_of_last_year_leaves_the_same_span_exact_and_one_at_its_start_unknown(works: Works) -> None:
    works.estate(meter("gap"), meter("late"))
    for name in ("gap", "late"):
        works.hourly(name, "2026-01-01T00:00:00", half_days(60), start=10_000.0)
    works.hourly("gap", "2025-01-01T00:00:00", half_days(5))
    works.hourly("gap", "2025-01-25T00:00:00", half_days(60), start=24 * 48.0)
    works.hourly("late", "2025-01-20T00:00:00", half_days(60))
    works.run(now="2026-03-02T00:10:00")
    assert works.total("gap", "year", "2026-01-01T00:00:00")["last_year"] == 60 * 48  # 1 January to 1 March
    assert np.isnan(works.total("late", "year", "2026-01-01T00:00:00")["last_year"])


def test_the_29th_of_february_is_held_against_nothing_and_its_month_against_28_days(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2023-01-01T00:00:00", half_days(90))
    works.hourly("e1", "2024-01-01T00:00:00", half_days(59) + [1.0] * 6, start=90 * 48.0)
    works.run(now="2024-02-29T06:20:00")
    assert works.total("e1", "month", "2024-02-01T00:00:00")["last_year"] == 28 * 48
    assert np.isnan(works.total("e1", "day", "2024-02-29T00:00:00")["last_year"])


def test_a_silent_meter_is_held_against_last_year_up_to_its_last_reading(works: Works) -> None:
    works.estate(meter("silent"), meter("heard"))
    for name, days in (("silent", 2), ("heard", 9)):
        works.hourly(name, "2025-03-01T00:00:00", half_days(31))
        works.hourly(name, "2026-03-01T00:00:00", half_days(days), start=31 * 48.0)
    works.run(now="2026-03-10T00:00:00")
    month = works.total("school", "month", "2026-03-01T00:00:00")
    assert (month["amount"], month["last_year"]) == (11 * 48, 11 * 48)


def test_units_become_canonical_and_gas_in_kwh_has_no_volume(works: Works) -> None:
    works.estate(
        meter("e1", unit="MWh"),
        meter("h1", category="heat", unit="kWh"),
        meter("g1", category="gas", unit="kWh"),
        meter("g2", category="gas", unit="m3"),
    )
    for name in ("e1", "h1", "g1", "g2"):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * 24)
    works.run()
    assert works.total("e1", "day", "2026-01-05T00:00:00")["amount"] == 24_000
    assert works.total("h1", "day", "2026-01-05T00:00:00", category="heat")["amount"] == pytest.approx(0.0864)
    assert np.isnan(works.total("g1", "day", "2026-01-05T00:00:00", category="gas")["amount"])
    gas = works.total("school", "day", "2026-01-05T00:00:00", category="gas")
    assert (gas["amount"], gas["n_expected"], gas["n_reporting"]) == (24, 2, 1)


def test_indicators_name_their_caliber(works: Works) -> None:
    works.estate(
        meter("e1", building="b1"),
        denominators=[
            {"scope": "institution", "id": "school", "kind": "floor_area", "value": 1000, "unit": "m2"},
            {"scope": "institution", "id": "school", "kind": "users", "value": 50, "unit": "p"},
        ],
    )
    works.hourly("e1", "2026-01-01T00:00:00", [10.0] * 24 * 31)
    works.run()
    found = works.rows("indicator", id="school", period="month")
    values = {
        (i, c): v for i, c, v in zip(found.tags["indicator"], found.tags["caliber"], found.fields["value"], strict=True)
    }
    assert values["energy", "gb2589_equivalent_value"] == pytest.approx(7440 * 0.1229)
    assert values["co2", "co2_cn_2023"] == pytest.approx(7440 * 0.5306)
    assert values["electricity_per_area", "physical"] == pytest.approx(7.44)
    assert values["energy_per_person", "gb2589_equivalent_value"] == pytest.approx(7440 * 0.1229 / 50)
    assert len(works.rows("indicator", id="b1", period="month")) == 2  # nothing is stated to divide by


def test_an_area_stated_later_gives_intensities_without_new_readings(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-01T00:00:00", [10.0] * 48)
    works.run()
    works.registry.import_sheets(
        {"denominators": [{"scope": "institution", "id": "school", "kind": "floor_area", "value": 10, "unit": "m2"}]}
    )
    works.run()
    found = works.rows("indicator", id="school", period="month", indicator="electricity_per_area")
    np.testing.assert_array_equal(found.fields["value"], [48])


def test_a_meter_that_moves_to_another_institution_leaves_no_ghost(works: Works) -> None:
    works.estate(meter("e1", building="b1"), meter("e2"))
    for name in ("e1", "e2"):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * 24)
    works.run()
    works.registry.import_sheets({"meters": [meter("e1", institution="court", building="b2")]})
    works.run()
    assert works.total("school", "day", "2026-01-05T00:00:00")["amount"] == 24
    assert works.total("court", "day", "2026-01-05T00:00:00")["amount"] == 24
    assert works.total("b2", "month", "2026-01-01T00:00:00")["amount"] == 24
    assert len(works.rows("total", scope="building", id="b1")) == 0
    assert works.total("990000", "day", "2026-01-05T00:00:00")["amount"] == 48


def test_virtual_meters_have_intervals_where_all_their_meters_have(works: Works) -> None:
    net = meter("net", kind="virtual", formula="e1 - 0.5 * e2")
    works.estate(meter("e1"), meter("e2"), net)
    works.hourly("e1", "2026-01-05T00:00:00", [4.0] * 24)
    works.hourly("e2", "2026-01-05T00:00:00", [2.0] * 12)
    works.run()
    rows = works.rows("interval", meter="net")
    assert rows.fields["amount"].tolist() == [3.0] * 12
    assert {METHODS[int(code)] for code in rows.fields["method"]} == {"virtual"}
    works.hourly("e2", "2026-01-05T12:00:00", [2.0] * 12, start=24.0)  # late
    works.run()
    assert works.rows("interval", meter="net").fields["amount"].tolist() == [3.0] * 24
    works.registry.import_sheets({"meters": [{**net, "formula": "e1 + e2"}]})
    works.run()
    assert works.rows("interval", meter="net").fields["amount"].tolist() == [6.0] * 24


def test_virtual_meters_have_totals_too(works: Works) -> None:
    works.estate(meter("e1"), meter("e2"), meter("net", kind="virtual", formula="e1 - 0.5 * e2"))
    works.hourly("e1", "2026-01-05T00:00:00", [4.0] * 24)
    works.hourly("e2", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    assert works.total("net", "day", "2026-01-05T00:00:00")["amount"] == 72
    assert works.total("school", "day", "2026-01-05T00:00:00")["amount"] == 144


def test_a_meter_counts_only_while_in_service(works: Works) -> None:
    works.estate(meter("e1", active_from="2026-01-06"), meter("e2", active_to="2026-01-05"))
    for name in ("e1", "e2"):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * 48)
    works.run()
    first, second = (works.total("school", "day", f"2026-01-0{day}T00:00:00") for day in (5, 6))
    assert (first["amount"], first["n_expected"]) == (24, 1)
    assert (second["amount"], second["n_expected"]) == (24, 1)


def test_an_amount_meter_and_a_temperature_sensor_have_intervals(works: Works) -> None:
    works.estate(
        meter("a1", value_kind="amount", digits=None),
        sensors=[
            {
                "id": "t1",
                "institution": "school",
                "quantity": "temperature",
                "unit": "degF",
                "interval_s": 1800,
                "place": "building:b1",
            }
        ],
    )
    begin = instant("2026-01-05T00:00:00")
    works.read("a1", [begin + HOUR * h for h in range(1, 25)], [1.5] * 24)
    works.read("t1", [begin, begin + 1800], [50.0, 68.0])
    works.run()
    assert works.total("a1", "day", "2026-01-05T00:00:00")["amount"] == 36
    found = works.rows("interval", meter="t1")
    np.testing.assert_allclose(found.fields["amount"], [10, 20])
    assert works.rows("interval", meter="a1").fields["amount"].tolist() == [1.5] * 24
    assert list(found.tags["resolution"]) == ["30min", "30min"]


def test_the_day_has_a_shape_and_the_meter_a_status(works: Works) -> None:
    works.estate(meter("e1", building="b1"), meter("e2"))
    works.hourly("e1", "2026-01-05T00:00:00", [float(h) for h in range(24)])
    works.run(now="2026-01-06T00:30:00")
    shape = works.rows("day_profile", scope="building", id="b1")
    assert [float(shape.fields[f"h{h:02d}"][0]) for h in range(24)] == list(range(24))
    status = works.rows("meter_status", meter="e1")
    assert status.fields["last_seen_s"][0] == instant("2026-01-06T00:00:00")
    assert (status.fields["coverage_day"][0], status.fields["state"][0]) == (1.0, 0)
    assert works.rows("meter_status", meter="e2").fields["state"][0] == 3


def test_a_silent_meter_is_told_when_a_new_day_begins(works: Works) -> None:
    works.estate(meter("e1"), meter("e2"))
    for name, hours in (("e1", 24), ("e2", 48)):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * hours)
    works.run(now="2026-01-07T00:00:00")
    assert works.total("school", "day", "2026-01-06T00:00:00")["coverage"] == 0.5
    works.run(now="2026-01-08T06:00:00")
    assert works.rows("meter_status", meter="e1").fields["state"][-1] == 2
    assert works.total("school", "month", "2026-01-01T00:00:00")["coverage"] == pytest.approx(72 / (2 * 174))


def test_the_directory_says_what_things_are_called(works: Works) -> None:
    works.estate(meter("e1", name_zh="总表"))
    works.run()
    found = works.rows("directory", scope="institution", id="school")
    assert (found.fields["name_zh"][0], found.fields["parent"][0]) == ("学校", "990101")
    assert works.rows("directory", scope="meter", id="e1").fields["choice_zh"][0] == "总表|e1"


def test_naming_institutions_leaves_the_marks_of_others(works: Works) -> None:
    works.estate(meter("e1"), meter("c1", institution="court"))
    for name in ("e1", "c1"):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * 24)
    assert works.run(institutions=["school"]).institutions == ("school",)
    assert works.total("court", "day", "2026-01-05T00:00:00") == {}
    works.run()
    assert works.total("court", "day", "2026-01-05T00:00:00")["amount"] == 24


def test_first_readings_that_come_during_a_run_are_computed_by_the_next(works: Works) -> None:
    works.estate(meter("e1"), meter("c1", institution="court"))

    def late(*_args: object) -> None:
        works.hourly("e1", "2026-01-05T00:00:00", [1.0] * 24)

    assert works.run(progress=late).institutions == ("court",)
    assert works.total("school", "day", "2026-01-05T00:00:00") == {}
    assert works.run().institutions == ("school",)
    assert works.total("school", "day", "2026-01-05T00:00:00")["amount"] == 24


def test_profiles_are_fitted_once_on_closed_days_and_versioned(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-01T00:00:00", [2.0] * 24 * 40)
    record = works.run(now="2026-02-15T00:00:00")
    assert record.models == {"e1": 1}
    works.hourly("e1", "2026-02-10T00:00:00", [5.0] * 24, start=80.0 * 24)
    assert works.run(now="2026-02-15T00:00:00").models == {"e1": 1}
    assert works.run(now="2026-02-15T00:00:00", refit=True).models == {"e1": 2}


def test_a_season_that_the_profile_has_not_seen_is_let_in_on_the_next_day(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-01T00:00:00", [2.0] * 24 * 35)
    works.run(now="2026-02-05T00:00:00")
    works.hourly("e1", "2026-02-05T00:00:00", [40.0] * 48, start=2.0 * 24 * 35)
    works.run(now="2026-02-05T12:00:00")
    assert np.isnan(works.total("e1", "day", "2026-02-06T00:00:00")["amount"])
    assert works.run(now="2026-02-07T00:00:00").models == {"e1": 2}
    assert works.total("e1", "day", "2026-02-06T00:00:00")["amount"] == 960


class Opened:
    """Opens store and registry of a folder in another process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> tuple[object, object]:
        from energy.registry import Registry
        from energy.storage.embedded import EmbeddedStore

        registry = Registry.open(f"sqlite:///{self.folder / 'registry.db'}")
        return EmbeddedStore(self.folder, writes_readings=False), registry


@pytest.mark.slow
def test_two_workers_write_what_one_does(works: Works, tmp_path: Path) -> None:
    works.estate(meter("e1"), meter("c1", institution="court"))
    for name in ("e1", "c1"):
        works.hourly(name, "2026-01-05T00:00:00", [1.0] * 60)
    told: list[tuple[int, int]] = []
    works.run(workers=2, opener=Opened(tmp_path), progress=lambda n, of, _: told.append((n, of)))
    assert told == [(1, 2), (2, 2)]
    before = everything(works)
    works.run(since=0)
    assert everything(works) == before
    with pytest.raises(ValueError, match="opener"):
        works.run(workers=2)


def test_days_follow_the_clock_of_the_site(works: Works) -> None:
    works.estate(
        meter("e1"),
        sites=[{"id": "s1", "institution": "school", "name_zh": "校区", "timezone": "Europe/London"}],
    )
    begin = instant("2016-03-27T08:00:00")  # midnight in London, the day on which the clock goes forward
    works.read("e1", [begin + HOUR * h for h in range(50)], [float(h) for h in range(50)])
    works.run()
    found = works.rows("total", id="e1", period="day")
    assert found.time[0] == begin
    assert found.fields["amount"][0] == 23
    assert found.time[1] - found.time[0] == DAY - HOUR


def test_a_heat_meter_that_stands_still_after_its_season_measured_zero(works: Works) -> None:
    works.estate(meter("h1", category="heat", unit="GJ"), meter("e1"))
    season, rest = [1.0, 2.0] * 24 * 20, [0.0] * 24 * 30
    for name in ("h1", "e1"):
        works.hourly(name, "2026-01-01T00:00:00", [*season, *rest, *season[:48]])
    works.run(now="2026-03-23T00:00:00")
    standing = works.total("h1", "day", "2026-02-15T00:00:00", category="heat")
    assert (standing["amount"], standing["coverage"]) == (0.0, 1.0)
    assert np.isnan(works.total("e1", "day", "2026-02-15T00:00:00")["amount"])
    assert works.total("e1", "month", "2026-02-01T00:00:00")["amount"] == 1.5 * 24 * 9


class Busy(Registry):
    """A registry into which somebody imports bills in the very moment in which a run takes the marks."""

    def take_touched(self) -> tuple[int, list[Touched]]:
        self.import_sheets(
            {
                "meters": [meter("account", kind="manual", value_kind="amount", interval_s=30 * DAY, digits=None)],
                "bills": [
                    {
                        "meter": "account",
                        "first_day": "2026-01-01",
                        "last_day": "2026-01-31",
                        "amount": 310,
                        "unit": "kWh",
                    }
                ],
            }
        )
        return super().take_touched()


def test_marks_of_what_is_imported_while_a_run_begins_are_not_lost(works: Works) -> None:
    works.estate(meter("e1"))
    busy = Busy.open(f"sqlite:///{works.folder / 'registry.db'}")
    run(works.store, busy, now=instant("2026-03-01T00:00:00"))
    busy.close()
    assert works.total("account", "month", "2026-01-01T00:00:00")["amount"] == pytest.approx(310)


GAS = meter("g1", category="gas", unit="kWh")


def calorific(value: float, **columns: object) -> dict[str, object]:
    return {
        "scope": "region", "id": "990000", "value": value, "unit": "kWh/m3", "source": "示例", "confidence": "unsure",
        **columns,
    }  # fmt: skip


def test_gas_metered_as_heat_becomes_a_volume_by_the_value_of_its_time_and_nearest_place(works: Works) -> None:
    works.estate(
        GAS,
        calorific_values=[
            calorific(10.0, valid_from="2026-01-01"),
            calorific(43.2, scope="institution", id="school", unit="MJ/m3", valid_from="2026-01-07"),
        ],
    )
    works.hourly("g1", "2025-12-31T00:00:00", [5.0] * 24 * 8)
    works.run()
    assert np.isnan(works.total("school", "day", "2025-12-31T00:00:00", category="gas")["amount"])
    assert works.total("school", "day", "2026-01-06T00:00:00", category="gas")["amount"] == pytest.approx(12.0)
    assert works.total("school", "day", "2026-01-07T00:00:00", category="gas")["amount"] == pytest.approx(10.0)


def test_a_calorific_value_that_comes_later_is_computed_with(works: Works) -> None:
    works.estate(GAS, meter("g2", category="gas", unit="kWh", kind="manual", digits=None, building="b1"))
    paper = {"meter": "g2", "first_day": "2026-01-05", "last_day": "2026-01-06", "amount": 500.0, "unit": "kWh"}
    works.registry.import_sheets({"bills": [paper]})
    works.hourly("g1", "2026-01-05T00:00:00", [5.0] * 48)
    works.run()
    for period in ("day", "month", "year"):
        start = {"day": "2026-01-05", "month": "2026-01-01", "year": "2026-01-01"}[period]
        assert np.isnan(works.total("school", period, f"{start}T00:00:00", category="gas")["amount"]), period
    works.registry.import_sheets({"calorific_values": [calorific(12.5)]})
    works.run()
    # 240 kWh read and 500 kWh billed
    assert works.total("school", "month", "2026-01-01T00:00:00", category="gas")["amount"] == pytest.approx(59.2)


def test_clocks_that_differ_from_utc_by_a_part_of_an_hour_are_priced_and_judged(works: Works) -> None:
    works.estate(
        meter("e1", building="b1"),
        meter("e2", building="b1", parent="e1", item="A"),
        sites=[{"id": "s1", "institution": "school", "name_zh": "加德满都", "timezone": "Asia/Kathmandu"}],
        tariffs=[{"tariff": "t", "component": "energy", "price_yuan": 0.5, "unit": "yuan/kWh", "source": "x"}],
        tariff_uses=[{"scope": "institution", "id": "school", "category": "electricity", "tariff": "t"}],
    )
    n_hours = 24 * 380
    for name, scale in (("e1", 4.0), ("e2", 2.0)):
        works.hourly(name, "2025-01-01T03:00:00", (scale + scale * (np.arange(n_hours) % 24 > 12)).tolist())
    works.run(now="2026-01-16T03:00:00")
    years = works.rows("total", id="e1", period="year", item="all").fields
    assert years["amount"].sum() == pytest.approx(4.0 * n_hours + 4.0 * 380 * 11)
    assert years["cost_yuan"].sum() == pytest.approx(0.5 * years["amount"].sum())
    assert works.registry.models("watch:2026", ["e1"])


def test_a_ratio_that_is_stated_late_reaches_every_day_since_the_swap_and_before_it(works: Works) -> None:
    works.estate(meter("e1", ct_ratio=20))
    works.hourly("e1", "2026-01-01T00:00:00", [1.0] * 24 * 30)
    works.run()
    at = "2026-01-15T00:00:00+08:00"
    swap = {"meter": "e1", "time": at, "old_end": 336, "new_start": 336, "old_ratio": 10, "new_ratio": 40}
    works.registry.import_sheets({"swaps": [swap]})
    works.run()
    days = works.rows("total", id="e1", period="day", item="all")
    np.testing.assert_array_equal(days.fields["amount"][:30], [240.0] * 14 + [960.0] * 16)
    works.registry.import_sheets({"swaps": [{**swap, "new_ratio": 30}]})
    works.run()
    days = works.rows("total", id="e1", period="day", item="all")
    np.testing.assert_array_equal(days.fields["amount"][:30], [240.0] * 14 + [720.0] * 16)


def test_an_institution_that_moves_to_another_time_zone_has_its_days_computed_anew(works: Works) -> None:
    site = {"id": "s1", "institution": "school", "name_zh": "主院区", "timezone": "Asia/Shanghai"}
    works.estate(meter("e1"), sites=[site])
    works.hourly("e1", "2026-01-05T00:00:00", [float(h % 24) for h in range(96)])
    works.run()
    works.registry.import_sheets({"sites": [{**site, "timezone": "Asia/Urumqi"}]})
    works.run()
    days = works.rows("total", id="e1", period="day", item="all")
    starts = [instant("2026-01-05T02:00:00") + DAY * d for d in range(-1, 4)]  # midnight in Urumqi is 02:00 in Beijing
    assert days.time[:5].tolist() == starts
    assert set(np.diff(days.time).tolist()) == {DAY}  # nor is a silent day left that begins in Shanghai
    assert days.fields["amount"][:5].tolist() == [1.0, 276.0, 276.0, 276.0, 275.0]


def test_each_of_two_corrections_reaches_as_far_as_it_does_alone(works: Works) -> None:
    works.estate(meter("e1"))
    payload = {"per_hour": 11.0, "stuck_s": 6.0 * HOUR, "n_increments": 100}
    works.registry.save_models([FittedModel.of("e1", "register_profile", start=0, end=1, payload=payload)])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 69)  # until 21:00 on the 7th, then a gap
    still = [2.0] * 5 + [0.0] * 23  # from 05:00 on the 9th to 04:00 on the 10th: stuck
    works.hourly("e1", "2026-01-09T00:00:00", still, start=200.0)
    works.run()
    assert np.isnan(works.total("e1", "day", "2026-01-10T00:00:00")["amount"])
    first, second = instant("2026-01-07T20:30:00"), instant("2026-01-09T23:30:00")
    works.registry.corrections.put(
        [
            Correction("e1", first, first + 1, "reading", "li", 1, "现场读数", 137.0),
            Correction("e1", second, second + 1, "reading", "li", 2, "误读", 956.0),  # splits the standstill in two
        ]
    )
    works.run()
    assert works.total("e1", "day", "2026-01-10T00:00:00")["amount"] == 0.0  # four and a half hours are believed


def test_the_coverage_of_yesterday_stays_told_when_only_a_thermometer_was_heard(works: Works) -> None:
    room = {
        "id": "t1", "institution": "school", "quantity": "temperature", "unit": "degC", "interval_s": HOUR,
        "place": "building:b1",
    }  # fmt: skip
    works.estate(meter("e1"), sensors=[room])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 30)
    works.run(now="2026-01-06T06:00:00")
    works.read("t1", [instant("2026-01-06T06:00:00")], [20.0])
    works.run(now="2026-01-06T07:00:00")
    assert works.rows("meter_status", meter="e1").fields["coverage_day"].tolist() == [1.0]


def test_the_first_amount_of_a_meter_counts_on_the_day_it_speaks_of(works: Works) -> None:
    works.estate(meter("e1", value_kind="amount", digits=""))
    times = instant("2026-01-01T00:00:00") + HOUR * np.arange(5)
    works.read("e1", times.tolist(), [7.0, 1.0, 1.0, 1.0, 1.0])
    works.run(now="2026-01-01T04:00:00")
    assert works.total("e1", "day", "2025-12-31T00:00:00")["amount"] == 7.0
    assert works.total("school", "year", "2025-01-01T00:00:00")["amount"] == 7.0
    assert works.total("school", "year", "2026-01-01T00:00:00")["amount"] == 4.0


@pytest.mark.parametrize(("wrong", "right"), [(1, 100), (100, 1)])
def test_a_ratio_that_was_wrong_moves_the_limits_of_its_meter_too(works: Works, wrong: int, right: int) -> None:
    works.estate(meter("e1", ct_ratio=wrong))
    register = works.hourly("e1", "2026-01-01T00:00:00", [5.0] * 24 * 40)
    works.run(now="2026-02-10T01:00:00")
    assert works.registry.models("register_profile")["e1"].json()["per_hour"] == 5.0 * wrong
    works.registry.import_sheets({"meters": [meter("e1", ct_ratio=right)]})
    jump = instant("2026-02-10T01:00:00") + HOUR * np.arange(4)
    works.read("e1", jump.tolist(), [float(register[-1]) + more for more in (5.0, 3000.0, 15.0, 20.0)])
    works.run(now="2026-02-10T05:00:00")
    assert works.total("e1", "day", "2026-02-09T00:00:00")["amount"] == 24 * 5.0 * right
    assert works.total("e1", "day", "2026-02-10T00:00:00")["amount"] == 4 * 5.0 * right
