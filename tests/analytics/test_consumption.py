from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.consumption import (
    LINEAR_FILL,
    REGISTER_SPREAD,
    STANDSTILL,
    UNKNOWN,
    Steps,
    amount_steps,
    day_parts,
    mean_on_grid,
    on_grid,
    power_steps,
    register_steps,
    resolution,
)
from analytics.registers import RegisterBank, RegisterLimits, judge
from energy.model import State
from tests.analytics import naive_registers as naive

HOUR = 3600
DAY = 24 * HOUR
NAN = np.nan


def steps_of(times: list[float], values: list[float], *, ratio: float = 1.0, stuck_h: float = 1e9) -> Steps:
    """Steps of an hourly register; times in hours."""
    time = np.round(np.array(times) * HOUR).astype(np.int64)
    bank = RegisterBank(np.array([0, len(time)]), time, np.array(values, float))
    limits = RegisterLimits(np.array([1e6]), np.array([50.0]), np.array([1.5 * HOUR]), np.array([stuck_h * HOUR]))
    return register_steps(bank, judge(bank, limits), 0, ratio=ratio, gap_s=1.5 * HOUR)


def test_hourly_readings_give_hourly_energy_in_primary_units() -> None:
    found = on_grid(steps_of([0, 1, 2, 3], [10, 12, 15, 15], ratio=20), 0, 3 * HOUR, HOUR)
    assert_array_equal(found.amount, [40, 60, 0])
    assert_array_equal(found.state, [State.MEASURED] * 3)


def test_energy_is_unknown_across_a_gap_but_a_short_one_is_filled_evenly() -> None:
    found = on_grid(steps_of([0, 1, 3, 4], [0, 5, 25, 30]), 0, 4 * HOUR, HOUR)
    assert_array_equal(found.amount, [5, 10, 10, 5])
    assert_array_equal(found.state, [0, State.ESTIMATED, State.ESTIMATED, 0])
    assert_array_equal(found.method[1:3], [LINEAR_FILL] * 2)
    found = on_grid(steps_of([0, 1, 4, 5], [0, 5, 25, 30]), 0, 5 * HOUR, HOUR)
    assert_array_equal(found.amount, [5, NAN, NAN, NAN, 5])
    assert_array_equal(found.state[1:4], [State.SPREAD] * 3)
    assert_array_equal(found.method[1:4], [REGISTER_SPREAD] * 3)


def test_readings_between_the_edges_are_shared_by_time() -> None:
    # 10:10 -> 11:10 -> 12:10, 6 and 12 kWh: the hour 11 to 12 has 10 minutes of 6 an hour and 50 of 12 an hour
    found = on_grid(steps_of([10 + 1 / 6, 11 + 1 / 6, 12 + 1 / 6], [0, 6, 18]), 10 * HOUR, 13 * HOUR, HOUR)
    assert_allclose(found.amount, [NAN, 6 / 6 + 12 * 5 / 6, NAN])
    assert found.state[1] == State.MEASURED


def test_a_stuck_register_says_nothing_about_the_hours_it_stood_still() -> None:
    values = [0.0, 5, 10, *[10] * 6, 45, 50]
    found = on_grid(steps_of(list(range(11)), values, stuck_h=6), 0, 10 * HOUR, HOUR)
    assert_array_equal(found.amount, [5, 5, *[NAN] * 7, 5])
    assert_array_equal(found.method[2:9], [STANDSTILL] * 7)


def test_the_first_hour_of_another_device_is_unknown() -> None:
    found = on_grid(steps_of([0, 1, 2, 3, 4], [500, 505, 7, 12, 17]), 0, 4 * HOUR, HOUR)
    assert_array_equal(found.amount, [5, NAN, 5, 5])
    assert found.method[1] == UNKNOWN


def test_no_steps_leave_every_interval_unknown() -> None:
    found = on_grid(Steps.empty(), 0, 2 * HOUR, HOUR)
    assert_array_equal(found.amount, [NAN, NAN])
    assert_array_equal(found.method, [UNKNOWN] * 2)


def test_steps_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="not overlap"):
        Steps(np.array([0, 50]), np.array([100, 150]), np.zeros(2), np.zeros(2, np.uint8))


def test_amounts_belong_to_the_interval_that_ends_at_the_reading() -> None:
    steps = amount_steps(np.array([1, 2, 3]) * HOUR, np.array([4.0, 5.0, -1.0]), length_s=HOUR)
    assert_array_equal(on_grid(steps, 0, 3 * HOUR, HOUR).amount, [4, 5, NAN])


def test_a_missing_amount_is_filled_with_the_mean_of_its_neighbours() -> None:
    steps = amount_steps(np.array([1, 3, 7]) * HOUR, np.array([4.0, 6.0, 9.0]), length_s=HOUR)
    found = on_grid(steps, 0, 7 * HOUR, HOUR)
    assert_array_equal(found.amount, [4, 5, 6, NAN, NAN, NAN, 9])
    assert found.state[1] == State.ESTIMATED


def test_power_is_integrated_between_neighbouring_readings() -> None:
    steps = power_steps(np.array([0, 1, 2, 6]) * HOUR, np.array([2.0, 4.0, 4.0, 8.0]), gap_s=5400)
    assert_array_equal(on_grid(steps, 0, 3 * HOUR, HOUR).amount, [3, 4, NAN])


def test_a_temperature_is_the_mean_of_its_readings_and_short_gaps_are_bridged() -> None:
    time = np.array([0, 1800, 3600, 3 * HOUR])
    found = mean_on_grid(time, np.array([10.0, 12.0, 14.0, 18.0]), 0, 4 * HOUR, HOUR, gap_s=5400)
    assert_array_equal(found.amount, [11, 14, 17, 18])
    assert_array_equal(found.state, [0, 0, State.ESTIMATED, 0])


def test_the_grid_follows_how_often_a_meter_is_read() -> None:
    assert [resolution(s) for s in (60, 900, 1800, 3600, 7200, 7201, 86400)] == [
        "15min", "15min", "30min", "hour", "hour", None, None,
    ]  # fmt: skip


gaps = st.lists(
    st.tuples(st.sampled_from([10, 15, 30, 60, 60, 120, 180, 300]), st.integers(0, 40)), min_size=1, max_size=15
)


@settings(max_examples=60, deadline=None)
@given(gaps, st.sampled_from([900, 1800, 3600]))
def test_the_fast_grid_agrees_with_the_slow_one(gaps: list[tuple[int, int]], step: int) -> None:
    hours = np.concatenate(([0], np.cumsum([g for g, _ in gaps]))) / 60
    values = np.concatenate(([0], np.cumsum([v for _, v in gaps])))
    steps = steps_of(hours.tolist(), values.tolist())
    last = int(hours[-1] * HOUR)
    found = on_grid(steps, 0, last, step)
    slow = naive.grid(steps.start.tolist(), steps.end.tolist(), steps.amount.tolist(), 0, last, step)
    assert_allclose(found.amount, slow, rtol=1e-9, atol=1e-9)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=30, max_size=120), st.data())
def test_totals_survive_any_gap(energy: list[int], data: st.DataObject) -> None:
    """Promise P-03: any readings may be lost but the first and the last; the sum stays, the loss is marked."""
    n = len(energy)
    value = np.concatenate(([0], np.cumsum(energy)))
    keep = sorted({0, n, *data.draw(st.sets(st.integers(0, n)))})
    steps = steps_of([float(h) for h in keep], value[keep].tolist())
    edges = np.arange(0, n * HOUR + DAY, DAY)
    grid = on_grid(steps, 0, n * HOUR, HOUR)
    parts = day_parts(steps, 0, edges, grid)
    whole = np.nansum(parts.inner) + parts.head.sum() + np.nansum(parts.tail)
    assert whole == pytest.approx(value[-1], abs=1e-9)
    long = np.zeros(n, bool)
    for a, b in pairwise(keep):
        long[a:b] = b - a > 2
    assert_array_equal(np.isnan(grid.amount), long)
    assert_allclose(
        grid.amount[~long].sum(),
        sum(value[b] - value[a] for a, b in pairwise(keep) if b - a <= 2),
    )


def test_the_parts_of_a_day_tell_what_crosses_midnight() -> None:
    # read at 20:00 and at 04:00 the next day: 8 kWh, half of it before midnight
    steps = steps_of([19, 20, 28, 29], [0, 1, 9, 10])
    found = day_parts(steps, 7, np.array([0, DAY, 2 * DAY]), on_grid(steps, 0, 2 * DAY, HOUR))
    assert_array_equal(found.day, [7, 8])
    assert_array_equal(found.inner, [1, 1])
    assert_array_equal(found.tail, [4, NAN])
    assert_array_equal(found.head, [0, 4])
    assert_array_equal(found.valid_s, [HOUR, HOUR])
