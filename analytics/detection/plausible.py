"""Which values of a year may tell a habit."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.detection.yardsticks import NOTHING
from analytics.magnitude import countable
from analytics.order import select
from energy.series import Float32Array

RARE: Final = 0.05
"""Zeros in fewer than this share of the known hours are no habit."""


def plausible(values: Float32Array) -> Float32Array:
    """A copy with NaN in place of zeros, meter by meter, where fewer than 5 % of the hours are (nearly) zero.

    A reading of nothing from a meter that never rests is no habit.
    """
    own = np.array(countable(values))
    for row in own:
        if not np.fmin.reduce(row, initial=np.inf) <= NOTHING * np.fmax.reduce(row, initial=0.0):
            continue  # the median is no higher than the highest value: nothing is nearly zero
        known = np.maximum(row[row == row], np.float32(0.0))
        limit = NOTHING * select(known, len(known), (len(known) - 1) // 2)
        low = row <= limit
        if 0 < int(low.sum()) < RARE * len(known):
            row[low] = np.nan
    return own
