"""The yardstick of a meter: what the year before says of its load and of how far it deviates.

A yardstick is a row of numbers: by group of hours the usual size of residuals and of their jumps, then the single
numbers named here.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.grid import N_GROUPS
from analytics.order import MAD, select
from energy.series import Float32Array, IntArray

(LEVEL, FLOOR, SIZE, JUMP, DAY_MID, DAY_MAD, UNREST_MID, UNREST_MAD, NIGHT_MID, NIGHT_MAD, RESTLESS_MID, RESTLESS_MAD,
 SLOW_MID, SLOW_MAD, RUN_99, REPEAT_99, ZERO_RARE) = range(2 * N_GROUPS, 2 * N_GROUPS + 17)  # fmt: skip
N_YARDSTICK: Final = 2 * N_GROUPS + 17
NOTHING: Final = 0.02
"""A value up to this share of the median load is (nearly) nothing."""


def learn_load(values: Float32Array, yardstick: Float32Array) -> None:
    """Median of the positive values, the finest scale, and whether (nearly) nothing is rare."""
    known = np.empty(len(values), np.float32)
    n_known, n_positive, step = gather_known(values, known)
    level = select(known, n_known, n_known - n_positive + (n_positive - 1) // 2) if n_positive else 0.0
    yardstick[LEVEL] = level
    # A scale is never finer than 2 % of the load nor than half a step of the display.
    yardstick[FLOOR] = max(0.02 * level, 0.5 * step, 1e-9)
    low = np.float32(0.1 * level)
    yardstick[ZERO_RARE] = n_known > 0 and np.count_nonzero(known[:n_known] <= low) <= int(0.02 * n_known)


@compiled
def gather_known(values: Float32Array, known: Float32Array) -> tuple[int, int, float]:
    """Gather known values, at least 0; how many, how many above 0, and the smallest change between neighbours.

    The change is 0 where none is known.
    """
    n_known = n_positive = 0
    step = np.float32(np.inf)
    before = np.float32(np.nan)
    for t in range(len(values)):
        value = values[t]
        known[n_known] = max(value, np.float32(0.0))
        n_known += 1 if value == value else 0
        n_positive += 1 if value > 0.0 else 0
        change = abs(value - before)
        step = change if change > 0.0 and change < step else step
        before = value
    return n_known, n_positive, float(step) if step < np.inf else 0.0


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


def middle_and_mad(values: Float32Array) -> tuple[float, float]:
    """Median and median absolute deviation of known values; 0 without any."""
    n = len(values)
    if n == 0:
        return 0.0, 0.0
    middle = select(values, n, (n - 1) // 2)
    return middle, select(np.abs(values - np.float32(middle)), n, (n - 1) // 2)


def against(values: Float32Array, yardstick: Float32Array, middle: int, floor: float) -> None:
    """Put the distance from the usual middle, in usual spreads (the column after the middle's), in place of values."""
    values -= yardstick[middle]
    np.abs(values, out=values)
    values /= np.float32(max(MAD * float(yardstick[middle + 1]), floor))
