"""The terms of the detector for one meter at a time, compiled: residuals, their scales, and what deviates.

All terms of an hour of day D use values up to the end of day D + 1 (that is when the day is judged), levels and scales
of the days before D, and yardsticks (`Yardstick`) of the year before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.order import daily_medians, insert_sorted, median, remove_sorted, select
from energy.series import BoolArray, Float32Array, Int32Array

N_GROUPS: Final = 48
"""Working days and others x hour of the day: each has its own scale."""
LEVEL_DAYS: Final = 28
SCALE_DAYS: Final = 56
NIGHT_DAYS: Final = 61
CLIP: Final = 8.0
"""A deviation counts in signed means no more than this."""
LOUD: Final = 20.0
"""A deviation counts in means of sizes no more than this."""
WIDTHS: Final = (6, 24, 72)
"""Hours of the means of sizes, of signed deviations, and of sizes again."""
MAD: Final = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation."""

GROUP, JUMP_GROUP = slice(0, 48), slice(48, 96)
LEVEL, FLOOR, SIZE, JUMP, DAY_MID, DAY_MAD, UNREST_MID, UNREST_MAD, NIGHT_MID, NIGHT_MAD, RUN_99, ZERO_RARE = range(
    96, 108
)
N_YARDSTICK: Final = 108
"""Columns of a yardstick: scale by group of residuals and of their jumps, then the single numbers named above."""


@compiled
def drop_rare_zeros(values: Float32Array) -> None:
    """NaN in place of zeros, meter by meter, where fewer than 5 % of the hours are (nearly) zero."""
    work = np.empty(values.shape[1], np.float32)
    for m in range(len(values)):
        known = 0
        for t in range(len(work)):
            if not np.isnan(values[m, t]):
                work[known] = max(values[m, t], np.float32(0.0))
                known += 1
        if known == 0:
            continue
        limit = 0.02 * select(work, known, (known - 1) // 2)
        n_low = 0
        for i in range(known):
            if work[i] <= limit:
                n_low += 1
        if n_low and n_low < 0.05 * known:
            for t in range(len(work)):
                if values[m, t] <= limit:
                    values[m, t] = np.nan


@compiled
def residuals(
    values: Float32Array, expected: Float32Array, day: Int32Array, n_days: int, centred: bool, out: Float32Array
) -> None:
    """Deviation from expected, less the level: the median of the daily medians of the 28 days before.

    The first days take the level of the first 28. With `centred`, the level is that of 14 days before and after.
    """
    n = len(values)
    daily = np.empty(n_days, np.float32)
    for t in range(n):
        out[t] = values[t] - expected[t]
    daily_medians(out, day, n_days, daily)
    level = np.empty(n_days, np.float32)
    _trailing_median(daily, LEVEL_DAYS, LEVEL_DAYS // 2 if centred else 0, level)
    for t in range(n):
        out[t] -= level[day[t]]


@compiled
def _trailing_median(daily: Float32Array, width: int, shift: int, out: Float32Array) -> None:
    """Median of the last `width` known days that end `shift` days after the day before each day.

    Days at the beginning, with less than half of that behind them, take the median of the first `width` days.
    """
    n = len(daily)
    window = np.empty(width + 1, np.float32)
    count = 0
    for d in range(min(width, n)):
        if not np.isnan(daily[d]):
            insert_sorted(window, count, daily[d])
            count += 1
    start = window[(count - 1) // 2] if count else np.float32(0.0)
    kept = np.empty(n, np.int64)
    count, oldest, newest, entered = 0, 0, 0, 0
    last = start
    for d in range(n):
        while entered < min(d + shift, n):
            if not np.isnan(daily[entered]):
                if count == width:
                    remove_sorted(window, count, daily[kept[oldest]])
                    oldest += 1
                    count -= 1
                insert_sorted(window, count, daily[entered])
                kept[newest] = entered
                newest += 1
                count += 1
            entered += 1
        if d < width and shift <= 0:
            out[d] = start
        elif count:
            last = window[(count - 1) // 2]
            out[d] = last
        else:
            out[d] = last


@compiled
def group_scales(size: Float32Array, group: Int32Array, n: int, out: Float32Array) -> float:
    """Median size by group and of all known sizes among the first n; a group without values takes that of all."""
    places = np.zeros(N_GROUPS + 1, np.int64)
    known = 0
    for t in range(n):
        if not np.isnan(size[t]):
            places[group[t] + 1] += 1
            known += 1
    for g in range(N_GROUPS):
        places[g + 1] += places[g]
    sorted_by_group = np.empty(known + 1, np.float32)
    write = places.copy()
    for t in range(n):
        if not np.isnan(size[t]):
            sorted_by_group[write[group[t]]] = size[t]
            write[group[t]] += 1
    if known == 0:
        out[:] = 0.0
        return 0.0
    overall = select(sorted_by_group, known, (known - 1) // 2)
    for g in range(N_GROUPS):
        count = places[g + 1] - places[g]
        out[g] = median(sorted_by_group[places[g] : places[g + 1]], count) if count else overall
    return overall


@compiled
def deviations(
    residual: Float32Array, day: Int32Array, n_days: int, group: Int32Array, yardstick: Float32Array, out: Float32Array
) -> None:
    """Residuals in robust standard deviations: the scale of the hour's group, that of the meter, and how restless
    the last 56 days were against the year before. Unknown stays NaN."""
    n = len(residual)
    overall = yardstick[SIZE]
    daily = np.empty(n_days, np.float32)
    for t in range(n):
        out[t] = abs(residual[t])
    daily_medians(out, day, n_days, daily)
    recent = np.empty(n_days, np.float32)
    _trailing_median(daily, SCALE_DAYS, 0, recent)
    scale = np.empty(N_GROUPS, np.float32)
    for g in range(N_GROUPS):
        scale[g] = MAD * np.sqrt(0.5 * yardstick[g] ** 2 + 0.5 * overall**2)
    for t in range(n):
        ratio = max(recent[day[t]] / overall, 0.5) if overall > 0.0 else 1.0
        out[t] = residual[t] / max(scale[group[t]] * ratio, yardstick[FLOOR])


@compiled
def jumps(residual: Float32Array, out: Float32Array) -> None:
    """Size of the change of the residual from the hour before; NaN where either is unknown."""
    out[0] = np.nan
    for t in range(1, len(residual)):
        out[t] = abs(residual[t] - residual[t - 1])


@compiled
def window_means(deviation: Float32Array, day_end: Int32Array, out: Float32Array) -> None:
    """Means about each hour, not beyond the end of the next day: size over 6 h, sign over 24 h, size over 72 h.

    Unknown hours count as no deviation: what is not known is no evidence. `deviation` comes without NaN.
    """
    n = len(deviation)
    sums = np.zeros((3, n + 1))
    loud = signed = quiet = 0.0
    for t in range(n):
        z = deviation[t]
        size = abs(z)
        loud += min(size, np.float32(LOUD))
        signed += min(max(z, np.float32(-CLIP)), np.float32(CLIP))
        quiet += min(size, np.float32(CLIP))
        sums[0, t + 1], sums[1, t + 1], sums[2, t + 1] = loud, signed, quiet
    for i in range(3):
        width = WIDTHS[i]
        half = (width + 1) // 2
        total, mean = sums[i], out[i]
        for t in range(n):
            high = min(t + half, day_end[t])
            low = max(high - width, 0)
            mean[t] = (total[high] - total[low]) / (high - low)


@compiled
def night_share(
    values: Float32Array, expected: Float32Array, day: Int32Array, n_days: int, night: BoolArray, level: float,
    out: Float32Array,
) -> None:  # fmt: skip
    """Three nights' relative deviation from last year's model, less its median over the two months before, by day.

    The three nights of day D are those of D - 1, D and D + 1.
    """
    use = np.zeros(n_days)
    error = np.zeros(n_days)
    count = np.zeros(n_days)
    for t in range(len(values)):
        if night[t] and not np.isnan(values[t] - expected[t]):
            use[day[t]] += expected[t]
            error[day[t]] += values[t] - expected[t]
            count[day[t]] += 1
    relative = np.full(n_days, np.nan, np.float32)
    for d in range(n_days):
        if count[d] > 0:
            relative[d] = min(max(error[d] / max(use[d], 0.02 * level * count[d], 1e-9), -1.0), 1.0)
    usual = np.empty(n_days, np.float32)
    _trailing_median(relative, NIGHT_DAYS, -1, usual)
    for d in range(n_days):
        total, known = 0.0, 0
        for i in range(max(d - 1, 0), min(d + 2, n_days)):
            if not np.isnan(relative[i]):
                total += relative[i]
                known += 1
        out[d] = total / known - usual[d] if known else np.nan


@compiled
def equal_runs(values: Float32Array, day_end: Int32Array, out: Int32Array) -> None:
    """Length of the run of values equal to the one before that each hour belongs to, as known at the end of D + 1."""
    n = len(values)
    first = 0
    while first < n:
        if first == 0 or values[first] != values[first - 1]:
            out[first] = 0
            first += 1
            continue
        last = first
        while last < n and values[last] == values[last - 1]:
            last += 1
        for t in range(first, last):
            out[t] = min(last, day_end[t]) - first
        first = last


@compiled
def middle_and_mad(values: Float32Array, n: int, work: Float32Array) -> tuple[float, float]:
    """Median and median absolute deviation of the known ones among the first n values."""
    count = 0
    for t in range(n):
        if not np.isnan(values[t]):
            work[count] = values[t]
            count += 1
    if count == 0:
        return 0.0, 0.0
    middle = select(work, count, (count - 1) // 2)
    for i in range(count):
        work[i] = abs(work[i] - middle)
    return middle, select(work, count, (count - 1) // 2)
