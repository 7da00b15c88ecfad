from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from analytics.rollup import Group, groups, order_of_formulas, roll_up, virtual_totals, with_nets
from analytics.totals import Totals
from energy.model import Category, Meter, MeterKind, Scope, UsedBy

NAN = np.nan


def meter(name: str, **more: object) -> Meter:
    return Meter(name, "school", Category.ELECTRICITY, "kWh", **more)  # type: ignore[arg-type]


def totals_of(*amounts: float) -> Totals:
    amount = np.array(amounts, float)[:, None]
    ones = np.ones_like(amount)
    return Totals(
        amount, np.isfinite(amount) * 3600.0, 0 * ones, 3600 * ones, ones, np.isfinite(amount) * 1.0, ones > 0
    )


def summed(meters: list[Meter], *amounts: float) -> dict[tuple[str, str, str], float]:
    found, nets = groups(meters)
    known = totals_of(*amounts)
    totals = roll_up(found, known, with_nets(nets, known))
    return {(g.scope.value, g.id, g.item): float(totals.amount[i, 0]) for i, g in enumerate(found)}


def test_only_roots_count_for_the_whole() -> None:
    meters = [meter("main"), meter("sub", parent="main"), meter("other"), meter("subsub", parent="sub")]
    assert summed(meters, 100, 40, 7, 10)["institution", "school", "all"] == 107


def test_what_children_leave_of_a_meter_is_its_balance_residual() -> None:
    meters = [meter("main"), meter("a", parent="main"), meter("b", parent="main"), meter("c", parent="b")]
    found = summed(meters, 100, 40, 50, 20)
    assert found["meter", "main", "unallocated"] == 10
    assert found["meter", "b", "unallocated"] == 30
    assert np.isnan(summed(meters, 100, 40, NAN, 20)["meter", "main", "unallocated"])


def test_a_building_sums_its_own_topmost_meters() -> None:
    meters = [
        meter("main"),
        meter("b1main", parent="main", building="b1"),
        meter("b1light", parent="b1main", building="b1"),
        meter("b2", parent="main", building="b2"),
    ]
    found = summed(meters, 100, 60, 20, 30)
    assert found["building", "b1", "all"] == 60
    assert found["building", "b2", "all"] == 30
    assert found["institution", "school", "all"] == 100


def test_items_are_not_counted_twice_and_the_rest_is_unallocated() -> None:
    meters = [
        meter("main"),
        meter("hvac", parent="main", item="B"),
        meter("chiller", parent="hvac", item="B1"),
        meter("light", parent="main", item="A1"),
        meter("light3", parent="light", item="A1"),
        meter("fans", item="B2", parent="main"),
    ]
    found = summed(meters, 100, 40, 25, 20, 5, 8)
    assert found["institution", "school", "B"] == 48
    assert found["institution", "school", "B1"] == 25
    assert found["institution", "school", "A"] == found["institution", "school", "A1"] == 20
    assert found["institution", "school", "unallocated"] == 32


def test_meters_of_another_category_are_not_behind_an_electricity_meter() -> None:
    meters = [meter("main"), Meter("gas", "school", Category.GAS, "m3", parent="main")]
    found, _ = groups(meters)
    assert Group(Scope.INSTITUTION, "school", Category.GAS, "all", (1,)) in found
    assert not [g for g in found if g.item == "unallocated"]


def test_a_sum_with_an_unknown_part_tells_so_by_coverage_and_count() -> None:
    meters = [meter("a"), meter("b")]
    found, _ = groups(meters)
    totals = roll_up(found, totals_of(30, NAN))
    row = next(i for i, g in enumerate(found) if g.scope is Scope.INSTITUTION)
    assert totals.amount[row, 0] == 30
    assert totals.coverage[row, 0] == 0.5
    assert (totals.n_expected[row, 0], totals.n_reporting[row, 0]) == (2, 1)
    assert np.isnan(roll_up(found, totals_of(NAN, NAN)).amount[row, 0])


def others(name: str, **more: object) -> Meter:
    return meter(name, used_by=UsedBy.OTHERS, **more)


def test_what_others_use_counts_in_no_place_and_stays_in_the_balance() -> None:
    meters = [
        meter("main"),
        others("shop", parent="main"),
        meter("light", parent="main", item="A"),
        others("kiosk", parent="light"),
        meter("lamp", parent="shop", item="A"),
        others("till", parent="shop"),
        others("pile"),
    ]
    found = summed(meters, 100, 10, 30, 4, 3, 2, 50)
    assert found["institution", "school", "all"] == 86  # 100 - 10 - 4
    assert found["institution", "school", "A"] == 26
    assert found["institution", "school", "unallocated"] == 60
    assert found["meter", "main", "unallocated"] == 60  # 100 - 10 - 30
    assert (found["meter", "light", "unallocated"], found["meter", "shop", "unallocated"]) == (26, 5)
    assert (found["meter", "pile", "all"], found["meter", "lamp", "all"]) == (50, 3)


def test_a_building_is_without_others_wherever_they_are_metered() -> None:
    meters = [
        meter("main"),
        meter("b1", parent="main", building="b1"),
        others("shop", parent="b1", building="b2"),
        others("pile", parent="main", building="b2"),
    ]
    found = summed(meters, 100, 60, 20, 5)
    assert found["building", "b1", "all"] == 40
    assert found["institution", "school", "all"] == 75
    assert not [name for scope, name, _ in found if scope == "building" and name == "b2"]


def test_only_the_meter_that_holds_unknown_others_is_unknown() -> None:
    meters = [meter("main"), others("shop", parent="main"), meter("annex")]
    found, nets = groups(meters)
    known = totals_of(100, NAN, 40)
    totals = roll_up(found, known, with_nets(nets, known))
    row = next(i for i, g in enumerate(found) if g.scope is Scope.INSTITUTION)
    assert totals.amount[row, 0] == 40
    assert totals.coverage[row, 0] == pytest.approx(2 / 3)
    assert np.isnan(summed(meters[:2], 100, NAN)["institution", "school", "all"])


def test_a_virtual_meter_is_a_view_and_counts_only_as_item_or_parent() -> None:
    view = meter("view", kind=MeterKind.VIRTUAL, formula="a + b")
    meters = [meter("a"), meter("b"), view]
    assert summed(meters, 30, 12, 42)["institution", "school", "all"] == 42
    meters = [meter("a", parent="view"), meter("b", parent="view"), view]
    assert summed(meters, 30, 12, 42)["institution", "school", "all"] == 42


def test_virtual_meters_follow_their_formula_and_one_another() -> None:
    formulas = {3: ((2, 1.0), (1, -0.5)), 2: ((0, 1.0), (1, 1.0))}
    order = order_of_formulas(formulas)
    assert order == [2, 3]
    found = virtual_totals(totals_of(30, 12, NAN, NAN), {row: formulas[row] for row in order})
    assert_array_equal(found.amount[:, 0], [30, 12, 42, 36])
    assert np.isnan(virtual_totals(totals_of(NAN, 12, 0, 0), formulas).amount[2, 0])
    assert order_of_formulas({0: ((1, 1.0),), 1: ((0, 1.0),)}) == []
