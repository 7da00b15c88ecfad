"""Small detectors beside the general one: each looks for one thing that people know by name, and gives `Breach`es."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.detection.kinds import Kind
from analytics.detection.rest import RestDays
from analytics.order import MAD
from energy.series import BoolArray, FloatArray

NIGHT_FLOW_HOURS: Final = (2, 5)
"""Local hours in which people sleep and tanks are full: 02 to 05, the window of minimum-night-flow analysis."""
TOLERANCE: Final = 0.5
"""What a room sensor may be off. [K]"""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing found: which row, which days (last included), what was used and what would be in order.

    `strength` is how many of its own usual deviations the breach measures; 3 is plain.
    """

    kind: Kind
    row: int
    first_day: int
    last_day: int
    actual: float
    expected: float
    strength: float


def night_flow(
    use: FloatArray,
    day: FloatArray,
    hour: FloatArray,
    *,
    vacation: BoolArray | None = None,
    days: int = 3,
    window: int = 28,
    limit: float = 3.0,
) -> list[Breach]:
    """Water that runs at night: the least hour between 02 and 05 stays above its own last four weeks.

    Parameters
    ----------
    use : ndarray, shape (n_meters, n_hours)
        Hourly use; NaN where unknown. [m3]
    day, hour : ndarray, shape (n_hours,)
        Local day from 0, local hour.
    vacation : bool, shape (n_hours,), optional
        The institution's own vacation: its nights, and those of term, are held against their like. People who come
        back to their dormitories are no leak.
    days : int
        Nights in a row until it counts.
    window : int
        Nights that make the usual night. [d]
    limit : float
        Robust standard deviations above the usual night.

    Notes
    -----
    The least hour of a night is what nobody draws on purpose; a leak lifts it for good, a guest does not. Nights of a
    meter that shows whole steps look alike to the last digit; what its display rounds off is no smaller for that.

    References
    ----------
    WRc/WSA/WCA: Managing Leakage, Report E, Interpreting measured night flows, 1994.
    """
    lowest = _by_day(use, day, (hour >= NIGHT_FLOW_HOURS[0]) & (hour < NIGHT_FLOW_HOURS[1]), np.min)
    away = np.zeros(lowest.shape[1], np.bool_)
    if vacation is not None:
        away[day[vacation].astype(np.int64)] = True
    return _above_usual(lowest, away, days, window, limit, [_display_error(row) for row in use])


def base_load(rest: RestDays, *, days: int = 7, hold: float = 1.5) -> list[tuple[Breach, int]]:
    """Load without people above what last year's model and the four weeks before make of it.

    Parameters
    ----------
    rest : RestDays
    days : int
        A run of so many days counts whatever its height.
    hold : float
        Robust standard deviations above the usual that every day of a run measures.

    Returns
    -------
    list of (Breach, int)
        Each with the days after which it is told: at the end of its first day that reaches the meter's own limit, or
        when it has lasted `days`. Days that were told make no level for those that follow.
    """
    found = []
    for row, strength in enumerate(rest.strength):
        free = np.isfinite(rest.residual[row])
        for first, last in _runs(strength >= hold):
            here = slice(first, last + 1)
            plain = np.flatnonzero(strength[here] >= rest.limit[row])
            told = min([*(plain[:1] + 1).tolist(), days])
            if told <= last - first + 1:
                actual, excess = float(rest.use[row, here].sum()), rest.excess(row, first, last, free)
                free[here] = False
                highest = float(strength[here].max())
                found.append((Breach(Kind.BASE_LOAD, row, first, last, actual, actual - excess, highest), told))
    return found


def set_point(
    room: FloatArray,
    day: FloatArray,
    occupied: BoolArray,
    *,
    cooling: BoolArray,
    heating: BoolArray,
    coolest: float,
    warmest: float,
) -> list[Breach]:
    """Rooms cooled or heated beyond the set-points in occupied hours of a season, days in a row as one breach.

    Parameters
    ----------
    room : ndarray, shape (n_rooms, n_hours)
        Room temperature; NaN where unknown. [°C]
    day : ndarray, shape (n_hours,)
        Local day of each hour, as days since 1970-01-01.
    occupied : bool, shape (n_hours,)
        Hours in which people are there.
    cooling, heating : bool, shape (n_hours,)
        Hours in which cooling or heating is on by the season's rule.
    coolest, warmest : float
        Set-points of the rule that is in force (`energy.reference.set_point`). [°C]
    """
    found = []
    for season, bound, sign in ((cooling, coolest, -1.0), (heating, warmest, 1.0)):
        mean = _by_day(room, day, occupied & season, np.median)
        beyond = sign * (mean - bound) - TOLERANCE
        for row in range(len(room)):
            for first, last in _runs(beyond[row] > 0):
                worst = float(np.nanmax(beyond[row, first : last + 1]) + TOLERANCE)
                actual = float(np.nanmedian(mean[row, first : last + 1]))
                found.append(Breach(Kind.SET_POINT, row, first, last, actual, bound, worst / TOLERANCE))
    return found


def balance(
    parent: FloatArray, children: FloatArray, day: FloatArray, *, tolerance: float = 0.05, days: int = 3
) -> list[Breach]:
    """Sub-meters against their head meter: the children's sum exceeds the parent, or the rest is no longer as usual.

    Parameters
    ----------
    parent : ndarray, shape (n_hours,)
        Use of the head meter; NaN where unknown.
    children : ndarray, shape (n_children, n_hours)
        Use of all meters below it.
    day : ndarray, shape (n_hours,)
        Local day of each hour, as days since 1970-01-01.
    tolerance : float
        Share of the parent's use that meters' errors may explain (two meters of class 2, twice).

    Notes
    -----
    Only hours in which every meter is known are compared: an unknown child would look like a rest. A breach tells the
    rest (what the parent shows beyond its children) and what it would be by its usual share.
    """
    known = np.isfinite(parent) & np.isfinite(children).all(axis=0)
    everything = np.ones(len(parent), np.bool_)
    pair = np.stack([np.where(known, parent, np.nan), np.where(known, children.sum(axis=0), np.nan)])
    total, below = _by_day(pair, day, everything, np.sum)
    rest = 1 - np.divide(below, total, out=np.full(len(total), np.nan), where=total > 0)
    usual = np.nanmedian(rest) if np.isfinite(rest).any() else np.nan
    spread = MAD * np.nanmedian(np.abs(rest - usual)) if np.isfinite(usual) else np.nan
    limit = np.fmax(tolerance, 4 * spread)
    wrong = (rest < -tolerance) | (np.abs(rest - usual) > limit)
    found = []
    for first, last in _runs(wrong):
        if last - first + 1 >= days:
            here = slice(first, last + 1)
            expected = float(np.nansum(total[here]) * max(usual, 0.0))
            strength = float(np.nanmax(np.abs(rest[here] - usual)) / limit) * 3
            unseen = float(np.nansum(total[here] - below[here]))
            found.append(Breach(Kind.BALANCE, 0, first, last, unseen, expected, strength))
    return found


def sisters(intensity: FloatArray, *, limit: float = 3.5, least: int = 5) -> list[Breach]:
    """Buildings that use much more per square metre than their sisters of the same type, tier and zone.

    Parameters
    ----------
    intensity : ndarray, shape (n_buildings, n_days)
        Daily use per square metre; NaN where unknown.
    limit : float
        Robust standard deviations of ln(intensity) within the group; 3.5 after Iglewicz and Hoaglin, 1993.
    least : int
        Smaller groups are not compared.
    """
    mean = np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in intensity])
    usable = np.isfinite(mean) & (mean > 0)
    if usable.sum() < least:
        return []
    log = np.log(mean[usable])
    middle = float(np.median(log))
    spread = max(MAD * float(np.median(np.abs(log - middle))), 0.05)
    last = intensity.shape[1] - 1
    return [
        Breach(
            Kind.SISTER, int(row), 0, last, float(mean[row]), float(np.exp(middle)), float((value - middle) / spread)
        )
        for row, value in zip(np.flatnonzero(usable), log, strict=True)
        if (value - middle) / spread > limit
    ]


def _by_day(values: FloatArray, day: FloatArray, where: BoolArray, how: Callable[[FloatArray], float]) -> FloatArray:
    """One number a day from the chosen hours, NaN unless at least half of them are known; (n_rows, n_days)."""
    n_days = int(day[-1]) + 1 if len(day) else 0
    out = np.full((len(values), n_days), np.nan)
    for d in range(n_days):
        here = values[:, where & (day == d)]
        if not here.shape[1]:
            continue
        for row in np.flatnonzero(np.isfinite(here).sum(axis=1) * 2 >= here.shape[1]):
            known = here[row][np.isfinite(here[row])]
            out[row, d] = how(known)
    return out


def _display_error(use: FloatArray) -> float:
    """Standard deviation of what a display rounds off an hour's use: two readings, each off by up to half a step."""
    shown = np.unique(np.round(use[np.isfinite(use)], 6))
    return float(np.diff(shown).min()) / np.sqrt(6) if len(shown) > 1 else 0.0


def _above_usual(
    daily: FloatArray, away: BoolArray, days: int, window: int, limit: float, error: Sequence[float]
) -> list[Breach]:
    """Runs of days whose flow of an hour lies above the median of the last `window` days of its kind before the run.

    `away` parts the days in two kinds; `error` of each row is the least spread that its days have.
    """
    found = []
    for row, line in enumerate(daily):
        d = 0
        while d < len(line):
            like = away == away[d]
            usual, spread = _usual_of(line[:d][like[:d]][-window:], window, error[row])
            last = d
            if line[d] > usual + limit * spread:  # not where one of them is unknown
                other, width = _usual_of(line[:d][~like[:d]][-window:], window, error[row])
                usual_of, spread_of = np.where(like, usual, other), np.where(like, spread, width)
                while last < len(line) and line[last] > usual_of[last] + limit * spread_of[last]:
                    last += 1
            if last - d >= days:
                run = slice(d, last)
                strength = float(np.median((line[run] - usual_of[run]) / spread_of[run]))
                used, expected = 24 * float(line[run].sum()), 24 * float(usual_of[run].sum())
                found.append(Breach(Kind.NIGHT_FLOW, row, d, last - 1, used, expected, strength))
            d = max(last, d + 1)
    return found


def _usual_of(nights: FloatArray, window: int, error: float) -> tuple[float, float]:
    """Usual value of the last nights of a kind and its spread, at least `error`; NaN where too few are known."""
    known = nights[np.isfinite(nights)]
    if len(known) < max(window // 4, 5):
        return float("nan"), float("nan")
    usual = float(np.median(known))
    return usual, max(MAD * float(np.median(np.abs(known - usual))), 0.05 * abs(usual), error, 1e-9)


def _runs(where: BoolArray) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, where, False].astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]
