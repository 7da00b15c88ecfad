"""The small detectors find what they are named after and nothing in ordinary data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.calendars import calendar_rows
from analytics.detection import rules
from analytics.detection.grid import HourGrid
from analytics.detection.kinds import Kind
from analytics.detection.rest import RestYardsticks, learn_rest, lowest_limit, rest_days
from energy.intervals import HOUR as HOUR_S
from energy.intervals import LocalCalendar
from tests.analytics import naive_anomalies as naive

ZONE = LocalCalendar("Asia/Shanghai")

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


def test_people_who_come_back_from_a_vacation_are_no_leak() -> None:
    flow = np.random.default_rng(3).normal(1.0, 0.02, (2, N_DAYS * 24))
    vacation = (DAY >= 20) & (DAY < 40)
    flow[:, ~vacation] += 1.0  # the dormitories
    flow[1, DAY >= 50] += 0.5
    assert [b.row for b in rules.night_flow(flow, DAY, HOUR)] == [0, 1]  # all of them look like a leak in September
    [leak] = rules.night_flow(flow, DAY, HOUR, vacation=vacation)
    assert (leak.row, leak.first_day) == (1, 50)
    assert leak.actual - leak.expected == pytest.approx(0.5 * 24 * (N_DAYS - 50), rel=0.1)


def test_a_leak_that_goes_on_into_a_vacation_is_one() -> None:
    flow = np.random.default_rng(3).normal(1.0, 0.02, (1, N_DAYS * 24))
    vacation = ((DAY >= 10) & (DAY < 20)) | (DAY >= 45)
    flow[:, ~vacation] += 1.0
    flow[:, DAY >= 40] += 0.5
    [leak] = rules.night_flow(flow, DAY, HOUR, vacation=vacation)
    assert (leak.first_day, leak.last_day) == (40, N_DAYS - 1)


def test_one_step_of_the_display_is_no_leak_and_three_are() -> None:
    use = np.round(water(), 2)
    asleep = (HOUR >= 1) & (HOUR < 6)
    use[0, asleep] = 0.01
    use[0, asleep & (DAY >= 45)] = 0.02
    assert rules.night_flow(use, DAY, HOUR) == []
    use[0, asleep & (DAY >= 45)] = 0.04
    assert [found.first_day for found in rules.night_flow(use, DAY, HOUR)] == [45]


def test_a_night_without_readings_is_no_night_without_flow() -> None:
    use = water()
    use[0, 40 * 24 : 50 * 24] = np.nan
    assert rules.night_flow(use, DAY, HOUR) == []


def offices(n_days: int) -> tuple[HourGrid, np.ndarray, np.ndarray]:
    """Grid, use and what is usual of 40 kW at rest and 100 while busy, noise of 5 %."""
    start = ZONE.start_of(date(2022, 1, 1))
    times = start + HOUR_S * np.arange(n_days * 24, dtype=np.int64)
    grid = HourGrid.of(start, calendar_rows(times, HOUR_S, ZONE))
    usual = (40 + 60 * grid.busy[None, :]).astype(np.float32)
    return grid, (usual * np.random.default_rng(3).normal(1, 0.05, usual.shape)).astype(np.float32), usual


def learnt(n_days: int = 200) -> RestYardsticks:
    grid, use, usual = offices(n_days)
    return learn_rest(use, usual, grid, np.array([60.0], np.float32))


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
def test_rest_hours_equal_the_slow_twin(missing: float) -> None:
    grid, use, usual = offices(200)
    use[0, (grid.day >= 90) & (grid.day < 95)] += 20
    use[0, np.random.default_rng(7).random(use.shape[1]) < missing] = np.nan
    known = learn_rest(use, usual, grid, np.array([60.0], np.float32))
    deviation = naive.rest_deviation(use[0].astype(float), usual[0].astype(float), grid, 60.0)
    middle = naive.lower_median(deviation)
    spread = max(1.4826 * naive.lower_median(np.abs(deviation - middle)), 0.02)
    assert_allclose([known.middle[0], known.spread[0]], [middle, spread], rtol=1e-4, atol=1e-6)
    strength = np.nan_to_num((deviation - middle) / spread)
    assert_allclose(rest_days(use, usual, grid, known).strength[0], strength, rtol=1e-3, atol=1e-3)
    own = naive.rest_limit(strength, 200 / 365)
    own = strength.max() if own == np.inf else own
    assert_allclose(known.limit[0], (1 + own) ** 0.7 * 11**0.3 - 1, rtol=1e-3)


def test_a_switch_left_on_is_told_when_its_first_day_ends() -> None:
    grid, use, usual = offices(60)
    use[0, (grid.day >= 50) & (grid.day < 53) & ~grid.busy] += 12
    use[0, (grid.day == 55) & grid.busy] *= 3  # people at work are no load without people
    [(found, told)] = rules.base_load(rest_days(use, usual, grid, learnt()))
    assert (found.kind, found.first_day, found.last_day, told) == (Kind.BASE_LOAD, 50, 52, 1)
    n_rest = int(((grid.day >= 50) & (grid.day < 53) & ~grid.busy).sum())
    assert found.actual - found.expected == pytest.approx(12 * n_rest, rel=0.1)


def test_the_excess_of_a_run_is_beyond_the_level_before_it_began() -> None:
    grid, _, usual = offices(80)
    before = usual + 6 * ((grid.day % 2 == 1) & ~grid.busy)  # every other day 6 kW more: 3 kW in the middle
    use = before.astype(np.float32)
    long = (grid.day >= 45) & (grid.day < 57) & ~grid.busy
    again = (grid.day >= 58) & (grid.day < 60) & ~grid.busy
    use[0, long | again] += 30
    known = RestYardsticks(*np.array([[60.0], [0.0], [0.05], [5.0]]))
    found = [breach for breach, _ in rules.base_load(rest_days(use, usual, grid, known), hold=5.0)]
    assert [(b.first_day, b.last_day) for b in found] == [(45, 56), (58, 59)]
    assert [b.actual - b.expected for b in found] == pytest.approx([30 * long.sum(), 30 * again.sum()], rel=0.02)


def test_a_little_more_load_without_people_counts_after_a_week() -> None:
    grid, use, usual = offices(60)
    yardsticks = replace(learnt(), limit=np.array([1e9]))
    use[0, (grid.day >= 50) & ~grid.busy] += 4
    [(found, told)] = rules.base_load(rest_days(use, usual, grid, yardsticks))
    assert (found.first_day, found.last_day, told) == (50, 59, 7)
    use[0, (grid.day >= 56) & ~grid.busy] = np.nan
    assert rules.base_load(rest_days(use, usual, grid, yardsticks)) == []


def test_rest_days_look_no_further_than_their_own_end() -> None:
    grid, use, usual = offices(60)
    before = rest_days(use, usual, grid, learnt()).strength
    use[0, grid.day >= 40] *= 2
    after = rest_days(use, usual, grid, learnt()).strength
    assert_array_equal(before[:, :40], after[:, :40])


def test_the_limit_lets_through_as_many_runs_as_the_budget() -> None:
    strength = np.array([0.0, 5.0, 4.0, 0.0, 3.0, 0.0, 2.0, 2.0])
    assert lowest_limit(strength, 0) > 5.0
    assert [lowest_limit(strength, n) for n in (1, 2, 3)] == [4.0, 3.0, 2.0]
    assert lowest_limit(np.zeros(0), 1) == 0.0


def test_rest_yardsticks_are_stored_whole() -> None:
    known = learnt()
    again = RestYardsticks.from_dict(json.loads(json.dumps(known.to_dict())))
    assert again.to_dict() == known.to_dict() == RestYardsticks.joined([known.take(0)]).to_dict()


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
