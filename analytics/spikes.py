"""Spikes in interval data: a value that nothing around it explains, of meters that send amounts or power.

A register corrects itself, for its next reading tells the whole; an amount that is wrong stays wrong.

References
----------
California Public Utilities Commission, "Standards for Validating, Editing, and Estimating Monthly and Interval Data",
revision 2.0: spike check, the highest peak against the third highest.
Oracle Utilities Meter Data Management, interval spike check.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from energy.series import BoolArray, FloatArray, IntArray

EXCESS: Final = 1.8
"""A spike is beyond the third highest value by more than this share of it."""
Z: Final = 5.0
"""A spike lies more than so many standard deviations above the mean of the others."""
LEAST: Final = 12
"""Values that must be known of the day, the day before and the day after."""


def interval_spikes(value: FloatArray, day: IntArray) -> BoolArray:
    """True for values that stand alone among those of their day, the day before and the day after.

    Parameters
    ----------
    value : ndarray, shape (n,)
        Amounts or power of intervals in the order of time.
    day : int64, shape (n,)
        Local day number of each, never falling.

    Notes
    -----
    The practice cited looks at one day. With the neighbouring days in view, what is used for an hour a day every day
    is no spike, and a day is judged when the next has ended. A value and the one beside it may both be spikes, three
    are use. Where the third highest is zero or negative nothing is judged: a place that rests tells no scale.
    """
    found = np.zeros(len(value), bool)
    for number in np.unique(day).tolist():
        edges = np.searchsorted(day, np.arange(number - 1, number + 3)).tolist()
        if min(np.isfinite(value[a:b]).sum() for a, b in pairwise(edges)) < LEAST:
            continue
        around = value[edges[0] : edges[3]]
        around = around[np.isfinite(around)]
        third = np.partition(around, -3)[-3]
        if third > 0:
            others = around[around <= third]
            limit = max(third * (1 + EXCESS), others.mean() + Z * others.std())
            own = slice(edges[1], edges[2])
            found[own] = np.nan_to_num(value[own]) > limit
    return found
