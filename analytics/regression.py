"""Weighted regression of many meters on shared rows plus a mean per slot of the week, gaps by low-rank update.

The model of one meter is y[t] = profile[slot[t]] + sum_j slopes[j] rows[j, t]. All meters of one weather station share
slots, rows and weights, so the slots are partialled out once (Frisch-Waugh) and the Gram matrix is built once. A meter
with missing values differs from that only by what is missing: its Gram matrix is the shared one minus one outer
product for each missing value and one for each slot that lost weight.

References
----------
Frisch, Waugh: Partial time regressions as compared with individual trends, Econometrica 1(4), 1933.
Mathieu et al.: Quantifying changes in building electricity use, IEEE Trans. Smart Grid 2(3), 2011 (TOWT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.compiled import compiled
from analytics.order import select
from energy.series import Float32Array, FloatArray, Int32Array

RIDGE: Final = 1e-3
"""Ridge on the slopes, as a share of each row's sum of squares over all intervals, known or not: where little is known
of a meter, slopes shrink to 0."""


BLOCK: Final = 1024
"""Intervals worked on at a time: they stay in the first-level cache, and float32 sums stay short."""
EMPTY: Final = 1e-6
"""A slot that keeps less than this share of its weight counts as empty (what is left may be rounding)."""


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What all meters share: slots, rows, weights, and the Gram matrix of the rows without their slot means.

    Attributes
    ----------
    slot : int32, shape (n,)
    centred : float32, shape (k, n)
        Rows minus their weighted slot means.
    weight : float32, shape (n,)
        Weight of each interval, >= 0.
    means : float64, shape (n_slots, k)
        Weighted slot means of the rows.
    slot_weight, slot_rest : float64, shapes (n_slots,), (n_slots, k)
        Sum of weights; sum of weighted centred rows (only rounding, kept so that updates stay exact).
    gram : float64, shape (k, k)
        Weighted Gram matrix of the centred rows.
    """

    slot: Int32Array
    centred: Float32Array
    weight: Float32Array
    means: FloatArray
    slot_weight: FloatArray
    slot_rest: FloatArray
    gram: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Fitted profile (n_meters, n_slots), slopes (n_meters, k), used weight and values used (n_meters,)."""

    profile: Float32Array
    slopes: Float32Array
    n_used: Int32Array


def prepare(slot: Int32Array, n_slots: int, rows: Float32Array, weight: Float32Array) -> Basis:
    """Partial the slots out of the rows; rows of shape (k, n)."""
    k = len(rows)
    w = weight.astype(np.float64)
    slot_weight = np.bincount(slot, w, n_slots).astype(np.float64)
    inverse = np.where(slot_weight > 0, 1 / np.where(slot_weight > 0, slot_weight, 1), 0.0)
    means = np.empty((n_slots, k))
    centred = np.empty((k, len(slot)), np.float32)
    rest = np.empty((n_slots, k))
    for j in range(k):
        means[:, j] = np.bincount(slot, w * rows[j], n_slots) * inverse
        centred[j] = rows[j] - means[slot, j]
        rest[:, j] = np.bincount(slot, w * centred[j], n_slots)
    exact = centred.astype(np.float64)
    gram = (exact * w) @ exact.T
    return Basis(slot.astype(np.int32), centred, weight.astype(np.float32), means, slot_weight, rest, gram)


def fit_rows(
    values: Float32Array,
    basis: Basis,
    *,
    ridge: float = RIDGE,
    trim: float = np.inf,
    trimmed: Float32Array | None = None,
) -> Fit:
    """Fit every meter.

    Parameters
    ----------
    values : float32, shape (n_meters, n)
        NaN where unknown.
    basis : Basis
    ridge : float
        Share of each row's sum of squares added to the diagonal.
    trim : float
        Values farther than this many robust standard deviations (1.4826 MAD) from a first fit are left out of the
        last one: three fits in all. Infinite: plain least squares.
    trimmed : float32, shape (n_meters, n), optional
        Receives the values with NaN in place of those left out.

    Returns
    -------
    Fit
        Profile NaN for a meter without any value.
    """
    n_meters, n = values.shape
    n_slots, k = basis.means.shape
    profile = np.full((n_meters, n_slots), np.nan, np.float32)
    slopes = np.zeros((n_meters, k), np.float32)
    n_used = np.zeros(n_meters, np.int32)
    if n and n_meters:
        own = np.ascontiguousarray(values, np.float32)
        _fit(
            own, basis.slot, basis.centred, np.ascontiguousarray(basis.centred.T), basis.weight, basis.means,
            basis.slot_weight, basis.slot_rest, basis.gram, max(n_slots // 7, 1), ridge, trim, profile, slopes, n_used,
            np.empty((0, n), np.float32) if trimmed is None else trimmed,
        )  # fmt: skip
    return Fit(profile, slopes, n_used)


def predict_rows(fit: Fit, slot: Int32Array, rows: Float32Array, out: Float32Array | None = None) -> Float32Array:
    """Fitted values, shape (n_meters, n), for rows of shape (k, n)."""
    result = np.empty((len(fit.profile), len(slot)), np.float32) if out is None else out
    _predict(fit.profile, fit.slopes, slot, np.ascontiguousarray(rows, np.float32), result)
    return result


@compiled
def _solve(gram: FloatArray, right: FloatArray, factor: FloatArray, x: FloatArray) -> None:
    """Cholesky solve of a small positive definite system; `factor` is work space."""
    k = len(right)
    for i in range(k):
        for j in range(i + 1):
            s = gram[i, j]
            for m in range(j):
                s -= factor[i, m] * factor[j, m]
            if i == j:
                factor[i, i] = np.sqrt(max(s, 1e-300))
            else:
                factor[i, j] = s / factor[j, j]
    for i in range(k):
        s = right[i]
        for m in range(i):
            s -= factor[i, m] * x[m]
        x[i] = s / factor[i, i]
    for i in range(k - 1, -1, -1):
        s = x[i]
        for m in range(i + 1, k):
            s -= factor[m, i] * x[m]
        x[i] = s / factor[i, i]


@compiled
def _predict(
    profile: Float32Array, slopes: Float32Array, slot: Int32Array, rows: Float32Array, out: Float32Array
) -> None:
    n, k = len(slot), len(rows)
    for m in range(len(profile)):
        for first in range(0, n, BLOCK):
            o, where = out[m, first : first + BLOCK], slot[first : first + BLOCK]
            for i in range(len(o)):
                o[i] = profile[m, where[i]]
            for j in range(0, k - 3, 4):
                a, b, c, d = slopes[m, j], slopes[m, j + 1], slopes[m, j + 2], slopes[m, j + 3]
                p, q = rows[j, first : first + BLOCK], rows[j + 1, first : first + BLOCK]
                r, s = rows[j + 2, first : first + BLOCK], rows[j + 3, first : first + BLOCK]
                for i in range(len(o)):
                    o[i] += a * p[i] + b * q[i] + c * r[i] + d * s[i]
            for j in range(k - k % 4, k):
                a, p = slopes[m, j], rows[j, first : first + BLOCK]
                for i in range(len(o)):
                    o[i] += a * p[i]


@compiled
def _dots(weighted: Float32Array, centred: Float32Array, right: FloatArray) -> None:
    """right[j] = sum_t centred[j, t] weighted[t], in blocks so that float32 sums stay short."""
    k, n = centred.shape
    right[:] = 0.0
    for first in range(0, n, BLOCK):
        part = weighted[first : first + BLOCK]
        for j in range(k):
            row = centred[j, first : first + BLOCK]
            s = np.float32(0.0)
            for i in range(len(part)):  # slices from 0 on: only then the compiler uses vector lanes
                s += row[i] * part[i]
            right[j] += s


@compiled
def _read(
    values: Float32Array,
    weight: Float32Array,
    slot: Int32Array,
    full_weight: FloatArray,
    weighted: Float32Array,
    middle: Float32Array,
    slot_sum: FloatArray,
    left_out: Int32Array,
) -> int:
    """Weighted values about their slot's own mean (0 where unknown), slot sums, places of unknown values.

    The slot means go out first so that float32 sums of products hold only what the rows may explain.
    """
    n_missing = 0
    own_weight = full_weight.copy()
    slot_sum[:] = 0.0
    for t in range(len(values)):
        y = values[t]
        if np.isnan(y):
            left_out[n_missing] = t
            n_missing += 1
            own_weight[slot[t]] -= weight[t]
        else:
            slot_sum[slot[t]] += float(y) * weight[t]
    for s in range(len(middle)):
        has_weight = own_weight[s] > EMPTY * full_weight[s]
        middle[s] = slot_sum[s] / own_weight[s] if has_weight else 0.0
    slot_sum[:] = 0.0
    for t in range(len(values)):
        s = slot[t]
        weighted[t] = (values[t] - middle[s]) * weight[t]
    for i in range(n_missing):
        weighted[left_out[i]] = 0.0
    for t in range(len(values)):
        slot_sum[slot[t]] += weighted[t]
    return n_missing


@compiled
def _subtract_products(left: FloatArray, right: FloatArray, gram: FloatArray) -> None:
    """gram -= left @ right.T for its lower triangle; long inner loops, so that they fill vector lanes."""
    for j in range(len(gram)):
        a = left[j]
        for q in range(j + 1):
            b = right[q]
            s = 0.0
            for i in range(len(a)):
                s += a[i] * b[i]
            gram[j, q] -= s


@compiled
def _leave_out(
    left_out: Int32Array, n_left: int, slot: Int32Array, weight: Float32Array, weighted: Float32Array,
    by_time: Float32Array, slot_weight: FloatArray, slot_sum: FloatArray, slot_rest: FloatArray, gram: FloatArray,
    right: FloatArray,
) -> None:  # fmt: skip
    """Take single values out of all sums (a missing value's `weighted` is 0 already)."""
    k = len(right)
    rows, weighted_rows = np.empty((k, n_left)), np.empty((k, n_left))
    for i in range(n_left):
        t = left_out[i]
        w, y, s = float(weight[t]), float(weighted[t]), slot[t]
        slot_weight[s] -= w
        slot_sum[s] -= y
        for j in range(k):
            x = float(by_time[t, j])
            rows[j, i] = x
            weighted_rows[j, i] = w * x
            right[j] -= y * x
            slot_rest[s, j] -= w * x
    _subtract_products(weighted_rows, rows, gram)


@compiled
def _partial_out(
    full_weight: FloatArray, slot_weight: FloatArray, slot_sum: FloatArray, slot_rest: FloatArray, gram: FloatArray,
    right: FloatArray,
) -> None:  # fmt: skip
    """Centre again in the slots that lost weight: one outer product each."""
    k = len(right)
    rest, shares = np.empty((k, len(full_weight))), np.empty((k, len(full_weight)))
    n = 0
    for s in range(len(full_weight)):
        if slot_weight[s] >= full_weight[s]:
            continue
        if slot_weight[s] <= EMPTY * full_weight[s]:
            slot_weight[s] = 0.0
            continue
        inverse = 1.0 / slot_weight[s]
        for j in range(k):
            rest[j, n] = slot_rest[s, j]
            shares[j, n] = slot_rest[s, j] * inverse
            right[j] -= shares[j, n] * slot_sum[s]
        n += 1
    _subtract_products(shares[:, :n], rest[:, :n], gram)


@compiled
def _slot_levels(slot_weight: FloatArray, slot_sum: FloatArray, slot_rest: FloatArray, middle: Float32Array,
                 slopes: FloatArray, per_day: int, level: FloatArray) -> None:  # fmt: skip
    """Level of each slot at centred rows = 0; a slot without values takes the mean of its time of day."""
    n_slots = len(level)
    day_sum = np.zeros(per_day)
    day_count = np.zeros(per_day)
    for s in range(n_slots):
        if slot_weight[s] <= 0.0:
            continue
        v = slot_sum[s]
        for j in range(len(slopes)):
            v -= slot_rest[s, j] * slopes[j]
        level[s] = middle[s] + v / slot_weight[s]
        day_sum[s % per_day] += level[s]
        day_count[s % per_day] += 1.0
    overall = day_sum.sum() / max(day_count.sum(), 1.0)
    for s in range(n_slots):
        if slot_weight[s] <= 0.0:
            d = s % per_day
            level[s] = day_sum[d] / day_count[d] if day_count[d] > 0.0 else overall


@compiled
def _outlying(values: Float32Array, fitted: Float32Array, trim: float, distance: Float32Array,
              left_out: Int32Array, n_missing: int) -> int:  # fmt: skip
    """Append the places farther than `trim` robust standard deviations from the fit; how many are left out."""
    n_known = 0
    for t in range(len(values)):
        if not np.isnan(values[t]):
            distance[n_known] = abs(values[t] - fitted[t])
            n_known += 1
    limit = trim * 1.4826 * select(distance, n_known, (n_known - 1) // 2)
    n_left = n_missing
    if limit > 0.0:
        for t in range(len(values)):
            if abs(values[t] - fitted[t]) > limit:
                left_out[n_left] = t
                n_left += 1
    return n_left


@compiled
def _fit(
    values: Float32Array, slot: Int32Array, centred: Float32Array, by_time: Float32Array, weight: Float32Array,
    means: FloatArray, full_weight: FloatArray, full_rest: FloatArray, full_gram: FloatArray, per_day: int,
    ridge: float, trim: float, profile: Float32Array, slopes: Float32Array, n_used: Int32Array, trimmed: Float32Array,
) -> None:  # fmt: skip
    n_slots, k = means.shape
    n = len(slot)
    weighted, distance, fitted = np.empty(n, np.float32), np.empty(n, np.float32), np.empty((1, n), np.float32)
    left_out = np.empty(n, np.int32)
    all_sum, all_right = np.empty(n_slots), np.empty(k)
    level32, slopes32 = np.empty((1, n_slots), np.float32), np.empty((1, k), np.float32)
    level, middle, factor, x = np.empty(n_slots), np.empty(n_slots, np.float32), np.zeros((k, k)), np.empty(k)
    for m in range(len(values)):
        n_missing = _read(values[m], weight, slot, full_weight, weighted, middle, all_sum, left_out)
        if n_missing == n:
            if len(trimmed):
                trimmed[m] = np.nan
            continue
        _dots(weighted, centred, all_right)
        n_left = n_missing
        for attempt in range(1 if np.isinf(trim) else 3):
            if attempt:
                for s in range(n_slots):
                    level32[0, s] = level[s]
                for j in range(k):
                    slopes32[0, j] = x[j]
                _predict(level32, slopes32, slot, centred, fitted)
                n_left = _outlying(values[m], fitted[0], trim, distance, left_out, n_missing)
            slot_weight, slot_sum, slot_rest = full_weight.copy(), all_sum.copy(), full_rest.copy()
            gram, right = full_gram.copy(), all_right.copy()
            _leave_out(left_out, n_left, slot, weight, weighted, by_time, slot_weight, slot_sum, slot_rest, gram, right)
            _partial_out(full_weight, slot_weight, slot_sum, slot_rest, gram, right)
            for j in range(k):
                gram[j, j] = max(gram[j, j], 0.0) + ridge * full_gram[j, j] + 1e-9
            _solve(gram, right, factor, x)
            _slot_levels(slot_weight, slot_sum, slot_rest, middle, x, per_day, level)
        for s in range(n_slots):
            a = level[s]
            for j in range(k):
                a -= means[s, j] * x[j]
            profile[m, s] = a
        for j in range(k):
            slopes[m, j] = x[j]
        n_used[m] = n - n_left
        if len(trimmed):
            trimmed[m] = values[m]
            for i in range(n_left):
                trimmed[m, left_out[i]] = np.nan
