"""Outdoor weather as a model needs it: short gaps filled, thermal inertia, temperature segments, degree days."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from energy.intervals import DAY, HOUR
from energy.series import BoolArray, FloatArray, IntArray


def fill_weather(values: FloatArray, step: int, *, longest: int = 6 * 3600) -> tuple[FloatArray, float]:
    """Weather without gaps, and the share of it that was measured.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Measured weather on a regular grid; NaN where unknown.
    step : int
        Distance of the values. [s]
    longest : int
        Gaps up to this length are bridged by a straight line. [s]

    Returns
    -------
    ndarray, shape (n,)
        Filled values. A longer gap takes, for each time of day, the straight line between the days around it, so
        that the daily cycle is kept. All NaN stays all NaN.
    float
        Share of values that were measured, 0 .. 1; 0 for no values.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), np.nan), 0.0
    measured = float(known.mean())
    if measured == 1.0:
        return np.asarray(values, np.float64).copy(), 1.0
    filled = np.asarray(values, np.float64).copy()
    index = np.arange(len(values))
    line = np.interp(index, index[known], filled[known])
    per_day = max(DAY // step, 1)
    for phase in range(min(per_day, len(values))):
        here = index[phase::per_day]
        ok = known[here]
        if ok.any():
            filled[here] = np.interp(here, here[ok], filled[here[ok]])
        else:
            filled[here] = line[here]
    short = ~known & (_gap_length(known) * step <= longest)
    filled[short] = line[short]
    return filled, measured


def within_reach(values: FloatArray, reach: int) -> BoolArray:
    """True where a known value is at most `reach` places away, so that filled weather still tells something."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.zeros(len(values), np.bool_)
    at = np.arange(len(values))
    after = np.searchsorted(known, at)
    to_next = np.abs(known[np.minimum(after, len(known) - 1)] - at)
    to_last = np.abs(at - known[np.maximum(after - 1, 0)])
    return np.asarray(np.minimum(to_next, to_last) <= reach)


def _gap_length(known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Length of the run of unknown values that each unknown value belongs to; 0 where known."""
    edges = np.flatnonzero(np.diff(np.r_[True, known, True].astype(np.int8)))
    length = np.zeros(len(known), np.int64)
    for first, last in edges.reshape(-1, 2):
        length[first:last] = last - first
    return length


def inertia(temperature: FloatArray, step: int, time_constant: float) -> FloatArray:
    """Outdoor temperature as a building with thermal mass feels it: exponential mean of the past.

    Parameters
    ----------
    temperature : ndarray, shape (n,)
        Without gaps. [°C]
    step : int
        Distance of the values. [s]
    time_constant : float
        Time after which a change has come through to 63 %. [s]

    Returns
    -------
    ndarray, shape (n,)
        [°C]; begins with the mean of the first time constant.
    """
    if not len(temperature):
        return np.zeros(0)
    gain = -np.expm1(-step / time_constant)
    state = float(np.mean(temperature[: max(int(time_constant // step), 1)]))
    felt = np.empty(len(temperature))
    for i, value in enumerate(temperature.tolist()):
        state += gain * (value - state)
        felt[i] = state
    return felt


def temperature_segments(temperature: FloatArray, knots: Sequence[float]) -> FloatArray:
    """Piecewise-linear components of temperature, shape (n, len(knots) + 1).

    References
    ----------
    Mathieu, Price, Kiliccote, Piette: Quantifying changes in building electricity use, IEEE Trans. Smart Grid 2(3),
    2011, doi 10.1109/TSG.2011.2145010, eq. 1-2.
    """
    first, last = knots[0], knots[-1]
    middle = [np.clip(temperature - low, 0, high - low) for low, high in pairwise(knots)]
    return np.stack([np.minimum(temperature - first, 0), *middle, np.maximum(temperature - last, 0)], axis=1)


def degree_days(
    temperature: FloatArray, times: IntArray, edges: IntArray, *, heating: float = 18.0, cooling: float = 26.0
) -> FloatArray:
    """Heating and cooling degree days of local days, shape (n_days, 2). [K d]

    Parameters
    ----------
    temperature : ndarray, shape (n,)
        Of hours; NaN where unknown. [°C]
    times : int64, shape (n,)
        When each hour begins. [s]
    edges : int64, shape (n_days + 1,)
        Local midnights; every hour lies between the first and the last. [s]
    heating, cooling : float
        Base temperatures; HDD18 and CDD26 are the ones of JGJ 26-2018. [°C]

    Notes
    -----
    From the mean of the day, as in the standard; a day with less than half of its hours stays NaN.
    """
    known = np.isfinite(temperature)
    column = np.searchsorted(edges, times[known], side="right") - 1
    count = np.bincount(column, minlength=len(edges) - 1)
    total = np.bincount(column, temperature[known], len(edges) - 1)
    mean = np.where(count * 2 * HOUR >= np.diff(edges), total / np.maximum(count, 1), np.nan)
    return np.stack([np.maximum(heating - mean, 0), np.maximum(mean - cooling, 0)], axis=1)
