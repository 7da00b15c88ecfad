"""Stages raised against the use that can be known: whole years of bills, and days of metered institutions."""

from __future__ import annotations

from datetime import date

import pytest

from energy.model import Category
from energy.registry.decisions import Stage, Target
from jieneng.crossed import Crossings, compare
from simulators import province

INDICATOR = "electricity_per_area"
TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def grown() -> province.Province:
    return province.build(1, date(2025, 1, 1), date(2026, 2, 1), houses=1, billed=4)


def target(house: str, value: float) -> Target:
    return Target("institution", house, 2025, INDICATOR, "physical", "issued", value)


def stage(house: str, level: float, withdrawn: int | None = None) -> Stage:
    return Stage("institution", house, 2025, INDICATOR, "physical", level, 0, 0.0, 0.0, withdrawn)


def billed_use(grown: province.Province) -> tuple[str, float, float]:
    """Of one billed institution: use per m2 by bills wholly within 2025, and by those over its end as well."""
    assert grown.billed is not None
    house = grown.billed.houses[0]
    bills = [b for b in grown.billed.bills if b.meter == f"{house.id}.electricity" and b.first.year == 2025]
    inside = sum(b.amount for b in bills if b.last < TODAY)
    return house.id, inside / house.area_m2, sum(b.amount for b in bills) / house.area_m2


def test_a_stage_that_whole_bills_reach_must_be_raised_once(grown: province.Province) -> None:
    house, inside, _ = billed_use(grown)
    goal = target(house, inside / 0.85)  # 85 % of the target is used
    assert compare(grown, [goal], [stage(house, 0.8)], TODAY) == Crossings(1, 1, 0, 0)
    assert compare(grown, [goal], [stage(house, 0.8)] * 2, TODAY) == Crossings(1, 0, 1, 0)
    assert not compare(grown, [goal], [stage(house, 0.8, withdrawn=1), stage("other", 0.8)], TODAY).is_exact


def test_a_stage_above_all_bills_is_raised_wrongly(grown: province.Province) -> None:
    house, _, most = billed_use(grown)
    found = compare(grown, [target(house, most * 2)], [stage(house, 0.8)], TODAY)
    assert found == Crossings(0, 0, 0, 1)
    assert not found.is_exact


def test_between_the_two_nobody_can_know(grown: province.Province) -> None:
    house, inside, most = billed_use(grown)
    goal = target(house, (inside + most) / 2 / 0.8)
    after = date(2026, 2, 1)  # the bill over the turn of the year has come
    assert inside < most
    assert compare(grown, [goal], [stage(house, 0.8)], after) == Crossings(0, 0, 0, 0)


def test_a_metered_institution_counts_its_days(grown: province.Province) -> None:
    house = grown.houses[0]
    days = grown.truth.institution_days(house.id, Category.ELECTRICITY)[:365]
    goal = target(house.id, float(days.sum()) / house.area_m2 / 0.95)
    stages = [stage(house.id, 0.8), stage(house.id, 0.9)]
    assert compare(grown, [goal], stages, TODAY) == Crossings(2, 2, 0, 0)
    assert compare(grown, [goal], [*stages, stage(house.id, 1.0)], TODAY).wrong == 1
