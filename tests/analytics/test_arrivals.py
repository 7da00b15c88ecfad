"""Completeness of a day is readings received by readings due, whatever else came (promise P-51)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.arrivals import received_share

DAY = 86_400
QUARTER = 900
T0 = 1_767_225_600


def share(times: list[int], interval: int = QUARTER, end: int = T0 + DAY) -> float:
    return received_share(np.array(times, np.int64), interval=interval, start=T0, end=end)


def test_of_ninety_six_readings_ninety_came() -> None:
    times = [T0 + QUARTER * i for i in range(96) if i % 16]
    assert share(times) == 90 / 96
    assert share([T0 - QUARTER, *times, T0 + DAY]) == 90 / 96  # its neighbours belong to other days
    assert share(times + [t + 60 for t in times]) == 90 / 96  # twice in a turn makes up for no other
    assert (share([]), share([T0 + 3 * QUARTER])) == (0.0, 1 / 96)


def test_where_none_is_due_the_share_is_unknown() -> None:
    assert math.isnan(share([T0], interval=30 * DAY))
    assert math.isnan(share([T0], end=T0))


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.integers(0, 95)), st.integers(0, QUARTER - 1), st.lists(st.integers(-100, 100), min_size=96, max_size=96)
)
def test_schedule_and_jitter_change_nothing(missed: set[int], phase: int, jitter: list[int]) -> None:
    times = [T0 + phase + QUARTER * i + jitter[i] for i in range(96) if i not in missed]
    before_and_after = [T0 + phase + QUARTER * i for i in (*range(-4, 0), *range(96, 100))]
    expected = (96 - len(missed)) / 96
    assert share(sorted(before_and_after + times)) == pytest.approx(expected, abs=1.01 / 96)
    if 200 < phase < QUARTER - 200:  # no reading may be taken for one of the next day
        assert share(sorted(before_and_after + times)) == pytest.approx(expected, abs=1e-12)
