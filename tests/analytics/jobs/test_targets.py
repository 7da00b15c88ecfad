"""Targets in the registry, totals in the store: progress by day, stages raised once and withdrawn visibly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from energy.registry.decisions import Stage
from energy.series import Table
from tests.analytics.jobs.conftest import Works, instant, meter

MANUAL = meter("m1", kind="manual", digits=None, interval_s=86_400)


def bills(first: date, last: date, per_day: float) -> list[dict[str, object]]:
    """A bill for each month at a steady use."""
    rows, day = [], first
    while day <= last:
        end = min((day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1), last)
        rows.append(
            {
                "meter": "m1",
                "first_day": day.isoformat(),
                "last_day": end.isoformat(),
                "amount": per_day * ((end - day).days + 1),
                "unit": "kWh",
            }
        )
        day = end + timedelta(days=1)
    return rows


def target(value: float, **columns: object) -> dict[str, object]:
    return {
        "scope": "institution",
        "id": "school",
        "year": 2026,
        "indicator": "electricity_per_area",
        "caliber": "physical",
        "state": "issued",
        "value": value,
        "document": "示例〔2026〕1号",
        **columns,
    }


AREA = {"scope": "institution", "id": "school", "kind": "floor_area", "value": 100, "unit": "m2"}


def world(works: Works, value: float = 36.5, **columns: object) -> None:
    """10 kWh a day on 100 m2 since 2024: 36.5 kWh/m2 a year."""
    works.estate(
        MANUAL,
        bills=bills(date(2024, 1, 1), date(2026, 8, 31), 10.0),
        denominators=[AREA],
        targets=[target(value, **columns)],
    )


def row(found: Table, when: str) -> Mapping[str, float]:
    at = np.flatnonzero(found.time == instant(when))
    assert len(at) == 1
    return {name: float(values[at[0]]) for name, values in found.fields.items()}


def stages(works: Works) -> Sequence[Stage]:
    return works.registry.stages.rows(id="school")


def test_a_year_on_plan(works: Works) -> None:
    world(works)
    works.run(now="2026-09-01T06:00:00")
    found = works.rows("target", id="school")
    assert len(found) == 243  # the days gone by
    last = row(found, "2026-08-31T00:00:00")
    assert last["target"] == 36.5
    assert last["used"] == pytest.approx(24.3)
    assert last["used_share"] == pytest.approx(24.3 / 36.5)
    assert last["expected_share"] == pytest.approx(243 / 365, abs=0.005)
    assert last["coverage"] == 1.0
    assert last["stage"] == 0.0
    assert last["forecast"] == pytest.approx(36.5, rel=0.01)
    assert last["forecast_low"] < 36.5 < last["forecast_high"]
    assert stages(works) == []


def test_stages_are_raised_once_each_on_their_day(works: Works) -> None:
    world(works, value=25.0)
    works.run(now="2026-09-01T06:00:00")
    works.run(now="2026-09-01T08:00:00")
    found = stages(works)
    assert [(stage.stage, stage.withdrawn) for stage in found] == [(0.8, None), (0.9, None)]
    # 20 kWh/m2 after 200 days: the 19th of July, raised at its end
    raised = date(2026, 1, 1) + timedelta(days=200)
    assert abs(found[0].raised - instant(f"{raised.isoformat()}T00:00:00")) <= 2 * 86_400  # workdays use a little more
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    assert (last["stage"], last["outlook"]) == (0.9, 3.0)
    breach = date(2026, 1, 1) + timedelta(days=250)
    assert abs(last["breach_ms"] / 1000 - instant(f"{breach.isoformat()}T00:00:00")) <= 2 * 86_400


def test_a_corrected_bill_withdraws_a_stage_and_a_later_one_raises_it_again(works: Works) -> None:
    world(works, value=25.0)
    works.run(now="2026-09-01T06:00:00")
    wrong = bills(date(2026, 8, 1), date(2026, 8, 31), 10.0)
    works.registry.import_sheets({"bills": [{**wrong[0], "amount": 20.0}]})
    works.run(now="2026-09-02T06:00:00")
    found = stages(works)
    assert [(stage.stage, stage.withdrawn, stage.reason) for stage in found] == [
        (0.8, None, "reached"),
        (0.9, instant("2026-09-02T06:00:00"), "corrected"),
    ]
    works.registry.import_sheets({"bills": wrong})
    works.run(now="2026-09-02T07:00:00")
    assert [(stage.stage, stage.withdrawn is None) for stage in stages(works)] == [
        (0.8, True),
        (0.9, False),
        (0.9, True),
    ]


def test_a_new_target_is_followed_without_new_data(works: Works) -> None:
    world(works)
    works.run(now="2026-09-01T06:00:00")
    works.registry.import_sheets({"targets": [target(24.0)]})
    works.run(now="2026-09-01T07:00:00")
    assert [stage.stage for stage in stages(works)] == [0.8, 0.9, 1.0]


def test_a_proposal_nobody_approved_raises_nothing(works: Works) -> None:
    world(works, value=20.0, state="proposed", document="")
    works.run(now="2026-09-01T06:00:00")
    assert len(works.rows("target", id="school")) == 0
    works.registry.import_sheets(
        {"targets": [target(20.0, state="proposed", document="", approved_by="张三")]},
    )
    works.run(now="2026-09-01T07:00:00")
    assert [stage.stage for stage in stages(works)] == [0.8, 0.9, 1.0]


def test_a_target_that_counts_no_more_takes_its_stages_and_rows_along(works: Works) -> None:
    world(works, value=25.0, state="proposed", document="", approved_by="张三")
    works.registry.import_sheets({"targets": [target(3650.0, scope="region", id="990101", indicator="energy",
                                                     caliber="gb2589_equivalent_value")]})  # fmt: skip
    works.run(now="2026-09-01T06:00:00")
    assert [stage.withdrawn for stage in stages(works)] == [None, None]
    works.registry.import_sheets({"targets": [target(25.0, state="proposed", document="", approved_by="")]})
    works.run(now="2026-09-02T06:00:00")
    end = instant("2026-09-02T06:00:00")
    assert [(stage.stage, stage.withdrawn, stage.reason) for stage in stages(works)] == [
        (0.8, end, "corrected"),
        (0.9, end, "corrected"),
    ]
    assert len(works.rows("target", id="school")) == 0
    assert len(works.rows("target", id="990101")) == 244  # others stay
    works.run(now="2026-09-03T06:00:00")
    assert {stage.withdrawn for stage in stages(works)} == {end}


def test_a_target_of_nothing_is_passed_by_the_first_use_and_not_before(works: Works) -> None:
    works.estate(
        MANUAL,
        bills=[*bills(date(2024, 1, 1), date(2026, 3, 31), 0.0), *bills(date(2026, 4, 1), date(2026, 8, 31), 1.0)],
        denominators=[AREA],
        targets=[target(0.0)],
    )
    works.run(now="2026-04-01T06:00:00")
    assert stages(works) == []
    last = row(works.rows("target", id="school"), "2026-03-31T00:00:00")
    assert (last["used"], last["stage"], last["outlook"]) == (0.0, 0.0, 1.0)
    assert np.isnan(last["used_share"])
    works.run(now="2026-09-01T06:00:00")
    first_use = instant("2026-04-02T00:00:00")
    assert [(stage.stage, stage.raised) for stage in stages(works)] == [(s, first_use) for s in (0.8, 0.9, 1.0)]
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    assert (last["stage"], last["outlook"]) == (1.0, 3.0)
    assert np.isnan(last["used_share"])


def test_missing_bills_leave_the_stage_unknown_but_reached_is_reached(works: Works) -> None:
    world(works, value=36.5)
    works.run(now="2026-11-01T06:00:00")  # bills end with August
    last = row(works.rows("target", id="school"), "2026-10-31T00:00:00")
    assert np.isnan(last["stage"])
    assert last["coverage"] == pytest.approx(243 / 304)
    assert last["used"] == pytest.approx(24.3)
    assert last["forecast"] == pytest.approx(36.5, rel=0.01)
    works.registry.import_sheets({"targets": [target(25.0)]})
    works.run(now="2026-11-01T07:00:00")
    assert [stage.stage for stage in stages(works)] == [0.8, 0.9]


def test_without_floor_area_or_history_nothing_is_guessed(works: Works) -> None:
    works.estate(MANUAL, bills=bills(date(2026, 1, 1), date(2026, 8, 31), 10.0), targets=[target(20.0)])
    works.run(now="2026-09-01T06:00:00")
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    for name in ("used", "stage", "forecast", "expected_share"):
        assert np.isnan(last[name]), name
    works.registry.import_sheets({"denominators": [AREA]})
    works.run(now="2026-09-01T07:00:00")
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    assert last["used"] == pytest.approx(24.3)
    assert np.isnan(last["forecast"])
    assert last["outlook"] == 3.0  # 24.3 of 20 is over, whatever comes


def test_a_target_in_standard_coal_counts_by_its_caliber(works: Works) -> None:
    world(works, value=5.0, indicator="energy_per_area", caliber="gb2589_equivalent_value")
    works.run(now="2026-09-01T06:00:00")
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    assert last["used"] == pytest.approx(24.3 * 0.1229)


def test_a_region_is_followed_as_an_institution_is(works: Works) -> None:
    world(works, value=3650.0, scope="region", id="990101", indicator="energy", caliber="gb2589_equivalent_value")
    works.run(now="2026-09-01T06:00:00")
    last = row(works.rows("target", id="990101"), "2026-08-31T00:00:00")
    assert last["used"] == pytest.approx(2430 * 0.1229)


def test_a_second_run_writes_nothing(works: Works) -> None:
    world(works, value=25.0)
    works.run(now="2026-09-01T06:00:00")
    again = works.run(now="2026-09-01T06:00:00")
    assert again.written.get("target", 0) == again.deleted.get("target", 0) == 0


def test_stages_are_where_the_settings_put_them(works: Works) -> None:
    world(works, value=25.0)
    works.run(now="2026-09-01T06:00:00")
    works.run(now="2026-09-01T07:00:00", stages=(0.5, 0.75, 0.95))
    standing = [(stage.stage, stage.withdrawn is None) for stage in stages(works)]
    assert standing == [(0.5, True), (0.75, True), (0.8, False), (0.9, False), (0.95, True)]
    assert row(works.rows("target", id="school"), "2026-08-31T00:00:00")["stage"] == 0.95


def paper(name: str, **columns: object) -> dict[str, object]:
    return meter(name, kind="manual", digits=None, interval_s=86_400, **columns)


def of_2026(name: str, per_day: float, unit: str = "kWh", first: date = date(2026, 1, 1)) -> dict[str, object]:
    """One bill from a day to the end of August."""
    days = (date(2026, 9, 1) - first).days
    return {
        "meter": name,
        "first_day": first.isoformat(),
        "last_day": "2026-08-31",
        "amount": per_day * days,
        "unit": unit,
    }


def use_until_september(works: Works, **columns: object) -> Mapping[str, float]:
    works.estate(
        paper("main"),
        paper("boiler", item="B1F", parent="main"),
        paper("servers", item="D1", parent="main"),
        paper("heat", category="heat", unit="GJ"),
        paper("petrol", category="gasoline", unit="L"),
        bills=[
            of_2026("main", 100.0),
            of_2026("boiler", 20.0),
            of_2026("servers", 10.0),
            of_2026("heat", 1.0, "GJ"),
            of_2026("petrol", 5.0, "L"),
        ],
        denominators=[AREA, {**AREA, "kind": "heated_area", "value": 50}],
        targets=[target(1000.0, **columns)],
    )
    works.run(now="2026-09-01T06:00:00")
    return row(works.rows("target", id="school"), "2026-08-31T00:00:00")


@pytest.mark.parametrize(
    ("indicator", "caliber", "per_day"),
    [
        # (100 - 20) kWh x .31 kgce/kWh / 100 m2; neither purchased heat nor vehicle fuel
        ("nonheating_energy_per_area", "sd_2019", 0.248),
        # (100 - 20 - 10) kWh / 100 m2
        ("conventional_electricity_per_area", "physical", 0.7),
        # (20 kWh x .31 + 1 GJ x 34.12) / 50 m2
        ("heating_energy_per_heated_area", "sd_2019", 0.8064),
    ],
)
def test_a_target_counts_what_its_indicator_counts(works: Works, indicator: str, caliber: str, per_day: float) -> None:
    last = use_until_september(works, indicator=indicator, caliber=caliber)
    assert last["used"] == pytest.approx(243 * per_day)
    assert last["coverage"] == 1.0


def test_what_came_into_service_in_the_year_has_no_part_before(works: Works) -> None:
    works.estate(
        paper("main"),
        paper("gas", category="gas", unit="m3", active_from="2026-06-01"),
        bills=[of_2026("main", 100.0), of_2026("gas", 10.0, "m3", date(2026, 6, 1))],
        denominators=[AREA],
        targets=[target(1000.0, indicator="energy_per_area", caliber="sd_2019")],
    )
    works.run(now="2026-09-01T06:00:00")
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    # (243 days x 100 kWh x .31 + 92 days x 10 m3 x 1.2143) / 100 m2
    assert last["used"] == pytest.approx((243 * 31 + 92 * 12.143) / 100)
    assert last["coverage"] == 1.0


def test_a_day_whose_heating_nobody_knows_is_not_known(works: Works) -> None:
    works.estate(
        paper("main"),
        paper("boiler", item="B1F", parent="main"),
        bills=[
            of_2026("main", 100.0),
            {**of_2026("boiler", 20.0), "last_day": "2026-01-31", "amount": 620.0},
            of_2026("boiler", 20.0, first=date(2026, 7, 2)),
        ],
        denominators=[AREA],
        targets=[target(1000.0, indicator="nonheating_energy_per_area", caliber="sd_2019")],
    )
    works.run(now="2026-09-01T06:00:00")
    last = row(works.rows("target", id="school"), "2026-08-31T00:00:00")
    assert last["used"] == pytest.approx(92 * 0.248, rel=0.02)  # workdays use a little more
    assert last["coverage"] == pytest.approx(92 / 243)
    assert np.isnan(last["stage"])
