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


@dataclass(slots=True, eq=False)
class _Part:
    """One stretch of an alarm against the level before it."""

    first: int
    last: int
    usual: FloatArray
    own: FloatArray  # excess of each hour, NaN unknown
    is_echo: bool


class _Listener:
    """One meter's alarms, first to last; days of those that were told make no level for those that follow."""

    def __init__(
        self, values: Float32Array, usual: Float32Array, grid: HourGrid, daily: Float32Array, followed: Float32Array
    ) -> None:
        self._values, self._usual, self._grid = values.astype(np.float64), usual.astype(np.float64), grid
        self._daily, self._followed = daily, followed
        self._free = np.ones(grid.n_days, np.bool_)

    def retell(self, alarm: Float32Array) -> list[Float32Array]:
        """The alarm as one row or several, in the order of time; none where there is nothing to tell."""
        told: list[Float32Array] = []
        first, end = int(alarm[FIRST]), int(alarm[LAST])
        most = 0.0
        while first <= end:
            part = self._part(first, end)
            excess = abs(float(np.nansum(part.own)))
            if np.isfinite(part.own).any() and not part.is_echo and excess >= ECHO * most:
                told.append(self._row(alarm, part))
                most = max(most, excess)
                hours = np.bincount(self._grid.day[part.first : part.last + 1], minlength=self._grid.n_days)
                self._free &= hours < MOST_OF_A_DAY
            first = part.last + 1
        return told

    def _part(self, first: int, last: int) -> _Part:
        near, far = (self._level(int(self._grid.day[first]), n) for n in (LEVEL_DAYS, FAR_DAYS))
        usual, own = self._against(near, first, last)
        if last - first + 1 >= LONG:
            n = self._reach(own, self._grid.day[first : last + 1])
            last, usual, own = first + n - 1, usual[:n], own[:n]
        here = slice(first, last + 1)
        followed = abs(np.nansum(self._values[here] - self._usual[here] - self._followed[self._grid.day[here]]))
        stands = min(abs(np.nansum(own)), abs(np.nansum(self._against(far, first, last)[1])))
        is_flat = followed < FLAT * np.nansum(usual)
        return _Part(first, last, usual, own, bool(stands < ECHO * followed and not is_flat))

    def _against(self, level: float, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        """Usual use of each hour with this level, and the excess over it."""
        usual = np.maximum(self._usual[first : last + 1] + level, 0)
        return usual, self._values[first : last + 1] - usual

    def _level(self, day: int, n_days: int) -> float:
        """Median of the last known days before this one that no alarm was told of."""
        free = self._daily[:day][np.isfinite(self._daily[:day]) & self._free[:day]]
        return float(np.median(free[-n_days:]) if len(free) else np.nan_to_num(self._followed[day]))

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
        known: BoolArray = np.isfinite(part.own)
        own, usual = np.nan_to_num(part.own), np.where(known, part.usual, 0.0)
        busy = self._grid.busy[part.first : part.last + 1]
        half = (len(own) + 1) // 2
        row[FIRST], row[LAST], row[KNOWN] = part.first, part.last, known.sum()
        row[USUAL_USE], row[ACTUAL] = usual.sum(), usual.sum() + own.sum()
        row[REST_EXCESS], row[BUSY_EXCESS] = own[~busy].sum(), own[busy].sum()
        row[EARLY], row[LATE] = _share(own[:half], usual[:half]), _share(own[half:], usual[half:])
        ratio = row[ACTUAL] / row[USUAL_USE] if row[USUAL_USE] > 0 else 0.0
        row[MATCH] = np.count_nonzero(known & (np.abs(own + usual - ratio * usual) <= 0.2 * (own + usual)))
        if part.last != alarm[LAST] or part.first != alarm[FIRST]:
            row[LAST_SHARE] = 0.0
            row[STUCK_HOURS], row[ZERO_HOURS] = np.minimum(alarm[[STUCK_HOURS, ZERO_HOURS]], row[KNOWN])
        return row


def _share(own: FloatArray, usual: FloatArray) -> float:
    return float(own.sum() / usual.sum()) if usual.sum() > 0 else 0.0
