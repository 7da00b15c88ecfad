"""Cost of totals: what each meter's days cost by its tariff or its bills, added like amounts.

Days cost their energy. Charges by demand, capacity and month are no day's: they are in months and years
(`analytics.jobs.charges`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.bills import Bill
from analytics.jobs.bills import is_workday
from analytics.jobs.charges import month_charges
from analytics.jobs.estate import Estate
from analytics.jobs.prices import Paid
from analytics.jobs.rows import runs
from analytics.jobs.sums import Sums
from analytics.rollup import WHOLE, Group
from analytics.tariffs import Clock, Tariff, clock, energy_cost, prices
from analytics.totals import Periods
from energy.intervals import RESOLUTIONS, LocalCalendar, Period, Window
from energy.model import Scope
from energy.series import BoolArray, FloatArray, IntArray
from energy.storage.base import ResultStore
from energy.storage.schema import INTERVAL, TOTAL

_MIDNIGHT: Final = 1440
_ROUNDING: Final = 1e-9


def with_costs(
    store: ResultStore,
    estate: Estate,
    paid: Paid,
    bills: Mapping[str, Sequence[Bill]],
    sums: Sequence[Sums],
    changed: Sequence[Window],
    now: int,
) -> list[Sums]:
    """The sums with what they cost: changed days are priced anew, all others keep the price they have.

    Days cost their energy; months and years, once over, the charges of their billing points too.
    """
    if not sums:
        return []
    by_kind = {part.periods.kind: part for part in sums}
    days = by_kind["day"].periods.days[:-1]
    meters = [i for i, g in enumerate(by_kind["day"].groups) if g.scope is Scope.METER and g.item == WHOLE]
    amount = by_kind["day"].totals.amount[meters]
    cost = _stored(store, estate, by_kind["day"])
    for span in _to_price(estate.calendar, paid, changed, days):
        cost[:, span] = day_costs(store, estate, paid, bills, amount[:, span], days[span])
    of_months = _charges(store, estate, paid, bills, by_kind, now)
    found = []
    for part in sums:
        assert part.counted is not None  # the sums are of an institution
        counts = part.counted.days
        own, shared = cost, np.where(counts, cost, np.nan)
        of_meters, of_places = part.totals.amount[meters], part.counted.totals.amount
        if part.periods.kind != "day":
            column = np.searchsorted(part.periods.days, days, side="right") - 1
            own = period_costs(own, amount, of_meters, column)
            shared = period_costs(shared, np.where(counts, amount, np.nan), of_places, column)
            charges = _of_periods(of_months, by_kind["month"].periods, part.periods)
            own += charges
            shared += np.where(counts[:, _last_days(part.periods, days)], charges, 0.0)
        own, shared = _virtual(estate, own), _virtual(estate, shared)
        of_groups = roll_up_costs(part.groups, (own, np.isfinite(of_meters)), (shared, np.isfinite(of_places)))
        found.append(replace(part, cost=of_groups))
    return found


def _charges(
    store: ResultStore,
    estate: Estate,
    paid: Paid,
    bills: Mapping[str, Sequence[Bill]],
    sums: Mapping[Period, Sums],
    now: int,
) -> FloatArray:
    """Charges of the months in every year to be written; 0 in a month of which the meter knows no amount."""
    months, years = sums["month"].periods, sums["year"]
    wanted = years.wanted[np.searchsorted(years.periods.days, months.days[:-1], side="right") - 1]
    charges = month_charges(store, estate, paid, bills, months, wanted, now)
    meters = [i for i, g in enumerate(sums["month"].groups) if g.scope is Scope.METER and g.item == WHOLE]
    return np.where(np.isfinite(sums["month"].totals.amount[meters]), charges, 0.0)


def _of_periods(charges: FloatArray, months: Periods, periods: Periods) -> FloatArray:
    """Charges of months, or of the years they lie in."""
    column = np.searchsorted(periods.days, months.days[:-1], side="right") - 1
    return np.asarray(np.add.reduceat(charges, np.flatnonzero(np.diff(column, prepend=-1)), axis=1))


def _last_days(periods: Periods, days: IntArray) -> IntArray:
    """Place of the last day of each period among the days."""
    return np.asarray(periods.days[1:] - 1 - days[0], np.int64)


def _virtual(estate: Estate, cost: FloatArray) -> FloatArray:
    """Cost of virtual meters by their formulas: what a difference costs is the difference of the costs."""
    out = cost.copy()
    for row, terms in estate.formulas.items():
        out[row] = np.add.reduce([out[term] * factor for term, factor in terms])
    return out


def _stored(store: ResultStore, estate: Estate, part: Sums) -> FloatArray:
    """Cost of the meters' days as it was written last, shape (n_meters, n_days)."""
    names = [meter.id for meter in estate.meters]
    where = {"scope": [Scope.METER.value], "id": names, "period": ["day"], "item": [WHOLE]}
    edges = part.periods.edges
    rows = store.results(TOTAL.name, where=where, start=int(edges[0]), end=int(edges[-1]), fields=("cost_yuan",))
    out = np.full((len(names), len(part.periods)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    row = np.array([place[name] for name in rows.tags["id"]], np.int64)
    out[row, np.searchsorted(edges, rows.time, side="right") - 1] = np.asarray(rows.fields["cost_yuan"], np.float64)
    return out


def _to_price(calendar: LocalCalendar, paid: Paid, changed: Sequence[Window], days: IntArray) -> list[slice]:
    """Days to price: the changed ones, and where tiers are, the whole of their months or years."""
    tiered = {v.tier_period for paying in paid.values() for v in paying.versions if len(v.tiers) > 1}
    kind: Period = "year" if "year" in tiered else "month" if tiered else "day"
    edges = [calendar.day_number(calendar.edges(window, kind))[[0, -1]] for window in changed]
    found = np.zeros(len(days), np.bool_)
    for first, end in edges:
        found |= (days >= first) & (days < end)
    return [slice(first, end) for first, end in runs(found)]


def day_costs(
    store: ResultStore,
    estate: Estate,
    paid: Paid,
    bills: Mapping[str, Sequence[Bill]],
    amount: FloatArray,
    days: IntArray,
) -> FloatArray:
    """Cost of each day of each meter, shape (n_meters, n_days). [yuan]

    Parameters
    ----------
    store : ResultStore
        Holds the intervals.
    estate : Estate
        Its meters are the rows.
    paid : Paid
        Tariffs by meter.
    bills : mapping
        Bills by meter: where one states its money, that is the cost of its days.
    amount : ndarray, shape (n_meters, n_days)
        Use of each day; NaN where unknown.
    days : int64, shape (n_days,)
        Consecutive day numbers; with tiers the first begins a month, or a year where tiers are of the year.

    Returns
    -------
    ndarray
        NaN where the amount is unknown or nobody said what it costs. What a day's intervals do not hold of its amount
        costs the mean of that day, or of a day without intervals the mean over its hours.
    """
    out = np.full(amount.shape, np.nan)
    for part in _years(days):
        out[:, part] = _of_span(store, estate, paid, amount[:, part], days[part])
    for row, meter in enumerate(estate.meters):
        for bill in bills.get(meter.id, ()):
            if bill.yuan is not None:
                inside, money = _bill_money(amount[row], bill, days)
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


def _of_span(store: ResultStore, estate: Estate, paid: Paid, amount: FloatArray, days: IntArray) -> FloatArray:
    calendar = estate.calendar
    edges = calendar.day_start(np.array([days[0], days[-1] + 1]))
    window = Window(int(edges[0]), int(edges[1]))
    priced = [meter.id for meter in estate.meters if meter.id in paid]
    found = store.results(
        INTERVAL.name, where={"meter": priced}, start=window.start, end=window.end, fields=("amount",)
    )
    work = is_workday(calendar, days)
    whole_days = _whole_days(days, work)
    out = np.full(amount.shape, np.nan)
    for row, meter in enumerate(estate.meters):
        if meter.id not in paid:
            continue
        versions, factor = paid[meter.id].versions, paid[meter.id].factor
        own = np.flatnonzero(found.tags["meter"] == meter.id)
        if not len(own):
            out[row] = energy_cost(versions, whole_days, amount[row : row + 1] * factor)[0]
            continue
        step = RESOLUTIONS[str(found.tags["resolution"][own[0]])]
        values = np.asarray(found.fields["amount"], np.float64)[own]
        known, cost = _priced(calendar, versions, found.time[own], step, values * factor, days, work)
        rest = amount[row] * factor - known
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known != 0, cost / known, prices(versions, whole_days))
        out[row] = cost + np.where(np.abs(rest) > _ROUNDING * np.abs(known), rest * mean, 0.0 * rest)
    return out


def _whole_days(days: IntArray, work: BoolArray) -> Clock:
    """Each day as one interval, whatever its length."""
    month = days.astype("M8[D]").astype("M8[M]").astype(np.int64) % 12
    return Clock(days, month, np.zeros(len(days), np.int64), np.full(len(days), _MIDNIGHT), work)


def _priced(
    calendar: LocalCalendar,
    versions: Sequence[Tariff],
    time: IntArray,
    step: int,
    values: FloatArray,
    days: IntArray,
    work: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Amount and cost of the known intervals of each day."""
    place = calendar.day_number(time) - days[0]
    when = clock(time, step, calendar, work[place])
    cost = energy_cost(versions, when, values[None])[0]
    both = np.isfinite(cost)
    n = len(days)
    known = np.bincount(place[both], values[both], n).astype(np.float64)
    return known, np.bincount(place[both], cost[both], n).astype(np.float64)


def period_costs(cost: FloatArray, amount_of_days: FloatArray, amount: FloatArray, column: IntArray) -> FloatArray:
    """Cost of months or years from the days in them, shape (n_meters, n_periods). [yuan]

    Parameters
    ----------
    cost, amount_of_days : ndarray, shape (n_meters, n_days)
        Of each day; NaN where unknown.
    amount : ndarray, shape (n_meters, n_periods)
        Of each period: more than its days where a gap's total is known and its days are not.
    column : int64, shape (n_days,)
        Period of each day.

    Returns
    -------
    ndarray
        What the days do not hold costs the mean of the period. NaN where nothing has a price.
    """
    n_meters, n_periods = amount.shape
    out = np.full(amount.shape, np.nan)
    both = np.isfinite(cost) & np.isfinite(amount_of_days)
    for row in range(n_meters):
        own = both[row]
        paid = np.bincount(column[own], cost[row, own], n_periods)
        used = np.bincount(column[own], amount_of_days[row, own], n_periods)
        any_day = np.bincount(column[own], minlength=n_periods) > 0
        rest = amount[row] - used
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(used != 0, paid / used, np.nan)
        is_rest = np.abs(rest) > _ROUNDING * np.abs(amount[row])
        out[row] = np.where(any_day, paid + np.where(is_rest, rest * mean, 0.0), np.nan)
    return np.where(np.isfinite(amount), out, np.nan)


def roll_up_costs(
    groups: Sequence[Group], meters: tuple[FloatArray, BoolArray], counted: tuple[FloatArray, BoolArray]
) -> FloatArray:
    """Cost of each group, shape (n_groups, n_periods): unknown where a member that used something has no cost.

    Parameters
    ----------
    groups : sequence of Group
    meters : tuple of ndarray, shape (n_meters, n_periods)
        Cost of each meter, and where its amount is known.
    counted : tuple of ndarray
        The same of what counts in places.
    """

    def together(members: Sequence[int], of: tuple[FloatArray, BoolArray]) -> FloatArray:
        own, known = (values[list(members)] for values in of)
        total = np.where(known, own, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), total, np.nan)

    out = np.empty((len(groups), meters[0].shape[1]))
    for place, group in enumerate(groups):
        of = meters if group.scope is Scope.METER else counted
        out[place] = together(group.members, of)
        if group.rest is not None:
            out[place] -= together(group.rest, of)
    return out
