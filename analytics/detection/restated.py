"""Alarms held against the level before they began.

While it listens the detector lets its level follow: after two weeks a fault is its usual, and when the fault ends the
usual is too high. That tells changes well and amounts badly. People are told what was used beyond the level from before
the alarm; where an alarm went on because the level had yet to come back it ends where the excess does, and one that is
nothing but this way back is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.alarms import (
    ACTUAL,
    BUSY_EXCESS,
    EARLY,
    FIRST,
    KNOWN,
    LAST,
    LAST_SHARE,
    LATE,
    MATCH,
    METER,
    REST_EXCESS,
    STUCK_HOURS,
    USUAL_USE,
    ZERO_HOURS,
)
from analytics.detection.days import LEVEL_DAYS, medians_before
from analytics.detection.grid import HourGrid
from analytics.detection.kinds import LONG
from analytics.order import daily_medians
from energy.series import BoolArray, Float32Array, FloatArray, Int32Array

FAR_DAYS: Final = 120
"""Days whose median is the level that a fault of a month does not move, told or not. [d]"""
ECHO: Final = 0.5
"""An alarm is an echo if less than this share of its excess stands against the levels from before."""
FLAT: Final = 0.03
"""Share of the usual use below which an excess is none: such an alarm tells of the hours, not of their sum."""
ADDS: Final = 0.25
"""Share of the mean day's excess by which a day must add to it, or the alarm has ended before."""
MOST_OF_A_DAY: Final = 12
"""Hours of an alarm that keep a day out of the level of those that follow. [h]"""


def restated(raw: Float32Array, values: Float32Array, usual: Float32Array, grid: HourGrid) -> Float32Array:
    """Raw alarms with the columns of their amounts, without echoes and those of hours that nobody knows.

    Parameters
    ----------
    raw : float32, shape (n_alarms, n_columns)
        By meter and time, as `analytics.detection.judge` gives them.
    values, usual : float32, shape (n_meters, n)
        Use of each hour (NaN unknown), and what the model expects.
    """
    told: list[Float32Array] = [raw[:0]]
    meters, begin = np.unique(raw[:, METER].astype(np.int64)), grid.day_begin
    daily = np.empty((len(meters), grid.n_days), np.float32)
    for meter, own in zip(meters, daily, strict=True):
        daily_medians(values[meter] - usual[meter], begin, own)
    for meter, own, followed in zip(meters, daily, medians_before(daily, LEVEL_DAYS, 0), strict=True):
        listener = _Listener(values[meter], usual[meter], grid, own, followed)
        told += [row[None] for alarm in raw[raw[:, METER] == meter] for row in listener.retell(alarm)]
    return np.concatenate(told)


@dataclass(frozen=True, slots=True)
class _Part:
    """One stretch of an alarm against the level before it."""

    first: int
    last: int
    level: float
    excess: float
    n_known: int
    is_echo: bool


class _Listener:
    """One meter's alarms, first to last; days of those that were told make no level for those that follow."""

    def __init__(
        self, values: Float32Array, usual: Float32Array, grid: HourGrid, daily: Float32Array, followed: Float32Array
    ) -> None:
        self._values, self._usual, self._grid = values, usual, grid
        self._daily, self._followed = daily, followed
        self._free = np.isfinite(daily)

    def retell(self, alarm: Float32Array) -> list[Float32Array]:
        """The alarm as one row or several, in the order of time; none where there is nothing to tell."""
        told: list[Float32Array] = []
        first, end = int(alarm[FIRST]), int(alarm[LAST])
        most = 0.0
        while first <= end:
            part = self._part(first, end)
            if part.n_known and not part.is_echo and abs(part.excess) >= ECHO * most:
                told.append(self._row(alarm, part))
                most = max(most, abs(part.excess))
                day = self._grid.day[part.first : part.last + 1]
                self._free[day[0] : day[-1] + 1] &= np.bincount(day - day[0]) < MOST_OF_A_DAY
            first = part.last + 1
        return told

    def _part(self, first: int, last: int) -> _Part:
        day = int(self._grid.day[first])
        near, far = (level_before(self._daily, self._free, self._followed, day, n) for n in (LEVEL_DAYS, FAR_DAYS))
        if last - first + 1 >= LONG:
            own = excess_over(self._values, self._usual, near, first, last)
            last = first + self._reach(own, self._grid.day[first : last + 1]) - 1
        excess, from_far, followed, usual, n_known = sums_over(
            self._values, self._usual, self._followed, self._grid.day, near, far, first, last
        )
        is_flat = abs(followed) < FLAT * usual
        stands = min(abs(excess), abs(from_far))
        return _Part(first, last, near, excess, n_known, stands < ECHO * abs(followed) and not is_flat)

    @staticmethod
    def _reach(own: FloatArray, day: Int32Array) -> int:
        """Hours up to the end of the last day that still adds to the excess, `ADDS` of what a day of it mostly does."""
        excess = np.cumsum(np.bincount(day - day[0], np.nan_to_num(own)))
        most = int(np.argmax(np.abs(excess)))
        n_days = np.arange(1, len(excess) + 1)
        mean = excess[most] / n_days[most]
        last = int(np.argmax(np.sign(mean) * excess - ADDS * abs(mean) * n_days))
        return int(np.searchsorted(day, day[0] + last, side="right"))

    def _row(self, alarm: Float32Array, part: _Part) -> Float32Array:
        row = alarm.copy()
        row[FIRST], row[LAST] = part.first, part.last
        fill(row, self._values, self._usual, part.level, self._grid.busy)
        if part.last != alarm[LAST] or part.first != alarm[FIRST]:
            row[LAST_SHARE] = 0.0
            row[STUCK_HOURS], row[ZERO_HOURS] = np.minimum(alarm[[STUCK_HOURS, ZERO_HOURS]], row[KNOWN])
        return row


def excess_over(values: Float32Array, usual: Float32Array, level: float, first: int, last: int) -> FloatArray:
    """Excess of each hour over usual use at this level; NaN unknown."""
    here = slice(first, last + 1)
    return np.asarray(values[here] - np.maximum(usual[here].astype(np.float64) + level, 0.0), np.float64)


@compiled
def level_before(daily: Float32Array, free: BoolArray, followed: Float32Array, day: int, n_days: int) -> float:
    """Median of the last known days before this one that no alarm was told of; where there is none, what was followed.

    free : True for known days that no alarm was told of.
    """
    window = np.empty(n_days, np.float32)  # sorted
    n = 0
    for d in range(day - 1, -1, -1):
        if not free[d]:
            continue
        i = n
        while i > 0 and window[i - 1] > daily[d]:
            window[i] = window[i - 1]
            i -= 1
        window[i] = daily[d]
        n += 1
        if n == n_days:
            break
    if n > 0:
        return (float(window[(n - 1) // 2]) + float(window[n // 2])) / 2
    return float(followed[day]) if np.isfinite(followed[day]) else 0.0


@compiled
def sums_over(
    values: Float32Array, usual: Float32Array, followed: Float32Array, day: Int32Array, near: float, far: float,
    first: int, last: int,
) -> tuple[float, float, float, float, int]:  # fmt: skip
    """Excess over usual use at the near level, at the far one and at the one followed, all usual use, known hours."""
    from_near = from_far = from_followed = use = 0.0
    n_known = 0
    for t in range(first, last + 1):
        value, model = float(values[t]), float(usual[t])
        own = max(model + near, 0.0)
        use += 0.0 if np.isnan(own) else own
        if not np.isnan(value - model):
            n_known += 1
            from_near += value - own
            from_far += value - max(model + far, 0.0)
            from_followed += value - model - followed[day[t]]
    return from_near, from_far, from_followed, use, n_known


@compiled
def fill(row: Float32Array, values: Float32Array, usual: Float32Array, level: float, busy: BoolArray) -> None:
    """Amounts of an alarm, when its excess falls and how it grows, and how many hours follow one ratio."""
    first, last = int(row[FIRST]), int(row[LAST])
    middle = (first + last + 2) // 2
    rest = occupied = early = late = early_use = late_use = 0.0
    n_known = match = 0
    for t in range(first, last + 1):
        own = max(float(usual[t]) + level, 0.0)
        excess = values[t] - own
        if np.isnan(excess):
            continue
        n_known += 1
        if busy[t]:
            occupied += excess
        else:
            rest += excess
        if t < middle:
            early += excess
            early_use += own
        else:
            late += excess
            late_use += own
    use = early_use + late_use
    row[KNOWN], row[USUAL_USE], row[ACTUAL] = n_known, use, use + early + late
    row[REST_EXCESS], row[BUSY_EXCESS] = rest, occupied
    row[EARLY] = early / early_use if early_use > 0.0 else 0.0
    row[LATE] = late / late_use if late_use > 0.0 else 0.0
    ratio = row[ACTUAL] / row[USUAL_USE] if row[USUAL_USE] > 0.0 else 0.0
    for t in range(first, last + 1):
        own = max(float(usual[t]) + level, 0.0)
        match += abs(values[t] - ratio * own) <= 0.2 * values[t]
    row[MATCH] = match
