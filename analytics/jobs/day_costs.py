"""What each local day of each meter costs: by its tariff and its intervals, or by its bills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.bills import Bill
from analytics.jobs.prices import Books, occasions
from analytics.jobs.stepped import Steps, Told, steps_of
from analytics.tariffs import ROUNDING, Clock, Tariff, clock, prices
from energy.intervals import RESOLUTIONS, LocalCalendar
from energy.series import BoolArray, FloatArray, IntArray, Table
from energy.storage.schema import INTERVAL

_MIDNIGHT: Final = 1440


def day_costs(books: Books, told: Told, days: IntArray) -> FloatArray:
    """Cost of each day of each meter, shape (n_meters, n_days). [yuan]

    Parameters
    ----------
    books : Books
        Tariffs and bills.
    told : Told
        What is known of the days.
    days : int64, shape (n_days,)
        Consecutive day numbers; with steps the first begins a month, or a year where steps are of the year.

    Returns
    -------
    ndarray
        NaN where the amount is unknown or nobody said what it costs. What a day's intervals do not hold of its amount
        costs the mean of that day, or of a day without intervals the mean over its hours.
    """
    out = np.full(told.amount.shape, np.nan)
    estate = books.estate
    steps = steps_of(estate, books.paid, whole_days(estate.calendar, days), told)
    for part in _years(days):
        of_part = {row: step.part(part) for row, step in steps.items()}
        out[:, part] = _of_span(books, told.amount[:, part], days[part], of_part)
    for row, meter in enumerate(estate.meters):
        for bill in books.bills.get(meter.id, ()):
            if bill.yuan is not None:
                inside, money = _bill_money(told.amount[row], bill, days)
                out[row, inside] = money
    return out


def _years(days: IntArray) -> list[slice]:
    """The days of each year: as much as is held at once, and tiers begin again with it."""
    year = days.astype("M8[D]").astype("M8[Y]")
    edges = [*np.flatnonzero(np.diff(year, prepend=year[:1] - 1)).tolist(), len(days)]
    return [slice(first, end) for first, end in pairwise(edges)]


def _bill_money(amount: FloatArray, bill: Bill, days: IntArray) -> tuple[BoolArray, FloatArray]:
    """Days of a bill among `days`, and its money on them: spread as its amount is, evenly where it has none."""
    inside = (days >= bill.first_day) & (days < bill.end_day)
    yuan = np.nan if bill.yuan is None else bill.yuan
    if bill.amount == 0:
        return inside, np.full(int(inside.sum()), yuan / (bill.end_day - bill.first_day))
    return inside, yuan * (amount[inside] / bill.amount)


def _of_span(books: Books, amounts: FloatArray, days: IntArray, steps: Mapping[int, Steps]) -> FloatArray:
    """Cost of the days by tariffs: of each meter's intervals, or at the mean of the day where it has none."""
    calendar, meters = books.estate.calendar, books.estate.meters
    edges = calendar.day_start(np.array([days[0], days[-1] + 1]))
    where = {"meter": [meter.id for meter in meters if meter.id in books.paid]}
    found = books.store.results(INTERVAL.name, where=where, start=int(edges[0]), end=int(edges[1]), fields=("amount",))
    daily = whole_days(calendar, days)
    out = np.full(amounts.shape, np.nan)
    for row, meter in enumerate(meters):
        if meter.id in books.paid:
            own = found.take(found.tags["meter"] == meter.id)
            out[row] = _of_meter(calendar, own, amounts[row], daily, books.paid[meter.id].versions, steps.get(row))
    return out


def _of_meter(
    calendar: LocalCalendar,
    rows: Table,
    amount: FloatArray,
    daily: Clock,
    versions: Sequence[Tariff],
    step: Steps | None,
) -> FloatArray:
    """Cost of one meter's days; `rows` are its intervals."""
    by_day = prices(versions, daily) if step is None else step.reached.day_prices(versions, daily)
    if not len(rows):
        return np.asarray(amount * by_day)
    place = calendar.day_number(rows.time) - daily.day[0]
    length = RESOLUTIONS[str(rows.tags["resolution"][0])]
    when = clock(rows.time, length, calendar, daily.occasion[place])
    values = np.asarray(rows.fields["amount"], np.float64)
    cost = values * (prices(versions, when) if step is None else step.prices(versions, when, place, values))
    return _with_rest(amount, by_day, place, values, cost)


def _with_rest(
    amount: FloatArray, by_day: FloatArray, place: IntArray, values: FloatArray, cost: FloatArray
) -> FloatArray:
    """Cost of days from that of their intervals (at `place`); the rest of a day costs its mean."""
    both, n = np.isfinite(cost), len(amount)
    known = np.bincount(place[both], values[both], n).astype(np.float64)
    total = np.bincount(place[both], cost[both], n).astype(np.float64)
    rest = amount - known
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known != 0, total / known, by_day)
    whole = total + np.where(np.abs(rest) > ROUNDING * np.abs(known), rest * mean, 0.0 * rest)
    return np.where(np.isfinite(by_day), whole, np.nan)


def whole_days(calendar: LocalCalendar, days: IntArray) -> Clock:
    """Each day as one interval, whatever its length."""
    month = days.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12
    whole = np.full(len(days), _MIDNIGHT)
    return Clock(days, month, np.zeros(len(days), np.int64), whole, occasions(calendar, days))
