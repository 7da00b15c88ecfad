"""Judging meters: log-odds of hours by class of evidence, thresholds of the year before, and alarms, meter by meter.

As in `analytics.detection.terms` no kernel calls another one; a meter costs some twenty calls, 3 % of its time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.grid import HourGrid
from analytics.detection.terms import LEVEL, POINT, STUCK, ZERO, Terms
from analytics.detection.weights import (
    BUDGET_OF,
    CEILING,
    CLASSES,
    DEARER,
    DOUBTFUL,
    FULL_OF_FAULTS,
    HOLD,
    INTERCEPTS,
    LOWERED,
    OWN_SHARE,
    REPEATS,
    SPOILT,
    SURE,
    TERMS,
    USUAL,
    WEIGHTS,
)
from analytics.order import select
from energy.series import BoolArray, Float32Array, FloatArray, Int32Array, IntArray

N_TERMS: Final = len(TERMS)
N_CLASSES: Final = len(CLASSES)
BLOCK: Final = 1024
LN_2: Final = 0.6931471805599453
LOG_2: Final = tuple(np.float32(c) for c in (1.4425449, -0.71814524, 0.45754914, -0.27790524, 0.12179782, -0.025841420))
"""log2(1 + x) / x on [0, 1] as a polynomial in x: largest error 2e-6 of a natural logarithm, exact at 0 and 1."""
CLASS_WEIGHTS: Final = np.array(WEIGHTS, np.float32)
LASTING, SUDDEN, RESTLESS = (CLASSES.index(name) for name in ("lasting", "sudden", "restless"))
"""Classes that make the score; the slow one tells weeks apart, not hours."""
SUDDEN_SHARE: Final = 0.3
"""In a retrospective score sudden evidence counts this much once more, so that hours of one long event differ."""
GAP: Final = 5
"""Flagged hours at most this far apart (closer than six hours) belong to one alarm. [h]"""
MOST_FLAGGED: Final = 0.15
"""A threshold never flags more than this share of the hours."""
MARGIN: Final = 24
"""Hours on both sides of a sure fault that are kept out of the thresholds."""
PLAIN: Final = float(np.log1p(3.0))
"""log(1 + robust standard deviations) from which a single hour is plainly wrong."""
CORE_SHARE: Final = 0.5
"""Share of plainly wrong hours that makes the span between them the fault itself."""

(METER, CLASS, FIRST, LAST, PEAK, ODDS, ACTUAL, USUAL_USE, KNOWN, STUCK_HOURS, ZERO_HOURS, LAST_SHARE, REST_EXCESS,
 BUSY_EXCESS, EARLY, LATE, MATCH) = range(17)  # fmt: skip
N_FACTS: Final = 17
"""Columns of a raw alarm: where, when, how sure, and the numbers its kind is told from; then one column a term."""


def judge(
    values: Float32Array,
    expected: Float32Array,
    grid: HourGrid,
    n_history: int,
    *,
    learn: bool,
    centred: bool,
    budgets: FloatArray,
    yardsticks: Float32Array,
    thresholds: Float32Array,
    score: Float32Array,
    flagged: BoolArray,
) -> Float32Array:
    """Judge every meter; fills `score` and `flagged` of the judged hours, returns the raw alarms.

    With `learn`, yardsticks and thresholds are taken from the first `n_history` hours, else they are given. Alarms are
    raised for the hours from `n_history` on, or for all hours where n_history is all there is.
    """
    n = values.shape[1]
    start = n_history if n_history < n else 0
    years = n_history / 8760
    work = Terms(grid, n_history, centred=centred)
    intercepts = np.array(INTERCEPTS, np.float32)
    odds, flags = np.empty((N_CLASSES, n), np.float32), np.empty(n, np.int32)
    own = np.empty((n // (GAP + 1) + 2, N_FACTS + N_TERMS), np.float32)
    alarms = [own[:0]]
    for m in range(len(values)):
        work.of(values[m], expected[m], yardsticks[m], learn=learn)
        log_odds(work.terms, CLASS_WEIGHTS, intercepts, odds)
        if learn:
            allowed = [budgets[m, column] * share * years for column, share in BUDGET_OF]
            thresholds[m] = thresholds_of(odds[:, :n_history], allowed)
        flags[:] = 0
        for i in range(N_CLASSES):
            hold(odds[i], float(thresholds[m, i]), HOLD[i], grid.day_end, start, 1 << i, flags)
        drop_repeats(flags, odds, thresholds[m], grid.day_end, start)
        score_of(odds[:, start:], SUDDEN_SHARE if centred else 0.0, score[m])
        np.greater(flags[start:], 0, out=flagged[m])
        n_alarms = collect(flags, odds, thresholds[m], work.terms, CLASS_WEIGHTS, own)
        if n_alarms:
            own[:n_alarms, METER] = m
            narrow(own[:n_alarms], values[m], work.terms)
            describe(own[:n_alarms], values[m], work.residual, grid.busy, work.terms, float(yardsticks[m, LEVEL]))
            alarms.append(own[:n_alarms].copy())
    return np.concatenate(alarms)


def score_of(odds: Float32Array, share: float, out: Float32Array) -> None:
    """The greatest log-odds above those without any evidence, and a share of the sudden ones."""
    np.maximum(odds[LASTING], odds[SUDDEN], out=out)
    np.maximum(out, odds[RESTLESS], out=out)
    if share:
        out += np.float32(share) * odds[SUDDEN]
    out -= np.float32(INTERCEPTS[LASTING] + share * INTERCEPTS[SUDDEN])
    np.maximum(out, 0, out=out)


def thresholds_of(odds: Float32Array, budgets: list[float]) -> Float32Array:
    """Thresholds by class: `OWN_SHARE` of the way from the usual one to the meter's own.

    The own threshold is the lowest that raises no more alarms in the year before than the budget, once the sure faults
    of that year are kept out. Where it held many, all thresholds are lower.
    """
    highest = odds.max(axis=1)
    sure = [np.count_nonzero(o >= SURE) / len(o) if top >= SURE else 0.0 for o, top in zip(odds, highest, strict=True)]
    out = np.empty(N_CLASSES, np.float32)
    for i in range(N_CLASSES):
        kept = odds[i]
        limit = DOUBTFUL if sure[i] > SPOILT else SURE
        if highest[i] >= limit:
            kept = kept.copy()
            keep_out(kept, limit, HOLD[0], float(kept.min()))
        out[i] = OWN_SHARE * lowest_threshold(kept, budgets[i]) + (1 - OWN_SHARE) * USUAL[i]
    spoilt = (sure[LASTING] - SPOILT) / (FULL_OF_FAULTS - SPOILT)
    return out - np.float32(LOWERED * min(max(spoilt, 0.0), 1.0))


def lowest_threshold(odds: Float32Array, budget: float) -> float:
    """The lowest threshold with at most `budget` alarms and 15 % of the hours flagged.

    Looks at the highest hours only, at more of them where those do not use up the budget.
    """
    n = len(odds)
    most = max(int(MOST_FLAGGED * n), 1)
    looked_at = min(64, most)
    while True:
        places = np.flatnonzero(odds >= np.float32(select(odds, n, n - looked_at)))
        places = places[np.argsort(-odds[places], kind="stable")]
        found, is_broken = lowest_of(odds, places, budget)
        if is_broken or looked_at >= most:
            return found
        looked_at = min(looked_at * 4, most)


@compiled
def log_odds(terms: Float32Array, weights: Float32Array, intercepts: Float32Array, out: Float32Array) -> None:
    """Put log(1 + term) in place of each term, and by class the intercept and their weighted sum into `out`.

    The logarithm comes from exponent bits and a polynomial, in vector lanes.
    """
    one_plus = np.empty(BLOCK, np.float32)
    power = np.empty(BLOCK, np.float32)
    bits = one_plus.view(np.int32)
    a, b, c, d, e, f = LOG_2
    for first in range(0, terms.shape[1], BLOCK):
        for k in range(len(weights)):
            part = out[k, first : first + BLOCK]
            for i in range(len(part)):
                part[i] = intercepts[k]
        for j in range(len(terms)):
            term = terms[j, first : first + BLOCK]
            for i in range(len(term)):
                one_plus[i] = np.float32(1.0) + min(term[i], np.float32(CEILING))
            for i in range(len(term)):
                power[i] = np.float32((bits[i] >> np.int32(23)) - np.int32(127))
            for i in range(len(term)):
                bits[i] = (bits[i] & np.int32(0x007FFFFF)) | np.int32(0x3F800000)
            for i in range(len(term)):
                x = one_plus[i] - np.float32(1.0)
                term[i] = np.float32(LN_2) * (power[i] + x * (a + x * (b + x * (c + x * (d + x * (e + x * f))))))
            for k in range(len(weights)):
                w = weights[k, j]
                if w > 0.0:
                    part = out[k, first : first + BLOCK]
                    for i in range(len(part)):
                        part[i] += w * term[i]


@compiled
def keep_out(odds: Float32Array, sure: float, hold: float, lowest: float) -> None:
    """Blank the alarms that reach `sure`, with a day on both sides."""
    n = len(odds)
    blank = np.zeros(n, np.bool_)
    t = 0
    while t < n:
        if odds[t] < sure - hold:
            t += 1
            continue
        last, peak, end = t, odds[t], t + 1
        while end < n and end - last <= GAP:
            if odds[end] >= sure - hold:
                last = end
                peak = max(peak, odds[end])
            end += 1
        if peak >= sure:
            for i in range(max(t - MARGIN, 0), min(last + MARGIN + 1, n)):
                blank[i] = True
        t = last + 1
    for i in range(n):
        if blank[i]:
            odds[i] = lowest


@compiled
def lowest_of(odds: Float32Array, places: IntArray, budget: float) -> tuple[float, bool]:
    """The lowest threshold among some hours, by falling log-odds, and whether the next lower one breaks the budget."""
    flagged = np.zeros(len(odds) + 2 * GAP + 2, np.bool_)
    n_alarms = 0
    highest = odds[places[0]]
    best = highest + abs(highest) * np.float32(1e-4) + np.float32(1e-4)
    i = 0
    while i < len(places):
        level = odds[places[i]]
        while i < len(places) and odds[places[i]] == level:
            t = places[i] + GAP
            before = after = 0  # distance to the nearest flagged hour on each side, 0 for none within reach
            for k in range(GAP, 0, -1):
                if flagged[t - k]:
                    before = k
                if flagged[t + k]:
                    after = k
            if before == 0 and after == 0:
                n_alarms += 1
            elif before > 0 and after > 0 and before + after > GAP:
                n_alarms -= 1  # the hour joins two alarms
            flagged[t] = True
            i += 1
        if n_alarms > budget:
            return float(best), True
        best = level
    return float(best), False


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
def describe(
    alarms: Float32Array, values: Float32Array, residual: Float32Array, busy: BoolArray, terms: Float32Array,
    level: float,
) -> None:  # fmt: skip
    """What the kind of each alarm is told from: sums, runs, zeros, when the excess falls, how it grows."""
    for a in range(len(alarms)):
        row = alarms[a]
        first, last = int(row[FIRST]), int(row[LAST])
        actual = usual = rest = occupied = early = late = early_use = late_use = 0.0
        known = stuck = zero = match = 0
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
            if terms[STUCK, t] > 0.0:
                stuck += 1
            if values[t] <= 0.02 * level:
                zero += 1
        ratio = actual / usual if usual > 0.0 else 0.0
        for t in range(first, last + 1):
            # Hours in which actual use is the same multiple of usual use, to a fifth: a wrong scale, not a wrong habit.
            if not np.isnan(residual[t]) and abs(values[t] - ratio * (values[t] - residual[t])) <= 0.2 * values[t]:
                match += 1
        row[ACTUAL], row[USUAL_USE], row[KNOWN], row[STUCK_HOURS], row[ZERO_HOURS] = actual, usual, known, stuck, zero
        catch_up = 0.0
        for t in range(max(first, last - 2), last + 1):
            if not np.isnan(values[t]):
                catch_up = max(catch_up, values[t])
        row[LAST_SHARE] = catch_up / actual if actual > 0.0 else 0.0
        row[REST_EXCESS], row[BUSY_EXCESS] = rest, occupied
        row[EARLY] = early / early_use if early_use > 0.0 else 0.0
        row[LATE] = late / late_use if late_use > 0.0 else 0.0
        row[MATCH] = match
