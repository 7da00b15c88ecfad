"""Stepped prices (阶梯) over local days: what a month or year had used before each, with bounds where use is unknown.

Where both bounds lie in one step, they tell the price; where they do not, nobody knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.tariffs import ROUNDING, Clock, Tariff, prices, step_shares, stepped_prices, tier_periods
from energy.intervals import DAY
from energy.series import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """Days of one billing point; all of shape (n_days,).

    Attributes
    ----------
    amount : float64
        Use of each day; NaN where unknown.
    least, most : float64
        Used of its period before each day. [unit of the tariff]
    silent : float64
        The most that time of which nothing is told can have used. [unit of the tariff]
    scale : float64
        Units of the tariff in one of the amounts.
    """

    amount: FloatArray
    least: FloatArray
    most: FloatArray
    silent: FloatArray
    scale: FloatArray

    def part(self, span: slice) -> Reached:
        """Some of the days."""
        columns = (self.amount, self.least, self.most, self.silent, self.scale)
        return Reached(*(column[span] for column in columns))

    def day_prices(self, versions: Sequence[Tariff], days: Clock) -> FloatArray:
        """Mean price of each day, shape (n_days,); NaN where its step is not known. [yuan per amount]"""
        return stepped_prices(versions, days, self.amount, self.least, self.most)

    def own_prices(self, versions: Sequence[Tariff], when: Clock, day: IntArray, amount: FloatArray) -> FloatArray:
        """Price of each interval of the billing point itself; `day` is its place among the days. [yuan per amount]"""
        used = np.nan_to_num(amount) * self.scale[day]
        until = np.cumsum(used)
        begins = np.flatnonzero(np.diff(day, prepend=-1))
        before = until - used - np.repeat((until - used)[begins], np.diff(np.append(begins, len(day))))
        return stepped_prices(versions, when, amount, self.least[day] + before, self.most[day] + before)

    def shared_prices(self, versions: Sequence[Tariff], when: Clock, day: IntArray) -> FloatArray:
        """Price of each interval of a meter below: in the steps that the whole day lies in. [yuan per amount]"""
        return stepped_prices(versions, when, self.amount[day], self.least[day], self.most[day])


def used_bounds(amount: FloatArray, missing_s: FloatArray, total: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What one period had used before each of its days, at least and at most, and what a day can have used in silence.

    Parameters
    ----------
    amount : ndarray, shape (n_days,)
        Use of each day; NaN where unknown.
    missing_s : ndarray, shape (n_days,)
        Time of each day that is not told. [s]
    total : float
        Use of the period with what was used in gaps between readings; NaN where nothing tells it.

    Returns
    -------
    tuple of ndarray, each of shape (n_days,)
        At least, at most, and in silence. [unit of `amount`]

    Notes
    -----
    A gap between two readings of a register holds what the total has more than its days. Time of which nothing is told
    can have used nothing, or as much as at the rate of the highest day that is wholly known.
    """
    known = np.nan_to_num(amount)
    is_gap = missing_s > 0
    is_whole = np.isfinite(amount) & ~is_gap
    highest = float(amount[is_whole].max()) if is_whole.any() else np.inf
    # With a total, only what lies before the first reading is untold; that reading is of the first day that is whole.
    is_silent = is_gap if np.isnan(total) else is_gap & (np.cumsum(is_whole) == 0)
    silent = np.zeros(len(amount))
    silent[is_silent] = missing_s[is_silent] / DAY * highest
    in_gaps = 0.0 if np.isnan(total) else max(total - float(known.sum()), 0.0)
    n_gaps = np.concatenate(([0], np.cumsum(is_gap)[:-1]))
    before = np.cumsum(known) - known
    least = before + np.where(n_gaps == is_gap.sum(), in_gaps, 0.0)
    most = before + np.where(n_gaps > 0, in_gaps, 0.0) + np.concatenate(([0.0], np.cumsum(silent)[:-1]))
    return least, np.maximum(most, least), silent


def period_cost(
    versions: Sequence[Tariff], days: Clock, reached: Reached, cost: FloatArray, total: float
) -> tuple[float, bool]:
    """Cost of a month or year of a billing point inside one period of the steps, and whether it is only a bound.

    Parameters
    ----------
    versions, days
        What is paid, and the local days of the month or year.
    reached : Reached
        Of these days.
    cost : ndarray, shape (n_days,)
        Of each day; NaN where it has none.
    total : float
        Use of the whole, gaps included.

    Returns
    -------
    float
        What the days without a cost used lies in the steps that the priced days leave of the total, at the mean price
        of each step in those days. NaN where nothing is known, or prices fall from step to step and no bound is one.
    bool
        True where time of which nothing is told could have lifted the use to a dearer step: it costs at least that.
    """
    version = _valid(versions, int(days.day[0]))
    if version is None or np.isnan(total):
        return np.nan, False
    known = float(np.where(np.isfinite(cost), reached.amount, 0.0).sum())
    if abs(total - known) <= ROUNDING * abs(total):
        return float(np.nansum(cost)), False
    shares = step_shares(version, reached.amount, reached.least, reached.most)
    priced = np.isfinite(cost) & np.isfinite(shares[0])
    used = np.where(priced, np.nan_to_num(reached.amount) * shares, 0.0).sum(axis=-1)
    whole, least = np.array([total]), reached.least[:1]
    rest = total * step_shares(version, whole, least, least)[:, 0] - used
    most = reached.most[:1] + reached.silent.sum()
    is_sure = bool(np.isfinite(step_shares(version, whole, least, most)).all())
    if not is_sure and not version.rises:
        return np.nan, False
    open_days = days.take(np.flatnonzero(~priced)) if not priced.all() else days
    means = np.array([prices(versions, open_days, step).mean() for step in range(len(version.tiers))])
    of_rest = np.where(np.abs(rest) > ROUNDING * abs(total), rest * means, 0.0).sum()
    return float(np.where(priced, cost, 0.0).sum() + of_rest), not is_sure


def marginal_prices(
    versions: Sequence[Tariff], when: Clock, excess: float, between: Callable[[int, int], float]
) -> FloatArray:
    """Price of each interval for an amount on top of its period: what would have been saved without it.

    Parameters
    ----------
    versions, when
        What is paid, and the intervals in which the excess lies, evenly.
    excess : float
        Positive where it was used, negative where it is missing.
    between : callable
        What the billing point used from one day number to another; NaN where unknown.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the use of a period is unknown. [yuan per amount]
    """
    out = np.full(len(when.day), np.nan)
    for part, scale in tier_periods(versions, when):
        version = _valid(versions, int(when.day[part][0]))
        assert version is not None  # periods of steps are valid
        own = when.take(part)
        amount = abs(excess) * len(own.day) / len(when.day)
        total = between(*_period_days(version, int(own.day[0])))
        without = np.maximum(total - amount, 0.0) if excess > 0 else total
        top = np.full(len(own.day), without * scale[0])
        out[part] = stepped_prices(versions, own, np.full(len(top), amount), top, top)
    return out


def _period_days(version: Tariff, day: int) -> tuple[int, int]:
    """Day numbers of the month or year in which the steps of a day are counted, [first, end)."""
    unit = "M" if version.tier_period == "month" else "Y"
    period = np.datetime64(day, "D").astype(f"M8[{unit}]")
    first, end = (int(edge.astype("M8[D]").astype(np.int64)) for edge in (period, period + 1))
    return first, end


def _valid(versions: Sequence[Tariff], day: int) -> Tariff | None:
    return next((v for v in versions if v.first_day <= day <= v.last_day), None)
