"""From log-odds to alarms: which hours are flagged, which of them belong together, and the numbers of each alarm.

Arrays here are those of one meter's hours: `odds` and `terms` (as logarithms) of shape (n_classes, n) and (n_terms, n),
`flags` (n,) with one bit a class, `day_end` (n,) as in `HourGrid`; `values` and `residual` (n,) are NaN where unknown.
`alarms` has a row an alarm and the columns below. As in `analytics.detection.terms` no kernel calls another one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.terms import POINT, STUCK, ZERO
from analytics.detection.weights import DEARER, GAP, HOLD, REPEATS
from energy.series import BoolArray, Float32Array, Int32Array, IntArray

PLAIN: Final = float(np.log1p(3.0))
"""log(1 + robust standard deviations) from which a single hour is plainly wrong."""
CORE_SHARE: Final = 0.5
"""Share of plainly wrong hours that makes the span between them the fault itself."""

(METER, CLASS, FIRST, LAST, PEAK, ODDS, ACTUAL, USUAL_USE, KNOWN, STUCK_HOURS, ZERO_HOURS, LAST_SHARE, REST_EXCESS,
 BUSY_EXCESS, EARLY, LATE, MATCH) = range(17)  # fmt: skip
N_FACTS: Final = 17
"""Columns of a raw alarm: where, when, how sure, and the numbers its kind is told from; then one column a term."""


def flag(odds: Float32Array, thresholds: Float32Array, day_end: Int32Array, start: int, flags: Int32Array) -> IntArray:
    """Mark the hours from `start` on that are worth an alarm, with the bits of their classes; 0 for all others.

    Returns the marked hours.
    """
    flags[:] = 0
    for i, width in enumerate(HOLD):
        near = start + np.flatnonzero(odds[i, start:] >= thresholds[i] - np.float32(width))
        hold(near, odds[i], float(thresholds[i]), day_end, 1 << i, flags)
    drop_repeats(np.flatnonzero(flags != 0), flags, odds, thresholds, day_end)
    return np.flatnonzero(flags != 0)


@compiled
def hold(
    near: IntArray, odds: Float32Array, threshold: float, day_end: Int32Array, mark: int, flags: Int32Array
) -> None:
    """Flag hours near the threshold that a peak above it explains, as known at the end of the day after each hour."""
    i = 0
    while i < len(near):
        peak, end = -1, i
        while end < len(near) and (end == i or near[end] - near[end - 1] <= GAP):
            if peak < 0 and odds[near[end]] >= threshold:
                peak = near[end]
            end += 1
        for k in range(i, end if peak >= 0 else i):
            if peak < day_end[near[k]]:
                flags[near[k]] |= mark
        i = end


@compiled
def drop_repeats(
    flagged: IntArray, flags: Int32Array, odds: Float32Array, thresholds: Float32Array, day_end: Int32Array
) -> None:
    """Unflag alarms that are not sure enough for a meter that has raised others of late.

    Each alarm raised in the `REPEATS` hours before asks `DEARER` more of the next one's highest log-odds above their
    threshold, as far as known at the end of the day after each hour. What a meter does again and again is its habit.
    """
    raised = np.empty(len(flagged), np.int64)  # last hours of the alarms before
    n_raised = oldest = i = 0
    while i < len(flagged):
        end = i + 1
        while end < len(flagged) and flagged[end] - flagged[end - 1] <= GAP:
            end += 1
        first, last = flagged[i], flagged[end - 1]
        while oldest < n_raised and first - raised[oldest] >= REPEATS:
            oldest += 1
        needed = DEARER * (n_raised - oldest)
        best, looked_at, is_kept = -np.inf, first, False
        for t in flagged[i:end]:
            while looked_at <= last and looked_at < day_end[t]:
                for k in range(len(odds)):
                    best = max(best, odds[k, looked_at] - thresholds[k])
                looked_at += 1
            if best < needed:
                flags[t] = 0
            else:
                is_kept = True
        if is_kept:
            raised[n_raised] = last
            n_raised += 1
        i = end


@compiled
def collect(
    flagged: IntArray, flags: Int32Array, odds: Float32Array, thresholds: Float32Array, terms: Float32Array,
    weights: Float32Array, alarms: Float32Array,
) -> int:  # fmt: skip
    """Merge flagged hours into alarms: class, first, last and worst hour, evidence there; how many there are."""
    n_alarms = i = 0
    while i < len(flagged):
        row = alarms[n_alarms]
        n_alarms += 1
        row[FIRST] = flagged[i]
        marks, end, best = 0, i, -np.inf
        while end < len(flagged) and (end == i or flagged[end] - flagged[end - 1] <= GAP):
            t = flagged[end]
            marks |= flags[t]
            for k in range(len(odds)):
                if odds[k, t] - thresholds[k] > best:
                    best = odds[k, t] - thresholds[k]
                    row[PEAK] = t
            end += 1
        row[CLASS], row[LAST], row[ODDS] = marks, flagged[end - 1], best
        peak = int(row[PEAK])
        for j in range(len(terms)):
            most = np.float32(0.0)
            for k in range(len(weights)):
                most = max(most, weights[k, j])
            row[N_FACTS + j] = most * terms[j, peak]
        i = end
    return n_alarms


@compiled
def narrow(alarms: Float32Array, values: Float32Array, terms: Float32Array) -> None:
    """Narrow alarms to their plainly wrong hours, where these are most of what lies between the first and the last.

    Means over hours and days reach beyond a fault's ends; single hours do not. A lone plain hour at either end is
    chance, unless there is hardly anything else.
    """
    for a in range(len(alarms)):
        first, last = int(alarms[a, FIRST]), int(alarms[a, LAST])
        plain = np.zeros(last - first + 1, np.bool_)
        count = 0
        for i in range(len(plain)):
            t = first + i
            wrong = terms[POINT, t] >= PLAIN or terms[STUCK, t] > 0.0 or terms[ZERO, t] > 0.0
            plain[i] = wrong and not np.isnan(values[t])
            count += plain[i]
        begin = end = -1
        inside = 0
        before = -GAP - 1
        for i in range(len(plain)):
            if not plain[i]:
                continue
            # The later of two plain hours close together vouches for both: the first such pair begins, the last ends.
            if count < 3 or i - before <= GAP:
                if begin < 0:
                    begin = i if count < 3 else before
                end = i
            before = i
        for i in range(max(begin, 0), end + 1):
            inside += plain[i]
        if begin >= 0 and inside >= CORE_SHARE * (end - begin + 1):
            alarms[a, FIRST], alarms[a, LAST] = first + begin, first + end


@compiled
def add_up(
    alarms: Float32Array, values: Float32Array, residual: Float32Array, busy: BoolArray, terms: Float32Array,
    level: float,
) -> None:  # fmt: skip
    """Known hours of each alarm, actual and usual use in them, runs, zeros, when the excess falls and how it grows.

    level : the meter's median load, which tells what counts as nothing.
    """
    for a in range(len(alarms)):
        row = alarms[a]
        first, last = int(row[FIRST]), int(row[LAST])
        actual = usual = rest = occupied = early = late = early_use = late_use = 0.0
        known = stuck = zero = 0
        middle = (first + last + 1) // 2
        for t in range(first, last + 1):
            if np.isnan(residual[t]):
                continue
            known += 1
            actual += values[t]
            usual += values[t] - residual[t]
            if busy[t]:
                occupied += residual[t]
            else:
                rest += residual[t]
            if t < middle:
                early += residual[t]
                early_use += values[t] - residual[t]
            else:
                late += residual[t]
                late_use += values[t] - residual[t]
            stuck += terms[STUCK, t] > 0.0
            zero += values[t] <= 0.02 * level
        row[ACTUAL], row[USUAL_USE], row[KNOWN], row[STUCK_HOURS], row[ZERO_HOURS] = actual, usual, known, stuck, zero
        row[REST_EXCESS], row[BUSY_EXCESS] = rest, occupied
        row[EARLY] = early / early_use if early_use > 0.0 else 0.0
        row[LATE] = late / late_use if late_use > 0.0 else 0.0


@compiled
def compare(alarms: Float32Array, values: Float32Array, residual: Float32Array) -> None:
    """What the sums of `add_up` say of single hours: the share of the last ones, and how many follow one ratio."""
    for a in range(len(alarms)):
        row = alarms[a]
        first, last = int(row[FIRST]), int(row[LAST])
        catch_up = 0.0
        for t in range(max(first, last - 2), last + 1):
            if not np.isnan(values[t]):
                catch_up = max(catch_up, values[t])
        row[LAST_SHARE] = catch_up / row[ACTUAL] if row[ACTUAL] > 0.0 else 0.0
        ratio = row[ACTUAL] / row[USUAL_USE] if row[USUAL_USE] > 0.0 else 0.0
        match = 0
        for t in range(first, last + 1):
            # Hours in which actual use is the same multiple of usual use, to a fifth: a wrong scale, not a wrong habit.
            match += not np.isnan(residual[t]) and abs(values[t] - ratio * (values[t] - residual[t])) <= 0.2 * values[t]
        row[MATCH] = match
