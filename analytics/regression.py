"""Weighted regression of many meters on shared rows plus a mean per slot of the week, gaps by low-rank update.

The model of one meter is y[t] = profile[slot[t]] + sum_j slopes[j] rows[j, t]. All meters of one weather station share
slots, rows and weights, so the slots are partialled out once (Frisch-Waugh) and the Gram matrix is built and factored
once. A meter with missing values differs from that only by what is missing: its Gram matrix is the shared one minus
one outer product for each missing value and one for each slot that lost weight.

Passes over the intervals are compiled; none of the compiled kernels calls another one, because a kernel is compiled
again inside each of its callers. What is small (slots, slopes) is numpy.

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
from analytics.magnitude import countable
from analytics.order import MAD, select
from energy.series import Float32Array, FloatArray, Int32Array, IntArray

RIDGE: Final = 1e-3
"""Ridge on the slopes, as a share of each row's sum of squares over all intervals, known or not: where little is known
of a meter, slopes shrink to 0."""
TILE: Final = 4
"""Rows that a pass takes together."""
BLOCK: Final = 512
"""Intervals worked on at a time: rows of a block serve all meters from the cache, and float32 sums stay short."""
CHUNK: Final = 32
"""Meters worked on together: a year of hours of them in float32 stays in the processor's cache."""
EMPTY: Final = 1e-6
"""A slot that keeps less than this share of its weight counts as empty (what is left may be rounding)."""
_NOWHERE: Final[IntArray] = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What all meters share: slots, rows, weights, and the Gram matrix of the rows without their slot means.

    Attributes
    ----------
    slot : int32, shape (n,)
    runs : int32, shape (n_runs, 3)
        Stretches in which the slot rises by one each interval: first, end, slot of the first.
    padded : float32, shape (k + up to 3, n)
        Rows minus their weighted slot means, then rows of zeros up to a multiple of `TILE`.
    by_time : float32, shape (n, k)
        The same rows the other way round.
    weight : float32, shape (n,)
        Weight of each interval, >= 0.
    means : float64, shape (n_slots, k)
        Weighted slot means of the rows.
    slot_weight, slot_rest : float64, shapes (n_slots,), (n_slots, k)
        Sum of weights; sum of weighted centred rows (only rounding, kept so that updates stay exact).
    gram : float64, shape (k, k)
        Weighted Gram matrix of the centred rows.
    ridge : float64, shape (k,)
        Added to the diagonal of every meter's Gram matrix.
    factor : float64, shape (k, k)
        Cholesky factor of the Gram matrix of a meter without gaps.
    """

    slot: Int32Array
    runs: Int32Array
    padded: Float32Array
    by_time: Float32Array
    weight: Float32Array
    means: FloatArray
    slot_weight: FloatArray
    slot_rest: FloatArray
    gram: FloatArray
    ridge: FloatArray
    factor: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Fitted profile (n_meters, n_slots), slopes (n_meters, k) and number of values used (n_meters,)."""

    profile: Float32Array
    slopes: Float32Array
    n_used: Int32Array


def prepare(
    slot: Int32Array, n_slots: int, rows: Float32Array, weight: Float32Array, ridge: float | FloatArray = RIDGE
) -> Basis:
    """Partial the slots out of the rows.

    Parameters
    ----------
    slot, weight : ndarray, shape (n,)
    n_slots : int
    rows : float32, shape (k, n)
    ridge : float or ndarray, shape (k,)
        Share of each row's sum of squares that shrinks its slope.
    """
    k, n = rows.shape
    w = weight.astype(np.float32)
    slot_weight = np.bincount(slot, w, n_slots).astype(np.float64)
    edges = np.append(np.flatnonzero(np.diff(slot, prepend=-2) != 1), n)
    runs = np.stack([edges[:-1], edges[1:], slot[edges[:-1]]], axis=1).astype(np.int32)
    means, nothing = np.zeros((k, n_slots), np.float32), np.zeros((k, n_slots), np.float32)
    padded, weighted = np.zeros((k + -k % TILE, n), np.float32), np.empty((k, n), np.float32)
    sums, rest = np.zeros((k, n_slots)), np.zeros((k, n_slots))
    _read(np.ascontiguousarray(rows, np.float32), w, runs, nothing, weighted, sums)
    np.divide(sums, slot_weight, out=means, where=slot_weight > 0, casting="same_kind")
    _read(np.ascontiguousarray(rows, np.float32), np.ones(n, np.float32), runs, means, padded, sums)
    _read(padded[:k], w, runs, nothing, weighted, rest)
    products = np.zeros((k, len(padded)))
    _dots(weighted, padded, products)
    gram = np.ascontiguousarray(products[:, :k])
    penalty = ridge * np.diag(gram) + 1e-9
    return Basis(
        slot.astype(np.int32), runs, padded, np.ascontiguousarray(padded[:k].T), w, means.T.astype(np.float64),
        slot_weight, np.ascontiguousarray(rest.T), gram, penalty, _factor(gram + np.diag(penalty)),
    )  # fmt: skip


def fit_rows(values: Float32Array, basis: Basis, *, trim: float = np.inf, trimmed: Float32Array | None = None) -> Fit:
    """Fit every meter.

    Parameters
    ----------
    values : float32, shape (n_meters, n)
        NaN where unknown; what `countable` refuses is unknown too.
    basis : Basis
    trim : float
        Values farther than this many robust standard deviations (1.4826 MAD) from a first fit are left out of the
        last one: three fits in all. Infinite: plain least squares.
    trimmed : float32, shape (n_meters, n), optional
        Receives the values with NaN in place of those left out; may be `values` itself.

    Returns
    -------
    Fit
        Profile NaN for a meter without any value.
    """
    n_meters, n = values.shape
    n_slots, k = basis.means.shape
    fit = Fit(np.full((n_meters, n_slots), np.nan, np.float32), np.zeros((n_meters, k), np.float32),
              np.zeros(n_meters, np.int32))  # fmt: skip
    for first in range(0, n_meters if n else 0, CHUNK):
        here = slice(first, first + CHUNK)
        own = countable(values[here])
        sums = _Sums.read(own, basis)
        left_out = sums.unknown
        level, slopes = _solve(sums, basis, left_out)
        fitted = np.empty_like(own) if np.isfinite(trim) else own
        for _ in range(0 if np.isinf(trim) else 2):
            _predict(level.astype(np.float32), slopes.astype(np.float32), basis.slot, basis.padded[:k], fitted)
            left_out = [_outlying(own[m], fitted[m], n - len(places), trim) for m, places in enumerate(sums.unknown)]
            level, slopes = _solve(sums, basis, left_out)
        known = np.array([len(places) < n for places in sums.unknown])
        shift = np.empty_like(level)
        _products(basis.means, slopes, shift)
        fit.profile[here][known] = (level - shift)[known]
        fit.slopes[here][known] = slopes[known]
        fit.n_used[here] = [n - len(places) for places in left_out]
        if trimmed is not None:
            trimmed[here] = own
            for row, places in zip(trimmed[here], left_out, strict=True):
                row[places] = np.nan
    return fit


def predict_rows(fit: Fit, slot: Int32Array, rows: Float32Array, out: Float32Array | None = None) -> Float32Array:
    """Fitted values, shape (n_meters, n), for rows of shape (k, n)."""
    result = np.empty((len(fit.profile), len(slot)), np.float32) if out is None else out
    _predict(fit.profile, fit.slopes, slot, np.ascontiguousarray(rows, np.float32), result)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the passes over the intervals leave of each meter.

    Weighted values are taken about their slot's own mean (0 where unknown), so that float32 sums of products hold
    only what the rows may explain.
    """

    weighted: Float32Array
    middle: Float32Array
    slot_sum: FloatArray
    right: FloatArray
    unknown: list[IntArray]

    @classmethod
    def read(cls, values: Float32Array, basis: Basis) -> _Sums:
        has_gap = np.isnan(values.min(axis=1))
        unknown = [np.flatnonzero(np.isnan(row)) if gap else _NOWHERE for row, gap in zip(values, has_gap, strict=True)]
        middle = np.zeros((len(values), len(basis.slot_weight)), np.float32)
        slot_sum, weighted = np.zeros(middle.shape), np.empty_like(values)
        _read(values, basis.weight, basis.runs, middle, weighted, slot_sum)
        left = np.tile(basis.slot_weight, (len(values), 1))
        for m in (m for m, places in enumerate(unknown) if len(places)):
            left[m] -= np.bincount(basis.slot[unknown[m]], basis.weight[unknown[m]], left.shape[1])
        has_weight = left > EMPTY * basis.slot_weight
        middle[:] = np.where(has_weight, slot_sum / np.where(has_weight, left, 1.0), 0.0)
        slot_sum[:] = 0.0
        _read(values, basis.weight, basis.runs, middle, weighted, slot_sum)
        right = np.zeros((len(values), len(basis.padded)))
        _dots(weighted, basis.padded, right)
        return cls(weighted, middle, slot_sum, np.ascontiguousarray(right[:, : len(basis.gram)]), unknown)


def _solve(sums: _Sums, basis: Basis, left_out: list[IntArray]) -> tuple[FloatArray, FloatArray]:
    """Levels of the slots at centred rows = 0, and slopes, without the intervals left out of each meter."""
    slopes, level = np.empty(sums.right.shape), np.empty(sums.middle.shape)
    _substitute(basis.factor, sums.right, slopes)
    level[:] = 0.0  # without gaps the centred rows of a slot add up to nothing
    _levels(level, sums.middle, sums.slot_sum, basis.slot_weight)
    for m in (m for m, places in enumerate(left_out) if len(places)):
        own = slice(m, m + 1)
        slot_weight, slot_sum, slot_rest, gram, right = _without(sums, basis, m, left_out[m])
        _substitute(_factor(gram), right[None], slopes[own])
        _products(slot_rest, slopes[own], level[own])
        _levels(level[own], sums.middle[own], slot_sum[None], slot_weight)
    return level, slopes


def _without(sums: _Sums, basis: Basis, m: int, places: IntArray) -> tuple[FloatArray, ...]:
    """Slot weights, sums and rests, Gram matrix with ridge and right side of one meter without some intervals."""
    slot_weight, slot_sum, slot_rest = basis.slot_weight.copy(), sums.slot_sum[m].copy(), basis.slot_rest.copy()
    right = sums.right[m].copy()
    taken = np.empty((len(places) + min(len(places), len(slot_weight)), len(right)))
    n_taken = _leave_out(places, basis.slot, basis.weight, sums.weighted[m], basis.by_time, basis.slot_weight,
                         slot_weight, slot_sum, slot_rest, right, taken)  # fmt: skip
    gram = basis.gram - taken[:n_taken].T @ taken[:n_taken]
    diagonal = np.einsum("ii->i", gram)
    # What rounding leaves of a row that is wholly unknown must not turn negative.
    diagonal[:] = np.maximum(diagonal, 0.0) + basis.ridge
    return slot_weight, slot_sum, slot_rest, gram, right


def _factor(gram: FloatArray) -> FloatArray:
    """Cholesky factor, lower triangle."""
    return np.asarray(np.linalg.cholesky(gram), np.float64)


def _levels(level: FloatArray, middle: Float32Array, slot_sum: FloatArray, slot_weight: FloatArray) -> None:
    """From what the rows explain to levels, in place; a slot without values takes the mean of its time of day."""
    filled = slot_weight > 0
    level *= -1
    level += slot_sum
    level /= np.where(filled, slot_weight, 1.0)
    level += middle
    if not filled.all():
        per_day = max(len(filled) // 7, 1)
        there = filled.reshape(-1, per_day)
        days = np.where(there, level.reshape(len(level), -1, per_day), 0.0)
        of_hour, count = days.sum(axis=1), there.sum(axis=0)
        overall = of_hour.sum(axis=1) / max(int(count.sum()), 1)
        usual = np.where(count > 0, of_hour / np.maximum(count, 1), overall[:, None])
        level[:, ~filled] = np.tile(usual, (1, len(there)))[:, ~filled]


def _outlying(values: Float32Array, fitted: Float32Array, n_known: int, trim: float) -> IntArray:
    """Places that are unknown or farther than `trim` robust standard deviations from the fit."""
    distance = np.abs(values - fitted)
    limit = trim * MAD * select(distance, len(distance), max(n_known - 1, 0) // 2)  # unknown ones rank last
    return np.flatnonzero(~(distance <= limit) if limit > 0 else np.isnan(distance))


@compiled
def _read(
    values: Float32Array, weight: Float32Array, runs: Int32Array, middle: Float32Array, weighted: Float32Array,
    slot_sum: FloatArray,
) -> None:  # fmt: skip
    """Weighted values about the middle of their slot, 0 where unknown, and their sum in each slot.

    Along a run neighbours have different slots, so that its loop fills vector lanes.
    """
    for m in range(len(values)):
        for r in range(len(runs)):
            first, end, s = runs[r, 0], runs[r, 1], runs[r, 2]
            y, w, out = values[m, first:end], weight[first:end], weighted[m, first:end]
            about, into = middle[m, s : s + end - first], slot_sum[m, s : s + end - first]
            for i in range(len(y)):
                v = (y[i] - about[i]) * w[i]
                v = v if v == v else np.float32(0.0)
                out[i] = v
                into[i] += v


@compiled
def _dots(weighted: Float32Array, centred: Float32Array, right: FloatArray) -> None:
    """right[m, j] = sum_t centred[j, t] weighted[m, t], in blocks so that float32 sums stay short.

    Two meters and four rows at a time share what they read; the last of an odd number is taken twice, so that each
    meter's sums are the same in any company. Slices are read from 0 on: only then loops fill vector lanes.
    """
    k, n = centred.shape
    last = len(weighted) - 1
    for first in range(0, n, BLOCK):
        for m in range(0, last + 1, 2):
            v, w = weighted[m, first : first + BLOCK], weighted[min(m + 1, last), first : first + BLOCK]
            for j in range(0, k, 4):
                p, q = centred[j, first : first + BLOCK], centred[j + 1, first : first + BLOCK]
                r, s = centred[j + 2, first : first + BLOCK], centred[j + 3, first : first + BLOCK]
                a = b = c = d = e = f = g = h = np.float32(0.0)
                for i in range(len(v)):
                    a += p[i] * v[i]
                    b += q[i] * v[i]
                    c += r[i] * v[i]
                    d += s[i] * v[i]
                    e += p[i] * w[i]
                    f += q[i] * w[i]
                    g += r[i] * w[i]
                    h += s[i] * w[i]
                right[m, j] += a
                right[m, j + 1] += b
                right[m, j + 2] += c
                right[m, j + 3] += d
                if m < last:
                    right[m + 1, j] += e
                    right[m + 1, j + 1] += f
                    right[m + 1, j + 2] += g
                    right[m + 1, j + 3] += h


@compiled
def _predict(
    profile: Float32Array, slopes: Float32Array, slot: Int32Array, rows: Float32Array, out: Float32Array
) -> None:
    """Fitted values; four rows of a block serve all meters from the first-level cache."""
    n, k = len(slot), len(rows)
    for first in range(0, n, BLOCK):
        where = slot[first : first + BLOCK]
        for m in range(len(profile)):
            o = out[m, first : first + BLOCK]
            for i in range(len(o)):
                o[i] = profile[m, where[i]]
        for j in range(0, k - 3, TILE):
            p, q = rows[j, first : first + BLOCK], rows[j + 1, first : first + BLOCK]
            r, s = rows[j + 2, first : first + BLOCK], rows[j + 3, first : first + BLOCK]
            for m in range(len(profile)):
                o = out[m, first : first + BLOCK]
                a, b, c, d = slopes[m, j], slopes[m, j + 1], slopes[m, j + 2], slopes[m, j + 3]
                for i in range(len(o)):
                    o[i] += a * p[i] + b * q[i] + c * r[i] + d * s[i]
        for j in range(k - k % TILE, k):
            p = rows[j, first : first + BLOCK]
            for m in range(len(profile)):
                o = out[m, first : first + BLOCK]
                a = slopes[m, j]
                for i in range(len(o)):
                    o[i] += a * p[i]


@compiled
def _leave_out(
    places: IntArray, slot: Int32Array, weight: Float32Array, weighted: Float32Array, by_time: Float32Array,
    full_weight: FloatArray, slot_weight: FloatArray, slot_sum: FloatArray, slot_rest: FloatArray, right: FloatArray,
    taken: FloatArray,
) -> int:  # fmt: skip
    """Take single values out of all sums (an unknown value's `weighted` is 0 already), then centre again.

    `taken` receives the rows whose outer products the Gram matrix loses: one for each value, one for each slot that
    lost weight; returns how many.
    """
    k = len(right)
    n = len(places)
    for i in range(n):
        t = places[i]
        w, y, s = float(weight[t]), float(weighted[t]), slot[t]
        slot_weight[s] -= w
        slot_sum[s] -= y
        root = np.sqrt(w)
        for j in range(k):
            x = float(by_time[t, j])
            taken[i, j] = root * x
            right[j] -= y * x
            slot_rest[s, j] -= w * x
    for s in range(len(full_weight)):
        if slot_weight[s] <= EMPTY * full_weight[s]:
            slot_weight[s] = 0.0
        elif slot_weight[s] < full_weight[s]:
            mean, root = slot_sum[s] / slot_weight[s], 1.0 / np.sqrt(slot_weight[s])
            for j in range(k):
                right[j] -= slot_rest[s, j] * mean
                taken[n, j] = slot_rest[s, j] * root
            n += 1
    return n


@compiled
def _substitute(factor: FloatArray, right: FloatArray, x: FloatArray) -> None:
    """x[m] = (factor factor')^-1 right[m], meter by meter."""
    k = len(factor)
    for m in range(len(right)):
        own = x[m]
        for i in range(k):
            s = right[m, i]
            for j in range(i):
                s -= factor[i, j] * own[j]
            own[i] = s / factor[i, i]
        for i in range(k - 1, -1, -1):
            own[i] /= factor[i, i]
            for j in range(i):
                own[j] -= factor[i, j] * own[i]


@compiled
def _products(matrix: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """out[m, s] = sum_j matrix[s, j] x[m, j], meter by meter (numpy's sums depend on how many meters there are)."""
    for m in range(len(x)):
        own = x[m]
        for s in range(len(matrix)):
            row = matrix[s]
            total = 0.0
            for j in range(len(own)):
                total += row[j] * own[j]
            out[m, s] = total
