"""Judging meters: yardsticks of the year before, log-odds of hours, thresholds and alarms, one meter at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.terms import (
    DAY_MAD,
    DAY_MID,
    FLOOR,
    JUMP,
    LEVEL,
    MAD,
    N_GROUPS,
    NIGHT_MAD,
    NIGHT_MID,
    RUN_99,
    SIZE,
    UNREST_MAD,
    UNREST_MID,
    ZERO_RARE,
    deviations,
    equal_runs,
    group_scales,
    jumps,
    middle_and_mad,
    night_share,
    residuals,
    window_means,
)
from analytics.detection.weights import (
    CEILING,
    DOUBTFUL,
    HOLD,
    LASTING,
    LASTING_INTERCEPT,
    SPOILT,
    SUDDEN,
    SUDDEN_INTERCEPT,
    SURE,
    TERMS,
    USUAL,
)
from analytics.order import select
from energy.series import BoolArray, Float32Array, FloatArray, Int32Array, IntArray

N_TERMS: Final = len(TERMS)
BLOCK: Final = 1024
LN_2: Final = 0.6931471805599453
LOG_2: Final = tuple(np.float32(c) for c in (1.4425449, -0.71814524, 0.45754914, -0.27790524, 0.12179782, -0.025841420))
"""log2(1 + x) / x on [0, 1] as a polynomial in x: largest error 2e-6 of a natural logarithm, exact at 0 and 1."""
LASTING_WEIGHTS: Final = np.array(LASTING, np.float32)
SUDDEN_WEIGHTS: Final = np.array(SUDDEN, np.float32)
GAP: Final = 5
"""Flagged hours at most this far apart (closer than six hours) belong to one alarm. [h]"""
MOST_FLAGGED: Final = 0.15
"""A threshold never flags more than this share of the hours."""
MARGIN: Final = 24
"""Hours on both sides of a sure fault that are kept out of the thresholds."""
PLAIN: Final = 3.0
"""Robust standard deviations from which a single hour is plainly wrong."""
CORE_SHARE: Final = 0.5
"""Share of plainly wrong hours that makes the span between them the fault itself."""
SHORTEST_RUN: Final = 4
"""Equal values count as stuck from this many on. [h]"""

(METER, CLASS, FIRST, LAST, PEAK, ODDS, ACTUAL, USUAL_USE, KNOWN, STUCK_HOURS, ZERO_HOURS, LAST_SHARE, REST_EXCESS,
 BUSY_EXCESS, EARLY, LATE, MATCH) = range(17)  # fmt: skip
N_FACTS: Final = 17
"""Columns of a raw alarm: where, when, how sure, and the numbers its kind is told from; then one column a term."""


def judge(
    values: Float32Array, expected: Float32Array, day: Int32Array, day_end: Int32Array, group: Int32Array,
    night: BoolArray, busy: BoolArray, n_history: int, learn: bool, centred: bool, budgets: FloatArray,
    yardsticks: Float32Array, thresholds: Float32Array, lasting: Float32Array, sudden: Float32Array,
    flags: Int32Array, alarms: Float32Array,
) -> int:  # fmt: skip
    """Judge every meter; returns how many rows of `alarms` were filled.

    With `learn`, yardsticks and thresholds are taken from the first `n_history` hours, else they are given. Alarms are
    raised for the hours from `n_history` on, or for all hours where n_history is all there is.

    Notes
    -----
    Not compiled itself: a kernel is compiled again inside every kernel that calls it, and a first call should not
    take half a minute. Ten calls a meter cost less than 3 % of its time.
    """
    n = values.shape[1]
    n_days = int(day[n - 1]) + 1
    terms = np.empty((N_TERMS, n), np.float32)
    residual = np.empty(n, np.float32)
    n_alarms = 0
    start = n_history if n_history < n else 0
    years = n_history / 8760
    for m in range(len(values)):
        residuals(values[m], expected[m], day, n_days, centred, residual)
        _terms(
            values[m], expected[m], residual, day, day_end, group, night, n_days, n_history, learn, yardsticks[m], terms
        )
        flags[m] = 0
        classes = (
            (lasting[m], LASTING_WEIGHTS, LASTING_INTERCEPT),
            (sudden[m], SUDDEN_WEIGHTS, SUDDEN_INTERCEPT),
        )
        for i, (odds, weights, intercept) in enumerate(classes):
            _log_odds(terms, weights, intercept, odds)
            if learn:
                thresholds[m, i] = _threshold(odds[:n_history], float(budgets[m, i]) * years, USUAL[i])
            _hold(odds, float(thresholds[m, i]), day_end, start, i + 1, flags[m])
        n_alarms = _collect(m, values[m], residual, lasting[m], sudden[m], thresholds[m], terms, busy, yardsticks[m],
                            flags[m], alarms, n_alarms)  # fmt: skip
    return n_alarms


@compiled
def _terms(
    values: Float32Array, expected: Float32Array, residual: Float32Array, day: Int32Array, day_end: Int32Array,
    group: Int32Array, night: BoolArray, n_days: int, n_history: int, learn: bool, yardstick: Float32Array,
    terms: Float32Array,
) -> None:  # fmt: skip
    """All terms of one meter, and with `learn` its yardstick, each from what came before it."""
    n = len(values)
    work = np.empty(max(n, 64), np.float32)
    jump = np.empty(n, np.float32)
    runs = np.empty(n, np.int32)
    nightly = np.empty(n_days, np.float32)
    jumps(residual, jump)
    equal_runs(values, day_end, runs)
    if learn:
        _learn_level(values, n_history, runs, work, yardstick)
        for t in range(n_history):
            work[t] = abs(residual[t])
        yardstick[SIZE] = group_scales(work, group, n_history, yardstick[:N_GROUPS])
        yardstick[JUMP] = group_scales(jump, group, n_history, yardstick[N_GROUPS : 2 * N_GROUPS])
    z = terms[0]
    deviations(residual, day, n_days, group, yardstick, z)
    for t in range(n):
        if np.isnan(z[t]):
            z[t] = 0.0
    window_means(z, day_end, terms[1:4])
    night_share(values, expected, day, n_days, night, yardstick[LEVEL], nightly)
    if learn:
        yardstick[DAY_MID], yardstick[DAY_MAD] = middle_and_mad(terms[2], n_history, work)
        yardstick[UNREST_MID], yardstick[UNREST_MAD] = middle_and_mad(terms[3], n_history, work)
        yardstick[NIGHT_MID], yardstick[NIGHT_MAD] = middle_and_mad(nightly, day[n_history - 1] + 1, work)
    day_scale = max(MAD * yardstick[DAY_MAD], 0.25)
    unrest_scale = max(MAD * yardstick[UNREST_MAD], 0.15)
    night_scale = max(MAD * yardstick[NIGHT_MAD], 0.05)
    run_scale = max(2.0 * yardstick[RUN_99], 6.0)
    jump_scale = np.empty(N_GROUPS, np.float32)
    for g in range(N_GROUPS):
        own = yardstick[N_GROUPS + g]
        jump_scale[g] = max(MAD * np.sqrt(0.5 * own**2 + 0.5 * yardstick[JUMP] ** 2), yardstick[FLOOR])
    _spread_out(nightly, day, yardstick[NIGHT_MID], night_scale, terms[4])
    mid, unrest = yardstick[DAY_MID], yardstick[UNREST_MID]
    for t in range(n):
        z[t] = abs(z[t])
    for t in range(n):
        terms[2, t] = abs(terms[2, t] - mid) / day_scale
    for t in range(n):
        terms[3, t] = abs(terms[3, t] - unrest) / unrest_scale
    for t in range(n):
        work[t] = 0.0 if np.isnan(jump[t]) else jump[t] / jump_scale[group[t]]
    for t in range(n - 1):
        terms[5, t] = max(work[t], work[t + 1])
    terms[5, n - 1] = work[n - 1]
    terms[6:] = 0.0
    for t in range(n):
        if runs[t] >= SHORTEST_RUN:
            terms[6, t] = min(runs[t] / run_scale, 4.0)
    if yardstick[ZERO_RARE] > 0.0:
        nothing = 0.02 * yardstick[LEVEL]
        for t in range(n):
            if values[t] <= nothing:
                terms[7, t] = 1.0


@compiled
def _spread_out(daily: Float32Array, day: Int32Array, middle: float, scale: float, out: Float32Array) -> None:
    """Deviation of each day's value from the middle, written to its hours; 0 where unknown."""
    for t in range(len(day)):
        q = daily[day[t]]
        out[t] = 0.0 if np.isnan(q) else abs(q - middle) / scale


@compiled
def _learn_level(values: Float32Array, n: int, runs: Int32Array, work: Float32Array, yardstick: Float32Array) -> None:
    """Median load, the floor under every scale, the longest usual run of equal values, and whether zero is rare."""
    count = 0
    step = np.inf
    for t in range(n):
        if values[t] > 0.0:
            work[count] = values[t]
            count += 1
        if t > 0:
            change = abs(values[t] - values[t - 1])
            if change > 0.0 and change < step:
                step = change
    level = select(work, count, (count - 1) // 2) if count else 0.0
    yardstick[LEVEL] = level
    # A scale is never finer than 2 % of the load nor than half a step of the display.
    yardstick[FLOOR] = max(0.02 * level, 0.5 * step if np.isfinite(step) else 0.0, 1e-9)
    known = 0
    for t in range(n):
        if not np.isnan(values[t]):
            work[known] = max(values[t], 0.0)
            known += 1
    low = select(work, known, int(0.02 * known)) if known else 0.0
    yardstick[ZERO_RARE] = 1.0 if low > 0.1 * level else 0.0
    for t in range(n):
        work[t] = runs[t]
    yardstick[RUN_99] = select(work, n, int(0.99 * (n - 1)))


@compiled
def _log_odds(terms: Float32Array, weights: Float32Array, intercept: float, out: Float32Array) -> None:
    """Intercept and weighted log(1 + term); the logarithm from exponent bits and a polynomial, in vector lanes."""
    one_plus = np.empty(BLOCK, np.float32)
    power = np.empty(BLOCK, np.float32)
    bits = one_plus.view(np.int32)
    a, b, c, d, e, f = LOG_2
    out[:] = intercept
    for first in range(0, len(out), BLOCK):
        part = out[first : first + BLOCK]
        for j in range(N_TERMS):
            if weights[j] <= 0.0:
                continue
            w = np.float32(weights[j] * LN_2)
            term = terms[j, first : first + BLOCK]
            for i in range(len(part)):
                one_plus[i] = np.float32(1.0) + min(term[i], np.float32(CEILING))
            for i in range(len(part)):
                power[i] = np.float32((bits[i] >> np.int32(23)) - np.int32(127))
            for i in range(len(part)):
                bits[i] = (bits[i] & np.int32(0x007FFFFF)) | np.int32(0x3F800000)
            for i in range(len(part)):
                x = one_plus[i] - np.float32(1.0)
                part[i] += w * (power[i] + x * (a + x * (b + x * (c + x * (d + x * (e + x * f))))))


@compiled
def _threshold(odds: Float32Array, budget: float, usual: float) -> float:
    """Half way between the meter's own threshold and the usual one.

    The own threshold is the lowest that raises no more alarms in the year before than the budget, once the sure faults
    of that year are kept out.
    """
    n_sure = 0
    for t in range(len(odds)):
        if odds[t] >= SURE:
            n_sure += 1
    kept = odds.copy()
    _keep_out(kept, DOUBTFUL if n_sure > SPOILT * len(odds) else SURE)
    return 0.5 * (_lowest(kept, budget) + usual)


@compiled
def _keep_out(odds: Float32Array, sure: float) -> None:
    """Blank the alarms that reach `sure`, with a day on both sides."""
    n = len(odds)
    blank = np.zeros(n, np.bool_)
    t = 0
    while t < n:
        if odds[t] < sure - HOLD:
            t += 1
            continue
        last, peak, end = t, odds[t], t + 1
        while end < n and end - last <= GAP:
            if odds[end] >= sure - HOLD:
                last = end
                peak = max(peak, odds[end])
            end += 1
        if peak >= sure:
            blank[max(t - MARGIN, 0) : last + MARGIN + 1] = True
        t = last + 1
    lowest = odds.min()
    for i in range(n):
        if blank[i]:
            odds[i] = lowest


@compiled
def _lowest(odds: Float32Array, budget: float) -> float:
    """The lowest threshold with at most `budget` alarms and 15 % of the hours flagged.

    Looks at the highest hours only, at more of them where those do not use up the budget.
    """
    most = max(int(MOST_FLAGGED * len(odds)), 1)
    looked_at = min(64, most)
    while True:
        found, is_broken = _lowest_of(odds, budget, looked_at)
        if is_broken or looked_at >= most:
            return found
        looked_at = min(looked_at * 4, most)


@compiled
def _lowest_of(odds: Float32Array, budget: float, looked_at: int) -> tuple[float, bool]:
    """The lowest threshold among the highest hours, and whether the next lower one would break the budget."""
    n = len(odds)
    cut = np.float32(select(odds, n, n - looked_at))
    places = np.empty(n, np.int64)
    count = 0
    for t in range(n):
        if odds[t] >= cut:
            places[count] = t
            count += 1
    _sort_falling(odds, places, count)
    flagged = np.zeros(n + 2 * GAP + 2, np.bool_)
    n_alarms = 0
    highest = odds[places[0]]
    best = highest + abs(highest) * np.float32(1e-4) + np.float32(1e-4)
    i = 0
    while i < count:
        level = odds[places[i]]
        while i < count and odds[places[i]] == level:
            t = places[i] + GAP
            before = after = False
            for k in range(1, GAP + 1):
                before |= flagged[t - k]
                after |= flagged[t + k]
            if not before and not after:
                n_alarms += 1
            elif before and after and not _one_alarm(flagged, t):
                n_alarms -= 1
            flagged[t] = True
            i += 1
        if n_alarms > budget:
            return float(best), True
        best = level
    return float(best), False


@compiled
def _sort_falling(odds: Float32Array, places: IntArray, n: int) -> None:
    """Order the first n places by falling log-odds (Shell's sort: a few hundred at most, and little to compile)."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, n):
            place, j = places[i], i
            while j >= gap and odds[places[j - gap]] < odds[place]:
                places[j] = places[j - gap]
                j -= gap
            places[j] = place


@compiled
def _one_alarm(flagged: BoolArray, t: int) -> bool:
    """Whether the flags before and after an unflagged hour already belong together (no more than `GAP` apart)."""
    before = t - 1
    while not flagged[before]:
        before -= 1
    after = t + 1
    while not flagged[after]:
        after += 1
    return after - before <= GAP


@compiled
def _hold(odds: Float32Array, threshold: float, day_end: Int32Array, start: int, mark: int, flags: Int32Array) -> None:
    """Flag hours near the threshold that a peak above it explains, as known at the end of the day after each hour."""
    n = len(odds)
    low = threshold - HOLD
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
def _collect(
    meter: int, values: Float32Array, residual: Float32Array, lasting: Float32Array, sudden: Float32Array,
    threshold: Float32Array, terms: Float32Array, busy: BoolArray, yardstick: Float32Array, flags: Int32Array,
    alarms: Float32Array, n_alarms: int,
) -> int:  # fmt: skip
    """Merge flagged hours into alarms and write the numbers of each."""
    n = len(flags)
    t = 0
    while t < n:
        if flags[t] == 0:
            t += 1
            continue
        last, marks, end = t, flags[t], t + 1
        while end < n and end - last <= GAP:
            if flags[end]:
                last = end
                marks |= flags[end]
            end += 1
        row = alarms[n_alarms]
        first, final = _core(values, terms, t, last)
        row[METER], row[CLASS], row[FIRST], row[LAST] = meter, marks, first, final
        peak = t
        best = -np.inf
        for i in range(t, last + 1):
            odds = max(lasting[i] - threshold[0], sudden[i] - threshold[1])
            if flags[i] and odds > best:
                best, peak = odds, i
        row[PEAK], row[ODDS] = peak, best
        for j in range(N_TERMS):
            weight = max(LASTING_WEIGHTS[j], SUDDEN_WEIGHTS[j])
            row[N_FACTS + j] = weight * np.log1p(min(terms[j, peak], np.float32(CEILING)))
        _describe(values, residual, busy, terms, yardstick, first, final, row)
        n_alarms += 1
        t = last + 1
    return n_alarms


@compiled
def _core(values: Float32Array, terms: Float32Array, first: int, last: int) -> tuple[int, int]:
    """First and last plainly wrong hour of an alarm, where most hours between them are; else the whole alarm.

    Means over hours and days reach beyond a fault's ends; single hours do not.
    """
    n = last - first + 1
    plain = np.zeros(n, np.bool_)
    for i in range(n):
        t = first + i
        wrong = terms[0, t] >= PLAIN or terms[6, t] > 0.0 or terms[7, t] > 0.0
        plain[i] = wrong and not np.isnan(values[t])
    count = plain.sum()
    if count == 0:
        return first, last
    begin, end = 0, n - 1
    # A lone hour at either end is chance, unless there is nothing else.
    while begin < n - 1 and not (plain[begin] and (count < 3 or plain[begin + 1 : begin + GAP + 1].any())):
        begin += 1
    while end > begin and not (plain[end] and (count < 3 or plain[max(end - GAP, 0) : end].any())):
        end -= 1
    if plain[begin : end + 1].sum() >= CORE_SHARE * (end - begin + 1):
        return first + begin, first + end
    return first, last


@compiled
def _describe(
    values: Float32Array, residual: Float32Array, busy: BoolArray, terms: Float32Array, yardstick: Float32Array,
    first: int, last: int, row: Float32Array,
) -> None:  # fmt: skip
    """What the kind of an alarm is told from: sums, runs, zeros, when the excess falls, how it grows."""
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
        if terms[6, t] > 0.0:
            stuck += 1
        if values[t] <= 0.02 * yardstick[LEVEL]:
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
