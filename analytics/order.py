"""Order statistics for loops: the rank of many or of few values without sorting all of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from energy.series import Float32Array, Int32Array

MAD: Final = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation."""

WIDE: Final = 32
"""Values of a day that are sorted: a day of hours fits, the longest too. A power of two."""

SAMPLE: Final = 64
"""Values that are sorted to find two that enclose a rank."""
REACH: Final = 8
"""Values of the sample between the expected place of a rank and either end: two standard deviations at the middle."""
FEW: Final = 96
"""So many values are no longer narrowed down."""
_FLOAT32: Final = np.dtype(np.float32)


@compiled
def select_few(values: Float32Array, n: int, rank: int) -> float:
    """The rank-th smallest (from 0) of the first n values of any sign; reorders them (Hoare's selection)."""
    low, high = 0, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@compiled
def select(values: Float32Array, n: int, rank: int) -> float:
    """The rank-th smallest (from 0) of the first n values, NaN last; the values stay as they are.

    Raises
    ------
    TypeError
        The values are not float32: a copy of them would be rounded.

    Notes
    -----
    Two values of a sorted sample enclose the rank in nearly all cases; counting tells whether they do, and what they
    enclose is copied and looked at in the same way. No pass branches on a value: in data without order a processor
    would guess every other branch wrong.

    References
    ----------
    Floyd, Rivest: Expected time bounds for selection, Communications of the ACM 18(3), 1975.
    """
    if not (values.dtype == _FLOAT32):  # numba has no != of types
        raise TypeError("select: expected float32 values, got another type; convert them with astype(np.float32)")
    lowest, highest = np.float32(-np.inf), np.float32(np.inf)
    sample = np.empty(SAMPLE, np.float32)
    left = values[:n].astype(np.float32)
    while len(left) > FEW:
        step = (len(left) // SAMPLE - 1) | 1  # odd: the same hours of the day do not come again soon
        for i in range(SAMPLE):
            value = left[i * step] if left[i * step] == left[i * step] else highest
            k = i
            while k > 0 and sample[k - 1] > value:
                sample[k] = sample[k - 1]
                k -= 1
            sample[k] = value
        place = rank * SAMPLE // len(left)
        low = sample[place - REACH] if place >= REACH else lowest
        high = sample[place + REACH] if place + REACH < SAMPLE else highest
        below = within = 0
        for i in range(len(left)):
            below += 1 if left[i] < low else 0
            within += 1 if left[i] <= high else 0
        if rank < below:
            low, high = lowest, low
        elif rank >= within:
            low, high = high, highest
        before, below, count = len(left), 0, 0
        for i in range(before):
            value = left[i]
            left[count] = value
            count += 1 if (value >= low) & (value <= high) else 0
            below += 1 if value < low else 0
        rank -= below
        if low == high or rank >= count:
            return float(low) if rank < count else np.nan
        left = left[:count]
        if count == before:
            break
    count = 0
    for i in range(len(left)):
        value = left[i]
        left[count] = value
        count += 1 if value == value else 0
    return select_few(left, count, rank) if rank < count else np.nan


@compiled
def median(values: Float32Array, n: int) -> float:
    """Lower median of the first n values of any sign (0 for none); reorders them."""
    return select_few(values, n, (n - 1) // 2) if n > 0 else 0.0


@compiled
def daily_medians(values: Float32Array, begin: Int32Array, out: Float32Array) -> None:
    """Lower median of each day's known values (among its first `WIDE`); NaN for a day without any.

    Parameters
    ----------
    values : float32, shape (n,)
    begin : int32, shape (n_days + 1,)
        First value of each day, and the one after the last day's.
    out : float32, shape (n_days,)

    Notes
    -----
    Sorts all days at once: the hours of a day go down a column, and each comparison of Batcher's odd-even merge sort
    is made for all days together, without branches and in vector lanes. Rows below the longest day hold infinity and
    need no comparison.

    References
    ----------
    Batcher: Sorting networks and their applications, AFIPS Spring Joint Computer Conference, 1968.
    """
    n_days = len(out)
    hours = np.full((WIDE, n_days), np.inf, np.float32)
    count = np.zeros(n_days, np.int64)
    longest = 0
    for d in range(n_days):
        own = values[begin[d] : min(begin[d + 1], begin[d] + WIDE)]
        known = 0
        for h in range(len(own)):
            is_known = own[h] == own[h]
            hours[h, d] = own[h] if is_known else np.float32(np.inf)
            known += 1 if is_known else 0
        count[d] = known
        longest = max(longest, len(own))
    width = 1
    while width < longest:
        reach = width
        while reach >= 1:
            for first in range(reach % width, longest - reach, 2 * reach):
                for low in range(first, min(first + reach, longest - reach)):
                    if low // (2 * width) == (low + reach) // (2 * width):
                        upper, lower = hours[low], hours[low + reach]
                        for d in range(n_days):
                            a, b = upper[d], lower[d]
                            upper[d] = a if a < b else b
                            lower[d] = b if a < b else a
            reach //= 2
        width *= 2
    for d in range(n_days):
        out[d] = hours[(count[d] - 1) // 2, d] if count[d] else np.nan
