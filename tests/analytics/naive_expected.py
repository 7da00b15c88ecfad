"""Slow, obvious twins of the regression kernels: every dummy written out, every meter solved by itself."""

from __future__ import annotations

import numpy as np

from energy.series import Float32Array, FloatArray, Int32Array


def fit(
    values: Float32Array, slot: Int32Array, n_slots: int, rows: Float32Array, weight: Float32Array, ridge: float
) -> tuple[FloatArray, FloatArray]:
    """Profile and slopes of one meter by centring with loops and one dense solve."""
    known = np.isfinite(values)
    y, w, s, x = values[known].astype(float), weight[known].astype(float), slot[known], rows[:, known].astype(float)
    centred_x, centred_y = x.copy(), y.copy()
    means_x, means_y, filled = np.zeros((n_slots, len(rows))), np.zeros(n_slots), np.zeros(n_slots, bool)
    for i in range(n_slots):
        here = (s == i) & (w > 0)
        if here.any():
            filled[i] = True
            means_x[i] = np.average(x[:, here], axis=1, weights=w[here])
            means_y[i] = np.average(y[here], weights=w[here])
            centred_x[:, s == i] -= means_x[i][:, None]
            centred_y[s == i] -= means_y[i]
    gram = (centred_x * w) @ centred_x.T
    full = np.array([_centred_square(slot, n_slots, row, weight) for row in rows])
    gram += np.diag(ridge * full + 1e-9)
    slopes = np.linalg.solve(gram, (centred_x * w) @ centred_y)
    return profile_of(means_x, means_y, filled, slopes, centre_of(slot, n_slots, rows, weight)), slopes


def _centred_square(slot: Int32Array, n_slots: int, row: Float32Array, weight: Float32Array) -> float:
    total = 0.0
    for i in range(n_slots):
        here = (slot == i) & (weight > 0)
        if here.any():
            x, w = row[here].astype(float), weight[here].astype(float)
            total += float((w * (x - np.average(x, weights=w)) ** 2).sum())
    return total


def centre_of(slot: Int32Array, n_slots: int, rows: Float32Array, weight: Float32Array) -> FloatArray:
    """Slot means of the rows over all intervals, known or not."""
    means = np.zeros((n_slots, len(rows)))
    for i in range(n_slots):
        here = (slot == i) & (weight > 0)
        if here.any():
            means[i] = np.average(rows[:, here].astype(float), axis=1, weights=weight[here].astype(float))
    return means


def profile_of(
    means_x: FloatArray, means_y: FloatArray, filled: np.ndarray, slopes: FloatArray, centre: FloatArray
) -> FloatArray:
    """Level of each slot; a slot without values takes the mean of its time of day at ordinary rows."""
    per_day = max(len(means_y) // 7, 1)
    level = means_y - (means_x - centre) @ slopes
    for i in np.flatnonzero(~filled):
        alike = [level[j] for j in range(i % per_day, len(level), per_day) if filled[j]]
        level[i] = np.mean(alike) if alike else np.mean(level[filled])
    return level - centre @ slopes
