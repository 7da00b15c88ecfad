"""What days, periods and places cost, from stored intervals, bills and dated tariffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

import numpy as np
import pytest

from analytics.bills import Bill
from analytics.jobs.audits import judged_bills
from analytics.jobs.costs import Costs, period_costs, roll_up_costs, with_nets
from analytics.jobs.day_costs import day_costs
from analytics.jobs.estate import Estate, estates
from analytics.jobs.prices import Books, tariffs_of, versions_of
from analytics.jobs.stepped import Told
from analytics.rollup import Group
from energy.model import Category, CostNote, Scope
from energy.registry.decisions import Tariff as TariffRow
from tests.analytics.jobs.conftest import Works, instant, meter

NAN = np.nan
JANUARY_5 = (date(2026, 1, 5) - date(1970, 1, 1)).days
DAYS = np.arange(JANUARY_5, JANUARY_5 + 3)


def price(yuan: float, **columns: object) -> dict[str, object]:
    return {
        "tariff": "t1",
        "component": "energy",
        "price_yuan": yuan,
        "unit": "yuan/kWh",
        "source": "notice",
        **columns,
    }


def use(tariff: str = "t1", **columns: object) -> dict[str, object]:
    return {"scope": "institution", "id": "school", "category": "electricity", "tariff": tariff, **columns}


PEAK, VALLEY = price(1.0, band="peak", hours="08:00-20:00"), price(0.4, band="valley", hours="20:00-24:00,00:00-08:00")


def school(works: Works) -> Estate:
    found = list(estates(works.registry.snapshot(), ["school"], "Asia/Shanghai"))
    return found[0]


def days_of(
    works: Works, amounts: list[float], bills: Mapping[str, Sequence[Bill]] = MappingProxyType({})
) -> np.ndarray:
    """Cost of three days from 5 January of the only meter."""
    estate = school(works)
    told = Told(np.array([amounts]), np.zeros((1, 3)), lambda _first, _end: np.full(1, NAN))
    return day_costs(Books(works.store, estate, tariffs_of(works.registry, estate), bills), told, DAYS)


def test_hours_cost_their_band(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    found = days_of(works, [48.0, 48.0, NAN])
    # 12 h at 1.0 and 12 h at .4, 2 kWh each
    np.testing.assert_allclose(found, [[33.6, 33.6, NAN]])


def test_what_a_day_used_in_unknown_hours_costs_its_mean(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T08:00:00", [2.0] * 12)
    works.run()
    found = days_of(works, [30.0, 10.0, NAN])
    assert found[0, 0] == pytest.approx(30.0)  # only dear hours are known
    assert found[0, 1] == pytest.approx(10 * 0.7)  # no hour is: the mean of the day's hours


def test_a_meter_without_tariff_costs_nobody_knows_what(works: Works) -> None:
    works.estate(meter("e1"))
    assert tariffs_of(works.registry, school(works)) == {}
    assert np.isnan(days_of(works, [1.0, 1.0, 1.0])).all()


def test_a_meters_own_tariff_comes_before_the_institutions(works: Works) -> None:
    own = use("t2", scope="meter", id="e2")
    works.estate(meter("e1"), meter("e2"), tariffs=[price(0.7), price(0.5, tariff="t2")], tariff_uses=[use(), own])
    paid = tariffs_of(works.registry, school(works))
    assert {name: paying.versions[0].key for name, paying in paid.items()} == {"e1": "t1", "e2": "t2"}


def test_a_bill_that_states_its_money_is_the_cost(works: Works) -> None:
    works.estate(meter("m1", kind="manual", digits=None), tariffs=[price(0.7)], tariff_uses=[use()])
    bills = {"m1": (Bill(JANUARY_5, JANUARY_5 + 3, 100.0, 71.3),)}
    found = days_of(works, [50.0, 30.0, 20.0], bills)
    assert found.sum() == pytest.approx(71.3)
    np.testing.assert_allclose(found, [[35.65, 21.39, 14.26]])
    silent = {"m1": (Bill(JANUARY_5, JANUARY_5 + 3, 100.0),)}
    np.testing.assert_allclose(days_of(works, [50.0, 30.0, 20.0], silent), [[35.0, 21.0, 14.0]])


def test_units_of_tariffs_are_converted(works: Works) -> None:
    heat = price(90.0, unit="yuan/GJ")
    works.estate(meter("h1", category="heat", unit="MWh"), tariffs=[heat], tariff_uses=[use(category="heat")])
    found = days_of(works, [2.0, 0.0, NAN])
    np.testing.assert_allclose(found, [[180.0, 0.0, NAN]])


def row(yuan: float, **columns: object) -> TariffRow:
    return TariffRow("t", "energy", yuan, "yuan/kWh", "notice", **columns)  # type: ignore[arg-type]


def test_rows_make_versions_where_any_of_them_begins_or_ends() -> None:
    rows = [
        row(1.0, hours="08:00-20:00", band="peak", valid_from=date(2025, 1, 1)),
        row(0.4, hours="20:00-08:00", band="valley", valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1)),
        row(0.3, hours="20:00-08:00", band="valley", valid_from=date(2026, 1, 1)),
        TariffRow("t", "demand", 38.0, "yuan/kW", "notice", valid_from=date(2026, 1, 1)),
    ]
    old, new = versions_of("t", rows)
    assert (old.valid_from, old.valid_to, old.demand_yuan) == (date(2025, 1, 1), date(2026, 1, 1), 0.0)
    assert (new.valid_from, new.valid_to, new.demand_yuan) == (date(2026, 1, 1), None, 38.0)
    assert sorted(p.yuan for p in new.prices) == [0.3, 1.0]


def test_months_may_cross_the_end_of_the_year() -> None:
    (version,) = versions_of("t", [row(1.0, months="11-2"), row(0.5, months="3-6,7,8-10")])
    assert version.prices[0].months == frozenset({11, 12, 1, 2})


def test_a_tariff_that_leaves_hours_unpriced_is_refused() -> None:
    with pytest.raises(ValueError, match="no price in month 1 on days 'workday' at 00:00"):
        versions_of("t", [row(1.0, hours="08:00-24:00")])


def test_a_month_pays_its_mean_for_what_its_days_do_not_hold() -> None:
    cost = np.array([[7.0, NAN, 7.0, 5.0]])
    days = np.array([[10.0, NAN, 10.0, 10.0]])
    column = np.array([0, 0, 0, 1])
    found = period_costs(cost, days, np.array([[40.0, 10.0]]), column)
    np.testing.assert_allclose(found, [[28.0, 5.0]])
    nothing = period_costs(np.full((1, 4), NAN), days, np.array([[40.0, NAN]]), column)
    np.testing.assert_array_equal(nothing, [[NAN, NAN]])


def test_places_add_their_meters_and_an_unpriced_one_leaves_them_unknown() -> None:
    cost = np.array([[10.0, 10.0], [4.0, NAN], [NAN, NAN]])
    known = np.array([[True, True], [True, True], [False, False]])
    both = Group(Scope.INSTITUTION, "i", Category.ELECTRICITY, "all", (0, 1))
    with_silent = Group(Scope.INSTITUTION, "i", Category.ELECTRICITY, "all", (0, 2))
    rest = Group(Scope.METER, "m", Category.ELECTRICITY, "unallocated", (0,), (1,))
    costs = (Costs.of(cost), known)
    found = roll_up_costs([both, with_silent, rest], costs, costs)
    np.testing.assert_array_equal(found.yuan, [[14.0, NAN], [10.0, 10.0], [6.0, NAN]])


def test_what_others_used_costs_the_mean_of_the_meters_that_hold_it() -> None:
    net = Group(Scope.METER, "m", Category.ELECTRICITY, "net", (0, 1), (2,))
    cost = np.array([[60.0, 60.0, 8.0, 8.0], [40.0, NAN, 0.0, 0.0], [NAN, NAN, NAN, NAN]])
    amount = np.array([[80.0, 100.0, 0.0, 0.0], [20.0, NAN, 0.0, 0.0], [25.0, 10.0, NAN, 0.0], [75.0, 90.0, NAN, 0.0]])
    found = with_nets([net], Costs.of(cost), amount)
    # 100 yuan for 100 kWh; 60 for 100; unknown others; what is paid although nothing is used
    np.testing.assert_array_equal(found.yuan[3], [75.0, 54.0, NAN, 8.0])


def test_totals_of_every_level_carry_their_cost(works: Works) -> None:
    works.estate(meter("e1", building="b1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    for name in ("e1", "b1", "school", "990101", "990000"):
        assert works.total(name, "day", "2026-01-06T00:00:00")["cost_yuan"] == pytest.approx(33.6), name
        assert works.total(name, "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(67.2), name
        assert works.total(name, "year", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(67.2), name


def test_days_that_come_later_leave_the_others_their_cost(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    works.hourly("e1", "2026-01-07T00:00:00", [1.0] * 24, start=96.0)
    works.run()
    assert works.total("school", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(67.2 + 16.8)
    again = works.run(since=0)
    assert again.written.get("total", 0) == again.deleted.get("total", 0) == 0


def test_a_long_gap_costs_the_mean_of_its_month(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[price(0.5)], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 20)
    works.hourly("e1", "2026-01-07T04:00:00", [2.0] * 20, start=240.0)
    works.run()
    assert works.total("e1", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(140.0)  # 280 kWh
    assert np.isnan(works.total("e1", "day", "2026-01-06T00:00:00")["cost_yuan"])


def test_a_month_of_which_only_the_whole_is_known_costs_its_mean_price(works: Works) -> None:
    works.estate(meter("e1", interval_s=86_400), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    works.read("e1", [instant("2026-01-02T12:00:00"), instant("2026-01-30T12:00:00")], [0.0, 100.0])
    works.run()
    month = works.total("e1", "month", "2026-01-01T00:00:00")
    assert month["amount"] == pytest.approx(100.0)
    assert month["cost_yuan"] == pytest.approx(70.0)  # half the hours at 1.0, half at .4


def test_tiers_count_from_the_first_of_the_month_whenever_its_days_came(works: Works) -> None:
    tiers = [price(0.5), price(1.0, tier_from=60)]
    works.estate(meter("e1"), tariffs=tiers, tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    works.hourly("e1", "2026-01-06T00:00:00", [2.0] * 24, start=48.0)
    works.run()
    # 60 at .5 and 36 at 1.0
    assert works.total("e1", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(66.0)


def test_a_new_price_reaches_old_days_with_the_next_run_of_the_institution(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[price(0.5)], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run(now="2026-03-01T00:00:00")
    works.registry.import_sheets({"tariffs": [price(0.6)]})
    works.run(now="2026-03-02T00:00:00")
    assert works.total("school", "day", "2026-01-05T00:00:00")["cost_yuan"] == pytest.approx(28.8)


def test_a_meter_without_tariff_leaves_the_cost_of_its_place_unknown(works: Works) -> None:
    own = use("t1", scope="meter", id="e1")
    works.estate(meter("e1"), meter("e2"), tariffs=[price(0.5)], tariff_uses=[own])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 24)
    works.hourly("e2", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    assert works.total("e1", "day", "2026-01-05T00:00:00")["cost_yuan"] == pytest.approx(24.0)
    day = works.total("school", "day", "2026-01-05T00:00:00")
    assert np.isnan(day["cost_yuan"])
    assert day["cost_note"] == CostNote.NO_TARIFF


def test_a_broken_tariff_costs_nothing_known_and_stops_nothing(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[price(1.0, hours="08:00-24:00")], tariff_uses=[use()])
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 24)
    works.run()
    assert works.total("e1", "day", "2026-01-05T00:00:00")["amount"] == 48.0
    assert np.isnan(works.total("e1", "day", "2026-01-05T00:00:00")["cost_yuan"])


def charge(component: str, yuan: float) -> dict[str, object]:
    unit = {"demand": "yuan/kW", "capacity": "yuan/kVA", "fixed": "yuan"}[component]
    return {"tariff": "t1", "component": component, "price_yuan": yuan, "unit": unit, "source": "notice"}


def quarters(works: Works, name: str, peak: float) -> None:
    """January and February at 1 kWh a quarter hour (4 kW), but for one of `peak` kWh in January."""
    use = np.ones(96 * 59)
    use[96 * 10 + 40] = peak
    times = np.array([instant("2026-01-01T00:00:00") + 900 * i for i in range(len(use) + 1)])
    works.read(name, times.tolist(), np.concatenate(([0.0], np.cumsum(use))).tolist())


def test_months_and_years_pay_for_demand_capacity_and_themselves(works: Works) -> None:
    tariff = [price(0.5), charge("demand", 40.0), charge("capacity", 20.0), charge("fixed", 10.0)]
    main = meter("e1", interval_s=900, building="b1")
    works.estate(main, meter("e2", parent="e1"), tariffs=tariff, tariff_uses=[use(capacity_kva=100)])
    quarters(works, "e1", 3.0)
    works.run(now="2026-03-01T00:00:00")
    january, february = 2978 * 0.5 + 12 * 40.0 + 100 * 20.0 + 10.0, 2688 * 0.5 + 4 * 40.0 + 100 * 20.0 + 10.0
    for name in ("e1", "b1", "school", "990000"):
        assert works.total(name, "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(january), name
        assert works.total(name, "month", "2026-02-01T00:00:00")["cost_yuan"] == pytest.approx(february), name
        assert works.total(name, "year", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(january + february)
    assert works.total("school", "day", "2026-01-05T00:00:00")["cost_yuan"] == pytest.approx(48.0)
    again = works.run(now="2026-03-01T00:00:00", since=0)
    assert again.written.get("total", 0) == 0


def test_a_tariff_that_changes_within_a_month_prices_its_days_and_charges_from_the_next_month(works: Works) -> None:
    change = "2026-01-16"
    before, after = {"valid_to": change}, {"valid_from": change}
    works.estate(
        meter("e1"),
        tariffs=[
            price(0.5, **before), price(1.0, **after),
            charge("fixed", 10.0) | before, charge("fixed", 20.0) | after,
        ],
        tariff_uses=[use()],
    )  # fmt: skip
    works.hourly("e1", "2026-01-01T00:00:00", [1.0] * 24 * 59)
    works.run(now="2026-03-01T00:00:00")
    # 15 days at .5 and 16 at 1 with the charge that held on the 1st; then 28 days at 1 with the new one
    assert works.total("e1", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(15 * 12 + 16 * 24 + 10)
    assert works.total("e1", "month", "2026-02-01T00:00:00")["cost_yuan"] == pytest.approx(28 * 24 + 20)


def test_a_month_that_is_not_over_has_no_charges_yet(works: Works) -> None:
    works.estate(meter("e1", interval_s=900), tariffs=[price(0.5), charge("demand", 40.0)], tariff_uses=[use()])
    quarters(works, "e1", 3.0)
    works.run(now="2026-02-28T12:00:00")
    assert works.total("e1", "month", "2026-02-01T00:00:00")["cost_yuan"] == pytest.approx(2688 * 0.5)


def test_hours_bound_the_demand_from_below_and_say_so(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[price(0.5), charge("demand", 40.0)], tariff_uses=[use()])
    works.hourly("e1", "2026-01-01T00:00:00", [1.0] * 743 + [3.0])
    works.run(now="2026-02-02T00:00:00")
    # 746 kWh, and at least 3 kW: the highest quarter of an hour of 3 kWh can only be higher
    for name in ("e1", "school", "990000"):
        month = works.total(name, "month", "2026-01-01T00:00:00")
        assert month["cost_yuan"] == pytest.approx(746 * 0.5 + 3 * 40.0), name
        assert month["cost_note"] == CostNote.DEMAND_FROM_LONGER_MEANS, name
        assert works.total(name, "year", "2026-01-01T00:00:00")["cost_note"] == CostNote.DEMAND_FROM_LONGER_MEANS
    day = works.total("e1", "day", "2026-01-05T00:00:00")
    assert day["cost_yuan"] == pytest.approx(12.0)
    assert np.isnan(day["cost_note"])


def test_a_charge_per_kva_is_not_known_where_no_capacity_is_stated(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[price(0.5), charge("capacity", 5.0)], tariff_uses=[use()])
    works.hourly("e1", "2026-01-01T00:00:00", [1.0] * 24 * 31)
    works.run(now="2026-02-03T00:00:00")
    month = works.total("e1", "month", "2026-01-01T00:00:00")
    assert np.isnan(month["cost_yuan"])
    assert month["cost_note"] == CostNote.NO_CAPACITY
    works.registry.import_sheets({"tariff_uses": [use(capacity_kva=30)]})
    works.run(now="2026-02-04T00:00:00")
    month = works.total("e1", "month", "2026-01-01T00:00:00")
    assert month["cost_yuan"] == pytest.approx(744 * 0.5 + 150.0)
    assert np.isnan(month["cost_note"])


def test_a_bill_tells_nothing_of_the_demand(works: Works) -> None:
    row = {"meter": "m1", "first_day": "2026-01-01", "last_day": "2026-01-31", "amount": 100.0, "unit": "kWh"}
    paper = meter("m1", kind="manual", digits=None)
    works.estate(paper, bills=[row], tariffs=[price(0.5), charge("demand", 20.0)], tariff_uses=[use()])
    works.run(now="2026-02-02T00:00:00")
    month = works.total("m1", "month", "2026-01-01T00:00:00")
    assert np.isnan(month["cost_yuan"])
    assert month["cost_note"] == CostNote.NO_DEMAND


def test_the_capacity_of_an_institution_is_nobodys_where_it_has_several_billing_points(works: Works) -> None:
    tariff = [price(0.5), charge("capacity", 5.0)]
    own = use(scope="meter", id="e1", capacity_kva=30)
    works.estate(meter("e1"), meter("e2"), tariffs=tariff, tariff_uses=[use(capacity_kva=50)])
    for name in ("e1", "e2"):
        works.hourly(name, "2026-01-01T00:00:00", [1.0] * 24 * 31)
    works.run(now="2026-02-02T00:00:00")
    assert np.isnan(works.total("school", "month", "2026-01-01T00:00:00")["cost_yuan"])
    works.registry.import_sheets({"tariff_uses": [own]})
    works.run(now="2026-02-03T00:00:00")
    # e1 states 30 kVA of its own; the 50 of the institution are then those of e2
    assert works.total("school", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(744 + 150 + 250)


def test_a_bill_with_money_holds_its_charges(works: Works) -> None:
    paper = meter("m1", kind="manual", digits=None)
    row = {"meter": "m1", "first_day": "2026-01-01", "last_day": "2026-01-31", "amount": 100.0, "unit": "kWh"}
    works.estate(paper, bills=[{**row, "yuan": 71.0}], tariffs=[price(0.5), charge("fixed", 20.0)], tariff_uses=[use()])
    works.run(now="2026-02-02T00:00:00")
    assert works.total("m1", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(71.0)
    (judged,) = judged_bills(works.store, works.registry, works.registry.snapshot(), "school")
    assert judged.money.computed == pytest.approx(70.0)
    assert judged.money.is_within


def test_cost_per_area_person_and_unit_are_indicators_with_completeness(works: Works) -> None:
    def stated(kind: str, value: float, unit: str) -> dict[str, object]:
        return {"scope": "institution", "id": "school", "kind": kind, "value": value, "unit": unit}

    water = {**price(4.0, tariff="w"), "unit": "yuan/m3"}
    works.estate(
        meter("e1"),
        meter("w1", category="water", unit="m3"),
        tariffs=[price(0.5), water],
        tariff_uses=[use(), use("w", category="water")],
        denominators=[stated("floor_area", 100.0, "m2"), stated("users", 8.0, "p")],
    )
    works.hourly("e1", "2026-01-01T00:00:00", [1.0] * 24 * 31)
    works.hourly("w1", "2026-01-01T00:00:00", [0.1] * 24 * 31)
    works.run(now="2026-02-02T00:00:00")
    found = works.rows("indicator", scope="institution", period="month", caliber="physical")
    cells = zip(found.tags["indicator"], found.fields["value"], found.fields["coverage"], strict=True)
    values = {
        name: (float(value), float(coverage)) for name, value, coverage in cells if "cost" in name or "price" in name
    }
    # 744 kWh at .5 and 74.4 m3 at 4: 669.6 yuan
    assert values == {
        "cost_per_area": (pytest.approx(6.696), 1.0),
        "cost_per_person": (pytest.approx(83.7), 1.0),
        "electricity_price": (pytest.approx(0.5), 1.0),
        "water_price": (pytest.approx(4.0), 1.0),
    }


def test_a_category_without_a_price_leaves_the_cost_per_area_unknown(works: Works) -> None:
    area = {"scope": "institution", "id": "school", "kind": "floor_area", "value": 100.0, "unit": "m2"}
    water = meter("w1", category="water", unit="m3")
    works.estate(meter("e1"), water, tariffs=[price(0.5)], tariff_uses=[use()], denominators=[area])
    for name in ("e1", "w1"):
        works.hourly(name, "2026-01-01T00:00:00", [1.0] * 24)
    works.run(now="2026-02-02T00:00:00")
    found = works.rows("indicator", scope="institution", period="month", caliber="physical")
    assert {n for n in found.tags["indicator"] if "cost" in n or "price" in n} == {"electricity_price"}


def test_a_tariff_that_comes_when_nothing_else_does_prices_what_was_computed(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    works.run()
    works.registry.import_sheets({"tariffs": [price(0.5)], "tariff_uses": [use()]})
    works.run()
    assert works.total("e1", "day", "2026-01-06T00:00:00")["cost_yuan"] == pytest.approx(24.0)
    assert works.total("990101", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(48.0)
    works.registry.import_sheets({"tariffs": [price(1.0)]})
    record = works.run()
    assert record.institutions == ("school",)  # who pays by it, and nobody else
    assert works.total("990101", "month", "2026-01-01T00:00:00")["cost_yuan"] == pytest.approx(96.0)
    assert works.run().institutions == ()
