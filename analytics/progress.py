"""How far the year has come: stages of the annual target, share that was to be expected, forecast and outlook.

A stage is reached when the use to date is at least that share of the *annual* target; a stage on the share of days
gone by would show an institution exactly on plan as red all year. What will come is told apart from that, by the
outlook. The expected share follows the seasons, never days/365.

Arrays have one row an institution and one column a local day of the year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np

from analytics.levels import TIE
from analytics.spread import DAYS_ALIKE, NOMINAL_Z
from energy.series import BoolArray, FloatArray, IntArray

STAGES: Final = (0.8, 0.9, 1.0)
"""Common practice; no national text fixes them."""
FULL_COVERAGE: Final = 0.95
"""Below this share of known days nobody can say that a stage was not reached."""


class Reached(IntEnum):
    """Whether a stage of the target is reached."""

    UNKNOWN = 0
    NO = 1
    YES = 2


class ChangeReason(StrEnum):
    """Why a stage was raised or withdrawn."""

    REACHED = "reached"
    CORRECTED = "corrected"  # data or target changed: the use is below the stage
    UNPROVEN = "unproven"  # data fell away: the use known now no longer proves it


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage that is raised, or withdrawn for all to see."""

    stage: float
    is_raised: bool
    reason: ChangeReason


def reached(used: FloatArray, target: FloatArray, coverage: FloatArray, stages: Sequence[float] = STAGES) -> IntArray:
    """`Reached` of each stage, shape (n, n_stages).

    Parameters
    ----------
    used : ndarray, shape (n,)
        Use to date as far as it is known: a lower limit where days are missing.
    target : ndarray, shape (n,)
        Annual target; NaN where there is none.
    coverage : ndarray, shape (n,)
        Share of the days gone by whose use is known; NaN counts as none.
    stages : sequence of float
        Shares of the target, rising.

    Notes
    -----
    Incomplete data can prove that a stage is reached, because use only adds up. That it is not reached needs 95 %.
    """
    limit = np.multiply.outer(target, np.asarray(stages, np.float64))
    is_reached = (used[:, None] >= limit * (1 - TIE)) & (used[:, None] > 0)  # nothing is no stage of nothing
    is_known = (np.nan_to_num(coverage) >= FULL_COVERAGE) & np.isfinite(used) & np.isfinite(target)
    unreached = np.where(is_known, Reached.NO, Reached.UNKNOWN)[:, None]
    return np.where(is_reached, Reached.YES, unreached).astype(np.int64)


def stage_of(status: IntArray, stages: Sequence[float] = STAGES) -> FloatArray:
    """Highest stage reached, 0 where surely none is, NaN where that is unknown; shape (n,)."""
    highest = np.max(np.where(status == Reached.YES, np.asarray(stages, np.float64), 0.0), axis=1, initial=0.0)
    surely_none = np.all(status == Reached.NO, axis=1)
    return np.where((highest > 0) | surely_none, highest, np.nan)


def stage_changes(
    held: frozenset[float], status: Sequence[int], stages: Sequence[float] = STAGES
) -> tuple[StageChange, ...]:
    """What is to be raised or withdrawn, given the stages that stand raised.

    Each stage is raised once: one that is held is not raised again. One that the data no longer prove is withdrawn
    with its reason; so is one that is no longer a stage at all.
    """
    now = {stage: Reached(int(state)) for stage, state in zip(stages, status, strict=True)}
    changes = [
        StageChange(stage, True, ChangeReason.REACHED)
        for stage, state in now.items()
        if state is Reached.YES and stage not in held
    ]
    for stage in sorted(held):
        state = now.get(stage, Reached.NO)
        if state is not Reached.YES:
            reason = ChangeReason.CORRECTED if state is Reached.NO else ChangeReason.UNPROVEN
            changes.append(StageChange(stage, False, reason))
    return tuple(changes)


def day_of_stage(used: FloatArray, target: FloatArray, stages: Sequence[float] = STAGES) -> IntArray:
    """Day on which each stage was reached, shape (n, n_stages); -1 where it was not.

    Parameters
    ----------
    used : ndarray, shape (n, n_days)
        Use of each day; NaN where unknown or still to come.
    target : ndarray, shape (n,)
        Annual target; NaN where there is none.
    stages : sequence of float
        Shares of the target, rising.
    """
    total = np.cumsum(np.nan_to_num(used), axis=1)
    out = np.full((len(used), len(stages)), -1, np.int64)
    for place, stage in enumerate(stages):
        over = (total >= (stage * target * (1 - TIE))[:, None]) & (total > 0)
        out[:, place] = np.where(over.any(axis=1), over.argmax(axis=1), -1)
    return out


def expected_share(expected: FloatArray, n_elapsed: int) -> FloatArray:
    """Share of the year's use that was to be expected by the end of the elapsed days, shape (n,).

    NaN where the profile of the year is not known whole: a share of days is no substitute.
    """
    year = expected.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(year > 0, expected[:, :n_elapsed].sum(axis=1) / year, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """How far use strays from what is expected; one entry an institution.

    Attributes
    ----------
    drift : float64, shape (n,)
        Standard deviation of a year's relative deviation from its expected use.
    day_spread : float64, shape (n,)
        Standard deviation of one day's use about the expected.
    """

    drift: FloatArray
    day_spread: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """The year's use as it looks after the elapsed days; all of shape (n,) but `path`.

    Attributes
    ----------
    used : float64
        Known use to date.
    median, low, high : float64
        Of the whole year; low and high bound the 80 % interval. NaN where the expected use is unknown.
    level : float64
        What the institution uses now, relative to the expected.
    path : float64, shape (n, n_days)
        Use of each day: known, or expected at the present level.
    """

    used: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray
    level: FloatArray
    path: FloatArray


BLOCK: Final = 30
"""Days that are judged together. [d]"""


def forecast_year(used: FloatArray, expected: FloatArray, n_elapsed: int, uncertainty: Uncertainty) -> Forecast:
    """What the whole year will come to.

    Parameters
    ----------
    used : ndarray, shape (n, n_days)
        Use of each day; NaN where unknown. Days after `n_elapsed` are not looked at.
    expected : ndarray, shape (n, n_days)
        Expected use of each day of the year.
    n_elapsed : int
        Whole days gone by.
    uncertainty : Uncertainty
        Of these institutions.

    Notes
    -----
    The level, relative to the expected, walks at random from month to month; half the variance of a year's deviation
    is there at its beginning, the other half comes by walking. Beside it each month has a deviation of its own, as
    large as a year's, that does not last. Months gone by tell the level through a Kalman filter; level, months and
    days to come give the interval. On 170 meter-years, with the year before as the only profile, it held 77 to 86 %
    of the year-ends from the first day to the end of November (`benchmarks/forecast.py`).

    References
    ----------
    Durbin, Koopman: Time Series Analysis by State Space Methods, 2nd ed., 2012, chapter 2 (local level model).
    """
    known = np.isfinite(used)
    known[:, n_elapsed:] = False
    level, variance, walk = _level(used, expected, known, n_elapsed, uncertainty)
    to_come = np.where(known, 0.0, expected)
    path = np.where(known, used, expected * level[:, None])
    total_used = np.where(known, used, 0.0).sum(axis=1)
    ahead = _blocks(to_come, n_elapsed)
    suffix = np.cumsum(ahead[:, ::-1], axis=1)[:, ::-1]
    level_variance = variance * suffix[:, 0] ** 2 + walk * np.square(suffix[:, 1:]).sum(axis=1)
    n_open = (~known).sum(axis=1)
    noise = uncertainty.day_spread**2 * n_open * np.minimum(n_open, DAYS_ALIKE)
    noise += uncertainty.drift**2 * np.square(ahead).sum(axis=1)
    half = NOMINAL_Z * np.sqrt(level_variance + noise)
    median = path.sum(axis=1)
    return Forecast(
        np.where(known.any(axis=1) | (n_elapsed == 0), total_used, np.nan),
        median,
        np.maximum(median - half, np.where(np.isfinite(median), total_used, np.nan)),
        median + half,
        level,
        path,
    )


def _level(
    used: FloatArray, expected: FloatArray, known: BoolArray, n_elapsed: int, uncertainty: Uncertainty
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level after the elapsed days, its variance, and the variance of a month's step."""
    level = np.ones(len(used))
    variance = uncertainty.drift**2 / 2
    walk = uncertainty.drift**2 / 8
    for first in range(0, n_elapsed, BLOCK):
        days = slice(first, min(first + BLOCK, n_elapsed))
        here = known[:, days]
        base = np.where(here, expected[:, days], 0.0).sum(axis=1)
        amount = np.where(here, used[:, days], 0.0).sum(axis=1)
        count = here.sum(axis=1)
        seen = base > 0
        divisor = np.where(seen, base, 1.0)
        noise = uncertainty.day_spread**2 * count * np.minimum(count, DAYS_ALIKE) / divisor**2
        noise += uncertainty.drift**2
        total = variance + noise
        gain = np.where(seen & (total > 0), variance / np.where(total > 0, total, 1.0), 0.0)
        level = level + gain * (amount / divisor - level)
        variance = (1 - gain) * variance + walk * (days.stop - first) / BLOCK
    return np.maximum(level, 0.0), variance, walk


def _blocks(to_come: FloatArray, n_elapsed: int) -> FloatArray:
    """Expected use still open: in the days gone by and the month at hand, then month by month."""
    edges = [0, *range(min(n_elapsed + BLOCK, to_come.shape[1]), to_come.shape[1], BLOCK)]
    return np.add.reduceat(to_come, edges, axis=1)


class Outlook(IntEnum):
    """Whether the year's target will hold."""

    UNKNOWN = 0
    ON_TRACK = 1
    WATCH = 2
    OVER = 3


OUTLOOK_WORDS: Final = MappingProxyType(
    {
        Outlook.UNKNOWN: ("无法判断", "not known"),
        Outlook.ON_TRACK: ("正常", "on track"),
        Outlook.WATCH: ("关注", "watch"),
        Outlook.OVER: ("预计超指标", "expected to exceed"),
    }
)


def outlook(forecast: Forecast, target: FloatArray) -> IntArray:
    """`Outlook` of each institution: watch when the median passes the target, over when the lower bound does."""
    most = target * (1 + TIE)
    passes = np.where(forecast.median > most, Outlook.WATCH, Outlook.ON_TRACK)
    surely = np.where(forecast.low > most, Outlook.OVER, passes)
    known = np.isfinite(forecast.median) & np.isfinite(target)
    beyond = forecast.used > most  # nothing can bring it back, whatever is still unknown
    return np.where(beyond, Outlook.OVER, np.where(known, surely, Outlook.UNKNOWN)).astype(np.int64)


def breach_day(forecast: Forecast, target: FloatArray) -> IntArray:
    """Day on which the use passes the target by the median of the forecast, shape (n,); -1 where it does not."""
    over = np.cumsum(forecast.path, axis=1) > (target * (1 + TIE))[:, None]
    return np.where(over.any(axis=1), over.argmax(axis=1), -1).astype(np.int64)


def seasonal_profile(
    amount: FloatArray, month: IntArray, is_workday: BoolArray, wanted_month: IntArray, wanted_workday: BoolArray
) -> FloatArray:
    """Expected share of a year's use on each wanted day, from past years: where no model is fitted.

    Parameters
    ----------
    amount : ndarray, shape (n_days,)
        Use of past days; NaN where unknown.
    month, is_workday : ndarray, shape (n_days,)
        Month 1 .. 12 and kind of the past days.
    wanted_month, wanted_workday : ndarray, shape (n_wanted,)
        The same of the days of the year asked for.

    Returns
    -------
    ndarray, shape (n_wanted,)
        Mean use of such days: by month and kind of day, each kind's mean taken relative to its month where a month
        has none of it. NaN for all where a whole month was never seen.
    """
    known = np.isfinite(amount)
    shape = (13, 2)
    key = (month[known], is_workday[known].astype(np.int64))
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, key, amount[known])
    np.add.at(count, key, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        kind = total.sum(axis=0) / count.sum(axis=0)
        of_month = total.sum(axis=1) / (count * kind).sum(axis=1, where=count > 0)
    mean = np.where(count > 0, mean, of_month[:, None] * kind)
    profile = mean[wanted_month, wanted_workday.astype(np.int64)]
    return profile if np.isfinite(profile).all() else np.full(len(wanted_month), np.nan)
