"""Findings: one per cause, few enough a day; verdicts move budgets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analytics import findings as fs
from analytics.detection.kinds import Kind
from analytics.findings import Finding, Verdict
from analytics.wording import describe
from energy.intervals import DAY, HOUR


def finding(meter: str, excess: float, start: int = 0, hours: int = 24, yuan: float = float("nan"),
            certainty: float = 0.8, kind: Kind = Kind.LEVEL, seen: int = 0) -> Finding:  # fmt: skip
    return Finding(meter, kind, start, start + hours * HOUR, 100 + excess, 100, "kWh", certainty, yuan=yuan, seen=seen)


def test_a_parent_and_its_child_with_one_cause_are_one_finding_at_the_child() -> None:
    parents = {"floor": "main", "main": None, "other": "main"}
    found = fs.group_by_cause([finding("main", 52), finding("floor", 50, start=HOUR)], parents)
    assert [(f.meter, f.also) for f in found] == [("floor", ("main",))]


def test_children_that_explain_little_are_named_by_the_parent() -> None:
    parents = {"a": "main", "b": "main", "main": None}
    found = fs.group_by_cause([finding("main", 100), finding("a", 45), finding("b", 40)], parents)
    assert [(f.meter, f.also) for f in found] == [("main", ("a", "b"))]


def test_other_times_other_directions_and_sisters_stay_apart() -> None:
    parents = {"a": "main", "b": "main", "main": None}
    apart = [finding("main", 50), finding("a", 50, start=10 * DAY), finding("b", -50)]
    assert len(fs.group_by_cause(apart, parents)) == 3
    assert len(fs.group_by_cause([finding("a", 50), finding("b", 50)], parents)) == 2


def test_a_thousand_meters_give_at_most_twenty_findings_a_day_and_a_few_at_least_one() -> None:
    assert [fs.daily_budget(n) for n in (1000, 400, 3)] == [20, 8, 1]


def test_money_times_certainty_is_what_a_finding_is_worth() -> None:
    assert finding("m", 10, yuan=8.0, certainty=0.5).worth == 4.0
    assert finding("m", 10, certainty=0.5).worth == pytest.approx(10 * 0.6 * 0.5)  # no price is known


def test_without_prices_units_do_not_decide_which_finding_comes_first() -> None:
    heat, power = finding("h", 3), finding("e", 100)
    assert replace(heat, unit="GJ").worth > power.worth  # 3 GJ are more than 100 kWh


@pytest.mark.parametrize("kind", [Kind.STUCK, Kind.GAP_CATCHUP, Kind.OFFLINE])
def test_where_use_is_unknown_its_excess_is_unknown_and_not_zero(kind: Kind) -> None:
    price = fs.Pricing("kWh", 0.5, 0.1229)
    found = fs.priced(finding("m", 10, kind=kind), price)
    assert np.isnan([found.excess, found.yuan, found.kgce]).all()
    assert found.worth == 0.0
    assert fs.priced(finding("m", 10), price).yuan == 5.0


def test_what_a_sub_meter_shows_and_its_head_does_not_is_a_fault_of_metering() -> None:
    parents = {"a": "main", "main": None}
    unbalanced = finding("main", 48, kind=Kind.BALANCE, seen=5 * DAY)
    [found] = fs.group_by_cause([finding("a", 50, kind=Kind.LEVEL, seen=2 * DAY), unbalanced], parents)
    assert (found.meter, found.kind, found.excess, found.seen) == ("a", Kind.BALANCE, 50, 2 * DAY)
    [found] = fs.group_by_cause([finding("a", 50, kind=Kind.SCALE), unbalanced], parents)
    assert found.kind is Kind.SCALE


def test_more_at_the_head_meter_than_its_sub_meters_show_is_use_and_less_is_a_fault_of_metering() -> None:
    parents = {"a": "main", "main": None}
    unbalanced = replace(finding("main", 48, kind=Kind.BALANCE), evidence=(("balance", 4.0),))
    [more] = fs.group_by_cause([finding("main", 50, kind=Kind.OFF_HOURS), unbalanced], parents)
    assert (more.kind, more.excess, more.evidence) == (Kind.OFF_HOURS, 50, (("balance", 4.0),))
    [wrong] = fs.group_by_cause([finding("main", 46, kind=Kind.SCALE), unbalanced], parents)
    assert (wrong.kind, wrong.excess) == (Kind.SCALE, 46)  # what one meter shows says more than what its tree does
    [less] = fs.group_by_cause([finding("main", -50, kind=Kind.LOW), unbalanced], parents)
    assert (less.kind, less.excess) == (Kind.BALANCE, -50)


def test_numbers_of_a_meter_that_its_balance_disowns_are_told_as_its_own() -> None:
    parents = {"a": "main", "main": None}
    unbalanced = replace(finding("main", 48, kind=Kind.BALANCE), evidence=(("balance", 4.0),))
    alarm = replace(finding("a", 50), evidence=(("point", 3.0),))
    [found] = fs.group_by_cause([alarm, unbalanced], parents)
    text = describe(found)
    assert text.text_en.startswith("In 1 day this meter shows 150 kWh where about 100 kWh is usual (+50 %)")


def test_verdicts_move_the_budget_of_their_meter_and_kind() -> None:
    said = [("a", Kind.LEVEL, Verdict.FALSE)] * 4 + [("a", Kind.SPIKE, Verdict.TRUE)] * 4
    said += [("b", Kind.LEVEL, Verdict.KNOWN)]
    # By hand: level 2 true of 8, spike 6 true of 8; `known` counts as neither.
    assert fs.allowances(said) == {("a", Kind.LEVEL): 0.75, ("a", Kind.SPIKE): 1.25}
    # Other lasting kinds of meter a keep their whole budget; its sudden class follows the trusted spikes.
    assert_allclose(fs.budgets_after(said, ["a", "b"], (2.0, 1.0)), [[2.0, 1.25], [2.0, 1.0]])


def test_a_kind_called_false_must_be_surer_and_no_other_kind_or_meter_is() -> None:
    said = [("a", Kind.LEVEL, Verdict.FALSE)] * 2

    # By hand: 2 true of 6 leave 5/6 of the budget; odds of 6/5 are a certainty of 6/11 = 0.545.
    def kept(certainty: float, meter: str = "a", kind: Kind = Kind.LEVEL) -> bool:
        return bool(fs.told_and_silenced([replace(finding(meter, 5, kind=kind), certainty=certainty)], said)[0])

    assert not kept(0.54)
    assert kept(0.55)
    assert kept(0.51, kind=Kind.STUCK)
    assert kept(0.51, meter="b")


def test_what_people_call_false_again_and_again_falls_silent() -> None:
    said = [("a", Kind.LEVEL, Verdict.FALSE)] * 3
    told, silenced = fs.told_and_silenced([finding("a", 5), finding("b", 5)], said)
    assert ([f.meter for f in told], [f.meter for f in silenced]) == (["b"], ["a"])
