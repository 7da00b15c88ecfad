"""From log-odds to alarms: each kernel equals its slow twin, which looks at one alarm after the other."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.detection import alarms as al
from analytics.detection.grid import HourGrid
from analytics.detection.judge import CLASS_WEIGHTS, N_CLASSES, N_TERMS
from analytics.detection.terms import POINT, STUCK, ZERO
from analytics.detection.weights import GAP, HOLD
from tests.analytics import naive_anomalies as naive
from tests.analytics.drawn import SEEDS, drawn, grids, groups, series

THRESHOLDS = np.array([0.1, 0.2, 0.0, 0.3], np.float32)
MOST = 12 * 24


def odds_of(seed: int, n: int, digits: int, level: float) -> np.ndarray:
    return (drawn(seed, (N_CLASSES, n), 0.0, digits) + np.float32(level)).astype(np.float32)


def terms_of(seed: int, n: int) -> np.ndarray:
    """Mostly nothing, else up to what is plainly wrong."""
    generator = np.random.default_rng(seed)
    found = generator.random((N_TERMS, n)) < generator.choice([0.0, 0.1, 0.6])
    return np.where(found, generator.exponential(2.0, found.shape), 0.0).astype(np.float32)


def spans(seed: int, n: int) -> np.ndarray:
    """Up to five alarms, one behind the other, with nothing but a first and a last hour."""
    places = np.sort(np.random.default_rng(seed).choice(n, min(n, 10), replace=False))
    alarms = np.zeros((len(places) // 2, al.N_FACTS + N_TERMS), np.float32)
    alarms[:, al.FIRST], alarms[:, al.LAST] = places[: 2 * len(alarms)].reshape(-1, 2).T
    return alarms


def held_slowly(odds: np.ndarray, threshold: float, near: list[int], grid: HourGrid) -> set[int]:
    """Hours near the threshold of which a peak is known by the end of the next day."""
    return {
        t
        for group in groups(near, GAP)
        for t in group
        if any(odds[peak] >= threshold and peak < grid.day_end[t] for peak in group)
    }


@settings(max_examples=80, deadline=None)
@given(grid=grids(0, MOST), seed=SEEDS, n_peaks=st.integers(0, 9), share=st.sampled_from([0.1, 0.6, 1.0]))
def test_hours_near_a_peak_are_flagged_as_by_looking_for_it(
    grid: HourGrid, seed: int, n_peaks: int, share: float
) -> None:
    generator, n = np.random.default_rng(seed), len(grid)
    odds = np.where(generator.random(n) < share, 0.25, -1.0).astype(np.float32)
    odds[generator.choice(n, min(n_peaks, n), replace=False)] = 0.5
    near = np.flatnonzero(odds > 0)
    flags = np.full(n, 2, np.int32)
    al.hold(near, odds, 0.5, grid.day_end, 1, flags)
    marked = held_slowly(odds, 0.5, near.tolist(), grid)
    assert_array_equal(flags, [3 if t in marked else 2 for t in range(n)])


@settings(max_examples=40, deadline=None)
@given(
    grid=grids(1, 40 * 24), seed=SEEDS, digits=st.sampled_from([0, 6]), level=st.sampled_from([-3.0, -2.0, 0.0]),
    share=st.sampled_from([0.0, 0.5]),
)  # fmt: skip
def test_flags_equal_looking_at_each_class_and_at_the_alarms_before(
    grid: HourGrid, seed: int, digits: int, level: float, share: float
) -> None:
    n = len(grid)
    odds, start, bits = odds_of(seed, n, digits, level), int(share * n), np.zeros(n, np.int32)
    for k in range(N_CLASSES):
        near = [t for t in range(start, n) if odds[k, t] >= THRESHOLDS[k] - np.float32(HOLD[k])]
        for t in held_slowly(odds[k], THRESHOLDS[k], near, grid):
            bits[t] |= 1 << k
    margin = (odds - THRESHOLDS[:, None]).max(axis=0).astype(np.float64)
    kept = naive.without_repeats(bits > 0, margin, grid.day_end)
    flags = np.full(n, 9, np.int32)
    marked = al.flag(odds, THRESHOLDS, grid.day_end, start, flags)
    assert_array_equal(flags, np.where(kept, bits, 0))
    assert_array_equal(marked, [t for t in range(n) if kept[t]])


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, MOST), seed=SEEDS, digits=st.sampled_from([0, 6]), share=st.sampled_from([0.02, 0.3, 1.0]))
def test_alarms_equal_looking_at_the_hours_of_each(n: int, seed: int, digits: int, share: float) -> None:
    odds, terms = odds_of(seed, n, digits, -1.0), terms_of(seed, n)
    generator = np.random.default_rng(seed)
    flags = np.where(generator.random(n) < share, generator.integers(1, 16, n), 0).astype(np.int32)
    flagged = np.flatnonzero(flags)
    rows = np.empty((n // (GAP + 1) + 2, al.N_FACTS + N_TERMS), np.float32)
    found = rows[: al.collect(flagged, flags, odds, THRESHOLDS, terms, CLASS_WEIGHTS, rows)]
    alone = groups(flagged.tolist(), GAP)
    assert len(found) == len(alone)
    for row, alarm in zip(found, alone, strict=True):
        margin = {t: max(odds[k, t] - THRESHOLDS[k] for k in range(N_CLASSES)) for t in alarm}
        peak = max(alarm, key=lambda t: margin[t])  # the first of several
        classes = [k for k in range(N_CLASSES) if any(flags[t] & 1 << k for t in alarm)]
        assert row[al.CLASS] == sum(1 << k for k in classes)
        assert (row[al.FIRST], row[al.LAST], row[al.PEAK]) == (alarm[0], alarm[-1], peak)
        assert row[al.ODDS] == margin[peak]
        evidence = [max(CLASS_WEIGHTS[k, j] for k in range(N_CLASSES)) * terms[j, peak] for j in range(N_TERMS)]
        assert_allclose(row[al.N_FACTS :], evidence, rtol=1e-6)


def narrowed(first: int, last: int, plain: list[int]) -> tuple[int, int]:
    """Between the outermost plain hours that have another one near, if at least half of what lies there is plain."""
    vouched = [t for t in plain if len(plain) < 3 or any(0 < abs(t - other) <= GAP for other in plain)]
    if not vouched:
        return first, last
    inside = [t for t in plain if vouched[0] <= t <= vouched[-1]]
    return (vouched[0], vouched[-1]) if 2 * len(inside) >= vouched[-1] - vouched[0] + 1 else (first, last)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), n=st.integers(0, MOST), seed=SEEDS)
def test_alarms_are_narrowed_as_by_looking_for_plain_hours(data: st.DataObject, n: int, seed: int) -> None:
    alarms, terms, values = spans(seed, n), terms_of(seed, n), data.draw(series(n))
    before = alarms.copy()
    al.narrow(alarms, values, terms)
    for row, old in zip(alarms, before, strict=True):
        first, last = int(old[al.FIRST]), int(old[al.LAST])
        plain = [
            t
            for t in range(first, last + 1)
            if not math.isnan(values[t])
            and (terms[POINT, t] >= math.log(4.0) or terms[STUCK, t] > 0 or terms[ZERO, t] > 0)
        ]
        assert (row[al.FIRST], row[al.LAST]) == narrowed(first, last, plain)


def ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


@settings(max_examples=60, deadline=None)
@given(data=st.data(), grid=grids(0, MOST), seed=SEEDS, level=st.sampled_from([0.0, 5.0, 300.0]))
def test_amounts_of_alarms_equal_adding_up_known_hours(
    data: st.DataObject, grid: HourGrid, seed: int, level: float
) -> None:
    n = len(grid)
    alarms, terms, values = spans(seed, n), terms_of(seed, n), data.draw(series(n, 5.0))
    residual = values - data.draw(series(n, 4.0, missing=[0.0, 0.3]))
    al.add_up(alarms, values, residual, grid.busy, terms, level)
    for row in alarms:
        first, last = int(row[al.FIRST]), int(row[al.LAST])
        known = [t for t in range(first, last + 1) if not math.isnan(residual[t])]
        actual, excess = ({t: float(row[t]) for t in known} for row in (values, residual))
        usual = {t: actual[t] - excess[t] for t in known}
        half = (last - first + 1) // 2  # the middle one of an odd number of hours is late
        early, late = ([t for t in known if (t < first + half) == is_early] for is_early in (True, False))
        expected = {
            al.KNOWN: len(known),
            al.ACTUAL: sum(actual.values()),
            al.USUAL_USE: sum(usual.values()),
            al.STUCK_HOURS: sum(terms[STUCK, t] > 0 for t in known),
            al.ZERO_HOURS: sum(actual[t] <= 0.02 * level for t in known),
            al.REST_EXCESS: sum(excess[t] for t in known if not grid.busy[t]),
            al.BUSY_EXCESS: sum(excess[t] for t in known if grid.busy[t]),
            al.EARLY: ratio(sum(excess[t] for t in early), sum(usual[t] for t in early)),
            al.LATE: ratio(sum(excess[t] for t in late), sum(usual[t] for t in late)),
        }
        assert_allclose(row[list(expected)], list(expected.values()), rtol=1e-5, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(0, MOST), seed=SEEDS, factor=st.sampled_from([0.0, 1.0, 10.0]))
def test_single_hours_of_alarms_equal_looking_at_each(data: st.DataObject, n: int, seed: int, factor: float) -> None:
    usual = np.abs(data.draw(series(n, 5.0, missing=[0.0])))
    values = np.float32(factor) * usual + np.float32(0.5) * data.draw(series(n))
    alarms = spans(seed, n)
    alarms[:, [al.ACTUAL, al.USUAL_USE]] = np.random.default_rng(seed).choice([0.0, 40.0, 400.0], (len(alarms), 2))
    al.compare(alarms, values, values - usual)
    for row in alarms:
        first, last = int(row[al.FIRST]), int(row[al.LAST])
        latest = max([0.0, *(float(v) for v in values[max(first, last - 2) : last + 1] if not math.isnan(v))])
        assert row[al.LAST_SHARE] == np.float32(ratio(latest, float(row[al.ACTUAL])))
        times = ratio(float(row[al.ACTUAL]), float(row[al.USUAL_USE]))
        away = [abs(float(v) - times * float(u)) - 0.2 * float(v) for v, u in zip(values, usual, strict=True)]
        sure, doubtful = (sum(a <= edge for a in away[first : last + 1]) for edge in (-1e-4, 1e-4))
        assert sure <= row[al.MATCH] <= doubtful  # rounding may put an hour on either side of the edge
