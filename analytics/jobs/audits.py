"""Bills judged: their money by the tariff, their amount by the meters. Read on demand, nothing is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

import numpy as np

from analytics.bills import CAUSE_WORDS, MONEY_WORDS, Bill, BillAudit, Cause, MeterAgainstBill, against_meter, audit
from analytics.jobs.bills import bill_of
from analytics.jobs.charges import month_charges
from analytics.jobs.day_costs import day_costs
from analytics.jobs.estate import Estate, estates
from analytics.jobs.judged import extents_of
from analytics.jobs.limits import Extents
from analytics.jobs.prices import Books, tariffs_of
from analytics.jobs.stepped import Told
from analytics.rollup import WHOLE
from analytics.tariffs import Tariff
from analytics.totals import Periods
from energy.holidays import EVERY_DAY
from energy.intervals import DAY, DEFAULT_ZONE, Window
from energy.model import CostNote, MeterKind, Scope
from energy.registry import Registry, Snapshot
from energy.series import BoolArray, FloatArray, IntArray
from energy.storage.base import Store
from energy.storage.schema import TOTAL

_EPOCH: Final = date(1970, 1, 1)
_AROUND: Final = 5
"""Days looked at on either side of a bill, to find another reading day."""


@dataclass(frozen=True, slots=True)
class JudgedBill:
    """One bill with what tariff and meters say of it.

    Attributes
    ----------
    meter : str
        The meter billed.
    bill : Bill
        In the canonical unit of the meter's category.
    money : BillAudit
        Billed against tariff x amount and the charges of its months. Not computed where the tariff has bands that only
        readings could tell apart, or charges whose base is unknown or whose months the bill cuts.
    meters : tuple of str
        Meters the amount is compared with: itself if it is read, else the mains that measure the same, with what the
        bill holds of others beside them, else those read directly below it.
    amount : MeterAgainstBill or None
        None where no such meter is.
    """

    meter: str
    bill: Bill
    money: BillAudit
    meters: tuple[str, ...]
    amount: MeterAgainstBill | None

    @property
    def needs_explanation(self) -> bool:
        """Whether money or amount differ by more than the tolerance, as far as they could be compared."""
        differs = self.amount is not None and self.amount.cause not in (Cause.WITHIN, Cause.INCOMPLETE)
        return differs or self.money.is_within is False

    @property
    def words(self) -> tuple[str, str]:
        """What is to be said of the bill, Chinese and English."""
        parts = [MONEY_WORDS[self.money.is_within]]
        if self.amount is not None:
            parts.append(CAUSE_WORDS[self.amount.cause])
        return "；".join(zh for zh, _ in parts), "; ".join(en for _, en in parts)


def judged_bills(
    store: Store, registry: Registry, snapshot: Snapshot, institution: str, *, zone: str = DEFAULT_ZONE
) -> list[JudgedBill]:
    """Every bill of an institution whose amount can be converted, by meter and first day.

    Parameters
    ----------
    store : Store
        Totals and intervals.
    registry : Registry
        Bills and tariffs.
    snapshot : Snapshot
        Meters.
    institution : str
        Whose bills.
    zone : str
        Time zone where its sites name none.
    """
    (estate,) = estates(snapshot, [institution], zone, calorific=registry.calorific_values.rows())
    place = {meter.id: i for i, meter in enumerate(estate.meters)}
    rows = registry.bills.rows(meter=sorted(place)) if place else []
    told_of = [(row.meter, bill_of(row, estate.meters[place[row.meter]], estate)) for row in rows]
    bills = [(name, bill) for name, bill in told_of if bill is not None]
    if not bills:
        return []
    days = _days_around([bill for _, bill in bills])
    amount = _amounts(store, estate, days)
    read = extents_of(store, list(place))
    billed = {name for name, _ in bills}
    told = {
        name: paid
        for name, paid in tariffs_of(registry, estate).items()
        if name in billed and _is_told(paid.versions, is_read=name in read)
    }
    books = Books(store, estate, told)
    cost = day_costs(books, _whole_days(amount), days)
    charges = _Charges.of(books, days)
    found = []
    for name, bill in bills:
        inside, own = (days >= bill.first_day) & (days < bill.end_day), place[name]
        energy = _scaled(float(cost[own, inside].sum()), bill, float(amount[own, inside].sum()))
        computed = energy + charges.between(own, bill)
        others = _counterparts(estate, name, read)
        daily = amount[[place[other] for other in others]].sum(axis=0)  # one unknown part: unknown
        against = against_meter(bill, daily, int(days[0])) if others else None
        found.append(JudgedBill(name, bill, audit(bill, computed), others, against))
    return found


def _whole_days(amount: FloatArray) -> Told:
    """Days as a bill is judged by: wholly known, or not at all."""
    missing = np.where(np.isnan(amount), float(DAY), 0.0)
    return Told(amount, missing, lambda _first, _end: np.full(len(amount), np.nan))


def _scaled(cost: float, bill: Bill, amount: float) -> float:
    """Cost of what was billed, where the meter says another amount."""
    if bill.amount == 0:
        return 0.0
    return cost * bill.amount / amount if amount else math.nan


def _is_told(versions: tuple[Tariff, ...], *, is_read: bool) -> bool:
    """Whether amount and days give the money of the energy."""
    has_bands = any(price.days != EVERY_DAY or price.hours != ((0, 1440),) for v in versions for price in v.prices)
    return is_read or not has_bands


@dataclass(frozen=True, slots=True, eq=False)
class _Charges:
    """Charges of the months around the bills, shape (n_meters, n_months), and which meters have any."""

    months: Periods
    yuan: FloatArray
    has_any: BoolArray

    @classmethod
    def of(cls, books: Books, days: IntArray) -> Self:
        estate, paid = books.estate, books.paid
        edges = estate.calendar.day_start(np.array([days[0], days[-1] + 1]))
        months = Periods.covering(estate.calendar, Window(int(edges[0]), int(edges[1])), "month")
        every = np.ones(len(months), np.bool_)
        yuan, note = month_charges(books, months, every, int(months.edges[-1]))
        yuan = np.where(note == CostNote.NONE, yuan, np.nan)  # a bound says nothing of a bill
        has_any = [m.id in paid and any(v.has_charges for v in paid[m.id].versions) for m in estate.meters]
        return cls(months, yuan, np.array(has_any, np.bool_))

    def between(self, meter: int, bill: Bill) -> float:
        """Charges of a bill; NaN where it does not begin and end with a month."""
        if not self.has_any[meter]:
            return 0.0
        first, end = np.searchsorted(self.months.days, (bill.first_day, bill.end_day)).tolist()
        if self.months.days[first] != bill.first_day or self.months.days[end] != bill.end_day:
            return math.nan
        return float(self.yuan[meter, first:end].sum())


def _counterparts(estate: Estate, name: str, read: Extents) -> tuple[str, ...]:
    """Meters whose readings say what the bill should."""
    if name in read:
        return (name,)
    place = next(i for i, meter in enumerate(estate.meters) if meter.id == name)
    meter = estate.meters[place]
    for pair in estate.twins:
        if place in pair.accounts:
            mains = tuple(estate.meters[i].id for i in pair.mains if estate.meters[i].id in read)
            let = tuple(estate.meters[i].id for i in pair.let)
            # Nobody knows which of two accounts a main measures.
            return (*mains, *let) if mains and len(pair.accounts) == 1 else ()
    return tuple(
        m.id
        for m in estate.meters
        if m.parent == name and m.category is meter.category and m.kind is MeterKind.PHYSICAL and m.id in read
    )


def _days_around(bills: Sequence[Bill]) -> IntArray:
    """Days of the bills and some around them, from the first of the year on: tiers count from there."""
    first = _EPOCH + timedelta(days=min(bill.first_day for bill in bills) - _AROUND)
    start = (date(first.year, 1, 1) - _EPOCH).days
    return np.arange(start, max(bill.end_day for bill in bills) + _AROUND, dtype=np.int64)


def _amounts(store: Store, estate: Estate, days: IntArray) -> FloatArray:
    """Use of each meter's days, shape (n_meters, n_days); NaN where it is not wholly known."""
    edges = estate.calendar.day_start(np.array([days[0], days[-1] + 1]))
    names = [meter.id for meter in estate.meters]
    where = {"scope": [Scope.METER.value], "id": names, "period": ["day"], "item": [WHOLE]}
    rows = store.results(TOTAL.name, where=where, start=int(edges[0]), end=int(edges[1]), fields=("amount", "coverage"))
    out = np.full((len(names), len(days)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    at = np.array([place[name] for name in rows.tags["id"]], np.int64)
    amount = np.asarray(rows.fields["amount"], np.float64)
    complete = np.nan_to_num(np.asarray(rows.fields["coverage"], np.float64)) >= 1 - 1e-6
    out[at, estate.calendar.day_number(rows.time) - days[0]] = np.where(complete, amount, np.nan)
    return out
