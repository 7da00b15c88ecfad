"""The small detectors find what they are named after and nothing in ordinary data."""

from __future__ import annotations

import numpy as np

from analytics.detection import rules
from analytics.detection.kinds import Kind

N_DAYS = 60
DAY = np.repeat(np.arange(N_DAYS), 24).astype(float)
HOUR = np.tile(np.arange(24), N_DAYS).astype(float)
BUSY = (HOUR >= 7) & (HOUR < 20)


def water(seed: int = 0) -> np.ndarray:
    return np.where(BUSY, 3.0, 0.2) * np.random.default_rng(seed).gamma(20, 1 / 20, (1, N_DAYS * 24))


def test_a_leak_is_seen_in_the_least_flow_of_the_night() -> None:
    use = water()
    assert rules.night_flow(use, DAY, HOUR) == []
    use[0, DAY >= 45] += 0.5
    [found] = rules.night_flow(use, DAY, HOUR)
    assert (found.kind, found.first_day) == (Kind.NIGHT_FLOW, 45)
    assert abs((found.actual - found.expected) - 0.5 * 24 * (found.last_day - 44)) < 0.2 * found.actual


def test_a_night_without_readings_is_no_night_without_flow() -> None:
    use = water()
    use[0, 40 * 24 : 50 * 24] = np.nan
    assert rules.night_flow(use, DAY, HOUR) == []


def test_a_higher_base_load_counts_from_the_second_day() -> None:
    use = water(3) * 10
    use[0, (DAY >= 50) & (DAY < 53) & ~BUSY] += 5
    [found] = rules.base_load(use, DAY, ~BUSY)
    assert (found.kind, found.first_day, found.last_day) == (Kind.BASE_LOAD, 50, 52)


def test_rooms_colder_than_26_in_summer_break_the_rule() -> None:
    room = np.full((2, N_DAYS * 24), 26.2)
    room[1, DAY >= 58] = 23.0
    season = np.ones(N_DAYS * 24, bool)
    [found] = rules.set_point(room, DAY, BUSY, cooling=season, heating=~season, coolest=26.0, warmest=20.0)
    assert (found.row, found.first_day, found.last_day, found.actual, found.expected) == (1, 58, 59, 23.0, 26.0)


def test_a_sub_meter_with_a_wrong_ratio_breaks_the_balance() -> None:
    children = np.random.default_rng(1).gamma(30, 1, (3, N_DAYS * 24))
    parent = children.sum(axis=0) * 1.1
    assert rules.balance(parent, children, DAY) == []
    children[0, DAY >= 50] *= 2
    [found] = rules.balance(parent, children, DAY)
    assert (found.kind, found.first_day, found.last_day) == (Kind.BALANCE, 50, 59)


def test_an_unknown_child_is_not_a_missing_rest() -> None:
    children = np.random.default_rng(1).gamma(30, 1, (3, N_DAYS * 24))
    parent = children.sum(axis=0) * 1.1
    children[0, DAY >= 50] = np.nan
    assert rules.balance(parent, children, DAY) == []


def test_a_building_far_above_its_sisters_is_named_in_groups_large_enough() -> None:
    intensity = np.random.default_rng(2).lognormal(np.log(0.2), 0.1, (8, 30))
    intensity[5] *= 3
    [found] = rules.sisters(intensity)
    assert (found.kind, found.row) == (Kind.SISTER, 5)
    assert rules.sisters(intensity[3:7]) == []
