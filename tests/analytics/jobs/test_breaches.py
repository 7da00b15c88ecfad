"""Rules that everybody knows by name, from readings to findings: balance, set-points, sister buildings."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from energy.registry.decisions import Finding
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

JANUARY = "2026-01-01T00:00:00"
START = instant(JANUARY)
FAULT = instant("2026-02-10T00:00:00")
NOW = "2026-02-21T00:00:00"
HOURS = 24 * 51
BUSY = np.isin(np.arange(HOURS) % 24, np.arange(8, 18))
AFTER = START + HOUR * np.arange(HOURS) >= FAULT


def findings(works: Works, kind: str) -> list[Finding]:
    return [row for row in works.registry.findings.rows(state="open") if row.kind == kind]


def trees(works: Works, *others: dict[str, object], first: np.ndarray, second: np.ndarray, main: np.ndarray) -> None:
    works.estate(meter("main", building="b1"), meter("a", parent="main"), meter("b", parent="main"), *others)
    for name, used in (("main", main), ("a", first), ("b", second)):
        works.hourly(name, JANUARY, np.round(used, 2).tolist())


def test_a_sub_meter_that_counts_twice_breaks_the_balance_with_its_head_meter(works: Works) -> None:
    used = np.where(BUSY, 20.0, 5.0)  # 270 kWh a day
    trees(works, first=used * np.where(AFTER, 2.0, 1.0), second=used, main=2.1 * used)
    works.run(NOW)
    [row] = findings(works, "balance")
    assert (row.meter, row.start) == ("main", FAULT)
    days = ((row.end or 0) - row.start) / DAY
    assert row.excess == pytest.approx(-270 * days, rel=0.01)  # so much more below the head meter than at it
    evidence = json.loads(row.evidence)
    assert evidence["terms"][0][0] == "balance"
    assert evidence["seen"] == FAULT + DAY  # so much in the night after the first day, less would take three
    assert evidence["kgce"] == pytest.approx((row.excess or 0.0) * 0.1229, rel=1e-3)
    assert "分表多计或总表少计" in row.text_zh
    assert "head meter" in row.text_en


def test_use_that_no_sub_meter_sees_is_what_a_balance_misses(works: Works) -> None:
    used = np.where(BUSY, 20.0, 5.0)
    trees(works, first=used, second=used, main=2.1 * used + np.where(AFTER, 4.0, 0.0))
    works.run(NOW)
    [row] = findings(works, "balance")
    days = ((row.end or 0) - row.start) / DAY
    # By hand: the usual rest is a share of .1 / 2.1 of the head meter, which now shows 96 kWh a day more.
    usual = (2.1 * 270 + 96) * 0.1 / 2.1
    assert row.excess == pytest.approx((0.1 * 270 + 96 - usual) * days, rel=0.01)
    assert "不知去向" in row.text_zh


def test_sub_meters_that_were_never_read_or_are_computed_hide_no_broken_balance(works: Works) -> None:
    used = np.where(BUSY, 20.0, 5.0)
    rest = meter("rest", parent="main", kind="virtual", formula="main - a - b")
    others = [meter("planned", parent="main"), {k: v for k, v in rest.items() if k not in ("digits", "interval_s")}]
    trees(works, *others, first=used * np.where(AFTER, 2.0, 1.0), second=used, main=2.1 * used)
    works.run(NOW)
    assert [(row.meter, row.start) for row in findings(works, "balance")] == [("main", FAULT)]


def test_days_on_which_a_sub_meter_is_silent_break_no_balance(works: Works) -> None:
    used = np.where(BUSY, 20.0, 5.0)
    works.estate(meter("main", building="b1"), meter("a", parent="main"), meter("b", parent="main"))
    n = int(np.flatnonzero(AFTER)[0])
    works.hourly("main", JANUARY, (2.1 * used).tolist())
    works.hourly("a", JANUARY, used.tolist())
    works.hourly("b", JANUARY, used[:n].tolist())
    works.run(NOW)
    assert findings(works, "balance") == []


def test_a_load_switched_on_below_a_sub_meter_is_use_and_breaks_no_balance(works: Works) -> None:
    used = np.where(BUSY, 20.0, 5.0)
    more = used + np.where(AFTER, 20.0, 0.0)
    trees(works, first=more, second=used, main=used + more + 40.0)  # half of the whole is seen by no sub-meter
    works.run(NOW)
    assert findings(works, "balance") == []


def test_water_that_runs_at_night_is_told_of_a_meter_without_a_year_before(works: Works) -> None:
    works.estate(meter("w1", category="water", unit="m3"))
    used = np.where(BUSY, 3.0, 0.5) * np.random.default_rng(2).normal(1, 0.05, HOURS) + np.where(AFTER, 1.0, 0.0)
    works.hourly("w1", JANUARY, np.round(used, 2).tolist())
    works.run(NOW)
    [row] = findings(works, "night_flow")
    days = ((row.end or 0) - row.start) / DAY
    assert row.start == FAULT
    assert row.excess == pytest.approx(24 * days, rel=0.1)
    assert "m³/h" in row.text_en


def rooms(works: Works, *, outside: float | None, inside: np.ndarray, **sheets: list[dict[str, object]]) -> None:
    tariff = {"component": "energy", "price_yuan": 0.6, "unit": "yuan/kWh", "source": "测试"}
    sensor = {"institution": "court", "quantity": "temperature", "unit": "degC", "interval_s": HOUR}
    works.estate(
        meter("e1", institution="court", building="b2"),
        sensors=[
            {**sensor, "id": "wx", "place": "region:990101"},
            {**sensor, "id": "room", "place": "building:b2"},
        ],
        tariffs=[{"tariff": "t", **tariff}],
        tariff_uses=[{"scope": "institution", "id": "court", "category": "electricity", "tariff": "t"}],
        **sheets,
    )
    times = [START + h * HOUR for h in range(HOURS)]
    if outside is not None:
        works.read("wx", times, [outside + 0.1 * (h % 24) for h in range(HOURS)])
    works.read("room", times, inside.tolist())
    works.hourly("e1", JANUARY, [2.0] * HOURS)
    works.run(NOW)


def test_a_room_heated_beyond_twenty_degrees_is_one_finding_over_weekends(works: Works) -> None:
    rooms(works, outside=-3.0, inside=np.where(AFTER, 23.0, 19.5))
    [row] = findings(works, "set_point")
    assert (row.meter, row.unit, row.excess) == ("e1", "°C", 3.0)
    assert row.start == FAULT
    assert json.loads(row.evidence)["also"] == ["room"]
    assert "23 °C" in row.text_zh
    assert row.excess_yuan is None  # a degree is no kilowatt-hour, whatever the meter pays for those


def test_a_warm_room_outside_the_heating_season_breaks_no_rule(works: Works) -> None:
    rooms(works, outside=12.0, inside=np.full(HOURS, 23.0))
    assert findings(works, "set_point") == []


def test_without_an_outdoor_temperature_rooms_are_judged_in_the_stated_heating_season_alone(works: Works) -> None:
    season = {"scope": "region", "id": "990101", "begins": "11-15", "ends": "02-14", "source": "测试"}
    inside = np.where(AFTER, 23.0, 19.5)
    rooms(works, outside=None, inside=inside, heating_seasons=[{**season, "confidence": "sure"}])
    [row] = findings(works, "set_point")
    assert (row.start, row.end) == (FAULT, instant("2026-02-15T00:00:00"))  # Saturday 14th is worked (调休)
    assert row.excess == 3.0


def test_without_any_season_stated_no_room_is_judged_without_an_outdoor_temperature(works: Works) -> None:
    rooms(works, outside=None, inside=np.full(HOURS, 23.0))
    assert findings(works, "set_point") == []


def offices(works: Works, tiers: Sequence[str] = ("县级",) * 6) -> list[str]:
    """Offices of these tiers, each a building of 1,000 m2 with its meter."""
    names = [f"o{i}" for i in range(len(tiers))]
    works.estate(
        *(meter(f"{n}.e", institution=n, building=f"{n}.b") for n in names),
        institutions=[
            {"id": n, "name_zh": n, "region": "990101", "type": "01", "tier": t}
            for n, t in zip(names, tiers, strict=True)
        ],
        buildings=[{"id": f"{n}.b", "institution": n, "name_zh": "楼"} for n in names],
        denominators=[
            {"scope": "building", "id": f"{n}.b", "kind": "floor_area", "value": 1000, "unit": "m2"} for n in names
        ],
    )
    return names


def test_a_building_far_above_its_sisters_is_named_when_a_month_has_ended(works: Works) -> None:
    for i, name in enumerate(offices(works)):
        works.hourly(f"{name}.e", JANUARY, [10.0 + 0.1 * i + (20.0 if i == 3 else 0.0)] * HOURS)
    works.run(NOW)
    [row] = findings(works, "sister")
    assert (row.institution, row.meter) == ("o3", "o3.e")
    assert (row.start, row.end) == (START, instant("2026-02-01T00:00:00"))
    usual = (10.2 + 10.4) / 2 * 24 * 31  # the middle of 10, 10.1, 10.2, 10.4, 10.5 and 30.3, as a geometric mean
    assert row.excess == pytest.approx(30.3 * 24 * 31 - usual, rel=0.001)
    assert json.loads(row.evidence)["seen"] == instant("2026-02-01T00:00:00")
    works.run(NOW, since=START, institutions=["o1"])
    assert [f.state for f in works.registry.findings.rows() if f.kind == "sister"] == ["open"]


def test_sisters_whose_months_begin_earlier_are_held_against_each_other_too(works: Works) -> None:
    names = offices(works)
    works.registry.import_sheets(
        {"sites": [{"id": "s5", "institution": "o5", "name_zh": "院", "timezone": "Asia/Tokyo"}]}
    )
    for i, name in enumerate(names):
        works.hourly(f"{name}.e", JANUARY, [10.0 + 0.1 * i + (20.0 if i == 3 else 0.0)] * HOURS)
    works.run(NOW)
    [row] = findings(works, "sister")
    assert (row.institution, row.start, row.end) == ("o3", START, instant("2026-02-01T00:00:00"))


def test_a_building_above_its_sisters_in_two_months_of_three_is_one_finding_that_goes_on(works: Works) -> None:
    months = [("2026-01-01T00:00:00", 31, 20.0), ("2026-02-01T00:00:00", 28, 3.0), ("2026-03-01T00:00:00", 31, 20.0)]
    names, shown = offices(works), dict.fromkeys(range(6), 0.0)
    for first, days, more in months:
        for i, name in enumerate(names):
            used = [10.0 + 0.1 * i + (more if i == 3 else 0.0)] * (24 * days)
            works.hourly(f"{name}.e", first, used, start=shown[i])
            shown[i] += sum(used)
        works.run(f"2026-0{int(first[6]) + 1}-02T00:00:00")
    [row] = works.registry.findings.rows()
    assert (row.kind, row.state) == ("sister", "open")
    assert (row.start, row.end) == (START, instant("2026-04-01T00:00:00"))
    # 10.3 + 20 in January and March, 10.3 + 3 in February, beside the middle of its sisters in all of them
    used, usual = 24 * (30.3 * 62 + 13.3 * 28), 24 * 90 * 10.3
    assert row.excess == pytest.approx(used - usual, rel=0.001)
    assert json.loads(row.evidence)["seen"] == instant("2026-02-01T00:00:00")


def with_usual(works: Works, usual: float) -> None:
    """Six unlike offices, two months; the fourth uses `usual` kWh an hour in January and 50 in February."""
    shown = dict.fromkeys(offices(works), 0.0)
    for first, days, fourth in (("2026-01-01T00:00:00", 31, usual), ("2026-02-01T00:00:00", 28, 50.0)):
        for name, level in zip(shown, (6.0, 8.0, 10.0, fourth, 12.0, 14.0), strict=True):
            works.hourly(f"{name}.e", first, [level] * (24 * days), start=shown[name])
            shown[name] += level * 24 * days
    works.run("2026-03-02T00:00:00")


def test_a_building_that_always_used_much_more_than_its_sisters_does_not_stand_out_by_a_little_more(
    works: Works,
) -> None:
    # limit of the group: 3.5 x 1.4826 x (ln(14 / 10.95) + ln(10.95 / 8)) / 2 = ln 4.3, which 50 passes and 42 does not
    with_usual(works, 42.0)
    assert findings(works, "sister") == []


def test_only_what_a_building_uses_beyond_its_usual_share_of_its_sisters_use_is_its_excess(works: Works) -> None:
    with_usual(works, 30.0)
    [row] = findings(works, "sister")
    assert row.start == instant("2026-02-01T00:00:00")
    assert row.excess == pytest.approx((50.0 - 30.0) * 24 * 28, rel=1e-6)


def test_a_building_is_held_only_against_the_narrowest_group_that_is_large_enough(works: Works) -> None:
    # five city offices use three times what the others do; the only provincial one is held against all of them
    names = offices(works, ("县级",) * 6 + ("市级",) * 5 + ("省级",))
    for i, name in enumerate(names):
        works.hourly(f"{name}.e", JANUARY, [(10.0 if i < 6 else 30.0 if i < 11 else 80.0) + 0.1 * i] * HOURS)
    works.run(NOW)
    assert [row.institution for row in findings(works, "sister")] == []
