"""Load without people: each day's rest hours against last year's model, in the meter's own spread.

A forgotten switch adds little to an hour and nothing to a working one, so the sum over all hours drowns it; the median
of a day's rest hours does not. It needs nothing of the next day and is told when its own day has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from analytics.detection.days import LEVEL_DAYS, medians_before
from analytics.detection.grid import HourGrid
from analytics.detection.restated import level_before
from analytics.detection.weights import OWN_SHARE
from analytics.detection.yardsticks import middle_and_mad
from analytics.order import MAD, daily_medians
from energy.series import BoolArray, Float32Array, FloatArray

LEAST_HOURS: Final = 4
"""Known rest hours without which a day tells nothing. [h]"""
FLOOR: Final = 0.02
"""A spread is never finer than this share of the median load."""
RUNS_A_YEAR: Final = 1.0
"""Runs of days in the year before that a meter's own limit lets through."""
USUAL_LIMIT: Final = 10.0
"""Robust standard deviations that an unusual day of the average meter reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class RestYardsticks:
    """What the year before says of each meter's rest hours; one entry a meter.

    Attributes
    ----------
    level : float64
        Median load. [unit/h]
    middle, spread : float64
        Usual deviation of a day's rest hours and its robust standard deviation. [median loads]
    limit : float64
        Robust standard deviations from which a single day counts.
    """

    level: FloatArray
    middle: FloatArray
    spread: FloatArray
    limit: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {name: getattr(self, name).tolist() for name in self.__slots__}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """The yardsticks that `to_dict` described."""
        return cls(*(np.array(stored[name], np.float64) for name in cls.__slots__))

    def take(self, i: int) -> Self:
        """Those of one meter alone."""
        return type(self)(*(getattr(self, name)[i : i + 1] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Those of several meters together."""
        empty = np.zeros(0)
        return cls(*(np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class RestDays:
    """Days of load without people.

    Attributes
    ----------
    strength : float64, shape (n_meters, n_days)
        Deviation from usual in robust standard deviations; 0 where nothing is known: that is no evidence.
    limit : float64, shape (n_meters,)
        Strength from which a single day counts.
    use, hours : float64, shape (n_meters, n_days)
        Use in the known rest hours [unit], and how many those are.
    residual, followed : float32, shape (n_meters, n_days)
        Median residual of a day's rest hours (NaN where too few are known) and that of the `LEVEL_DAYS` days before.
        [unit/h]
    rise : float64, shape (n_meters,)
        Usual difference of the two. [unit/h]
    """

    strength: FloatArray
    limit: FloatArray
    use: FloatArray
    hours: FloatArray
    residual: Float32Array
    followed: Float32Array
    rise: FloatArray

    def excess(self, row: int, first: int, last: int, free: BoolArray) -> float:
        """How much more than usual was used in these days, by the level before the first of them. [unit]

        The level that a single day is judged by follows a fault that goes on; this one rests on the last days before
        that are `free`.
        """
        here = slice(first, last + 1)
        level = level_before(self.residual[row], free, self.followed[row], first, LEVEL_DAYS) + self.rise[row]
        return float(np.nansum((self.residual[row, here] - level) * self.hours[row, here]))


def learn_rest(values: Float32Array, usual: Float32Array, grid: HourGrid, level: Float32Array) -> RestYardsticks:
    """Yardsticks of rest hours from the year before.

    Parameters
    ----------
    values, usual : float32, shape (n_meters, n)
        Use of each hour (NaN unknown), and what the model of that year expects.
    level : float32, shape (n_meters,)
        Median load. [unit/h]
    """
    residual = _residuals(values, usual, grid)
    deviation = (residual - medians_before(residual, LEVEL_DAYS, 0)) / _divisor(level)
    middle, spread, limit = np.zeros((3, len(values)))
    for i, row in enumerate(deviation):
        middle[i], mad = middle_and_mad(row[row == row])
        spread[i] = max(MAD * mad, FLOOR)
        strength = np.nan_to_num((row - middle[i]) / spread[i])
        own = lowest_limit(strength, RUNS_A_YEAR * len(grid) / 8760)
        limit[i] = (1 + max(own, 0.0)) ** OWN_SHARE * (1 + USUAL_LIMIT) ** (1 - OWN_SHARE) - 1
    return RestYardsticks(level.astype(np.float64), middle, spread, limit)


def rest_days(values: Float32Array, usual: Float32Array, grid: HourGrid, yardsticks: RestYardsticks) -> RestDays:
    """How unusual each day's rest hours are, judged at the day's own end."""
    residual = _residuals(values, usual, grid)
    followed = medians_before(residual, LEVEL_DAYS, 0)
    deviation = (residual - followed) / _divisor(yardsticks.level) - yardsticks.middle[:, None]
    use, hours = np.zeros((2, *deviation.shape))
    for i, row in enumerate(values):
        known = ~grid.busy & np.isfinite(row)
        hours[i] = np.bincount(grid.day, known, grid.n_days)
        use[i] = np.bincount(grid.day, np.where(known, row, 0), grid.n_days)
    strength = np.nan_to_num(deviation / yardsticks.spread[:, None])
    rise = yardsticks.middle * yardsticks.level
    return RestDays(strength, yardsticks.limit, use, hours, residual, followed, rise)


def lowest_limit(strength: FloatArray, most_runs: float) -> float:
    """The lowest limit that no more than so many runs of days reach; just above all where even one is too many."""
    falling = np.unique(strength)[::-1]
    best = float(falling[0]) * 1.0001 if len(falling) else 0.0
    for limit in falling[falling > 0]:
        reached = strength >= limit
        if np.count_nonzero(reached[1:] & ~reached[:-1]) + reached[0] > most_runs:
            break
        best = float(limit)
    return best


def _residuals(values: Float32Array, usual: Float32Array, grid: HourGrid) -> Float32Array:
    """Median residual of each day's rest hours, shape (n_meters, n_days); NaN for a day that too little is known of."""
    begin, daily = grid.day_begin, np.empty((len(values), grid.n_days), np.float32)
    for i in range(len(values)):
        residual = values[i] - usual[i]
        residual[grid.busy] = np.nan
        daily_medians(residual, begin, daily[i])
        daily[i, np.bincount(grid.day, residual == residual, grid.n_days) < LEAST_HOURS] = np.nan
    return daily


def _divisor(level: Float32Array | FloatArray) -> Float32Array:
    """Median loads as a column that numbers can be divided by. [unit/h]"""
    return np.maximum(level, 1e-9).astype(np.float32)[:, None]
