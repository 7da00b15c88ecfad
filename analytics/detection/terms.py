"""The terms of the detector for one meter at a time: what deviates, each in the meter's own spread.

All terms of an hour of day D use values up to the end of day D + 1 (that is when the day is judged), levels and scales
of the days before D, and yardsticks (`analytics.detection.yardsticks`) of the year before.

Passes over the hours are compiled; no kernel calls another one, because a kernel is compiled again inside each that
calls it. What lies between them works on days or on sorted columns and stays numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from analytics.detection.days import LEVEL_DAYS, daily_shares, lately, medians_before, spread_out
from analytics.detection.grid import N_GROUPS, HourGrid
from analytics.detection.hours import deviate, standardise, window_mean
from analytics.detection.repeats import LAGS, equal_runs, held, long_run
from analytics.detection.weights import TERMS
from analytics.detection.yardsticks import (
    DAY_MID,
    JUMP,
    LEVEL,
    NIGHT_MID,
    NOTHING,
    REPEAT_99,
    RESTLESS_MID,
    RUN_99,
    SIZE,
    SLOW_MID,
    UNREST_MID,
    ZERO_RARE,
    against,
    group_scales,
    learn_load,
    middle_and_mad,
)
from analytics.order import daily_medians
from energy.series import Float32Array

TOGETHER: Final = 32
"""Meters whose days are looked at together."""
SCALE_DAYS: Final = 56
NIGHTS: Final = 3
WEEK: Final = 7
CLIP: Final = np.float32(8.0)
"""A deviation counts in means over a day and more no more than this."""
LOUD: Final = np.float32(20.0)
"""A deviation counts in means over six hours no more than this."""
SPARSE: Final = 6
"""Means over days change little from hour to hour: one hour in six tells their spread."""
USUAL_RUN: Final = np.float32(6.0)
"""A usual run of equal values is at least this long. [h]"""
POINT, RUN, DAY, UNREST, NIGHT, LEAP, STUCK, ZERO, RESTLESS, SLOW = range(len(TERMS))


class Terms:
    """Works out the terms of some meters, one after the other in the same memory.

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
        self._begin = grid.day_begin
        self._shift = LEVEL_DAYS // 2 if centred else 0
        self._by_group = grid.by_group(n_history)
        self._z, self._leap, self._size, self._clipped = np.empty((4, n), np.float32)
        self._spare = np.empty((2, n), np.float32)
        self._runs = np.empty((len(LAGS), n), np.int32)
        self.residual = np.empty(n, np.float32)
        self.terms = np.empty((len(TERMS), n), np.float32)

    def of_all(
        self, values: Float32Array, expected: Float32Array, yardsticks: Float32Array, *, learn: bool
    ) -> Iterator[int]:
        """Fill `residual` and `terms` for one row of `values` after the other; with `learn` the yardsticks too."""
        for first in range(0, len(values), TOGETHER):
            here = slice(first, first + TOGETHER)
            for m in self._of_some(values[here], expected[here], yardsticks[here], learn=learn):
                yield first + m

    def _of_some(
        self, values: Float32Array, expected: Float32Array, yardsticks: Float32Array, *, learn: bool
    ) -> Iterator[int]:
        """What days are compared with comes first, for all rows: their medians are taken side by side."""
        if learn:
            for own, yardstick in zip(values, yardsticks, strict=True):
                learn_load(own[: self._n_history], yardstick)
        levels, unrest = self._days_before(values, expected)
        nights, weeks = self._lately(values, expected, yardsticks[:, LEVEL])
        for m in range(len(values)):
            self._deviate(values[m], expected[m], levels[m])
            for lag, runs in zip(LAGS, self._runs, strict=True):
                equal_runs(values[m], lag, self._grid.day_end, runs)
            if learn:
                self._learn_scales(yardsticks[m])
            self._by_hour(unrest[m], yardsticks[m])
            self._by_window(yardsticks[m], learn=learn)
            self._by_day(nights[m], NIGHT, NIGHT_MID, 0.05, yardsticks[m], learn=learn)
            self._by_day(weeks[m], SLOW, SLOW_MID, 0.02, yardsticks[m], learn=learn)
            self._by_repeats(values[m], yardsticks[m])
            yield m

    def _days_before(self, values: Float32Array, expected: Float32Array) -> tuple[Float32Array, Float32Array]:
        """By meter and day: the level, which is the median of the daily medians of the 28 days before, and the median
        size of what deviates from it in the 56 days before.

        The first days take the level of the first 28.
        """
        daily = np.empty((len(values), self._grid.n_days), np.float32)
        for m, own in enumerate(daily):
            daily_medians(np.subtract(values[m], expected[m], out=self.residual), self._begin, own)
        levels = medians_before(daily, LEVEL_DAYS, self._shift)
        for m, own in enumerate(daily):
            self._deviate(values[m], expected[m], levels[m])
            daily_medians(self._size, self._begin, own)
        return levels, medians_before(daily, SCALE_DAYS, 0)

    def _lately(
        self, values: Float32Array, expected: Float32Array, level: Float32Array
    ) -> tuple[Float32Array, Float32Array]:
        """By meter and day: relative deviation from last year's model over the nights and over the week to D + 1, less
        that of the days before."""
        days, nights = np.empty((2, len(values), self._grid.n_days), np.float32)
        for m in range(len(values)):
            daily_shares(values[m], expected[m], self._begin, self._grid.night, level[m], days[m], nights[m])
        return lately(nights, NIGHTS), lately(days, WEEK)

    def _deviate(self, values: Float32Array, expected: Float32Array, level: Float32Array) -> None:
        deviate(values, expected, level, self._begin, self.residual, self._size, self._leap)

    def _learn_scales(self, yardstick: Float32Array) -> None:
        n = self._n_history
        for column, size, groups in ((SIZE, self._size, 0), (JUMP, self._leap, N_GROUPS)):
            yardstick[column] = group_scales(size[:n], self._by_group, yardstick[groups : groups + N_GROUPS])
        yardstick[RUN_99], yardstick[REPEAT_99] = (long_run(runs[:n]) for runs in self._runs)

    def _by_hour(self, unrest: Float32Array, yardstick: Float32Array) -> None:
        """How far this hour lies off, and how far use jumped from the hour before or to the next."""
        grid, terms = self._grid, self.terms
        standardise(self.residual, unrest, grid.day, grid.group, yardstick, self._z, self._leap)
        np.abs(self._z, out=terms[POINT])
        np.maximum(self._leap[:-1], self._leap[1:], out=terms[LEAP, :-1])
        terms[LEAP, -1] = self._leap[-1]

    def _by_window(self, yardstick: Float32Array, *, learn: bool) -> None:
        """Means about each hour: of sizes over 6 and 72 hours, of signed deviations and of jumps over 24."""
        size, clipped = self.terms[POINT], self._clipped
        self._mean(np.minimum(size, LOUD, out=clipped), 6, RUN)
        self._mean(np.minimum(size, CLIP, out=clipped), 72, UNREST)
        self._mean(np.clip(self._z, -CLIP, CLIP, out=clipped), 24, DAY)
        self._mean(np.minimum(self._leap, CLIP, out=clipped), 24, RESTLESS)
        for row, middle, floor in ((DAY, DAY_MID, 0.25), (UNREST, UNREST_MID, 0.15), (RESTLESS, RESTLESS_MID, 0.15)):
            own = self.terms[row]
            if learn:
                sparse = np.ascontiguousarray(own[: self._n_history : SPARSE])
                yardstick[middle], yardstick[middle + 1] = middle_and_mad(sparse)
            against(own, yardstick, middle, floor)

    def _mean(self, values: Float32Array, width: int, row: int) -> None:
        window_mean(values, width, self._begin, self._grid.day_end, self._spare, self.terms[row])

    def _by_day(
        self, recent: Float32Array, row: int, middle: int, floor: float, yardstick: Float32Array, *, learn: bool
    ) -> None:
        if learn:
            past = recent[: self._grid.day[self._n_history - 1] + 1]
            yardstick[middle], yardstick[middle + 1] = middle_and_mad(past[past == past])
        against(recent, yardstick, middle, floor)
        spread_out(recent, self._begin, self.terms[row])

    def _by_repeats(self, values: Float32Array, yardstick: Float32Array) -> None:
        """Runs of equal values against the longest usual one, and nothing where nothing is rare."""
        held(self._runs, np.maximum(2 * yardstick[[RUN_99, REPEAT_99]], USUAL_RUN), self.terms[STUCK])
        self.terms[ZERO] = values <= NOTHING * yardstick[LEVEL] if yardstick[ZERO_RARE] > 0 else 0.0
