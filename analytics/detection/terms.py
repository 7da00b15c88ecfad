"""The terms of the detector for one meter at a time: residuals, their scales, and what deviates.

All terms of an hour of day D use values up to the end of day D + 1 (that is when the day is judged), levels and scales
of the days before D, and yardsticks (`Yardstick`) of the year before.

Passes over the hours are compiled; no kernel calls another one, because a kernel is compiled again inside each that
calls it. What lies between them works on days or on sorted columns and stays numpy.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.grid import N_GROUPS, HourGrid
from analytics.detection.weights import TERMS
from analytics.order import daily_medians, select
from energy.series import BoolArray, Float32Array, Int32Array, IntArray

LEVEL_DAYS: Final = 28
SCALE_DAYS: Final = 56
BASE_DAYS: Final = 61
"""Days that the last nights and the last week are compared with."""
NIGHTS: Final = 3
WEEK: Final = 7
CLIP: Final = 8.0
"""A deviation counts in signed means no more than this."""
LOUD: Final = 20.0
"""A deviation counts in means of sizes no more than this."""
WIDTHS: Final = (6, 24, 72, 24)
"""Hours of the means of sizes, of signed deviations, of sizes again, and of jumps."""
SPARSE: Final = 6
"""Means over days change little from hour to hour: one hour in six tells their spread."""
MAD: Final = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation."""
LAGS: Final = (1, 24)
"""Hours between values that are compared for equality: a display that holds, a day that is sent again."""
SHORTEST_RUN: Final = 4
"""Equal values count as stuck from this many on. [h]"""

(LEVEL, FLOOR, SIZE, JUMP, DAY_MID, DAY_MAD, UNREST_MID, UNREST_MAD, NIGHT_MID, NIGHT_MAD, RESTLESS_MID, RESTLESS_MAD,
 SLOW_MID, SLOW_MAD, RUN_99, REPEAT_99, ZERO_RARE) = range(2 * N_GROUPS, 2 * N_GROUPS + 17)  # fmt: skip
N_YARDSTICK: Final = 2 * N_GROUPS + 17
"""Columns of a yardstick: scale by group of residuals and of their jumps, then the single numbers named above."""
POINT, RUN, DAY, UNREST, NIGHT, LEAP, STUCK, ZERO, RESTLESS, SLOW = range(len(TERMS))


def without_rare_zeros(values: Float32Array) -> Float32Array:
    """A copy with NaN in place of zeros, meter by meter, where fewer than 5 % of the hours are (nearly) zero."""
    own = np.array(values, np.float32)
    for row in own:
        if not np.fmin.reduce(row, initial=np.inf) <= 0.02 * np.fmax.reduce(row, initial=0.0):
            continue  # the median is no higher than the highest value: nothing is nearly zero
        known = np.maximum(row[row == row], np.float32(0.0))
        limit = 0.02 * select(known, len(known), (len(known) - 1) // 2)
        low = row <= limit
        if 0 < int(low.sum()) < 0.05 * len(known):
            row[low] = np.nan
    return own


class Terms:
    """Works out the terms of one meter after the other, in the same memory.

    Parameters
    ----------
    grid : HourGrid
    n_history : int
        Hours that yardsticks are learnt from.
    centred : bool
        Levels are those of 14 days before and after a day, instead of the 28 days before.
    """

    def __init__(self, grid: HourGrid, n_history: int, *, centred: bool) -> None:
        n = len(grid)
        self._grid, self._n_history = grid, n_history
        self._shift = LEVEL_DAYS // 2 if centred else 0
        self._by_group = grid.by_group(n_history)
        self._always = np.ones(n, np.bool_)
        self._daily, self._before = np.empty(grid.n_days, np.float32), np.empty(grid.n_days, np.float32)
        self._z, self._leap, self._size = (np.empty(n, np.float32) for _ in range(3))
        self._runs = np.empty((len(LAGS), n), np.int32)
        self.residual = np.empty(n, np.float32)
        self.terms = np.empty((len(TERMS), n), np.float32)

    def of(self, values: Float32Array, expected: Float32Array, yardstick: Float32Array, *, learn: bool) -> None:
        """Fill `residual` and `terms`; with `learn` the yardstick too."""
        grid, terms = self._grid, self.terms
        self._residuals(values, expected)
        self._leap[0] = np.nan
        np.abs(np.subtract(self.residual[1:], self.residual[:-1], out=self._leap[1:]), out=self._leap[1:])
        np.abs(self.residual, out=self._size)
        for lag, runs in zip(LAGS, self._runs, strict=True):
            equal_runs(values, lag, grid.day_end, runs)
        if learn:
            self._learn_scales(values, yardstick)
        daily_medians(self._size, grid.day, grid.n_days, self._daily)
        trailing_median(self._daily, SCALE_DAYS, 0, self._before)
        standardise(self.residual, self._before, grid.day, grid.group, yardstick, self._z, self._leap)
        window_means(self._z, self._leap, grid.day_end, terms)
        np.abs(self._z, out=terms[POINT])
        np.maximum(self._leap[:-1], self._leap[1:], out=terms[LEAP, :-1])
        terms[LEAP, -1] = self._leap[-1]
        for row, middle, floor in ((DAY, DAY_MID, 0.25), (UNREST, UNREST_MID, 0.15), (RESTLESS, RESTLESS_MID, 0.15)):
            if learn:
                sparse = np.ascontiguousarray(terms[row, : self._n_history : SPARSE])
                yardstick[middle], yardstick[middle + 1] = middle_and_mad(sparse)
            terms[row] = against(terms[row], yardstick, middle, floor)
        self._recent_use(NIGHT, values, expected, grid.night, NIGHTS, yardstick, NIGHT_MID, 0.05, learn=learn)
        self._recent_use(SLOW, values, expected, self._always, WEEK, yardstick, SLOW_MID, 0.02, learn=learn)
        longest = np.maximum(2 * yardstick[[RUN_99, REPEAT_99]], np.float32(6.0))
        held(self._runs, longest, terms[STUCK])
        terms[ZERO] = values <= 0.02 * yardstick[LEVEL] if yardstick[ZERO_RARE] > 0 else 0.0

    def _residuals(self, values: Float32Array, expected: Float32Array) -> None:
        """Deviation from expected, less the level: the median of the daily medians of the 28 days before.

        The first days take the level of the first 28.
        """
        np.subtract(values, expected, out=self.residual)
        daily_medians(self.residual, self._grid.day, self._grid.n_days, self._daily)
        trailing_median(self._daily, LEVEL_DAYS, self._shift, self._before)
        less_daily(self.residual, self._before, self._grid.day)

    def _learn_scales(self, values: Float32Array, yardstick: Float32Array) -> None:
        n = self._n_history
        for column, size, groups in ((SIZE, self._size, 0), (JUMP, self._leap, N_GROUPS)):
            yardstick[column] = group_scales(size[:n], self._by_group, yardstick[groups : groups + N_GROUPS])
        known, step = known_values(values[:n])
        positive = known[known > 0]
        level = select(positive, len(positive), (len(positive) - 1) // 2) if len(positive) else 0.0
        low = select(known, len(known), int(0.02 * len(known))) if len(known) else 0.0
        yardstick[LEVEL] = level
        # A scale is never finer than 2 % of the load nor than half a step of the display.
        yardstick[FLOOR] = max(0.02 * level, 0.5 * step, 1e-9)
        yardstick[ZERO_RARE] = low > 0.1 * level
        yardstick[RUN_99], yardstick[REPEAT_99] = (long_run(runs[:n]) for runs in self._runs)

    def _recent_use(
        self,
        row: int,
        values: Float32Array,
        expected: Float32Array,
        where: BoolArray,
        days: int,
        yardstick: Float32Array,
        middle: int,
        floor: float,
        *,
        learn: bool,
    ) -> None:
        """Relative deviation from last year's model over `days` days to D + 1, less its median of the days before."""
        grid = self._grid
        daily_share(values, expected, grid.day, where, yardstick[LEVEL], self._daily)
        trailing_median(self._daily, BASE_DAYS, 2 - days, self._before)
        recent = np.empty(grid.n_days, np.float32)
        recent_mean(self._daily, self._before, days, recent)
        if learn:
            past = recent[: grid.day[self._n_history - 1] + 1]
            yardstick[middle], yardstick[middle + 1] = middle_and_mad(past[past == past])
        spread_out(against(recent, yardstick, middle, floor), grid.day, self.terms[row])


def group_scales(size: Float32Array, by_group: IntArray, out: Float32Array) -> float:
    """Median size by group into `out`, and of all known sizes; a group without values takes that of all."""
    padded = np.append(size, np.float32(np.nan))
    sizes = padded.take(by_group)
    sizes.sort(axis=1)  # NaN last
    count = np.count_nonzero(sizes == sizes, axis=1)
    n_known = int(count.sum())
    overall = select(size, len(size), (n_known - 1) // 2) if n_known else 0.0  # NaN ranks last here too
    out[:] = sizes[np.arange(len(count)), np.maximum(count - 1, 0) // 2]
    out[count == 0] = overall
    return overall


def known_values(values: Float32Array) -> tuple[Float32Array, float]:
    """Known values, at least 0, and the smallest change between two of them (0 where none changes)."""
    known = np.empty(len(values), np.float32)
    n_known, step = gather_known(values, known)
    return known[:n_known], step if np.isfinite(step) else 0.0


def long_run(runs: Int32Array) -> int:
    """Length that 99 % of the hours' runs do not pass."""
    in_runs = runs[runs > 0]
    above = len(runs) - 1 - int(0.99 * (len(runs) - 1))
    return int(np.partition(in_runs, len(in_runs) - 1 - above)[-1 - above]) if len(in_runs) > above else 0


def middle_and_mad(values: Float32Array) -> tuple[float, float]:
    """Median and median absolute deviation of known values; 0 without any."""
    n = len(values)
    if n == 0:
        return 0.0, 0.0
    middle = select(values, n, (n - 1) // 2)
    return middle, select(np.abs(values - np.float32(middle)), n, (n - 1) // 2)


def against(values: Float32Array, yardstick: Float32Array, middle: int, floor: float) -> Float32Array:
    """Distance from the usual middle in usual spreads (the column after the middle's)."""
    scale = max(MAD * float(yardstick[middle + 1]), floor)
    distance: Float32Array = np.abs(values - yardstick[middle])
    distance /= np.float32(scale)
    return distance


@compiled
def recent_mean(daily: Float32Array, before: Float32Array, days: int, out: Float32Array) -> None:
    """Mean of the known ones among the `days` days that end with the day after each, less `before`; NaN without any."""
    n = len(daily)
    for d in range(n):
        total = 0.0
        count = 0
        for i in range(max(d + 2 - days, 0), min(d + 2, n)):
            if not np.isnan(daily[i]):
                total += daily[i]
                count += 1
        out[d] = total / count - before[d] if count else np.nan


@compiled
def spread_out(daily: Float32Array, day: Int32Array, out: Float32Array) -> None:
    """Write each day's number to its hours; 0 where unknown: what is not known is no evidence."""
    for t in range(len(out)):
        value = daily[day[t]]
        out[t] = np.float32(0.0) if np.isnan(value) else value


@compiled
def less_daily(values: Float32Array, daily: Float32Array, day: Int32Array) -> None:
    """Take each day's number off its hours."""
    for t in range(len(values)):
        values[t] -= daily[day[t]]


@compiled
def trailing_median(daily: Float32Array, width: int, shift: int, out: Float32Array) -> None:
    """Median of the last `width` known days that end `shift` days after the day before each day.

    Days at the beginning, with less than half of that behind them, take the median of the first `width` days.
    """
    n = len(daily)
    window = np.empty(width + 1, np.float32)  # sorted
    kept = np.empty(n + width, np.float32)  # in the order of days
    count = newest = entered = 0
    start = last = np.float32(0.0)
    for d in range(-1, n):  # the day before the first: the first `width` days, to begin with
        if d == 0:
            start = last = window[(count - 1) // 2] if count else np.float32(0.0)
            count = newest = entered = 0
        while entered < min(d + shift if d >= 0 else width, n):
            value = daily[entered]
            entered += 1
            if np.isnan(value):
                continue
            if count == width:
                i = 0
                while i < count - 1 and window[i] != kept[newest - width]:
                    i += 1
                count -= 1
                while i < count:
                    window[i] = window[i + 1]
                    i += 1
            i = count
            while i > 0 and window[i - 1] > value:
                window[i] = window[i - 1]
                i -= 1
            window[i] = value
            kept[newest] = value
            newest += 1
            count += 1
        if d >= 0:
            if (d >= width or shift > 0) and count:
                last = window[(count - 1) // 2]
            out[d] = start if d < width and shift <= 0 else last


@compiled
def gather_known(values: Float32Array, known: Float32Array) -> tuple[int, float]:
    """Gather known values, at least 0; how many, and the smallest change from one hour to the next."""
    n_known = 0
    step = np.float32(np.inf)
    before = np.float32(np.nan)
    for t in range(len(values)):
        value = values[t]
        if not np.isnan(value):
            known[n_known] = max(value, np.float32(0.0))
            n_known += 1
        change = abs(value - before)
        if change > 0.0 and change < step:
            step = change
        before = value
    return n_known, float(step)


@compiled
def standardise(
    residual: Float32Array, recent: Float32Array, day: Int32Array, group: Int32Array, yardstick: Float32Array,
    z: Float32Array, leap: Float32Array,
) -> None:  # fmt: skip
    """Residuals and jumps in robust standard deviations; unknown is 0: what is not known is no evidence.

    A residual's scale is that of the hour's group and of the meter, and how restless the last 56 days were against the
    year before.
    """
    overall, jump, floor = yardstick[SIZE], yardstick[JUMP], yardstick[FLOOR]
    scale, jump_scale = np.empty(N_GROUPS, np.float32), np.empty(N_GROUPS, np.float32)
    for g in range(N_GROUPS):
        scale[g] = MAD * np.sqrt(0.5 * yardstick[g] ** 2 + 0.5 * overall**2)
        jump_scale[g] = max(MAD * np.sqrt(0.5 * yardstick[N_GROUPS + g] ** 2 + 0.5 * jump**2), floor)
    for t in range(len(residual)):
        ratio = max(recent[day[t]] / overall, np.float32(0.5)) if overall > 0.0 else np.float32(1.0)
        deviation = residual[t] / max(scale[group[t]] * ratio, floor)
        change = leap[t] / jump_scale[group[t]]
        z[t] = np.float32(0.0) if np.isnan(deviation) else deviation
        leap[t] = np.float32(0.0) if np.isnan(change) else change


@compiled
def window_means(z: Float32Array, leap: Float32Array, day_end: Int32Array, terms: Float32Array) -> None:
    """Means about each hour, not beyond the end of the next day (`WIDTHS`): size, sign, size again, jumps."""
    n = len(z)
    sums = np.empty((4, n + 1))
    loud = signed = quiet = leaps = 0.0
    sums[:, 0] = 0.0
    for t in range(n):
        size = abs(z[t])
        loud += min(size, np.float32(LOUD))
        signed += min(max(z[t], np.float32(-CLIP)), np.float32(CLIP))
        quiet += min(size, np.float32(CLIP))
        leaps += min(leap[t], np.float32(CLIP))
        sums[0, t + 1], sums[1, t + 1], sums[2, t + 1], sums[3, t + 1] = loud, signed, quiet, leaps
    rows = (RUN, DAY, UNREST, RESTLESS)
    for i in range(4):
        width = WIDTHS[i]
        half = (width + 1) // 2
        total, mean = sums[i], terms[rows[i]]
        share = 1.0 / width
        for t in range(n):
            high = min(t + half, day_end[t])
            if high >= width:
                mean[t] = (total[high] - total[high - width]) * share
            else:
                mean[t] = total[high] / high


@compiled
def daily_share(
    values: Float32Array, expected: Float32Array, day: Int32Array, where: BoolArray, level: float, out: Float32Array
) -> None:
    """Each day's deviation from expected over the chosen known hours, relative, within -1 and 1; NaN without any."""
    t = 0
    for d in range(len(out)):
        use = error = 0.0
        count = 0
        while t < len(day) and day[t] == d:
            if where[t]:
                difference = values[t] - expected[t]
                if not np.isnan(difference):
                    use += expected[t]
                    error += difference
                    count += 1
            t += 1
        out[d] = min(max(error / max(use, 0.02 * level * count, 1e-9), -1.0), 1.0) if count else np.nan


@compiled
def equal_runs(values: Float32Array, lag: int, day_end: Int32Array, out: Int32Array) -> None:
    """Length of the run of values equal to those `lag` hours before that each hour belongs to, as known at the end
    of D + 1."""
    n = len(values)
    out[: min(lag, n)] = 0
    first = lag
    while first < n:
        if values[first] != values[first - lag]:
            out[first] = 0
            first += 1
            continue
        last = first
        while last < n and values[last] == values[last - lag]:
            last += 1
        for t in range(first, last):
            out[t] = min(last, day_end[t]) - first
        first = last


@compiled
def held(runs: Int32Array, longest: Float32Array, out: Float32Array) -> None:
    """The longest of the runs of both lags, each against its usual one; short runs are none."""
    for t in range(len(out)):
        out[t] = 0.0
    for i in range(len(runs)):
        own, scale = runs[i], longest[i]
        for t in range(len(out)):
            if own[t] >= SHORTEST_RUN:
                out[t] = max(out[t], min(own[t] / scale, np.float32(4.0)))
