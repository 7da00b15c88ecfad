from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from analytics.registers import Judgement, RegisterBank, RegisterLimits, Verdict, judge, settled
from tests.analytics import naive_registers as naive

HOUR = 3600


def limits_of(
    n: int, *, capacity: float = 1e6, per_hour: float = 10.0, stuck_h: float = 6.0, rests: bool = False
) -> RegisterLimits:
    return RegisterLimits(
        np.full(n, capacity),
        np.full(n, per_hour),
        np.full(n, 1.5 * HOUR),
        np.full(n, stuck_h * HOUR),
        np.full(n, rests),
    )


def hourly(*values: float, hours: list[int] | None = None) -> RegisterBank:
    time = np.array(hours if hours is not None else range(len(values)), np.int64) * HOUR
    return RegisterBank(np.array([0, len(values)]), time, np.array(values, float))


def verdicts(found: Judgement) -> list[str]:
    return [Verdict(v).name for v in found.verdict]


def test_plausible_increments_are_accepted() -> None:
    found = judge(hourly(100, 105, 105, 112), limits_of(1))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "ACCEPTED", "ACCEPTED"]
    assert_array_equal(found.increment, [np.nan, 5, 0, 7])


def test_the_limit_is_eight_times_p99_and_one() -> None:
    assert verdicts(judge(hourly(0, 81, 162, 243), limits_of(1)))[1:] == ["ACCEPTED"] * 3
    assert verdicts(judge(hourly(0, 82, 164, 246), limits_of(1)))[1:] == ["EXCHANGE"] * 3


def test_a_register_that_passes_its_width_rolls_over() -> None:
    found = judge(hourly(999_990, 999_995, 3, 8), limits_of(1))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "ROLLOVER", "ACCEPTED"]
    assert_array_equal(found.increment[1:], [5, 8, 5])


def test_a_reading_that_later_ones_contradict_is_a_glitch() -> None:
    for wrong in (0.0, 999_000.0, 510.0 - 450):
        found = judge(hourly(500, 505, wrong, 510, 515), limits_of(1))
        assert verdicts(found) == ["FIRST", "ACCEPTED", "GLITCH", "ACCEPTED", "ACCEPTED"], wrong
        assert_array_equal(found.increment[3:], [5, 5])


def test_two_wrong_readings_in_a_row_are_still_glitches() -> None:
    found = judge(hourly(500, 505, 7, 9, 515, 520), limits_of(1))
    assert verdicts(found)[2:] == ["GLITCH", "GLITCH", "ACCEPTED", "ACCEPTED"]
    assert found.increment[4] == 10


def test_a_reading_too_high_by_less_than_the_limit_is_a_glitch_once_the_register_falls_back() -> None:
    found = judge(hourly(500, 505, 570, 515, 520), limits_of(1))  # 65 in an hour are plausible, the limit is 81
    assert verdicts(found) == ["FIRST", "ACCEPTED", "GLITCH", "ACCEPTED", "ACCEPTED"]
    assert_array_equal(found.increment[3:], [10, 5])
    below = judge(hourly(500, 505, 570, 504, 509), limits_of(1))
    assert verdicts(below)[2:] == ["ACCEPTED", "EXCHANGE", "ACCEPTED"]


def test_a_register_that_goes_on_elsewhere_is_another_device() -> None:
    found = judge(hourly(500, 505, 7, 12, 17), limits_of(1))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "EXCHANGE", "ACCEPTED", "ACCEPTED"]
    assert np.isnan(found.increment[2])


def test_missing_hours_are_a_gap_and_raise_the_limit() -> None:
    found = judge(hourly(0, 10, 310, hours=[0, 1, 5]), limits_of(1))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "GAP"]
    assert found.increment[2] == 300


def test_the_same_instant_again_is_a_duplicate_and_the_first_stays() -> None:
    found = judge(hourly(0, 10, 500, 20, hours=[0, 1, 1, 2]), limits_of(1))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "DUPLICATE", "ACCEPTED"]
    assert found.increment[3] == 10


def test_a_standstill_counts_as_stuck_from_its_limit_on() -> None:
    moving = [5.0 * i for i in range(4)]
    six, five = [*moving, *[15.0] * 6, 20.0], [*moving, *[15.0] * 5, 20.0]
    assert verdicts(judge(hourly(*six), limits_of(1))).count("STUCK") == 6
    assert verdicts(judge(hourly(*five), limits_of(1))).count("STUCK") == 0


def test_a_frozen_display_that_catches_up_is_no_other_device() -> None:
    # usual is 10 an hour at most: 241 is the limit of three hours, 10 x 31 + 1 = 311 that of 30 hours still and one
    still = [100.0] * 31
    caught = judge(hourly(90, *still, 411, 416, 421), limits_of(1))
    assert verdicts(caught)[2:] == ["STUCK"] * 30 + ["ACCEPTED"] * 3
    assert_array_equal(caught.increment[-3:], [311, 5, 5])
    assert verdicts(judge(hourly(90, *still, 412, 417, 422), limits_of(1)))[-3:] == ["EXCHANGE", "ACCEPTED", "ACCEPTED"]
    assert verdicts(judge(hourly(90, *still, 411, 416, 421), limits_of(1, stuck_h=31)))[-3] == "EXCHANGE"
    assert verdicts(judge(hourly(90, *still, 411, 416, 421), limits_of(1, rests=True)))[-3] == "EXCHANGE"


def test_a_register_that_rests_after_its_season_is_not_stuck_but_one_that_catches_up_is() -> None:
    season = [5.0 * i for i in range(4)]
    rest, catch_up = [*season, *[15.0] * 200, 20.0], [*season, *[15.0] * 8, 15.0 + 9 * 5.0]
    seasonal, steady = limits_of(1, rests=True), limits_of(1)
    assert verdicts(judge(hourly(*rest), seasonal)).count("STUCK") == 0
    assert verdicts(judge(hourly(*rest[:-1]), seasonal)).count("STUCK") == 0  # the season has not come yet
    assert verdicts(judge(hourly(*catch_up), seasonal)).count("STUCK") == 8
    assert verdicts(judge(hourly(*rest), steady)).count("STUCK") == 200


def test_nothing_known_of_a_register_accepts_every_rise() -> None:
    found = judge(hourly(0, 5_000, 1e9), limits_of(1, capacity=math.inf, per_hour=math.inf))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "ACCEPTED"]


def test_no_readings_and_empty_meters_are_no_trouble() -> None:
    none = RegisterBank(np.array([0, 0, 0]), np.zeros(0, np.int64), np.zeros(0))
    assert len(judge(none, limits_of(2)).verdict) == 0
    some = RegisterBank(np.array([0, 0, 2, 2]), np.array([0, HOUR]), np.array([1.0, 2.0]))
    assert verdicts(judge(some, limits_of(3))) == ["FIRST", "ACCEPTED"]


def test_a_bank_with_wrong_offsets_is_refused() -> None:
    with pytest.raises(ValueError, match="offsets end at 3"):
        RegisterBank(np.array([0, 3]), np.zeros(2, np.int64), np.zeros(2))


registers = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 1, 1, 2, 5]),
        st.one_of(st.floats(0, 60), st.just(0.0), st.just(0.0), st.floats(-2000, 2000), st.just(-990.0)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(registers, min_size=1, max_size=4),
    st.sampled_from([1e3, 1e4, math.inf]),
    st.sampled_from([5.0, 30.0, math.inf]),
    st.booleans(),
)
def test_the_fast_judge_agrees_with_the_slow_one(
    meters: list[list[tuple[int, float]]], capacity: float, per_hour: float, rests: bool
) -> None:
    times = [np.cumsum([dt * HOUR for dt, _ in steps]) for steps in meters]
    values = [np.cumsum([dv for _, dv in steps]).round(1) % 1000.0 for steps in meters]
    bank = RegisterBank(
        np.cumsum([0, *[len(t) for t in times]]),
        np.concatenate(times).astype(np.int64),
        np.concatenate(values).astype(float),
    )
    found = judge(bank, limits_of(len(meters), capacity=capacity, per_hour=per_hour, rests=rests))
    for m, (time, value) in enumerate(zip(times, values, strict=True)):
        own = slice(int(bank.offset[m]), int(bank.offset[m + 1]))
        verdict, increment = naive.judge(
            time, value, capacity=capacity, per_hour=per_hour, gap_s=1.5 * HOUR, stuck_s=6 * HOUR, rests=rests
        )
        assert [Verdict(v).name for v in found.verdict[own]] == verdict
        np.testing.assert_allclose(found.increment[own], increment, rtol=0, atol=1e-9)


def test_a_reading_whose_increment_may_reach_back_over_rejected_ones_is_not_settled() -> None:
    # the two readings after the first are too high for 1 h and 2 h, the one after agrees with the first in 12 h
    whole = hourly(0, 90, 92, 94, 96, hours=[0, 1, 2, 12, 13])
    limits = limits_of(1, per_hour=5.0)
    assert verdicts(judge(whole, limits)) == ["FIRST", "GLITCH", "GLITCH", "GAP", "ACCEPTED"]
    assert_array_equal(judge(whole, limits).increment[3:], [94, 2])
    part = hourly(90, 92, 94, 96, hours=[1, 2, 12, 13])
    assert_array_equal(judge(part, limits).increment[2:], [2, 2])
    assert settled(part, limits).tolist() == [False, False, False, True]


@settings(max_examples=200, deadline=None)
@given(registers, st.data())
def test_a_window_that_begins_before_a_settled_reading_is_judged_as_the_whole(
    steps: list[tuple[int, float]], data: st.DataObject
) -> None:
    steps = [(max(dt, 1), dv) for dt, dv in steps]
    if len(steps) < 4:
        return
    time = np.cumsum([dt * HOUR for dt, _ in steps]).astype(np.int64)
    value = np.cumsum([dv for _, dv in steps]).round(1) % 1000.0
    cut = data.draw(st.integers(0, len(steps) - 3))
    whole = RegisterBank(np.array([0, len(time)]), time, value)
    part = RegisterBank(np.array([0, len(time) - cut]), time[cut:], value[cut:])
    limits = limits_of(1, capacity=1000.0, per_hour=5.0, stuck_h=1e9)
    anchors = np.flatnonzero(settled(part, limits))
    if len(anchors):
        first = anchors[0]
        assert_array_equal(judge(part, limits).increment[first:], judge(whole, limits).increment[cut + first :])
        assert_array_equal(judge(part, limits).verdict[first:], judge(whole, limits).verdict[cut + first :])


@settings(max_examples=200, deadline=None)
@given(
    digits=st.integers(4, 9),
    ratio=st.sampled_from([1.0, 20.0, 80.0, 1200.0]),
    start=st.floats(0, 1, exclude_max=True),
    energy=st.lists(st.integers(0, 40), min_size=5, max_size=60),
)
def test_roll_overs_lose_nothing(digits: int, ratio: float, start: float, energy: list[int]) -> None:
    capacity = 10.0**digits
    first = round(capacity * (1 - start * 1e-2), 0) - 1
    value = (first + np.concatenate(([0], np.cumsum(energy)))) % capacity
    time = np.arange(len(value), dtype=np.int64) * HOUR
    found = judge(
        RegisterBank(np.array([0, len(value)]), time, value), limits_of(1, capacity=capacity, per_hour=40, stuck_h=1e9)
    )
    assert float(found.increment[1:].sum()) * ratio == float(sum(energy)) * ratio
    assert (found.increment[1:] >= 0).all()


def test_a_gap_in_which_the_register_may_have_gone_round_tells_nothing() -> None:
    # 1,400 of 2,000 possible kWh were used in 200 h; the display of three digits rose by 400
    found = judge(hourly(0, 8, 408, 416, hours=[0, 1, 201, 202]), limits_of(1, capacity=1e3))
    assert verdicts(found) == ["FIRST", "ACCEPTED", "EXCHANGE", "ACCEPTED"]
    assert_array_equal(found.increment[1:], [8, np.nan, 8])
    # in 139 h it could not have used 1,400 kWh
    found = judge(hourly(0, 8, 408, 416, hours=[0, 1, 140, 141]), limits_of(1, capacity=1e3))
    assert_array_equal(found.increment[1:], [8, 400, 8])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([1, 4, 7, 10]), st.integers(0, 999), st.sampled_from([3, 20, 100, 300]), st.integers(0, 10_000))
def test_whatever_is_missing_each_known_increment_is_what_was_used(level: int, start: int, gap: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = np.cumsum(rng.integers(1, 2 * gap, 30))
    used = np.cumsum(rng.integers(max(level - 3, 0), level + 1, hours[-1] + 1)).astype(float)[hours]
    found = judge(hourly(*((start + used) % 1e3), hours=hours.tolist()), limits_of(1, capacity=1e3, stuck_h=1e9))
    increment, true = found.increment[found.accepted], np.diff(used[found.accepted], prepend=0)
    known = np.isfinite(increment)
    assert_array_equal(increment[known], true[known])
