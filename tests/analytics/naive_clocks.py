"""Slow, obvious twins of the kernels of clocks: one stretch, one pair of days at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def clock_ahead(
    time: Sequence[int], received: Sequence[int], *, stretch: int, least: int, most_s: float, steady_s: float
) -> float:
    """Minus the median of the smallest lag of each stretch; NaN where too few or not steady."""
    lags: dict[int, int] = {}
    for taken, came in zip(time, received, strict=True):
        lags[came // stretch] = min(came - taken, lags.get(came // stretch, came - taken))
    live = [lag for lag in lags.values() if abs(lag) <= most_s]
    if len(live) < least or median(abs(lag - median(live)) for lag in live) > steady_s:
        return math.nan
    return -float(median(live))


def clock_drift(time: Sequence[int], ahead: Sequence[float], *, least: int) -> float:
    """Median slope of all pairs of known days; NaN with too few."""
    known = [(t / 86_400, a) for t, a in zip(time, ahead, strict=True) if not math.isnan(a)]
    slopes = [(b - a) / (t - s) for i, (s, a) in enumerate(known) for t, b in known[i + 1 :]]
    return median(slopes) if len(known) >= least else math.nan
