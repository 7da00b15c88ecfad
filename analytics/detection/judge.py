"""Judging meters: log-odds of hours by class of evidence, thresholds of the year before, and alarms, meter by meter.

As in `analytics.detection.terms` no kernel calls another one; a meter costs some forty calls.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.detection.alarms import METER, N_FACTS, add_up, collect, compare, flag, narrow
from analytics.detection.grid import HourGrid
from analytics.detection.terms import Terms
from analytics.detection.thresholds import thresholds_of
from analytics.detection.weights import (
    CEILING,
    CLASSES,
    GAP,
    INTERCEPTS,
    TERMS,
    WEIGHTS,
)
from analytics.detection.yardsticks import LEVEL
from energy.series import BoolArray, Float32Array, FloatArray

N_TERMS: Final = len(TERMS)
N_CLASSES: Final = len(CLASSES)
BLOCK: Final = 1024
LN_2: Final = 0.6931471805599453
LOG_2: Final = tuple(np.float32(c) for c in (1.4425449, -0.71814524, 0.45754914, -0.27790524, 0.12179782, -0.025841420))
"""log2(1 + x) / x on [0, 1] as a polynomial in x: largest error 2e-6 of a natural logarithm, exact at 0 and 1."""
CLASS_WEIGHTS: Final = np.array(WEIGHTS, np.float32)
CLASS_INTERCEPTS: Final = np.array(INTERCEPTS, np.float32)
LASTING, SUDDEN, RESTLESS = (CLASSES.index(name) for name in ("lasting", "sudden", "restless"))
"""Classes that make the score; the slow one tells weeks apart, not hours."""
SUDDEN_SHARE: Final = 0.3
"""In a retrospective score sudden evidence counts this much once more, so that hours of one long event differ."""


def judge(
    values: Float32Array,
    expected: Float32Array,
    grid: HourGrid,
    n_history: int,
    *,
    learn: bool,
    centred: bool,
    budgets: FloatArray,
    yardsticks: Float32Array,
    thresholds: Float32Array,
    score: Float32Array,
    flagged: BoolArray,
) -> Float32Array:
    """Judge every meter; fills `score` and `flagged` of the judged hours, returns the raw alarms.

    With `learn`, yardsticks and thresholds are taken from the first `n_history` hours, else they are given. Alarms are
    raised for the hours from `n_history` on, or for all hours where n_history is all there is.
    """
    n = values.shape[1]
    start = n_history if n_history < n else 0
    work = Terms(grid, n_history, centred=centred)
    odds, flags = np.empty((N_CLASSES, n), np.float32), np.empty(n, np.int32)
    rows = np.empty((n // (GAP + 1) + 2, N_FACTS + N_TERMS), np.float32)
    alarms = [rows[:0]]
    for m in work.of_all(values, expected, yardsticks, learn=learn):
        log_odds(work.terms, CLASS_WEIGHTS, CLASS_INTERCEPTS, odds)
        if learn:
            thresholds[m] = thresholds_of(odds[:, :n_history], budgets[m])
        flagged_hours = flag(odds, thresholds[m], grid.day_end, start, flags)
        score_of(odds[:, start:], SUDDEN_SHARE if centred else 0.0, score[m])
        np.greater(flags[start:], 0, out=flagged[m])
        own = rows[: collect(flagged_hours, flags, odds, thresholds[m], work.terms, CLASS_WEIGHTS, rows)]
        own[:, METER] = m
        narrow(own, values[m], work.terms)
        add_up(own, values[m], work.residual, grid.busy, work.terms, float(yardsticks[m, LEVEL]))
        compare(own, values[m], work.residual)
        alarms.append(own.copy())
    return np.concatenate(alarms)


def score_of(odds: Float32Array, share: float, out: Float32Array) -> None:
    """The greatest log-odds above those without any evidence, and a share of the sudden ones."""
    np.maximum(odds[LASTING], odds[SUDDEN], out=out)
    np.maximum(out, odds[RESTLESS], out=out)
    if share:
        out += np.float32(share) * odds[SUDDEN]
    out -= np.float32(INTERCEPTS[LASTING] + share * INTERCEPTS[SUDDEN])
    np.maximum(out, 0, out=out)


@compiled
def log_odds(terms: Float32Array, weights: Float32Array, intercepts: Float32Array, out: Float32Array) -> None:
    """Put log(1 + term) in place of each term, and by class the intercept and their weighted sum into `out`.

    The logarithm comes from exponent bits and a polynomial, in vector lanes.
    """
    one_plus = np.empty(BLOCK, np.float32)
    power = np.empty(BLOCK, np.float32)
    bits = one_plus.view(np.int32)
    a, b, c, d, e, f = LOG_2
    for first in range(0, terms.shape[1], BLOCK):
        for k in range(len(weights)):
            part = out[k, first : first + BLOCK]
            for i in range(len(part)):
                part[i] = intercepts[k]
        for j in range(len(terms)):
            term = terms[j, first : first + BLOCK]
            for i in range(len(term)):
                one_plus[i] = np.float32(1.0) + min(term[i], np.float32(CEILING))
            for i in range(len(term)):
                power[i] = np.float32((bits[i] >> np.int32(23)) - np.int32(127))
            for i in range(len(term)):
                bits[i] = (bits[i] & np.int32(0x007FFFFF)) | np.int32(0x3F800000)
            for i in range(len(term)):
                x = one_plus[i] - np.float32(1.0)
                term[i] = np.float32(LN_2) * (power[i] + x * (a + x * (b + x * (c + x * (d + x * (e + x * f))))))
            for k in range(len(weights)):
                w = weights[k, j]
                if w > 0.0:
                    part = out[k, first : first + BLOCK]
                    for i in range(len(part)):
                        part[i] += w * term[i]
