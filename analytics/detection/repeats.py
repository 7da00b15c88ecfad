"""Values that repeat: a display that holds, a day that is sent again."""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from energy.series import Float32Array, Int32Array

LAGS: Final = (1, 24)
"""Hours between values that are compared for equality: a display that holds, a day that is sent again."""
SHORTEST_RUN: Final = 4
"""Equal values count as stuck from this many on. [h]"""
MOST: Final = 4.0
"""A run counts no more than so many usual ones."""
STRIDE: Final = 64
"""Hours that are looked through together for any repeated value."""


@compiled
def equal_runs(values: Float32Array, lag: int, day_end: Int32Array, out: Int32Array) -> None:
    """Length of the run of values equal to those `lag` hours before that each hour belongs to, as known at the end
    of D + 1."""
    out[:] = 0
    n = len(values) - lag
    later = values[min(lag, len(values)) :]
    looked_at = 0
    for start in range(0, n, STRIDE):
        before, after = values[start : min(start + STRIDE, n)], later[start : start + STRIDE]
        n_equal = 0
        for i in range(len(after)):
            n_equal += 1 if before[i] == after[i] else 0
        first = max(start, looked_at)
        while n_equal > 0 and first < min(start + STRIDE, n):
            last = first
            while last < n and values[last] == later[last]:
                last += 1
            for t in range(first + lag, last + lag):
                out[t] = min(last + lag, day_end[t]) - first - lag
            first = looked_at = last + 1


def long_run(runs: Int32Array) -> int:
    """Length that 99 % of the hours' runs do not pass."""
    rank = int(0.99 * (len(runs) - 1))
    return int(np.partition(runs, rank)[rank]) if np.count_nonzero(runs) >= len(runs) - rank else 0


@compiled
def held(runs: Int32Array, longest: Float32Array, out: Float32Array) -> None:
    """The longest of the runs of both lags, each against its usual one; short runs are none."""
    out[:] = 0.0
    for k in range(len(runs)):
        own, scale = runs[k], longest[k]
        for t in range(len(own)):
            length = min(own[t] / scale, np.float32(MOST)) if own[t] >= SHORTEST_RUN else np.float32(0.0)
            out[t] = max(out[t], length)
