"""What a month costs beside its energy: by its highest demand, by the capacity installed, and by itself.

Charges belong to billing points: meters with a tariff of their own, and the topmost meters of a category for which the
institution pays one. They are counted when the month is over. A month of which a bill states the money has none: they
are in the bill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analytics.bills import Bill
from analytics.jobs.estate import Estate
from analytics.jobs.prices import Paid
from analytics.tariffs import Tariff, monthly_charges
from analytics.totals import Periods
from energy.intervals import HOUR
from energy.model import Category, MeterKind
from energy.series import BoolArray, FloatArray
from energy.storage.base import ResultStore
from energy.storage.schema import INTERVAL

DEMAND: Final = "15min"
"""Resolution of the intervals that tell demand: longer ones hide their peaks."""
_DEMAND_S: Final = 900
ENOUGH: Final = 0.99
"""Share of a month's quarter hours that must be known for its highest demand to be told."""


def month_charges(
    store: ResultStore,
    estate: Estate,
    paid: Paid,
    bills: Mapping[str, Sequence[Bill]],
    months: Periods,
    wanted: BoolArray,
    now: int,
) -> FloatArray:
    """Charges of each meter in each month, shape (n_meters, n_months). [yuan]

    Parameters
    ----------
    store : ResultStore
        Holds the intervals.
    estate : Estate
        Its meters are the rows.
    paid : Paid
        Tariffs by meter.
    bills : mapping
        Bills by meter.
    months : Periods
    wanted : bool, shape (n_months,)
        Months of interest; the others are 0.
    now : int
        Months that are not over are 0. [s]

    Returns
    -------
    ndarray
        0 where no charge applies; NaN where one does whose base is unknown.
    """
    out = np.zeros((len(estate.meters), len(months)))
    places = np.flatnonzero(wanted & (months.edges[1:] <= now)).tolist()
    points = billing_points(estate, paid)
    for row, meter in enumerate(estate.meters):
        versions = [v for v in points.get(meter.id, ()) if v.has_charges]
        own = [i for i in places if not _is_billed(bills.get(meter.id, ()), months, i)]
        if not versions or not own:
            continue
        has_demand = any(version.demand_yuan for version in versions)
        highest = _highest_kw(store, meter.id, months, own) if has_demand else np.full(len(months), np.nan)
        for i in own:
            for version in versions:
                if version.first_day <= months.days[i] <= version.last_day:
                    capacity = np.array(np.nan if version.capacity_kva is None else version.capacity_kva)
                    out[row, i] = monthly_charges(version, highest[i], capacity)
    return out


def billing_points(estate: Estate, paid: Paid) -> dict[str, tuple[Tariff, ...]]:
    """Who is charged, and by which versions of a tariff.

    The capacity that an institution states for a category is that of its only billing point; with several of them it
    is unknown whose it is, and each states its own.
    """
    below = {i for pair in estate.twins for i in pair.accounts}
    names = {meter.id for meter in estate.meters}
    shared: dict[Category, list[str]] = {}
    found: dict[str, tuple[Tariff, ...]] = {}
    for i, meter in enumerate(estate.meters):
        if meter.id not in paid:
            continue
        if paid[meter.id].is_own:
            found[meter.id] = paid[meter.id].versions
        elif meter.kind is not MeterKind.VIRTUAL and i not in below and _is_top(estate, i, names):
            found[meter.id] = paid[meter.id].versions
            shared.setdefault(meter.category, []).append(meter.id)
    for points in shared.values():
        if len(points) > 1:
            found |= {name: tuple(v.without_capacity() for v in found[name]) for name in points}
    return found


def _is_top(estate: Estate, place: int, names: set[str]) -> bool:
    """No meter above it, or only the account that it is the main of."""
    parent = estate.meters[place].parent
    return parent not in names or any(place in pair.mains for pair in estate.twins)


def _is_billed(bills: Sequence[Bill], months: Periods, i: int) -> bool:
    first, end = months.days[i], months.days[i + 1]
    return any(b.yuan is not None and b.first_day < end and b.end_day > first for b in bills)


def _highest_kw(store: ResultStore, meter: str, months: Periods, places: Sequence[int]) -> FloatArray:
    """Highest mean power of a quarter hour in each month; NaN where too few of them are known. [kW]"""
    start, end = int(months.edges[places[0]]), int(months.edges[places[-1] + 1])
    where = {"meter": [meter], "resolution": [DEMAND]}
    rows = store.results(INTERVAL.name, where=where, start=start, end=end, fields=("amount",))
    amount = np.asarray(rows.fields["amount"], np.float64)
    known = np.isfinite(amount)
    column = np.searchsorted(months.edges, rows.time[known], side="right") - 1
    count = np.bincount(column, minlength=len(months))
    highest = np.full(len(months), -np.inf)
    np.maximum.at(highest, column, amount[known] * (HOUR / _DEMAND_S))
    return np.where(count * _DEMAND_S >= ENOUGH * np.diff(months.edges), highest, np.nan)
