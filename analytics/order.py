"""Order statistics for loops: the rank of many or of few values without sorting all of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from energy.series import Float32Array, Int32Array

WIDE: Final = 32
"""Values of a day that are sorted: a day of hours fits, the longest too. A power of two."""

SHIFT: Final = 21
HALF: Final = 1024
LOW: Final = 0x7FFFFFFF
"""The 11 leading bits of a float32 (sign, exponent, two of the fraction) tell it from most others."""
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
        The values are not float32: their bits would be read as something else.

    Notes
    -----
    The bits of a float32 rise with its value once the sign is turned (all bits of negative numbers, the first of
    others), so a histogram of the leading bits tells the bin that holds the rank, and only the values of that bin are
    compared: two passes, whatever the order.
    """
    if not (values.dtype == _FLOAT32):  # numba has no != of types
        raise TypeError("select: expected float32 values, got another type; convert them with astype(np.float32)")
    raw = values.view(np.int32)
    count = np.zeros(2 * HALF, np.int64)
    for i in range(n):
        count[(raw[i] >> SHIFT) + HALF if raw[i] >= 0 else HALF - 1 - ((raw[i] & LOW) >> SHIFT)] += 1
    place, before = 0, 0
    while before + count[place] <= rank:
        before += count[place]
        place += 1
    kept = np.empty(count[place], np.float32)
    n_kept = 0
    for i in range(n):
        if place == ((raw[i] >> SHIFT) + HALF if raw[i] >= 0 else HALF - 1 - ((raw[i] & LOW) >> SHIFT)):
            kept[n_kept] = values[i]
            n_kept += 1
    return select_few(kept, n_kept, rank - before)


@compiled
def median(values: Float32Array, n: int) -> float:
    """Lower median of the first n values of any sign (0 for none); reorders them."""
    return select_few(values, n, (n - 1) // 2) if n > 0 else 0.0


@compiled
def daily_medians(values: Float32Array, day: Int32Array, n_days: int, out: Float32Array) -> None:
    """Lower median of each day's known values (of its first `WIDE`); NaN for a day without any.

    Notes
    -----
    Sorts all days at once: the hours of a day go down a column, and each comparison of Batcher's odd-even merge sort
    is made for all days together, without branches and in vector lanes.

    References
    ----------
    Batcher: Sorting networks and their applications, AFIPS Spring Joint Computer Conference, 1968.
    """
    hours = np.full((WIDE, n_days), np.inf, np.float32)
    count = np.zeros(n_days, np.int64)
    for t in range(len(values)):
        d = day[t]
        if not np.isnan(values[t]) and count[d] < WIDE:
            hours[count[d], d] = values[t]
            count[d] += 1
    width = 1
    while width < WIDE:
        reach = width
        while reach >= 1:
            for first in range(reach % width, WIDE - reach, 2 * reach):
                for low in range(first, min(first + reach, WIDE - reach)):
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
