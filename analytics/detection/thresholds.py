"""Thresholds of a meter by class of evidence: what the year before, cleaned of sure faults, would have let through.

The budget binds before the judged year begins, so that a year full of faults may raise more alarms than a quiet one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.weights import (
    BUDGET_OF,
    CLASSES,
    DOUBTFUL,
    FULL_OF_FAULTS,
    GAP,
    HOLD,
    LOWERED,
    OWN_SHARE,
    SPOILT,
    SURE,
    USUAL,
)
from analytics.order import select
from energy.series import Float32Array, FloatArray, IntArray

LASTING: Final = CLASSES.index("lasting")
MOST_FLAGGED: Final = 0.15
"""A threshold never flags more than this share of the hours."""
STRANDS: Final = 16
"""Hours, far apart, of which only the highest is ranked."""
MARGIN: Final = 24
"""Hours on both sides of a sure fault that are kept out of the thresholds."""


def thresholds_of(odds: Float32Array, budgets: FloatArray) -> Float32Array:
    """Thresholds by class: `OWN_SHARE` of the way from the usual one to the meter's own.

    The own threshold is the lowest that raises no more alarms in the year before than the budget, once the sure faults
    of that year are kept out. Where it held many, all thresholds are lower.

    Parameters
    ----------
    odds : float32, shape (n_classes, n)
        Log-odds of the hours of the year before.
    budgets : float64, shape (2,)
        Alarms a year: lasting, sudden.
    """
    years = odds.shape[1] / 8760
    highest = odds.max(axis=1)
    sure = [
        np.count_nonzero(row >= SURE) / len(row) if top >= SURE else 0.0 for row, top in zip(odds, highest, strict=True)
    ]
    out = np.empty(len(odds), np.float32)
    for i, (column, share) in enumerate(BUDGET_OF):
        kept = odds[i]
        limit = DOUBTFUL if sure[i] > SPOILT else SURE
        if highest[i] >= limit:
            kept = kept.copy()
            keep_out(kept, limit, HOLD[0], float(kept.min()))
        own = lowest_threshold(kept, float(budgets[column]) * share * years)
        out[i] = OWN_SHARE * own + (1 - OWN_SHARE) * USUAL[i]
    spoilt = (sure[LASTING] - SPOILT) / (FULL_OF_FAULTS - SPOILT)
    return out - np.float32(LOWERED * min(max(spoilt, 0.0), 1.0))


def lowest_threshold(odds: Float32Array, budget: float) -> float:
    """The lowest threshold with at most `budget` alarms and 15 % of the hours flagged.

    Looks at the highest hours only, at more of them where those do not use up the budget.
    """
    n = len(odds)
    most = max(int(MOST_FLAGGED * n), 1)
    looked_at = min(64, most)
    while True:
        places = np.flatnonzero(odds >= np.float32(reached_by(odds, looked_at, most)))
        places = places[np.argsort(-odds[places], kind="stable")]
        found, is_broken = lowest_of(odds, places, budget)
        if is_broken or looked_at >= most:
            return found
        looked_at = min(looked_at * 4, most)


def reached_by(odds: Float32Array, n_hours: int, most: int) -> float:
    """A value that at least so many hours reach, and no more than `most` beside its ties.

    Where there is room, that many of the highest values of `STRANDS` hours each: fewer values to rank.
    """
    n = len(odds)
    if n_hours * STRANDS + n % STRANDS > most:
        return select(odds, n, n - n_hours)
    highest = odds[: n - n % STRANDS].reshape(STRANDS, -1).max(axis=0)
    return select(highest, len(highest), len(highest) - n_hours)


@compiled
def keep_out(odds: Float32Array, sure: float, hold: float, lowest: float) -> None:
    """Blank the alarms that reach `sure`, with a day on both sides."""
    n = len(odds)
    blank = np.zeros(n, np.bool_)
    t = 0
    while t < n:
        if odds[t] < sure - hold:
            t += 1
            continue
        last, peak, end = t, odds[t], t + 1
        while end < n and end - last <= GAP:
            if odds[end] >= sure - hold:
                last = end
                peak = max(peak, odds[end])
            end += 1
        if peak >= sure:
            for i in range(max(t - MARGIN, 0), min(last + MARGIN + 1, n)):
                blank[i] = True
        t = last + 1
    for i in range(n):
        if blank[i]:
            odds[i] = lowest


@compiled
def lowest_of(odds: Float32Array, places: IntArray, budget: float) -> tuple[float, bool]:
    """The lowest threshold among some hours, by falling log-odds, and whether the next lower one breaks the budget."""
    flagged = np.zeros(len(odds) + 2 * GAP + 2, np.bool_)
    n_alarms = 0
    highest = odds[places[0]]
    best = highest + abs(highest) * np.float32(1e-4) + np.float32(1e-4)
    i = 0
    while i < len(places):
        level = odds[places[i]]
        while i < len(places) and odds[places[i]] == level:
            t = places[i] + GAP
            before = after = 0  # distance to the nearest flagged hour on each side, 0 for none within reach
            for k in range(GAP, 0, -1):
                if flagged[t - k]:
                    before = k
                if flagged[t + k]:
                    after = k
            if before == 0 and after == 0:
                n_alarms += 1
            elif before > 0 and after > 0 and before + after > GAP:
                n_alarms -= 1  # the hour joins two alarms
            flagged[t] = True
            i += 1
        if n_alarms > budget:
            return float(best), True
        best = level
    return float(best), False
