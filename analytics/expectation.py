"""Expected totals: what the intervals of a day, month or year were expected to add up to, with an 80 % interval.

An expectation stands beside an amount only where it speaks of the same thing: of every interval the meters were read
in, and of every meter whose amount is in the sum.

Notes
-----
Errors of one meter add up as `analytics.spread.half_of_sum` says. Errors of different meters are taken as independent:
half-widths add as squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.rollup import Group
from analytics.spread import half_of_sum
from analytics.totals import Periods
from energy.intervals import DAY, Window
from energy.series import BoolArray, FloatArray, IntArray

SPOKEN: Final = 0.99
"""Share of the time read in a period that an expectation must speak of."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedTotals:
    """Expected amounts of things (rows) in periods (columns) with half the width of their interval; NaN unknown."""

    amount: FloatArray
    half: FloatArray

    @property
    def low(self) -> FloatArray:
        """Lower limit; use that cannot be negative is not expected to be."""
        return np.where(self.amount >= 0, np.maximum(self.amount - self.half, 0), self.amount - self.half)

    @property
    def high(self) -> FloatArray:
        """Upper limit."""
        return self.amount + self.half

    def rows(self, where: IntArray | list[int]) -> ExpectedTotals:
        """These rows alone."""
        return ExpectedTotals(self.amount[where], self.half[where])

    def above(self, other: ExpectedTotals) -> ExpectedTotals:
        """These rows, and below them those of the other."""
        return ExpectedTotals(np.concatenate((self.amount, other.amount)), np.concatenate((self.half, other.half)))


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedDays:
    """Expected use of local days of one meter, rising; `seconds` of the day that it speaks of, 0 = none."""

    day: IntArray
    amount: FloatArray
    seconds: FloatArray


def meter_expected(
    days: ExpectedDays, periods: Periods, *, read: Window, day_spread: FloatArray, drift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Expected total of one meter and its half-width in each period, shapes (n_periods,).

    Parameters
    ----------
    days : ExpectedDays
        Every day of the periods of which anything is expected.
    periods : Periods
    read : Window
        From its first to its last reading.
    day_spread, drift : ndarray, shape (n_periods,)
        Of the model that speaks of each period (`analytics.expected.ExpectedModel`).
    """
    n = len(periods)
    lo, hi = np.searchsorted(days.day, (periods.days[0], periods.days[-1]))
    column = np.searchsorted(periods.days, days.day[lo:hi], side="right") - 1
    amount = np.bincount(column, np.nan_to_num(days.amount[lo:hi]), n).astype(np.float64)
    seconds = np.bincount(column, np.nan_to_num(days.seconds[lo:hi]), n)
    span = np.clip(np.minimum(periods.edges[1:], read.end) - np.maximum(periods.start, read.start), 0, None)
    known = (seconds > 0) & (seconds >= SPOKEN * span)
    half = half_of_sum(amount, seconds / DAY, day_spread, drift)
    return np.where(known, amount, np.nan), np.where(known, half, np.nan)


def virtual_expected(meters: ExpectedTotals, formulas: Mapping[int, Sequence[tuple[int, float]]]) -> ExpectedTotals:
    """The meters' expected totals with the rows of virtual meters computed by their formulas."""
    amount, half = meters.amount.copy(), meters.half.copy()
    for row, terms in formulas.items():
        amount[row] = np.add.reduce(np.array([amount[term] * factor for term, factor in terms]), axis=0)
        half[row] = np.sqrt(np.add.reduce(np.array([(half[term] * factor) ** 2 for term, factor in terms]), axis=0))
    return ExpectedTotals(amount, half)


def roll_up_expected(found: Sequence[Group], meters: ExpectedTotals, heard: BoolArray) -> ExpectedTotals:
    """Expected totals of the groups, rows in their order.

    Parameters
    ----------
    heard : bool, shape (n_meters, n_periods)
        Whether the row's amount is known, so that it is part of the group's amount.
    """
    rows = [_of_group(group, meters, heard) for group in found]
    shape = (0, meters.amount.shape[1])
    amount = np.array([row[0] for row in rows]).reshape(-1, shape[1])
    return ExpectedTotals(amount, np.array([row[1] for row in rows]).reshape(-1, shape[1]))


def _of_group(group: Group, meters: ExpectedTotals, heard: BoolArray) -> tuple[FloatArray, FloatArray]:
    amount, half = _sum(meters, heard, list(group.members))
    if group.rest is not None:
        taken, width = _sum(meters, heard, list(group.rest))
        amount, half = amount - taken, np.hypot(half, width)
    return amount, half


def _sum(meters: ExpectedTotals, heard: BoolArray, places: list[int]) -> tuple[FloatArray, FloatArray]:
    """Sum over the meters that were heard; over all of them in periods in which none was."""
    part = heard[places] | ~heard[places].any(axis=0, keepdims=True)
    amount = np.add.reduce(np.where(part, meters.amount[places], 0.0), axis=0)
    half = np.sqrt(np.add.reduce(np.where(part, meters.half[places] ** 2, 0.0), axis=0))
    return amount, half
