"""Numbers by local day: how a day's use differs from expected, and the median of the days before it.

`begin` holds the first hour of each day and the one after the last, as in `HourGrid`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.compiled import compiled
from energy.series import BoolArray, Float32Array, Int32Array

LEVEL_DAYS: Final = 28
"""Days whose median is the level that the next day's hours are compared with."""
BASE_DAYS: Final = 61
"""Days that the last nights and the last week are compared with."""


def medians_before(daily: Float32Array, width: int, shift: int) -> Float32Array:
    """`trailing_medians` of rows instead of columns: by meter and day."""
    out = np.empty(daily.shape[::-1], np.float32)
    trailing_medians(np.ascontiguousarray(daily.T), width, shift, out)
    return np.ascontiguousarray(out.T)


def lately(daily: Float32Array, days: int) -> Float32Array:
    """Mean of the `days` days to the day after each, less the median of the days before; one row a meter."""
    before, out = medians_before(daily, BASE_DAYS, 2 - days), np.empty_like(daily)
    for own, usual, recent in zip(daily, before, out, strict=True):
        recent_mean(own, usual, days, recent)
    return out


@compiled
def trailing_medians(daily: Float32Array, width: int, shift: int, out: Float32Array) -> None:
    """Median of the last `width` known days that end `shift` days after the day before each day; one column a meter.

    Days at the beginning, with less than half of that behind them, take the median of the first `width` days; 0 where
    nothing is known yet.

    Parameters
    ----------
    daily : float32, shape (n_days, n_meters)
        NaN where unknown.
    width, shift : int
    out : float32, shape (n_days, n_meters)

    Notes
    -----
    Windows are kept sorted, those of all meters at once in vector lanes: in one pass from the lowest place up, what
    leaves gives way to its upper neighbour and what enters settles below the first that is greater.
    """
    n, n_meters = daily.shape
    known = np.full((n, n_meters), np.inf, np.float32)  # without gaps, then infinity
    passed = np.zeros((n + 1, n_meters), np.int32)  # known days among the first so many
    for d in range(n):
        for m in range(n_meters):
            place, is_known = passed[d, m], daily[d, m] == daily[d, m]
            known[place, m] = daily[d, m] if is_known else np.float32(np.inf)
            passed[d + 1, m] = place + (1 if is_known else 0)
    after = np.zeros((n + 1, n_meters), np.float32)  # medians once so many known days have passed
    window = np.full((width + 1, n_meters), np.inf, np.float32)
    entering, nothing = np.empty(n_meters, np.float32), np.full(n_meters, np.inf, np.float32)
    # Loops where rows could be assigned: compiling that assignment takes four seconds.
    for k in range(n):
        leaving = known[k - width] if k >= width else nothing
        for m in range(n_meters):
            entering[m] = known[k, m]
        count = min(k + 1, width)
        for i in range(count):
            own, above = window[i], window[i + 1]
            for m in range(n_meters):
                stays = own[m] if own[m] < leaving[m] else above[m]
                enters = entering[m]
                own[m] = stays if stays < enters else enters
                entering[m] = enters if stays < enters else stays
        for m in range(n_meters):
            after[k + 1, m] = window[(count - 1) // 2, m]
    for d in range(n):
        behind = min(max(d + shift, 0), n)
        for m in range(n_meters):
            is_early = passed[behind, m] == 0 or (d < width and shift <= 0)
            out[d, m] = after[passed[min(width, n) if is_early else behind, m], m]


@compiled
def daily_shares(
    values: Float32Array, expected: Float32Array, begin: Int32Array, night: BoolArray, level: float,
    whole: Float32Array, nights: Float32Array,
) -> None:  # fmt: skip
    """Each day's deviation from expected over its known hours, and over those of the night; NaN without any.

    Relative, within -1 and 1.
    """
    for d in range(len(whole)):
        y, e, at_night = (
            values[begin[d] : begin[d + 1]],
            expected[begin[d] : begin[d + 1]],
            night[begin[d] : begin[d + 1]],
        )
        use = error = night_use = night_error = 0.0
        count = night_count = 0
        for i in range(len(y)):
            difference = y[i] - e[i]
            is_known = difference == difference
            is_night = is_known & at_night[i]
            use += float(e[i]) if is_known else 0.0
            error += float(difference) if is_known else 0.0
            count += 1 if is_known else 0
            night_use += float(e[i]) if is_night else 0.0
            night_error += float(difference) if is_night else 0.0
            night_count += 1 if is_night else 0
        share = error / max(use, 0.02 * level * count, 1e-9)
        night_share = night_error / max(night_use, 0.02 * level * night_count, 1e-9)
        whole[d] = min(max(share, -1.0), 1.0) if count else np.nan
        nights[d] = min(max(night_share, -1.0), 1.0) if night_count else np.nan


@compiled
def recent_mean(daily: Float32Array, before: Float32Array, days: int, out: Float32Array) -> None:
    """Mean of the known ones among the `days` days that end with the day after each, less `before`; NaN without any."""
    n = len(daily)
    for d in range(n):
        total = 0.0
        count = 0
        for i in range(max(d + 2 - days, 0), min(d + 2, n)):
            if not np.isnan(daily[i]):
                total += daily[i]
                count += 1
        out[d] = total / count - before[d] if count else np.nan


@compiled
def spread_out(daily: Float32Array, begin: Int32Array, out: Float32Array) -> None:
    """Write each day's number to its hours; 0 where unknown: what is not known is no evidence."""
    for d in range(len(daily)):
        value = np.float32(0.0) if np.isnan(daily[d]) else daily[d]
        hours = out[begin[d] : begin[d + 1]]
        for i in range(len(hours)):
            hours[i] = value
