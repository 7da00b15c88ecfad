"""The detector written out slowly for one meter: every term by its definition, every window cut out by hand."""

from __future__ import annotations

import numpy as np

from analytics.anomalies import HourGrid
from analytics.detection import weights as w


def lower_median(values: np.ndarray) -> float:
    known = np.sort(values[np.isfinite(values)])
    return float(known[(len(known) - 1) // 2]) if len(known) else 0.0


def trailing(daily: np.ndarray, width: int, shift: int) -> np.ndarray:
    start = lower_median(daily[:width])
    out = np.zeros(len(daily))
    last = start
    for d in range(len(daily)):
        behind = daily[: max(min(d + shift, len(daily)), 0)]
        known = behind[np.isfinite(behind)][-width:]
        if len(known):
            last = lower_median(known) if d >= width or shift > 0 else last
        out[d] = start if d < width and shift <= 0 else last
    return out


def daily_medians(values: np.ndarray, day: np.ndarray) -> np.ndarray:
    found = [values[day == d] for d in range(day[-1] + 1)]
    return np.array([lower_median(v) if np.isfinite(v).any() else np.nan for v in found])


def group_medians(size: np.ndarray, group: np.ndarray) -> np.ndarray:
    overall = lower_median(size)
    parts = [size[group == g] for g in range(48)]
    return np.array([lower_median(p) if np.isfinite(p).any() else overall for p in parts])


def window(values: np.ndarray, grid: HourGrid, width: int) -> np.ndarray:
    out = np.zeros(len(values))
    for t in range(len(values)):
        high = min(t + (width + 1) // 2, grid.day_end[t])
        out[t] = values[max(high - width, 0) : high].mean()
    return out


def runs(values: np.ndarray, lag: int, grid: HourGrid) -> np.ndarray:
    same = np.r_[np.zeros(lag, bool), values[lag:] == values[:-lag]]
    out = np.zeros(len(values), int)
    for t in np.flatnonzero(same):
        first = t
        while first > 0 and same[first - 1]:
            first -= 1
        last = t
        while last < len(same) and same[last]:
            last += 1
        out[t] = min(last, grid.day_end[t]) - first
    return out


def relative(deviation: np.ndarray, history: np.ndarray, floor: float) -> np.ndarray:
    middle = lower_median(history)
    return np.abs(deviation - middle) / max(1.4826 * lower_median(np.abs(history - middle)), floor)


def terms(values: np.ndarray, usual: np.ndarray, grid: HourGrid, n_history: int) -> np.ndarray:
    """All terms, shape (10, n)."""
    values, usual = values.astype(np.float64), usual.astype(np.float64)
    past = values[:n_history]
    level = lower_median(past[past > 0])
    steps = np.abs(np.diff(past))
    steps = steps[steps > 0]
    floor = max(0.02 * level, 0.5 * steps.min() if len(steps) else 0.0, 1e-9)
    error = values - usual
    residual = error - trailing(daily_medians(error, grid.day), 28, 0)[grid.day]
    size = np.abs(residual)
    overall = lower_median(size[:n_history])
    scale = 1.4826 * np.sqrt(0.5 * group_medians(size[:n_history], grid.group[:n_history]) ** 2 + 0.5 * overall**2)
    recent = trailing(daily_medians(size, grid.day), 56, 0)[grid.day]
    ratio = np.maximum(recent / overall, 0.5) if overall > 0 else np.ones(len(values))
    z = np.nan_to_num(residual / np.maximum(scale[grid.group] * ratio, floor))
    run = window(np.minimum(np.abs(z), 20), grid, 6)
    day = window(np.clip(z, -8, 8), grid, 24)
    unrest = window(np.minimum(np.abs(z), 8), grid, 72)
    jump = np.r_[np.nan, np.abs(np.diff(residual))]
    jump_scale = 1.4826 * np.sqrt(
        0.5 * group_medians(jump[:n_history], grid.group[:n_history]) ** 2 + 0.5 * lower_median(jump[:n_history]) ** 2
    )
    leap = np.nan_to_num(jump / np.maximum(jump_scale, floor)[grid.group])
    restless = window(np.minimum(leap, 8), grid, 24)
    low = np.sort(np.maximum(past[np.isfinite(past)], 0))
    rare = len(low) > 0 and low[int(0.02 * len(low))] > 0.1 * level
    known_days = grid.day[n_history - 1] + 1
    night = recent_use(values, usual, grid, level, grid.night, 3)
    slow = recent_use(values, usual, grid, level, np.ones(len(values), bool), 7)
    return np.stack(
        [
            np.abs(z),
            run,
            relative(day, day[:n_history:6], 0.25),
            relative(unrest, unrest[:n_history:6], 0.15),
            np.nan_to_num(relative(night, night[:known_days], 0.05))[grid.day],
            np.maximum(leap, np.r_[leap[1:], 0]),
            np.maximum(held(values, 1, grid, n_history), held(values, 24, grid, n_history)),
            (values <= 0.02 * level) & rare,
            relative(restless, restless[:n_history:6], 0.15),
            np.nan_to_num(relative(slow, slow[:known_days], 0.02))[grid.day],
        ]
    )


def held(values: np.ndarray, lag: int, grid: HourGrid, n_history: int) -> np.ndarray:
    length = runs(values, lag, grid)
    longest = np.sort(length[:n_history])[int(0.99 * (n_history - 1))]
    return np.where(length >= 4, np.minimum(length / max(2 * longest, 6), 4), 0)


def shares(values: np.ndarray, usual: np.ndarray, grid: HourGrid, level: float, where: np.ndarray) -> np.ndarray:
    """Relative deviation of each day, over some of its hours."""
    n_days = grid.n_days
    share = np.full(n_days, np.nan)
    for d in range(n_days):
        here = (grid.day == d) & where & np.isfinite(values - usual)
        if here.any():
            use = max(usual[here].sum(), 0.02 * level * here.sum(), 1e-9)
            share[d] = np.clip((values - usual)[here].sum() / use, -1, 1)
    return share


def recent_use(
    values: np.ndarray, usual: np.ndarray, grid: HourGrid, level: float, where: np.ndarray, days: int
) -> np.ndarray:
    n_days = grid.n_days
    share = shares(values, usual, grid, level, where)
    before = trailing(share, 61, 2 - days)
    out = np.full(n_days, np.nan)
    for d in range(n_days):
        lately = share[max(d + 2 - days, 0) : d + 2]
        if np.isfinite(lately).any():
            out[d] = np.nanmean(lately) - before[d]
    return out


def log_odds(found: np.ndarray) -> np.ndarray:
    """By class, shape (4, n)."""
    grown = np.log1p(np.minimum(found, w.CEILING))
    return np.array(w.INTERCEPTS)[:, None] + np.array(w.WEIGHTS) @ grown


def rest_deviation(values: np.ndarray, usual: np.ndarray, grid: HourGrid, level: float) -> np.ndarray:
    """Median residual of each day's rest hours, less that of the 28 days before, in median loads."""
    residual = np.where(grid.busy, np.nan, values - usual)
    daily = daily_medians(residual, grid.day)
    known = np.array([np.isfinite(residual[grid.day == d]).sum() for d in range(grid.n_days)])
    daily[known < 4] = np.nan
    return (daily - trailing(daily, 28, 0)) / level


def rest_limit(strength: np.ndarray, most_runs: float) -> float:
    """The lowest value above 0 that no more than so many runs of days reach, looked for from below."""
    for limit in np.unique(strength[strength > 0]):
        if all(
            sum(v >= higher and not (d and strength[d - 1] >= higher) for d, v in enumerate(strength)) <= most_runs
            for higher in strength[strength >= limit]
        ):
            return float(limit)
    return float("inf")


def alarms_at(odds: np.ndarray, threshold: float) -> int:
    hours = np.flatnonzero(odds >= threshold)
    return 0 if not len(hours) else 1 + int((np.diff(hours) >= 6).sum())


def lowest_threshold(odds: np.ndarray, budget: float) -> float:
    """Every value tried from the top until one breaks the budget."""
    most = max(int(0.15 * len(odds)), 1)
    ordered = np.sort(odds)[::-1]
    best = np.inf
    for level in np.unique(ordered[:most])[::-1]:
        if alarms_at(odds, level) > budget:
            return best
        best = level
    return best


def without_repeats(flags: np.ndarray, margin: np.ndarray, day_end: np.ndarray) -> np.ndarray:
    """Each alarm by itself: its hours stay where what is known of it by then is sure enough for the alarms before.

    margin : the log-odds above the threshold of the class that is highest above its own.
    """
    kept = flags.copy()
    hours = np.flatnonzero(flags)
    raised: list[int] = []
    for alarm in np.split(hours, np.flatnonzero(np.diff(hours) >= 6) + 1) if len(hours) else []:
        needed = 0.3 * sum(alarm[0] - last < 28 * 24 for last in raised)
        for t in alarm:
            known = [margin[i] for i in range(alarm[0], alarm[-1] + 1) if i < day_end[t]]
            kept[t] = max(known) >= needed
        if kept[alarm].any():
            raised.append(alarm[-1])
    return kept
