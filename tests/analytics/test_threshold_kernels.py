"""Thresholds: each kernel equals its slow twin, which parts the alarms at every level by itself."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from analytics.detection.thresholds import MARGIN, keep_out, lowest_of
from analytics.detection.weights import GAP
from tests.analytics import naive_anomalies as naive
from tests.analytics.drawn import groups, series


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(), n=st.integers(0, 400), sure=st.sampled_from([0.0, 1.5, 3.0]), hold=st.sampled_from([0.0, 0.5]),
)  # fmt: skip
def test_sure_faults_are_kept_out_as_by_parting_them(data: st.DataObject, n: int, sure: float, hold: float) -> None:
    odds = data.draw(series(n, missing=[0.0]))
    expected = odds.tolist()
    for alarm in groups([t for t in range(n) if odds[t] >= sure - hold], GAP):
        if any(odds[t] >= sure for t in alarm):
            for t in range(max(alarm[0] - MARGIN, 0), min(alarm[-1] + MARGIN + 1, n)):
                expected[t] = -9.0
    keep_out(odds, sure, hold, -9.0)
    assert_array_equal(odds, expected)


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(),
    n=st.integers(1, 150),
    step=st.sampled_from([1, GAP, GAP + 1]),
    share=st.sampled_from([0.0, 0.1, 1.0]),
    budget=st.sampled_from([0.0, 1.0, 4.5, 11.0]),
)
def test_the_lowest_of_some_hours_equals_counting_alarms_at_each(
    data: st.DataObject, n: int, step: int, share: float, budget: float
) -> None:
    odds = data.draw(series(n, missing=[0.0]))
    odds[: n // 2 : step] += 3  # hours that just make one alarm, or just do not
    ordered = sorted(odds.tolist(), reverse=True)
    levels = sorted(set(ordered[: max(int(share * n), 1)]), reverse=True)
    best, is_broken = math.inf, False
    for level in levels:
        if naive.alarms_at(odds, level) > budget:
            is_broken = True
            break
        best = level
    places = np.array(sorted((t for t in range(n) if odds[t] >= levels[-1]), key=lambda t: -odds[t]), np.int64)
    found = lowest_of(odds, places, budget)
    assert found[1] == is_broken
    assert found[0] == best if best < math.inf else found[0] > ordered[0]
