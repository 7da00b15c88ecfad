"""Numbers by hour: residuals and jumps, in robust standard deviations, and their means about each hour."""

from __future__ import annotations

import numpy as np

from analytics.compiled import compiled
from analytics.detection.grid import N_GROUPS
from analytics.detection.yardsticks import FLOOR, JUMP, SIZE
from analytics.order import MAD
from energy.series import Float32Array, Int32Array


@compiled
def deviate(
    values: Float32Array, expected: Float32Array, daily: Float32Array, begin: Int32Array,
    residual: Float32Array, size: Float32Array, leap: Float32Array,
) -> None:  # fmt: skip
    """Deviation from expected less the day's number, its size, and how far it jumped from the hour before."""
    for d in range(len(daily)):
        y, e = values[begin[d] : begin[d + 1]], expected[begin[d] : begin[d + 1]]
        own, own_size = residual[begin[d] : begin[d + 1]], size[begin[d] : begin[d + 1]]
        level = daily[d]
        for i in range(len(y)):
            deviation = y[i] - e[i] - level
            own[i] = deviation
            own_size[i] = abs(deviation)
    if len(leap):
        leap[0] = np.nan
    later, jumps = residual[1:], leap[1:]
    for i in range(len(later)):
        jumps[i] = abs(later[i] - residual[i])


@compiled
def standardise(
    residual: Float32Array, recent: Float32Array, day: Int32Array, group: Int32Array, yardstick: Float32Array,
    z: Float32Array, leap: Float32Array,
) -> None:  # fmt: skip
    """Residuals and jumps in robust standard deviations; unknown is 0: what is not known is no evidence.

    A residual's scale is that of the hour's group and of the meter, and how restless the last 56 days were against the
    year before.
    """
    overall, jump, floor = float(yardstick[SIZE]), float(yardstick[JUMP]), yardstick[FLOOR]
    scale, jump_scale = np.empty(N_GROUPS, np.float32), np.empty(N_GROUPS, np.float32)
    for g in range(N_GROUPS):
        scale[g] = MAD * np.sqrt(0.5 * float(yardstick[g]) ** 2 + 0.5 * overall**2)
        jump_scale[g] = max(MAD * np.sqrt(0.5 * float(yardstick[N_GROUPS + g]) ** 2 + 0.5 * jump**2), floor)
    usual_size = yardstick[SIZE]
    for t in range(len(residual)):
        ratio = max(recent[day[t]] / usual_size, np.float32(0.5)) if usual_size > 0.0 else np.float32(1.0)
        deviation = residual[t] / max(scale[group[t]] * ratio, floor)
        change = leap[t] / jump_scale[group[t]]
        z[t] = np.float32(0.0) if np.isnan(deviation) else deviation
        leap[t] = np.float32(0.0) if np.isnan(change) else change


@compiled
def window_mean(
    values: Float32Array, width: int, begin: Int32Array, day_end: Int32Array, spare: Float32Array, out: Float32Array
) -> None:
    """Mean of `width` hours about each hour, none of them beyond the end of the next day.

    Where that end is nearer, the window ends there; where fewer hours lie before it, all of these are taken.

    Parameters
    ----------
    values : float32, shape (n,)
        Without NaN.
    width : int
        A product of twos and threes. [h]
    begin : int32, shape (n_days + 1,)
    day_end : int32, shape (n,)
    spare : float32, shape (2, n)
        Memory to work in.
    out : float32, shape (n,)

    Notes
    -----
    Sums of windows come from sums of two or three shorter ones side by side: few additions, all in vector lanes, and
    rounding that does not depend on what lies outside the window.
    """
    n, half = len(values), (width + 1) // 2
    sums, reach, into = values, 1, 0
    while reach < width:
        factor = 2 if width // reach % 2 == 0 else 3
        wider, there = spare[into], max(n - (factor - 1) * reach, 0)
        second = sums[min(reach, n) :]
        if factor == 2:
            for i in range(there):
                wider[i] = sums[i] + second[i]
        else:
            third = sums[min(2 * reach, n) :]
            for i in range(there):
                wider[i] = sums[i] + second[i] + third[i]
        sums, reach, into = wider, reach * factor, 1 - into
    share = np.float32(1.0 / width)
    centred = out[min(width - half, n) :]
    for i in range(n - width + 1):
        centred[i] = sums[i] * share
    for d in range(len(begin) - 1):
        end = day_end[begin[d]]
        if end >= width:
            mean = sums[end - width] * share
            for t in range(max(end - half + 1, begin[d]), begin[d + 1]):
                out[t] = mean
    total, added = 0.0, 0
    for t in range(n):
        end = min(t + half, day_end[t])
        if end >= width:
            break
        while added < end:
            total += values[added]
            added += 1
        out[t] = total / end
