"""A clock that is wrong is told by how much, from live readings alone; what does not tell is unknown (promise P-16)."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import clocks
from analytics.clocks import clock_ahead, clock_drift
from tests.analytics import naive_clocks

DAY = 86_400
QUARTER = 900
T0 = 1_767_225_600


def ahead(time: list[int], received: list[int], stretch: int = QUARTER) -> float:
    return clock_ahead(np.array(time, np.int64), np.array(received, np.int64), stretch=stretch)


def live(n: int, off: int, way: int = 2) -> tuple[list[int], list[int]]:
    """Quarter hours that come `way` seconds after they were read, dated by a clock that is `off` ahead."""
    true = [T0 + QUARTER * i for i in range(n)]
    return [t + off for t in true], [t + way for t in true]


def test_a_clock_is_ahead_by_what_its_freshest_readings_say_less_their_way() -> None:
    assert ahead(*live(96, off=0)) == -2.0
    assert ahead(*live(96, off=200)) == 198.0
    assert ahead(*live(96, off=-420)) == -422.0
    assert ahead(*live(96, off=-8 * 3600)) == -8 * 3600 - 2.0  # local time sent as if it were UTC


def test_backfill_beside_live_readings_is_not_felt() -> None:
    time, received = live(8, off=-180)
    old = [T0 - DAY * n for n in range(1, 300)]
    assert ahead(time + old, received + [received[3]] * len(old)) == -182.0


def test_backfill_alone_tells_nothing() -> None:
    old = [T0 - QUARTER * n for n in range(5000)]
    assert math.isnan(ahead(old, [T0 + n // 1000 for n in range(5000)]))  # in one breath
    assert math.isnan(ahead(old, [T0 + 5 * n for n in range(5000)]))  # through seven hours


def test_several_readings_a_message_count_by_the_freshest() -> None:
    time = [T0 + QUARTER * i for i in range(96)]
    received = [T0 + 3600 * (i // 4) + 3 * QUARTER + 5 for i in range(96)]
    assert ahead(time, received) == -5.0


def test_deliveries_at_random_tell_of_the_network_and_not_of_the_clock() -> None:
    way = np.random.default_rng(1).integers(0, 1800, 96)
    time = [T0 + QUARTER * i for i in range(96)]
    assert math.isnan(ahead(time, [t + int(w) for t, w in zip(time, way, strict=True)]))


def test_too_few_stretches_and_none_are_unknown() -> None:
    assert math.isnan(ahead(*live(3, off=0)))
    assert ahead(*live(4, off=0)) == -2.0
    assert math.isnan(ahead([], []))


def test_a_drift_is_the_slope_although_the_clock_was_set_once() -> None:
    days = T0 + DAY * np.arange(10)
    known = 1.5 * np.arange(10.0)
    assert clock_drift(days, known) == 1.5
    known[4] = np.nan
    assert clock_drift(days, known) == 1.5
    known[8:] -= 12.0  # set on the ninth day: 21 of 36 pairs still have the slope
    assert clock_drift(days, known) == 1.5
    assert math.isnan(clock_drift(days[:3], known[:3]))
    assert math.isnan(clock_drift(days, np.full(10, np.nan)))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30 * QUARTER), st.integers(-700, 3 * DAY)), max_size=40),
    st.sampled_from([60, QUARTER, 3600]),
)
def test_the_kernel_equals_its_slow_twin(readings: list[tuple[int, int]], stretch: int) -> None:
    received = [T0 + came for came, _ in readings]
    time = [T0 + came - lag for came, lag in readings]
    slow = naive_clocks.clock_ahead(
        time, received, stretch=stretch, least=clocks.MIN_STRETCHES, most_s=clocks.MOST_S, steady_s=clocks.STEADY_S
    )
    np.testing.assert_equal(ahead(time, received, stretch), slow)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.just(math.nan), st.integers(-900, 900).map(float)), max_size=15))
def test_the_drift_equals_its_slow_twin(values: list[float]) -> None:
    time = T0 + DAY * np.arange(len(values), dtype=np.int64)
    slow = naive_clocks.clock_drift(time.tolist(), values, least=clocks.MIN_DAYS)
    np.testing.assert_allclose(clock_drift(time, np.array(values, np.float64)), slow, atol=1e-12)
