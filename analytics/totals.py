"""Totals of local days, months and years, each with what it knows of its own completeness.

A total is the difference of the register between the edges of its period whenever these are known, however many
intervals inside are missing. Where an edge is not known, it is the sum of what is known; where nothing is, NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.consumption import DayParts
from energy.intervals import LocalCalendar, Period, Window
from energy.series import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Consecutive local days, months or years.

    Attributes
    ----------
    kind : "day", "month" or "year"
    edges : int64, shape (n + 1,)
        UTC instants of the local midnights that bound them. [s]
    days : int64, shape (n + 1,)
        The same as local day numbers (days since 1970-01-01).
    """

    kind: Period
    edges: IntArray
    days: IntArray

    @classmethod
    def covering(cls, calendar: LocalCalendar, window: Window, kind: Period) -> Periods:
        """The periods that cover a window."""
        edges = calendar.edges(window, kind)
        return cls(kind, edges, calendar.day_number(edges))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def start(self) -> IntArray:
        """UTC instant at which each period begins."""
        return self.edges[:-1]

    def at(self, place: int) -> Periods:
        """One of the periods alone."""
        return Periods(self.kind, self.edges[place : place + 2], self.days[place : place + 2])

    def a_year_before(self) -> IntArray:
        """Place of the same period of the year before, -1 where it lies outside (29 February has none)."""
        unit = {"day": "D", "month": "M", "year": "Y"}[self.kind]
        begin = self.days[:-1].astype("M8[D]")
        month = begin.astype("M8[M]")
        day_of_month = begin - month.astype("M8[D]")
        before = (month - 12).astype("M8[D]") + day_of_month
        same_month = before.astype("M8[M]") == month - 12
        number = before.astype(f"M8[{unit}]").astype(np.int64)
        own = begin.astype(f"M8[{unit}]").astype(np.int64)
        place = number - own[0]
        return np.where(same_month & (place >= 0), place, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Amounts of several things (rows) in consecutive periods (columns), with their completeness.

    All arrays have the shape (n_rows, n_periods).

    Attributes
    ----------
    amount : float64
        NaN where nothing is known. [unit]
    valid_s, estimated_s : float64
        Time of the intervals with an amount, and with an estimated one, summed over the meters. [s]
    expected_s : float64
        Time in which the meters should have been heard, summed over the meters. [s]
    n_expected, n_reporting : float64
        Meters that should be heard, and those of which anything is known.
    present : bool
        False where the period lies before the first reading, or after the last of a meter that is not due any more: no
        row is shown. One that is due and silent has a row that says so.
    """

    amount: FloatArray
    valid_s: FloatArray
    estimated_s: FloatArray
    expected_s: FloatArray
    n_expected: FloatArray
    n_reporting: FloatArray
    present: BoolArray

    @property
    def coverage(self) -> FloatArray:
        """Share of the expected intervals that hold a valid value; NaN where none is expected."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.minimum(self.valid_s / self.expected_s, 1.0)
        return np.where(self.expected_s > 0, share, np.nan)

    @property
    def estimated_share(self) -> FloatArray:
        """Share of the valid intervals that were estimated; NaN where none is valid."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.valid_s > 0, self.estimated_s / self.valid_s, np.nan)

    def rows(self, where: IntArray | list[int]) -> Totals:
        """These rows alone."""
        return Totals(
            self.amount[where],
            self.valid_s[where],
            self.estimated_s[where],
            self.expected_s[where],
            self.n_expected[where],
            self.n_reporting[where],
            self.present[where],
        )

    def together(self) -> Totals:
        """All rows as one: the sum of what is known, NaN where nothing is."""
        # Rows are added one after another whatever the number of columns, so that a window gives the same last bit
        # as the whole history.
        known = np.isfinite(self.amount)
        amount = np.add.reduce(np.where(known, self.amount, 0.0), axis=0, keepdims=True)
        return Totals(
            np.where(known.any(axis=0, keepdims=True), amount, np.nan),
            self.valid_s.sum(axis=0, keepdims=True),
            self.estimated_s.sum(axis=0, keepdims=True),
            self.expected_s.sum(axis=0, keepdims=True),
            self.n_expected.sum(axis=0, keepdims=True),
            self.n_reporting.sum(axis=0, keepdims=True),
            np.logical_or.reduce(self.present, axis=0, keepdims=True),
        )


def stack(parts: list[Totals]) -> Totals:
    """Rows of several totals over the same periods, one below another."""
    return Totals(
        np.concatenate([p.amount for p in parts]),
        np.concatenate([p.valid_s for p in parts]),
        np.concatenate([p.estimated_s for p in parts]),
        np.concatenate([p.expected_s for p in parts]),
        np.concatenate([p.n_expected for p in parts]),
        np.concatenate([p.n_reporting for p in parts]),
        np.concatenate([p.present for p in parts]),
    )


def meter_totals(parts: DayParts, periods: Periods, *, read: Window, expected: Sequence[Window]) -> Totals:
    """Totals of one meter, one row.

    Parameters
    ----------
    parts : DayParts
        What is known of its days; every day of the periods must be there if anything is known of it.
    periods : Periods
        The periods wanted.
    read : Window
        From its first to its last reading; of one that was never read (0, 0).
    expected : sequence of Window
        When readings are expected: the days it is in service, up to now. They do not overlap.

    Notes
    -----
    A period's amount is the sum of all parts of its days but the head of its first and the tail of its last: what
    lies in a long step across the period's edge is not known to belong to it. Readings alone tell no amount: the period
    is unknown unless a step of known amount lies in it.
    """
    n = len(periods)
    lo, hi = np.searchsorted(parts.day, (periods.days[0], periods.days[-1]))
    day = parts.day[lo:hi]
    column = np.searchsorted(periods.days, day, side="right") - 1
    inner, head, tail = parts.inner[lo:hi], parts.head[lo:hi], parts.tail[lo:hi]
    touched = np.isfinite(inner)

    def total(values: FloatArray, which: BoolArray | None = None) -> FloatArray:
        if which is None:
            return np.bincount(column, values, n).astype(np.float64)
        return np.bincount(column[which], values[which], n).astype(np.float64)

    first, last = _first_and_last(column, touched, n)
    at = np.arange(len(day))
    inside = (at >= first[column]) & (at <= last[column])
    amount = total(inner, inside & touched) + total(head, inside & (at > first[column]))
    goes_on = inside & (at < last[column]) & np.isfinite(tail)  # the step ends at the next reading, which is inside
    amount += total(tail, goes_on)
    known = (total(parts.inner_s[lo:hi]) > 0) | (np.bincount(column[goes_on], minlength=n) > 0)
    expected_s = np.zeros(n, np.int64)
    for span in expected:
        expected_s += np.clip(np.minimum(periods.edges[1:], span.end) - np.maximum(periods.start, span.start), 0, None)
    amount = np.where(known, amount, np.nan)
    return Totals(
        amount[None],
        total(parts.valid_s[lo:hi])[None],
        total(parts.estimated_s[lo:hi])[None],
        expected_s.astype(np.float64)[None],
        (expected_s > 0).astype(np.float64)[None],
        np.isfinite(amount).astype(np.float64)[None],
        _is_present(periods, read, expected_s)[None],
    )


def _is_present(periods: Periods, read: Window, expected_s: IntArray) -> BoolArray:
    """True for periods that readings speak of, or in which the meter is due and silent since."""
    is_heard = (periods.edges[1:] > read.start) & (periods.start < read.end)
    is_awaited = (periods.start >= read.end) & (expected_s > 0)
    return is_heard | is_awaited if read.end > 0 else is_heard


def _first_and_last(column: IntArray, touched: BoolArray, n: int) -> tuple[IntArray, IntArray]:
    """Place of the first and last day of each period that a reading touches; (n_days, -1) where none does."""
    places = np.flatnonzero(touched)
    first, last = np.full(n, len(column), np.int64), np.full(n, -1, np.int64)
    of_place = column[places]
    last[of_place] = places
    first[of_place[::-1]] = places[::-1]
    return first, last
