"""How far use strays from what was expected: of an interval, of a day, and of the level until the next year."""

from __future__ import annotations

from typing import Final

import numpy as np

from energy.intervals import DAY
from energy.series import BoolArray, Float32Array, FloatArray, IntArray

NOMINAL_Z: Final = 1.2815515594
"""80 % of a normal distribution lie within this many standard deviations."""
UNSEEN: Final = 1.2
"""Errors in a year that the model has not seen are this much wider than in its own: what makes 80 % intervals hold 77 %
of the hours of six pairs of years of 35 to 50 university buildings."""
DRIFT_PRIOR: Final = 0.085
"""Standard deviation of the relative change of level from one year to the next, of ordinary buildings."""
DRIFT_WEIGHT: Final = 12.0
"""The prior counts like this many months of the meter's own."""
DAYS_ALIKE: Final = 5.0
"""Errors of days this close are alike and do not average out."""


def known_mean(values: FloatArray | Float32Array) -> FloatArray:
    """Mean of the known values of each row; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def spread_of(residual: Float32Array) -> Float32Array:
    """Standard deviation that a normal distribution with the same central 80 % has; 0 of fewer than two values."""
    known = np.isfinite(residual)
    distance = np.where(known, np.abs(residual), np.float32(np.inf))
    rank = (known.sum(axis=1) * 4) // 5
    out = np.zeros(len(residual), np.float32)
    for i in range(len(residual)):
        if rank[i]:
            out[i] = np.partition(distance[i], rank[i])[rank[i]] * (UNSEEN / NOMINAL_Z)
    return out


def day_spread(residual: Float32Array, step: int) -> Float32Array:
    """Spread of the sums of days that are nearly whole."""
    per_day = DAY // step
    error, count = _day_sums(residual, np.isfinite(residual), per_day)
    return spread_of(np.where(count * 10 >= per_day * 9, error, np.nan).astype(np.float32))


def half_of_sum(total: FloatArray, n_days: FloatArray | float, day_spread: FloatArray, drift: FloatArray) -> FloatArray:
    """Half the width of the 80 % interval of a sum over `n_days` days whose expected total is given; all of one shape.

    Notes
    -----
    Days close together err alike, so their spread counts with blocks of days, not days; the level's drift does not
    average out at all and dominates a year.
    """
    noise = day_spread * np.sqrt(n_days * np.minimum(n_days, DAYS_ALIKE))
    return np.asarray(NOMINAL_Z * np.hypot(noise, drift * total))


def drift(residual: Float32Array, expected: Float32Array, step: int) -> Float32Array:
    """Standard deviation of the relative change of level, from months about the level at the end and the prior."""
    known = np.isfinite(residual)
    error, use = (_day_sums(values, known, DAY // step)[0] for values in (residual, expected))
    n_days = error.shape[1]
    n_months = max(n_days // 30, 1)
    month = np.minimum(np.arange(n_days) // 30, n_months - 1)
    square = np.full(len(residual), DRIFT_WEIGHT * DRIFT_PRIOR**2)
    count = np.full(len(residual), DRIFT_WEIGHT)
    for i in range(n_months):
        there = month == i
        below = use[:, there].sum(axis=1)
        relative = np.where(below > 0, error[:, there].sum(axis=1) / np.where(below > 0, below, 1), 0.0)
        square += np.clip(relative, -1, 1) ** 2 * (below > 0)
        count += below > 0
    return np.asarray(np.sqrt(square / count), np.float32)


def _day_sums(values: Float32Array, known: BoolArray, per_day: int) -> tuple[FloatArray, IntArray]:
    """Sums of the known values of each whole day of the grid, and how many there are."""
    n_days = values.shape[1] // per_day
    shape = (len(values), n_days, per_day)
    there = known[:, : n_days * per_day].reshape(shape)
    kept = np.where(there, values[:, : n_days * per_day].reshape(shape), 0)
    return kept.sum(axis=2, dtype=np.float64), there.sum(axis=2)
