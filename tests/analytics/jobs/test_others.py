"""What others use behind a meter of their own: left out of the institution's figures, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.bills import Cause
from analytics.jobs.audits import judged_bills
from tests.analytics.jobs.conftest import Works, instant, meter

FIRST, SECOND = "2026-01-05T00:00:00", "2026-01-06T00:00:00"
JANUARY = "2026-01-01T00:00:00"
SHOP = meter("shop", parent="main", used_by="others")
AREA = {"scope": "institution", "id": "school", "kind": "floor_area", "value": 100, "unit": "m2"}
FLAT = {"tariff": "t1", "component": "energy", "price_yuan": 0.5, "unit": "yuan/kWh", "source": "notice"}
PAYS = {"scope": "institution", "id": "school", "category": "electricity", "tariff": "t1"}


def let(works: Works, **sheets: list[dict[str, object]]) -> None:
    """A main of 10 kWh/h with a shop of 3 and servers of 4 behind it, for two days: 168 of 240 kWh are its own."""
    works.estate(meter("main"), SHOP, meter("servers", parent="main", item="D1"), denominators=[AREA], **sheets)
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [3.0] * 48)
    works.hourly("servers", FIRST, [4.0] * 48)
    works.run()


def test_the_whole_is_without_others_and_the_meters_stay(works: Works) -> None:
    let(works)
    for name in ("school", "990101", "990000"):
        assert works.total(name, "day", SECOND)["amount"] == 168.0, name
        assert works.total(name, "month", JANUARY)["amount"] == 336.0, name
        assert works.total(name, "year", JANUARY)["amount"] == 336.0, name
        assert works.total(name, "day", SECOND)["coverage"] == 1.0, name
    assert works.total("school", "day", SECOND, item="D1")["amount"] == 96.0
    assert works.total("school", "day", SECOND, item="unallocated")["amount"] == 72.0  # 240 - 72 - 96
    assert works.total("main", "day", SECOND)["amount"] == 240.0
    assert works.total("shop", "day", SECOND)["amount"] == 72.0
    assert works.total("main", "day", SECOND, item="unallocated")["amount"] == 72.0


def test_indicators_and_the_shape_of_a_day_follow(works: Works) -> None:
    let(works)

    def of_month(indicator: str) -> float:
        found = works.rows("indicator", id="school", period="month", indicator=indicator)
        return float(found.fields["value"][found.time == instant(JANUARY)][0])

    assert of_month("electricity_per_area") == pytest.approx(3.36)
    assert of_month("conventional_electricity_per_area") == pytest.approx(1.44)  # the servers are special use
    assert of_month("nonheating_energy_per_area") == pytest.approx(3.36 * 0.31)
    shape = works.rows("day_profile", id="school", scope="institution")
    assert [float(shape.fields[name][0]) for name in shape.fields] == [7.0] * 24


def test_targets_count_what_the_institution_uses(works: Works) -> None:
    target = {
        "scope": "institution", "id": "school", "year": 2026, "indicator": "electricity_per_area",
        "caliber": "physical", "state": "issued", "value": 5.0, "document": "示例〔2026〕1号",
    }  # fmt: skip
    let(works, targets=[target])
    rows = works.rows("target", id="school")
    at = np.flatnonzero(rows.time == instant(SECOND))[0]
    assert rows.fields["used"][at] == pytest.approx(3.36)
    assert works.registry.stages.rows(id="school") == []  # with the shop it were 4.8 of 5: two stages


def test_what_others_used_costs_the_mean_price_of_the_meter_that_holds_it(works: Works) -> None:
    let(works, tariffs=[FLAT, {**FLAT, "component": "fixed", "price_yuan": 60.0, "unit": "yuan/month"}],
        tariff_uses=[PAYS])  # fmt: skip
    assert works.total("main", "day", SECOND)["cost_yuan"] == pytest.approx(120.0)
    assert works.total("school", "day", SECOND)["cost_yuan"] == pytest.approx(84.0)  # 168 of 240 kWh
    assert works.total("main", "month", JANUARY)["cost_yuan"] == pytest.approx(300.0)  # 240 and the 60 of the month
    assert works.total("school", "month", JANUARY)["cost_yuan"] == pytest.approx(210.0)  # 336 of 480 kWh


def test_a_cost_that_is_a_bound_stays_one(works: Works) -> None:
    demand = {**FLAT, "component": "demand", "price_yuan": 6.0, "unit": "yuan/kW"}
    let(works, tariffs=[FLAT, demand], tariff_uses=[PAYS])  # hourly means tell a demand of at least 10 kW
    month = works.total("school", "month", JANUARY)
    assert (month["cost_yuan"], month["cost_note"]) == (pytest.approx(210.0), 1.0)


def test_unknown_use_of_others_leaves_the_whole_unknown(works: Works) -> None:
    works.estate(meter("main", active_from="2026-01-05"), {**SHOP, "active_from": "2026-01-05"}, meter("other"))
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [3.0] * 24)
    works.run(now="2026-01-07T00:00:00")
    assert works.total("school", "day", FIRST)["amount"] == 168.0
    second = works.total("school", "day", SECOND)
    assert np.isnan(second["amount"])
    assert second["coverage"] == pytest.approx(1 / 3)  # of main, shop and the other meter one was heard
    works.hourly("other", SECOND, [1.0] * 24)
    works.run(now="2026-01-07T00:00:00")
    second = works.total("school", "day", SECOND)
    assert (second["amount"], second["coverage"]) == (
        24.0,
        pytest.approx(2 / 3),
    )  # what is left of the main is not known


def test_before_the_meter_of_others_was_there_its_use_stays_in(works: Works) -> None:
    works.estate(meter("main"), SHOP)
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", SECOND, [3.0] * 24)
    works.run(now="2026-01-07T00:00:00")
    assert works.total("school", "day", FIRST)["amount"] == 240.0
    assert works.total("school", "day", FIRST)["coverage"] == 1.0
    assert works.total("school", "day", SECOND)["amount"] == 168.0
    assert works.total("school", "month", JANUARY)["amount"] == 408.0
    shape = works.rows("day_profile", id="school", scope="institution")
    assert shape.fields["h12"].tolist() == [10.0, 7.0]


def test_an_earlier_reading_that_comes_late_tells_since_when_others_are_metered(works: Works) -> None:
    works.estate(meter("main"), SHOP)
    works.hourly("main", FIRST, [10.0] * 72)
    works.hourly("shop", "2026-01-07T00:00:00", [3.0] * 24, start=144.0)
    works.run(now="2026-01-08T00:00:00")
    assert works.total("school", "day", SECOND)["amount"] == 240.0
    works.read("shop", [instant(FIRST)], [0.0])
    works.run(now="2026-01-08T00:00:00")
    assert np.isnan(works.total("school", "day", SECOND)["amount"])  # nobody knows when the shop used its 144 kWh
    assert works.total("school", "month", JANUARY)["amount"] == 504.0  # 720 less 216


def test_a_day_stated_says_since_when_others_use_it(works: Works) -> None:
    works.estate(meter("main"), {**SHOP, "active_from": "2026-01-06"})
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [3.0] * 48)
    works.run()
    assert works.total("school", "day", FIRST)["amount"] == 240.0
    assert works.total("school", "month", JANUARY)["amount"] == 408.0  # 480 less 72 of one day


def test_a_root_meter_of_others_is_not_counted(works: Works) -> None:
    works.estate(meter("main", building="b1"), meter("pile", building="b1", used_by="others"))
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("pile", FIRST, [50.0] * 48)
    works.run()
    for name in ("b1", "school", "990000"):
        assert works.total(name, "day", SECOND)["amount"] == 240.0, name
    assert works.total("pile", "day", SECOND)["amount"] == 1200.0


def test_stating_it_later_computes_the_past_anew_and_taking_it_back_too(works: Works) -> None:
    works.estate(meter("main", building="b1"), {**SHOP, "used_by": "", "building": "b1"})
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [3.0] * 48)
    works.run()
    for used_by, amount in (("", 240.0), ("others", 168.0), ("self", 240.0)):
        works.registry.import_sheets({"meters": [{"id": "shop", "used_by": used_by}]})
        works.run()
        for name in ("b1", "school", "990000"):
            assert works.total(name, "day", SECOND)["amount"] == amount, (name, used_by)
            assert works.total(name, "month", JANUARY)["amount"] == 2 * amount, (name, used_by)


def test_a_building_wholly_let_has_no_figures(works: Works) -> None:
    works.estate(meter("main"), {**SHOP, "building": "b1", "used_by": ""})
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [3.0] * 48)
    works.run()
    assert works.total("b1", "day", SECOND)["amount"] == 72.0
    works.registry.import_sheets({"meters": [{"id": "shop", "used_by": "others"}]})
    works.run()
    assert works.total("b1", "day", SECOND) == {}
    assert works.total("school", "day", SECOND)["amount"] == 168.0


def test_a_bill_is_without_the_others_it_holds_and_a_main_without_those_behind_it(works: Works) -> None:
    """The bill counts from the 1st to the 4th, the main on the 5th and 6th; the kiosk hangs before the main."""
    works.estate(
        meter("paper", kind="manual", digits=None, interval_s=86_400),
        meter("main", parent="paper"),
        SHOP,
        meter("kiosk", parent="paper", used_by="others"),
        bills=[{"meter": "paper", "first_day": "2026-01-01", "last_day": "2026-01-04", "amount": 400, "unit": "kWh"}],
    )
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("shop", FIRST, [2.0] * 48)
    works.hourly("kiosk", JANUARY, [1.0] * 144)
    works.run(now="2026-01-07T00:00:00")
    assert works.total("school", "day", SECOND)["amount"] == 192.0  # 240 less 48; the kiosk is not behind the main
    assert works.total("school", "month", JANUARY)["amount"] == pytest.approx(400 - 4 * 24 + 480 - 96)
    days = [works.total("school", "day", f"2026-01-0{n}T00:00:00")["amount"] for n in range(1, 7)]
    assert sum(days) == pytest.approx(688.0)


def test_what_was_expected_is_without_others_too(works: Works) -> None:
    works.estate(meter("main"), SHOP)
    works.hourly("main", "2025-01-01T00:00:00", [10.0] * 24 * 433)
    works.hourly("shop", "2025-01-01T00:00:00", [3.0] * 24 * 433)
    works.run(now="2026-03-10T00:00:00")
    for name, amount in (("main", 240.0), ("shop", 72.0), ("school", 168.0), ("990101", 168.0)):
        day = works.total(name, "day", "2026-03-03T00:00:00")
        assert day["expected"] == pytest.approx(amount, rel=0.01), name
        assert day["expected_low"] <= amount <= day["expected_high"], name
        assert day["last_year"] == amount, name


def test_while_others_had_no_meter_what_was_expected_holds_all(works: Works) -> None:
    works.estate(meter("main"), SHOP)
    works.hourly("main", "2025-01-01T00:00:00", [10.0] * 24 * 433)
    works.hourly("shop", "2026-03-09T00:00:00", [3.0] * 24)
    works.run(now="2026-03-10T00:00:00")
    assert works.total("school", "day", "2026-03-03T00:00:00")["expected"] == pytest.approx(240.0, rel=0.01)
    assert np.isnan(works.total("school", "day", "2026-03-09T00:00:00")["expected"])  # nobody knows what the shop does


def test_others_are_no_billing_point_of_the_institution(works: Works) -> None:
    charges = [
        {**FLAT, "component": "fixed", "price_yuan": 60.0, "unit": "yuan/month"},
        {**FLAT, "component": "capacity", "price_yuan": 2.0, "unit": "yuan/kVA"},
    ]
    works.estate(
        meter("main"),
        meter("pile", used_by="others"),
        tariffs=[FLAT, *charges],
        tariff_uses=[{**PAYS, "capacity_kva": 100}],
    )
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("pile", FIRST, [50.0] * 48)
    works.run()
    assert works.total("pile", "month", JANUARY)["cost_yuan"] == pytest.approx(1200.0)
    for name in ("main", "school"):  # 480 kWh, 60 a month, and the capacity of its only billing point
        assert works.total(name, "month", JANUARY)["cost_yuan"] == pytest.approx(240 + 60 + 200), name


def test_a_bill_is_held_against_the_main_and_the_others_it_holds(works: Works) -> None:
    bill = {"meter": "paper", "first_day": "2026-01-05", "last_day": "2026-01-06", "amount": 528, "unit": "kWh"}
    works.estate(
        meter("paper", kind="manual", digits=None, interval_s=86_400),
        meter("main", parent="paper"),
        meter("kiosk", parent="paper", used_by="others"),
        bills=[bill],
    )
    works.hourly("main", FIRST, [10.0] * 48)
    works.hourly("kiosk", FIRST, [1.0] * 48)
    works.run()
    (judged,) = judged_bills(works.store, works.registry, works.registry.snapshot(), "school")
    assert judged.meters == ("main", "kiosk")
    assert judged.amount is not None
    assert judged.amount.cause is Cause.WITHIN
