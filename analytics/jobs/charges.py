"""What a month costs beside its energy: by its highest demand, by the capacity installed, and by itself.

Charges belong to billing points: meters with a tariff of their own, and the topmost meters of a category for which the
institution pays one. They are counted when the month is over. A month of which a bill states the money has none: they
are in the bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.bills import Bill
from analytics.jobs.estate import Estate
from analytics.jobs.prices import Books, Paid
from analytics.tariffs import Tariff, monthly_charges
from analytics.totals import Periods
from energy.intervals import HOUR, RESOLUTIONS
from energy.model import Category, CostNote, MeterKind, UsedBy
from energy.series import BoolArray, ByteArray, FloatArray
from energy.storage.base import ResultStore
from energy.storage.schema import INTERVAL

_DEMAND_S: Final = RESOLUTIONS["15min"]
"""Length of the intervals that tell demand: longer ones hide their peaks."""
ENOUGH: Final = 0.99
"""Share of a month's quarter hours that must be known for its highest demand to be sure."""


def month_charges(books: Books, months: Periods, wanted: BoolArray, now: int) -> tuple[FloatArray, ByteArray]:
    """Charges of each meter in each month, and what is to be said of them; both of shape (n_meters, n_months).

    Parameters
    ----------
    books : Books
        Tariffs and bills.
    months : Periods
    wanted : bool, shape (n_months,)
        Months of interest; the others are 0.
    now : int
        Months that are not over are 0. [s]

    Returns
    -------
    float64
        0 where no charge applies; NaN where one does whose base is unknown. The tariff of the month's first day counts.
        [yuan]
    uint8
        `energy.model.CostNote`.
    """
    meters = books.estate.meters
    out = np.zeros((len(meters), len(months)))
    note = np.zeros(out.shape, np.uint8)
    places = np.flatnonzero(wanted & (months.edges[1:] <= now)).tolist()
    points = billing_points(books.estate, books.paid)
    for row, meter in enumerate(meters):
        versions = [v for v in points.get(meter.id, ()) if v.has_charges]
        own = [i for i in places if not _is_billed(books.bills.get(meter.id, ()), months, i)]
        if not versions or not own:
            continue
        has_demand = any(version.demand_yuan for version in versions)
        highest, is_sure = _highest_kw(books.store, meter.id, months, own) if has_demand else _nothing(len(months))
        for i in own:
            for version in versions:
                if version.first_day <= months.days[i] <= version.last_day:
                    capacity = np.nan if version.capacity_kva is None else version.capacity_kva
                    out[row, i] = monthly_charges(version, highest[i], np.array(capacity))
                    note[row, i] = _note(version, highest[i], capacity, is_sure=bool(is_sure[i]))
    return out, note


def _nothing(n: int) -> tuple[FloatArray, BoolArray]:
    return np.full(n, np.nan), np.zeros(n, np.bool_)


def _note(version: Tariff, highest_kw: float, capacity_kva: float, *, is_sure: bool) -> CostNote:
    """What is to be said of one month's charges."""
    if version.capacity_yuan and np.isnan(capacity_kva):
        return CostNote.NO_CAPACITY
    if version.demand_yuan and np.isnan(highest_kw):
        return CostNote.NO_DEMAND
    return CostNote.DEMAND_FROM_LONGER_MEANS if version.demand_yuan and not is_sure else CostNote.NONE


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
    """No meter above it, or only the account that it is the main of; of others none: they pay what is charged there."""
    meter = estate.meters[place]
    is_top = meter.parent not in names or any(place in pair.mains for pair in estate.twins)
    return is_top and meter.used_by is UsedBy.SELF


def _is_billed(bills: Sequence[Bill], months: Periods, i: int) -> bool:
    first, end = months.days[i], months.days[i + 1]
    return any(b.yuan is not None and b.first_day < end and b.end_day > first for b in bills)


def _highest_kw(store: ResultStore, meter: str, months: Periods, places: Sequence[int]) -> tuple[FloatArray, BoolArray]:
    """Highest mean power known in each month [kW], and whether it surely is the demand.

    It surely is where nearly all quarter hours are known. The highest mean of an hour, or of some of the quarter hours,
    is never more than the demand: it bounds it from below. NaN where nothing is known.
    """
    start, end = int(months.edges[places[0]]), int(months.edges[places[-1] + 1])
    rows = store.results(INTERVAL.name, where={"meter": [meter]}, start=start, end=end, fields=("amount",))
    amount = np.asarray(rows.fields["amount"], np.float64)
    known = np.isfinite(amount)
    step = np.array([RESOLUTIONS[name] for name in rows.tags["resolution"]], np.int64)[known]
    column = np.searchsorted(months.edges, rows.time[known], side="right") - 1
    highest = np.full(len(months), -np.inf)
    np.maximum.at(highest, column, amount[known] * HOUR / step)
    quarters = np.bincount(column[step == _DEMAND_S], minlength=len(months))
    is_sure = quarters * _DEMAND_S >= ENOUGH * np.diff(months.edges)
    return np.where(np.isfinite(highest), highest, np.nan), is_sure
