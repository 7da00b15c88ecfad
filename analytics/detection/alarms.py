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
from energy.series import BoolArray, Float32Array, Int32Array

PLAIN: Final = float(np.log1p(3.0))
"""log(1 + robust standard deviations) from which a single hour is plainly wrong."""
CORE_SHARE: Final = 0.5
"""Share of plainly wrong hours that makes the span between them the fault itself."""

(METER, CLASS, FIRST, LAST, PEAK, ODDS, ACTUAL, USUAL_USE, KNOWN, STUCK_HOURS, ZERO_HOURS, LAST_SHARE, REST_EXCESS,
 BUSY_EXCESS, EARLY, LATE, MATCH) = range(17)  # fmt: skip
N_FACTS: Final = 17
"""Columns of a raw alarm: where, when, how sure, and the numbers its kind is told from; then one column a term."""


def flag(odds: Float32Array, thresholds: Float32Array, day_end: Int32Array, start: int, flags: Int32Array) -> None:
    """Mark the hours from `start` on that are worth an alarm, with the bits of their classes; 0 for all others."""
    flags[:] = 0
    for i, width in enumerate(HOLD):
        hold(odds[i], float(thresholds[i]), width, day_end, start, 1 << i, flags)
    drop_repeats(flags, odds, thresholds, day_end, start)


@compiled
def hold(
    odds: Float32Array, threshold: float, width: float, day_end: Int32Array, start: int, mark: int, flags: Int32Array
) -> None:
    """Flag hours within `width` of the threshold that a peak above it explains, as known at the end of the day after
    each hour."""
    n = len(odds)
    low = threshold - width
    t = start
    while t < n:
        if odds[t] < low:
            t += 1
            continue
        last, peak, end = t, -1, t + 1
        if odds[t] >= threshold:
            peak = t
        while end < n and end - last <= GAP:
            if odds[end] >= low:
                last = end
                if peak < 0 and odds[end] >= threshold:
                    peak = end
            end += 1
        if peak >= 0:
            for i in range(t, last + 1):
                if odds[i] >= low and peak < day_end[i]:
                    flags[i] |= mark
        t = last + 1


@compiled
def drop_repeats(
    flags: Int32Array, odds: Float32Array, thresholds: Float32Array, day_end: Int32Array, start: int
) -> None:
    """Unflag alarms that are not sure enough for a meter that has raised others of late.

    Each alarm raised in the `REPEATS` hours before asks `DEARER` more of the next one's highest log-odds above their
    threshold, as far as known at the end of the day after each hour. What a meter does again and again is its habit.
    """
    n = len(flags)
    raised = np.empty(n // (GAP + 1) + 2, np.int64)  # last hours of the alarms before
    n_raised = oldest = 0
    t = start
    while t < n:
        if flags[t] == 0:
            t += 1
            continue
        last, end = t, t + 1
        while end < n and end - last <= GAP:
            if flags[end]:
                last = end
            end += 1
        while oldest < n_raised and t - raised[oldest] >= REPEATS:
            oldest += 1
        needed = DEARER * (n_raised - oldest)
        best, looked_at, is_kept = -np.inf, t, False
        for i in range(t, last + 1):
            while looked_at <= last and looked_at < day_end[i]:
                for k in range(len(odds)):
                    best = max(best, odds[k, looked_at] - thresholds[k])
                looked_at += 1
            if best < needed:
                flags[i] = 0
            elif flags[i]:
                is_kept = True
        if is_kept:
            raised[n_raised] = last
            n_raised += 1
        t = last + 1


@compiled
def collect(
    flags: Int32Array, odds: Float32Array, thresholds: Float32Array, terms: Float32Array, weights: Float32Array,
    alarms: Float32Array,
) -> int:  # fmt: skip
    """Merge flagged hours into alarms: class, first, last and worst hour, evidence there; how many there are."""
    n = len(flags)
    n_alarms = 0
    t = 0
    while t < n:
        if flags[t] == 0:
            t += 1
            continue
        row = alarms[n_alarms]
        n_alarms += 1
        last, marks, end = t, 0, t
        best = -np.inf
        while end < n and end - last <= GAP:
            if flags[end]:
                last = end
                marks |= flags[end]
                for k in range(len(odds)):
                    if odds[k, end] - thresholds[k] > best:
                        best = odds[k, end] - thresholds[k]
                        row[PEAK] = end
            end += 1
        row[CLASS], row[FIRST], row[LAST], row[ODDS] = marks, t, last, best
        peak = int(row[PEAK])
        for j in range(len(terms)):
            most = np.float32(0.0)
            for k in range(len(weights)):
                most = max(most, weights[k, j])
            row[N_FACTS + j] = most * terms[j, peak]
        t = last + 1
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
